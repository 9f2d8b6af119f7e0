"""The demo routes, which err on purpose, through the gateway: each comes out strict."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chat.api.gateway.conftest import Door
from tests.chat.api.gateway.strict import Streamed, read_stream

CALCULATE = {
    "type": "function",
    "function": {
        "name": "calculate",
        "description": "What an arithmetic expression comes to.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    },
}
WHAT = [{"role": "user", "content": "What is 17 * 23?"}]


def streamed(door: Door, route: str, **more: Any) -> Streamed:
    answered = door.post(model=route, messages=WHAT, stream=True, **more)
    assert answered.status_code == 200, answered.text
    return read_stream(answered.content)


@pytest.mark.parametrize("route", ["demo", "demo-sloppy", "demo-merged-index", "demo-json-text"])
def test_calls_are_handed_over_and_run_here(door: Door, route: str) -> None:
    found = streamed(door, route, tools=[CALCULATE])
    assert [call["function"]["name"] for call in found.calls] == ["calculate"]
    assert found.finish_reason == "tool_calls"
    found = streamed(door, route, toolbench={"tools": ["calculate"]})
    assert "391" in found.content
    assert found.calls == []
    assert found.extension is not None
    assert [call["status"] for call in found.extension["tool_calls"]] == ["ok"]


def test_an_answer_that_breaks_off_ends_with_an_error(door: Door) -> None:
    found = streamed(door, "demo-breaks-off")
    assert found.error is not None
    assert found.error["code"] == "upstream_failed"


def test_a_server_that_fails_at_first_is_asked_again_or_told_of_strictly(door: Door) -> None:
    answered = door.post(model="demo-fails", messages=WHAT, stream=True)
    if answered.status_code == 200:
        found = read_stream(answered.content)
        assert found.error is not None or found.content
    else:
        assert answered.json()["error"]["code"].startswith("upstream_")
