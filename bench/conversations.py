"""Long conversations put straight into the database, and how many queries their page takes."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Message, ModelRoute, Stage, StageEvent

BATCH = 500
TEXT = "A sentence of some length, so that a message is as long as messages are. " * 3


def store(lengths: list[int]) -> None:
    """Make a conversation of each number of messages; prints their ids by number, as JSON."""
    owner = User.objects.get(username="person-0")
    route = ModelRoute.objects.get(slug="replay")
    print(json.dumps({length: str(_store(owner, route, length)) for length in lengths}))


def count_queries(conversation_ids: list[str]) -> None:
    """Print how many queries the page of each conversation takes, as JSON."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.get(username="person-0"))
    counts = {}
    for conversation_id in conversation_ids:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"/c/{conversation_id}/")
        assert answer.status_code == 200, answer.status_code
        counts[conversation_id] = len(queries)
    print(json.dumps(counts))


def _store(owner: User, route: ModelRoute, length: int) -> str:
    """A conversation of prompts and answers in turn, each answer by a stage that is done."""
    began = timezone.now() - timedelta(days=1)
    conversation = Conversation.objects.create(owner=owner, title=f"{length} messages")
    messages: list[Message] = []
    stages: list[Stage] = []
    for number in range(length):
        at = began + timedelta(seconds=number)
        message = Message(
            conversation=conversation,
            parent=messages[-1] if messages else None,
            role=Message.Role.USER,
            content=f"{number}. {TEXT}",
            created_at=at,
        )
        if number % 2:
            stage = Stage(
                conversation=conversation,
                owner=owner,
                request_id=uuid4(),
                request_digest="0" * 64,
                mode=Stage.Mode.CHAT,
                status=Stage.Status.DONE,
                route=route,
                model=route.upstream_model,
                prompt_message=messages[-1],
                message_id_reserved=message.pk,
                created_at=at,
                ended_at=at,
            )
            stages.append(stage)
            message.role, message.stage = Message.Role.ASSISTANT, stage
            message.turns = [{"round": 1, "phase": "chat", "content": message.content, "calls": []}]
        messages.append(message)
    # A prompt is there before its stage, and the stage before its answer.
    prompts = [message for message in messages if message.stage is None]
    for message in prompts:
        message.parent_id, message.parent = None, None
    Message.objects.bulk_create(prompts, BATCH)
    Stage.objects.bulk_create(stages, BATCH)
    Message.objects.bulk_create([m for m in messages if m.stage is not None], BATCH)
    for before, message in pairwise(messages):
        if message.stage is None:
            message.parent = before
    Message.objects.bulk_update(prompts[1:], ["parent"], BATCH)
    StageEvent.objects.bulk_create(
        [
            StageEvent(stage=stage, sequence_number=at, ts=stage.created_at, event=name, data="{}")
            for stage in stages
            for at, name in enumerate(("stage_started", "chat_completion_chunk", "done"), 1)
        ],
        BATCH,
    )
    return str(conversation.pk)
