"""What the model said in each request of a stage, its text as sanitised blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe

from chat.models import Message
from chat.pages import figures
from chat.rendering import render_blocks

_RENDERED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Saying:
    """What the model said in one request: its reasoning, and its text as sanitised blocks."""

    round: int
    phase: str
    reasoning: str
    reasoning_words: str
    blocks: tuple[SafeString, ...]
    is_answer: bool


def sayings_of(answer: Message) -> tuple[Saying, ...]:
    """The answer request by request; the rendered blocks are safe to show."""
    turns: list[dict[str, Any]] = [
        turn for turn in answer.turns if turn.get("content") or turn.get("reasoning")
    ]
    if not turns and (answer.content or answer.reasoning):
        turns = [{"content": answer.content, "reasoning": answer.reasoning}]
    # The answer is the text of the last phase that has any, all its rounds together.
    last = next((turn.get("phase") for turn in reversed(turns) if turn.get("content")), None)
    return tuple(
        Saying(
            round=int(turn.get("round", 1)),
            phase=str(turn.get("phase", "chat")),
            reasoning=turn.get("reasoning") or "",
            reasoning_words=figures.words(turn.get("reasoning") or ""),
            blocks=_blocks(f"{answer.id}-{place}", turn.get("content") or ""),
            is_answer=turn.get("phase") == last,
        )
        for place, turn in enumerate(turns)
    )


def _blocks(key: str, text: str) -> tuple[SafeString, ...]:
    # An answer is written once and never changes, so its rendering can be kept.
    name = f"chat.answer.{key}"
    blocks: tuple[str, ...] | None = cache.get(name)
    if blocks is None:
        blocks = render_blocks(text)
        cache.set(name, blocks, _RENDERED_SECONDS)
    # What render_blocks gives has been sanitised.
    return tuple(mark_safe(block) for block in blocks)  # noqa: S308
