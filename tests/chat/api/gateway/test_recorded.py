"""Recorded answers of real servers through the gateway: each comes out strict.

Every tenth; TOOLBENCH_RECORDED=all takes every one.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from bench.corpus_files import CORPUS, Recording, recordings
from tests.chat.api.gateway.conftest import Door
from tests.chat.api.gateway.strict import Streamed, read_stream, read_whole
from tests.replay import Script, Send, whole

if not CORPUS.is_dir():
    pytest.skip("corpus: the recorded answers are not here.", allow_module_level=True)

RECORDED = list(recordings())[:: 1 if os.environ.get("TOOLBENCH_RECORDED") == "all" else 10]


def script(recording: Recording) -> Script:
    data = recording.capture.data
    return Script(steps=(Send(data),)) if recording.is_stream else whole(data)


def tools_of(recording: Recording) -> list[dict[str, Any]]:
    """What the recorded request offered; what it called all the same is offered, too."""
    offered = dict(recording.capture.tools or {})
    for call in recording.expect["tool_calls"]:
        offered.setdefault(call["name"], {})
    return [
        {
            "type": "function",
            "function": {"name": name, "parameters": {"type": "object", **schema}},
        }
        for name, schema in offered.items()
    ]


def said(streamed: Streamed) -> tuple[Any, ...]:
    calls = [call["function"] for call in streamed.calls]
    return streamed.content, streamed.reasoning, calls, streamed.finish_reason


def check_against_recording(recording: Recording, streamed: Streamed) -> None:
    """Nothing is lost on the way: the text, and the calls with the values of their arguments."""
    expect = recording.expect
    calls = [call["function"] for call in streamed.calls]
    assert all(isinstance(json.loads(call["arguments"]), dict) for call in calls)
    if {"think_tags", "calls_in_text", "content_object"} & expect.keys():
        return
    assert streamed.content.strip() == (expect["text"] or expect.get("refusal") or "").strip()
    called = expect["tool_calls"]
    if streamed.finish_reason == "length" and len(called) == len(calls) + 1:
        # Half a call is not sent.
        called = called[:-1]
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        (call["name"], call["arguments"] or {}) for call in called
    ]


@pytest.mark.parametrize("recording", RECORDED, ids=lambda one: one.capture.id)
def test_a_recorded_answer_comes_out_strict_streamed_and_whole(
    door: Door, recording: Recording
) -> None:
    door.answers(script(recording))
    tools = tools_of(recording)
    answered = door.post(stream=True, tools=tools)
    entire = door.post(tools=tools)
    if answered.status_code != 200:
        assert recording.expect.get("errors"), answered.text
        assert answered.status_code == entire.status_code
        assert answered.json()["error"]["message"]
        return
    streamed = read_stream(answered.content)
    if streamed.error is not None:
        assert entire.status_code >= 400
        return
    check_against_recording(recording, streamed)
    message = read_whole(entire.content)
    choice = entire.json()["choices"][0]
    calls = [call["function"] for call in message.get("tool_calls", ())]
    reasoning = message.get("reasoning_content", "")
    found = (message["content"] or "", reasoning, calls, choice["finish_reason"])
    assert found == said(streamed)
