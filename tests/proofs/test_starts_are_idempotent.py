"""The same start sent twice, one after the other and at once, starts one stage."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from bench.promises import faults_of
from bench.rig import ROUTE, Rig

pytestmark = pytest.mark.slow

AT_ONCE = 6


def body(prompt: str = "text 10 100", **more: Any) -> dict[str, Any]:
    """A start with a request_id of its own."""
    return {
        "request_id": str(uuid.uuid4()),
        "mode": "chat",
        "prompt": prompt,
        "model_route": ROUTE,
        **more,
    }


async def test_the_same_request_twice_is_one_stage(rig: Rig) -> None:
    start = body()
    async with rig.client() as first, rig.client() as second:
        accepted = await first.start(**start)
        told = await first.until_end(accepted["stage_id"])
        again = await second.start(**start)
        assert again == accepted
        assert await second.until_end(accepted["stage_id"]) == told
    assert len(rig.database.stages()) == 1


async def test_the_same_request_on_many_sockets_at_once_is_one_stage(rig: Rig) -> None:
    start = body()
    clients = [rig.client() for _ in range(AT_ONCE)]
    for client in clients:
        await client.__aenter__()
    try:
        answers = await asyncio.gather(*(client.start(**start) for client in clients))
        assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1, answers
        stage_id = answers[0]["stage_id"]
        told = await asyncio.gather(*(client.until_end(stage_id) for client in clients))
    finally:
        for client in clients:
            await client.__aexit__()
    assert all(folded == told[0] for folded in told)
    assert len(rig.replay.completions) == 1
    (stage,) = rig.database.stages()
    assert faults_of(stage) == []


async def test_many_different_starts_at_once_in_one_conversation_are_one_stage(rig: Rig) -> None:
    async with rig.client() as client:
        accepted = await client.start(**body())
        await client.until_end(accepted["stage_id"])
    conversation = accepted["conversation_id"]
    clients = [rig.client() for _ in range(AT_ONCE)]
    for client in clients:
        await client.__aenter__()
    try:
        starts = [body("text 40 40", conversation_id=conversation) for _ in clients]
        pairs = zip(clients, starts, strict=True)
        answers = await asyncio.gather(*(client.start(**start) for client, start in pairs))
    finally:
        for client in clients:
            await client.__aexit__()
    taken = [answer for answer in answers if answer["type"] == "accepted"]
    busy = [answer for answer in answers if answer.get("code") == "conversation_busy"]
    assert (len(taken), len(busy)) == (1, AT_ONCE - 1), answers
    assert {answer["stage_id"] for answer in busy} == {taken[0]["stage_id"]}


async def test_a_request_id_used_for_another_body_is_refused(rig: Rig) -> None:
    start = body()
    async with rig.client() as client:
        accepted = await client.start(**start)
        refused = await client.start(**{**start, "prompt": "text 11 100"})
        assert (refused["type"], refused["code"]) == ("rejected", "request_id_reused")
        assert refused["request_id"] == start["request_id"]
        told = await client.until_end(accepted["stage_id"])
    assert told.names[-1] == "done"
    assert len(rig.database.stages()) == 1
