"""Calls with broken arguments in a stage: mended, told, run, and sent on; never where they were
cut."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chat.engine.events import Event, RepairEvent, ToolCallEvent, parse_event
from chat.engine.fold import history_messages
from chat.engine.stage import StageEngine
from chat.engine.tool_calls.calls import AssembledCall
from chat.engine.tool_round import (
    CUT_OFF,
    MendedCall,
    call_event,
    check_calls,
    mending_event,
    no_valid_call,
    round_messages,
)
from tests.chat.engine.scripted_client import ROUTE, ScriptedClient
from tests.chat.engine.stages import Tools, asks, collect, folded, run_stage, says, stage_request

BROKEN = "{'text': 'hi',}"
CALL = AssembledCall("c1", None, "echo", BROKEN, repairs=("tool_id_missing",))


def calls_of(events: list[Event]) -> list[ToolCallEvent]:
    return [event for event in events if isinstance(event, ToolCallEvent)]


async def test_a_call_with_broken_arguments_is_mended_told_and_run() -> None:
    tools = Tools()
    events, _, _ = await run_stage(
        stage_request(toolset=tools.toolset()), asks(("echo", BROKEN)), says("It is hi.")
    )
    names = [event.event for event in events]
    assert names.index("repair") < names.index("tool_call")
    (call,) = calls_of(events)
    assert (call.valid, call.arguments, call.raw_arguments) == (True, {"text": "hi"}, BROKEN)
    assert call.repairs == ("args_repaired_json",)
    assert call.was == {"text": "'hi'"}
    assert tools.asked == ["hi"]
    (repair,) = [event for event in events if isinstance(event, RepairEvent)]
    assert (repair.code, repair.round, repair.phase) == ("args_repaired_json", 1, "tools")
    assert repair.raw == BROKEN
    assert "echo" in repair.detail


async def test_the_routes_key_is_struck_from_what_is_told() -> None:
    raw = "{'text': 'sk-secret-0123456789',}"
    client = ScriptedClient(
        [asks(("echo", raw)), says("Done.")], route=replace(ROUTE, api_key="sk-secret-0123456789")
    )
    events, _ = await collect(StageEngine(stage_request(), client))
    (repair,) = [event for event in events if isinstance(event, RepairEvent)]
    assert repair.raw == "{'text': '[key removed]',}"


@pytest.mark.parametrize("finish", ["length", "stop"])
def test_a_call_that_was_cut_off_is_never_mended(finish: str) -> None:
    toolset = Tools().toolset()
    call = CALL if finish == "length" else replace(CALL, complete=False)
    (checked,) = check_calls(toolset, [call], finish)
    assert not checked.valid
    assert mending_event(1, call, checked) is None
    assert call_event(1, call, checked).repairs == ("tool_id_missing",)


def test_arguments_that_were_cut_at_our_own_limit_are_not_mended() -> None:
    call = replace(CALL, repairs=("args_cut",))
    (checked,) = check_calls(Tools().toolset(), [call], "tool_calls")
    assert not checked.valid


def test_a_missing_brace_is_mended_only_where_the_server_says_that_all_was_said() -> None:
    call = replace(CALL, raw_arguments='{"text": "hi"')
    toolset = Tools().toolset()
    assert check_calls(toolset, [call], "tool_calls")[0].valid
    assert not check_calls(toolset, [call], None)[0].valid


def test_unknown_tools_and_valid_calls_are_left_as_they_are() -> None:
    toolset = Tools().toolset()
    unknown, valid = check_calls(
        toolset,
        [replace(CALL, tool="echoes"), replace(CALL, raw_arguments='{"text": "hi"}')],
        "tool_calls",
    )
    assert not unknown.valid
    assert not isinstance(valid, MendedCall)
    assert call_event(1, CALL, valid).was is None


def test_servers_are_sent_the_mended_arguments() -> None:
    checked = check_calls(Tools().toolset(), [CALL], "tool_calls")
    told = call_event(1, CALL, checked[0])
    [asked, _] = round_messages(1, "", [CALL], {"c1": "echo hi"}, checked)
    again = parse_event("tool_call", told.data())
    [later, _] = history_messages(folded([again]).turns_record(), {"c1": "echo hi"})
    for message in (asked, later):
        (sent,) = message.as_request()["tool_calls"]
        assert json.loads(sent["function"]["arguments"]) == {"text": "hi"}


def test_why_no_call_was_run_says_what_to_do() -> None:
    toolset = Tools().toolset()
    cut = check_calls(toolset, [CALL], "length")
    assert cut[0].errors == (CUT_OFF,)
    assert "Raise the limit" in no_valid_call(cut).message
    wrong = check_calls(toolset, [replace(CALL, raw_arguments="{}")], "tool_calls")
    assert "Try again" in no_valid_call(wrong).message
