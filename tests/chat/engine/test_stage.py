"""The six modes against scripted turns: what is asked, what is told, and how a stage ends."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from chat.engine.completions import (
    Delta,
    FinishDelta,
    ReasoningDelta,
    RepairDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from chat.engine.errors import UpstreamFailed
from chat.engine.events import (
    ChatCompletionChunk,
    Deciding,
    Done,
    ErrorEvent,
    Event,
    RepairEvent,
    ToolCallEvent,
    ToolCompletionChunk,
    ToolResultEvent,
    ToolSummary,
    UsageEvent,
)
from chat.engine.messages import ChatMessage
from chat.engine.stage import StageEngine
from tests.chat.engine.scripted_client import ScriptedClient
from tests.chat.engine.stages import (
    MESSAGE,
    PROMPT,
    Tools,
    asks,
    collect,
    folded,
    run_stage,
    says,
    stage_request,
)

Turn = list[Sequence[Delta] | Exception]

ECHO = ("echo", '{"text": "hi"}')


def names(events: list[Event]) -> list[str]:
    return [event.event for event in events]


def only(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def ending(events: list[Event]) -> Any:
    assert [e.event for e in events if e.event in ("done", "error", "cancel")] == [events[-1].event]
    return events[-1]


async def test_chat_streams_each_batch_and_is_done() -> None:
    request = stage_request(mode="chat", synthesis=False, queued_ms=7, system_prompt="Be brief.")
    events, [sent], client = await run_stage(
        request,
        [
            [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo")],
            [TextDelta(" you 🌱"), FinishDelta("stop", "eos"), UsageDelta(3, 2, 5, 1)],
        ],
    )
    assert events[:-1] == [
        ChatCompletionChunk(phase="chat", round=1, content="Hello", reasoning="hm"),
        ChatCompletionChunk(phase="chat", round=1, content=" you 🌱"),
        UsageEvent(
            round=1,
            phase="chat",
            input_tokens=3,
            output_tokens=2,
            reasoning_tokens=1,
            total_tokens=5,
        ),
    ]
    done = ending(events)
    assert isinstance(done, Done)
    assert done.finish_reason == "stop"
    assert done.message_id == MESSAGE
    assert done.content_length == 11
    assert done.content_sha256 == hashlib.sha256("Hello you 🌱".encode()).hexdigest()
    assert done.timings.queued_ms == 7
    assert done.timings.first_token_ms is not None
    [asked] = client.requests
    assert [m.as_request() for m in asked.messages] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?"},
    ]
    assert asked.tools == ()
    assert sent.messages == ({"role": "system", "content": "Be brief."}, {"message_id": "m1"})
    assert sent.tools == ()


async def test_reasoning_after_text_in_one_read_stays_after_it() -> None:
    events, _, _ = await run_stage(
        stage_request(mode="chat", synthesis=False),
        [[TextDelta("x"), ReasoningDelta("b"), TextDelta("c"), FinishDelta("stop", "stop")]],
    )
    assert events[:-1] == [
        ChatCompletionChunk(phase="chat", round=1, content="x"),
        ChatCompletionChunk(phase="chat", round=1, content="c", reasoning="b"),
    ]


async def test_an_empty_answer_is_done_without_a_first_token() -> None:
    events, _, _ = await run_stage(stage_request(mode="chat", synthesis=False), says())
    done = ending(events)
    assert (names(events), done.content_length) == (["done"], 0)
    assert done.timings.first_token_ms is None


async def test_whole_chat_comes_in_one_chunk() -> None:
    request = stage_request(mode="chat", synthesis=False, stream=False)
    turn: Turn = [
        [ReasoningDelta("a")],
        [TextDelta("b")],
        [ReasoningDelta("c")],
        [TextDelta("d"), FinishDelta("stop", "stop")],
    ]
    events, _, _ = await run_stage(request, turn)
    assert names(events) == ["chat_completion_chunk", "done"]
    assert (events[0].content, events[0].reasoning) == ("bd", "ac")  # type: ignore[union-attr]


async def test_a_toolchain_with_synthesis_asks_calls_and_answers() -> None:
    request = stage_request(system_prompt="Be brief.", temperature=(0.1, 0.9), max_tokens=(10, 20))
    events, sent, client = await run_stage(
        request, asks(ECHO, text="Let me see."), says("It is ", "hi.")
    )
    assert names(events) == [
        "chat_completion_chunk",
        "tool_completion_chunk",
        "tool_completion_chunk",
        "tool_call",
        "tool_result",
        "tool_summary",
        "chat_completion_chunk",
        "chat_completion_chunk",
        "done",
    ]
    [call] = only(events, ToolCallEvent)
    assert (call.call_id, call.upstream_id, call.tool) == ("up0", "up0", "echo")
    assert (call.arguments, call.raw_arguments, call.valid) == ({"text": "hi"}, ECHO[1], True)
    assert call.origin == "native"
    [summary] = only(events, ToolSummary)
    assert summary.tool_summary == {"up0": "echo hi"}
    done = ending(events)
    assert done.content_sha256 == hashlib.sha256(b"It is hi.").hexdigest()
    first, second = client.requests
    assert first.messages[0].content == "Be brief.\n\nEcho well."
    assert [t["function"]["name"] for t in first.tools] == ["echo", "fail", "slow"]
    assert (first.tool_choice, first.temperature, first.max_tokens) == ("auto", 0.1, 10)
    assert (second.tools, second.tool_choice) == ((), None)
    assert (second.temperature, second.max_tokens) == (0.9, 20)
    assert [m.as_request() for m in second.messages] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": "up0",
                    "type": "function",
                    "function": {"name": "echo", "arguments": ECHO[1]},
                }
            ],
        },
        {"role": "tool", "content": "echo hi", "tool_call_id": "up0"},
    ]
    assert [s.phase for s in sent] == ["tools", "synthesis"]
    assert sent[1].messages[2:] == (
        {"stage_round": 1, "role": "assistant"},
        {"stage_round": 1, "role": "tool", "call_id": "up0"},
    )


async def test_tools_without_synthesis_are_done_after_the_summary() -> None:
    events, _, client = await run_stage(
        stage_request(synthesis=False), asks(ECHO, ("fail", "{}"), ("echo", '{"text": 5}'))
    )
    assert ending(events).event == "done"
    assert {r.call_id: r.status for r in only(events, ToolResultEvent)} == {
        "up0": "ok",
        "up1": "error",
        "up2": "invalid",
    }
    [summary] = only(events, ToolSummary)
    assert list(summary.tool_summary) == ["up0", "up1", "up2"]
    assert "The oracle is silent." in summary.tool_summary["up1"]
    assert len(client.requests) == 1


async def test_two_calls_of_one_tool_keep_both_results() -> None:
    events, _, _ = await run_stage(
        stage_request(synthesis=False), asks(ECHO, ("echo", '{"text": "ho"}'))
    )
    [summary] = only(events, ToolSummary)
    assert summary.tool_summary == {"up0": "echo hi", "up1": "echo ho"}


async def test_whole_tool_stages_tell_no_deltas_of_calls() -> None:
    events, _, _ = await run_stage(
        stage_request(stream=False), asks(ECHO, text="See."), says("It ", "is.")
    )
    assert names(events) == [
        "chat_completion_chunk",
        "tool_call",
        "tool_result",
        "tool_summary",
        "chat_completion_chunk",
        "done",
    ]


async def test_no_call_with_synthesis_makes_the_text_the_answer() -> None:
    events, _, client = await run_stage(stage_request(), says("Just so."))
    assert names(events) == ["chat_completion_chunk", "done"]
    assert len(client.requests) == 1


async def test_no_call_without_synthesis_keeps_the_text_and_fails() -> None:
    events, _, _ = await run_stage(stage_request(synthesis=False), says("Just so."))
    assert names(events) == ["chat_completion_chunk", "error"]
    assert ending(events).code == "no_tool_calls"


async def test_only_invalid_calls_without_synthesis_fail_after_the_summary() -> None:
    events, _, _ = await run_stage(
        stage_request(synthesis=False), asks(("echo", "{}"), ("nothing", "{}"))
    )
    assert names(events)[-2:] == ["tool_summary", "error"]
    assert ending(events).code == "invalid_tool_calls"


async def test_only_invalid_calls_with_synthesis_are_answered_by_the_model() -> None:
    events, _, client = await run_stage(stage_request(), asks(("echo", "{}")), says("Sorry."))
    assert ending(events).event == "done"
    assert "“text”" in client.requests[1].messages[-1].content


async def test_further_rounds_see_the_results_of_earlier_ones() -> None:
    events, sent, client = await run_stage(
        stage_request(max_tool_rounds=3),
        asks(ECHO),
        asks(("echo", '{"text": "ho"}')),
        says("Both."),
    )
    assert [(s.phase, s.round) for s in sent] == [("tools", 1), ("tools", 2), ("tools", 3)]
    assert [m.role for m in client.requests[2].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]
    second = only(events, ToolCallEvent)[1]
    assert second.upstream_id == "up0"
    assert second.call_id != "up0"
    assert ending(events).event == "done"


async def test_the_last_round_is_followed_by_synthesis() -> None:
    events, sent, _ = await run_stage(
        stage_request(max_tool_rounds=2), asks(ECHO), asks(ECHO), says("Both.")
    )
    assert [(s.phase, s.round) for s in sent] == [("tools", 1), ("tools", 2), ("synthesis", 2)]
    assert ending(events).event == "done"


async def test_a_later_round_without_calls_ends_tools_without_synthesis() -> None:
    events, _, _ = await run_stage(
        stage_request(max_tool_rounds=2, synthesis=False), asks(("echo", "{}")), says("No.")
    )
    assert ending(events).event == "done"


@pytest.mark.parametrize(
    "turn", [asks(ECHO), says('{"name": "echo", ', '"arguments": {"text": "hi"}}')]
)
async def test_calls_in_the_synthesis_are_refused(turn: Any) -> None:
    events, _, _ = await run_stage(stage_request(), asks(ECHO), turn)
    assert ending(events).code == "tool_rounds_exceeded"
    assert len(only(events, ToolCallEvent)) == 1


async def test_a_call_that_nobody_offered_is_left_out_of_a_chat() -> None:
    events, _, _ = await run_stage(
        stage_request(mode="chat", synthesis=False), asks(ECHO, text="Hello.")
    )
    assert names(events) == ["chat_completion_chunk", "repair", "done"]


async def test_a_call_written_as_text_is_held_back_and_run() -> None:
    call = '{"name": "echo", "arguments": {"text": "hi"}}'
    events, _, client = await run_stage(
        stage_request(), says(call[:10], call[10:40], call[40:]), says("It is hi.")
    )
    assert names(events) == [
        "tool_completion_chunk",
        "tool_completion_chunk",
        "tool_completion_chunk",
        "repair",
        "tool_call",
        "tool_result",
        "tool_summary",
        "chat_completion_chunk",
        "done",
    ]
    [told] = only(events, ToolCallEvent)
    assert (told.origin, told.raw_arguments) == ("text:generic_json", '{"text": "hi"}')
    pieces = [piece.arguments for piece in only(events, ToolCompletionChunk)]
    assert "".join(piece or "" for piece in pieces) == told.raw_arguments
    [repair] = only(events, RepairEvent)
    assert (repair.code, repair.raw) == ("text_tool_call:generic_json", call)
    assert client.requests[1].messages[-2].tool_calls[0].call_id == told.call_id


async def test_text_that_only_looks_like_a_call_is_given_out_whole() -> None:
    events, _, _ = await run_stage(stage_request(), says('{"name": "echo", ', '"age": 3}'))
    assert folded(events).content == '{"name": "echo", "age": 3}'
    assert ending(events).event == "done"


async def test_a_call_that_the_server_read_as_well_is_called_once() -> None:
    written = '{"name": "echo", "arguments": {"text": "hi"}}'
    events, _, _ = await run_stage(stage_request(), asks(ECHO, text=written), says("Hi."))
    assert [call.origin for call in only(events, ToolCallEvent)] == ["native"]


async def test_after_a_call_that_the_server_read_calls_stay_text() -> None:
    written = '{"name": "echo", "arguments": {"text": "hi"}}'
    turn: Turn = [
        [ToolCallDelta(0, "a", *ECHO)],
        [TextDelta(written)],
        [FinishDelta("stop", "stop")],
    ]
    events, _, _ = await run_stage(stage_request(), turn, says("Hi."))
    assert [call.origin for call in only(events, ToolCallEvent)] == ["native"]
    assert folded(events).turns[0].content == written


async def test_a_written_call_that_only_the_token_limit_ended_is_never_run() -> None:
    tools = Tools()
    written = "<tool_call>echo<arg_key>text</arg_key><arg_value>hi</arg_value>"
    turn: Turn = [[TextDelta(written)], [FinishDelta("length", "length")]]
    request = stage_request(toolset=tools.toolset(), synthesis=False)
    events, _, _ = await run_stage(request, turn)
    [told] = only(events, ToolCallEvent)
    assert (told.valid, tools.asked) == (False, [])
    assert "Raise the limit" in ending(events).message


async def test_withheld_text_is_told_of_until_it_is_decided() -> None:
    pieces = ('{"name": ', '  "echo",          ', '"arguments": {"text": "hi"}}')
    events, _, _ = await run_stage(stage_request(), says(*pieces), says("It is hi."))
    assert names(events)[:2] == ["deciding", "tool_completion_chunk"]
    assert only(events, Deciding)[0].withheld == len(pieces[0] + pieces[1])


async def test_a_call_in_an_answer_is_refused_and_its_text_kept() -> None:
    written = 'So: <tool_call>{"name": "echo", "arguments": {"text": "hi"}}</tool_call>'
    events, _, _ = await run_stage(stage_request(), asks(ECHO), says(written))
    assert ending(events).code == "tool_rounds_exceeded"
    assert folded(events).content == written


@pytest.mark.parametrize("arguments", ['{"text": "hi', ""])
async def test_a_call_cut_off_at_the_token_limit_is_never_run(arguments: str) -> None:
    tools = Tools()
    events, _, _ = await run_stage(
        stage_request(synthesis=False, toolset=tools.toolset()),
        asks(ECHO, ("slow" if not arguments else "echo", arguments), finish="length"),
    )
    whole, cut = only(events, ToolCallEvent)
    assert whole.valid
    assert not cut.valid
    assert "cut off at the token limit" in cut.errors[0]
    assert tools.asked == ["hi"]
    assert ending(events).finish_reason == "length"


async def test_an_upstream_failure_keeps_the_text_and_is_told() -> None:
    failure = UpstreamFailed("The model server failed.", "HTTP 500")
    for stream in (True, False):
        request = stage_request(mode="chat", synthesis=False, stream=stream)
        events, _, _ = await run_stage(request, [[TextDelta("so far")], failure])
        assert names(events) == ["chat_completion_chunk", "error"]
        assert events[-1] == ErrorEvent(
            code="upstream_failed",
            message="The model server failed.",
            retryable=True,
            detail="HTTP 500",
        )


async def test_a_failure_drops_calls_that_were_not_told_and_keeps_held_text() -> None:
    turn: Turn = [
        [TextDelta('{"name": "ec')],
        [ToolCallDelta(0, "a", "echo", '{"te')],
        UpstreamFailed("The model server failed."),
    ]
    events, _, _ = await run_stage(stage_request(), turn)
    assert names(events) == ["tool_completion_chunk", "chat_completion_chunk", "error"]
    assert folded(events).content == '{"name": "ec'


async def test_a_bug_ends_the_stage_without_its_words_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turn: Turn = [[TextDelta("so far")], RuntimeError("the secret prompt")]
    with caplog.at_level(logging.INFO):
        events, _, _ = await run_stage(stage_request(mode="chat", synthesis=False), turn)
    assert names(events) == ["chat_completion_chunk", "error"]
    assert ending(events).code == "internal"
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text + repr(events)


async def test_a_bug_while_tools_run_closes_their_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Exception):
        pass

    tools = Tools()
    toolset = tools.toolset()
    engine = StageEngine(stage_request(toolset=toolset), ScriptedClient([asks(("slow", "{}"))]))
    events: list[Any] = []
    steps = engine.run()
    async for outcome in steps:
        events.append(outcome)
        if isinstance(outcome, ToolCallEvent):
            # The generator takes an exception thrown at it as it would one of its own.
            events.append(await steps.athrow(Failing()))
            break
    events += [outcome async for outcome in steps]
    assert [e.event for e in events[-2:]] == ["tool_result", "error"]
    assert events[-2].status == "error"


async def test_repairs_are_told_once_in_their_place() -> None:
    repair = RepairDelta("nul_replaced", "A NUL character was replaced by U+FFFD.")
    events, _, _ = await run_stage(
        stage_request(mode="chat", synthesis=False),
        [[TextDelta("x"), repair, TextDelta("b")], [repair, FinishDelta("stop", "stop")]],
    )
    assert names(events) == ["chat_completion_chunk", "repair", "chat_completion_chunk", "done"]
    assert only(events, RepairEvent)[0].code == "nul_replaced"


async def test_a_long_text_is_told_in_events_that_fit() -> None:
    text = "🌱" * 40_000
    events, _, _ = await run_stage(
        stage_request(mode="chat", synthesis=False, stream=False), says(text)
    )
    chunks = only(events, ChatCompletionChunk)
    assert all(len(chunk.content.encode()) <= 65_536 for chunk in chunks)
    assert "".join(chunk.content for chunk in chunks) == text
    assert ending(events).content_length == 40_000


async def test_history_is_trimmed_and_the_prompt_stays() -> None:
    old = [ChatMessage("user", "x" * 400), ChatMessage("assistant", "y" * 400)]
    request = stage_request(mode="chat", synthesis=False, history=(*old, PROMPT), context_budget=60)
    _, _, client = await run_stage(request, says("ok"))
    assert client.requests[0].messages == (PROMPT,)


async def test_used_call_ids_are_not_given_again() -> None:
    events, _, _ = await run_stage(
        stage_request(synthesis=False, used_call_ids=frozenset({"up0"})), asks(ECHO)
    )
    [call] = only(events, ToolCallEvent)
    assert call.upstream_id == "up0"
    assert call.call_id.startswith("call_")


async def test_deltas_of_a_call_join_to_its_raw_arguments() -> None:
    events, _, _ = await run_stage(stage_request(synthesis=False), asks(ECHO, ECHO))
    for position, call in enumerate(only(events, ToolCallEvent)):
        deltas = [d for d in only(events, ToolCompletionChunk) if d.index == position]
        assert {delta.call_id for delta in deltas} == {call.call_id}
        assert deltas[0].tool == "echo"
        assert "".join(delta.arguments or "" for delta in deltas) == call.raw_arguments


async def test_a_cancel_closes_the_upstream_and_gives_back_what_was_withheld() -> None:
    request = stage_request(mode="chat", synthesis=False, stream=False)
    client = ScriptedClient([says("so ", "far", "never")], hold_at=2)
    engine = StageEngine(request, client)
    task = asyncio.create_task(collect(engine))
    await client.held.wait()
    assert engine.request_open
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.open == 0
    assert not engine.request_open
    assert engine.withheld() == [ChatCompletionChunk(phase="chat", round=1, content="so far")]
    assert engine.withheld() == []


async def test_a_cancel_while_a_tool_runs_cancels_the_tool() -> None:
    tools = Tools()
    engine = StageEngine(
        stage_request(toolset=tools.toolset()), ScriptedClient([asks(("slow", "{}"))])
    )
    task = asyncio.create_task(collect(engine))
    await tools.begun.wait()
    assert not engine.request_open
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tools.cancelled
    assert engine.withheld() == []
