"""Which of a conversation's messages and stages make up the branch that is shown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat.models import Conversation, Message, Stage


@dataclass(frozen=True, slots=True)
class Node:
    """A user message, or a stage that answers one; both are found by `key`."""

    key: UUID
    parent: UUID | None
    is_stage: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """Where a node stands among its alternatives; `previous` and `next` are keys to link to."""

    position: int
    total: int
    previous: UUID | None
    next: UUID | None


class Tree:
    """A conversation's nodes without any text: two light queries, whatever its length.

    An assistant message is folded into the stage that wrote it: a user message's parent is the
    stage whose answer it follows.
    """

    def __init__(self, nodes: list[Node], message_of: dict[UUID, UUID]) -> None:
        self.nodes = {node.key: node for node in nodes}
        self._by_message = {message: stage for stage, message in message_of.items()}
        self._children: defaultdict[UUID | None, list[Node]] = defaultdict(list)
        for node in sorted(nodes, key=lambda node: node.created_at):
            self._children[node.parent].append(node)

    @classmethod
    def of(cls, conversation: Conversation) -> Tree:
        """The tree of a stored conversation."""
        messages = list(
            Message.objects.filter(conversation=conversation)
            .exclude(role__in=(Message.Role.SYSTEM, Message.Role.TOOL))
            .order_by("created_at")
            .values_list("id", "parent_id", "role", "stage_id", "created_at")
        )
        stages = Stage.objects.filter(conversation=conversation).values_list(
            "id", "prompt_message_id", "created_at"
        )
        message_of = {stage: key for key, _, _, stage, _ in messages if stage is not None}
        written_by = {message: stage for stage, message in message_of.items()}
        nodes = [
            Node(key, written_by.get(parent, parent) if parent else None, False, created_at)
            for key, parent, role, _, created_at in messages
            if role == Message.Role.USER
        ]
        asked_at = {node.key: node.created_at for node in nodes}
        # A stage is never older than its prompt, though both are written within a millisecond.
        nodes += [
            Node(key, prompt, True, max(created_at, asked_at.get(prompt, created_at)))
            for key, prompt, created_at in stages
        ]
        return cls(nodes, message_of)

    def branch(self, leaf: UUID | None = None) -> list[Node]:
        """From the first message to the newest descendant of `leaf`, or to the newest node."""
        node = self.nodes.get(self._by_message.get(leaf, leaf)) if leaf else None
        if node is None:
            node = max(self.nodes.values(), key=lambda node: node.created_at, default=None)
            if node is None:
                return []
        node = self._newest_below(node)
        path: list[Node] = []
        seen: set[UUID] = set()
        while node is not None and node.key not in seen:
            path.append(node)
            seen.add(node.key)
            node = self.nodes.get(node.parent) if node.parent else None
        return path[::-1]

    def versions(self, node: Node) -> Versions | None:
        """The alternatives of a node; None where there is just one."""
        siblings = [
            other.key for other in self._children[node.parent] if other.is_stage == node.is_stage
        ]
        if len(siblings) < 2:
            return None
        place = siblings.index(node.key)
        return Versions(
            position=place + 1,
            total=len(siblings),
            previous=siblings[place - 1] if place else None,
            next=siblings[place + 1] if place + 1 < len(siblings) else None,
        )

    def _newest_below(self, node: Node) -> Node:
        newest, seen, below = node, {node.key}, [node]
        while below:
            for child in self._children[below.pop().key]:
                if child.key not in seen:
                    seen.add(child.key)
                    below.append(child)
                    if child.created_at >= newest.created_at:
                        newest = child
        return newest
