"""Events of a stage as a client of the Chat Completions API understands them."""

from __future__ import annotations

from typing import Any

import pytest

from chat.api.gateway.progress import Progress
from chat.engine.tool_round import CUT_OFF


def said(phase: str, round: int, **text: str) -> tuple[str, dict[str, Any]]:
    return "chat_completion_chunk", {"phase": phase, "round": round, **text}


def called(raw: str, arguments: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    data = {"call_id": "call_a", "tool": "f", "raw_arguments": raw, "arguments": arguments}
    return "tool_call", {"round": 1, "valid": arguments is not None, "errors": [], **data, **more}


def done(reason: str | None) -> tuple[str, dict[str, Any]]:
    return "done", {"finish_reason": reason}


def text_of(progress: Progress, *events: tuple[str, dict[str, Any]]) -> str:
    deltas = [progress.take(*event) or {} for event in events]
    return "".join(delta.get("content", "") for delta in deltas)


def test_turns_are_parted_by_a_blank_line_and_pieces_of_one_are_not() -> None:
    assert (
        text_of(
            Progress(hands_over=False),
            said("tools", 1, content="Let "),
            said("tools", 1, content="me look."),
            said("tools", 2, content="Again."),
            said("synthesis", 2, reasoning="Hm."),
            said("synthesis", 2, content="42."),
        )
        == "Let me look.\n\nAgain.\n\n42."
    )


@pytest.mark.parametrize(
    ("raw", "arguments", "sent"),
    [
        ('{"a":  1}', {"a": 1}, '{"a":  1}'),
        ("{'a': 1}", {"a": 1}, '{"a": 1}'),
        ("", {}, "{}"),
        ('{"a": "ü"', {"a": "ü"}, '{"a": "ü"}'),
        ('{"a": 1} or so', None, '{"a": 1} or so'),
        ("[1]", None, "[1]"),
    ],
)
def test_arguments_are_the_models_own_text_where_that_is_json(
    raw: str, arguments: Any, sent: str
) -> None:
    delta = Progress(hands_over=True).take(*called(raw, arguments))
    assert delta is not None
    [call] = delta["tool_calls"]
    assert call["function"]["arguments"] == sent


@pytest.mark.parametrize(
    "call",
    [
        called('{"a": 1', {"a": 1}, errors=[CUT_OFF]),
        called('{"a": "x', None),
        called('{"a": ', None),
        called('{"a": 1, ', None),
    ],
)
def test_half_a_call_is_none_and_the_answer_was_cut_short(call: tuple[str, Any]) -> None:
    progress = Progress(hands_over=True)
    assert progress.take(*call) is None
    progress.take(*done("tool_calls"))
    assert (progress.calls, progress.finish_reason) == ([], "length")


@pytest.mark.parametrize(
    ("reason", "with_calls", "told"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("tool_calls", False, "stop"),
        ("length", True, "length"),
        ("content_filter", False, "content_filter"),
        ("function_call", True, "tool_calls"),
        (None, False, "stop"),
    ],
)
def test_the_finish_reason_is_one_of_four(reason: str | None, with_calls: bool, told: str) -> None:
    progress = Progress(hands_over=True)
    if with_calls:
        progress.take(*called("{}", {}))
    progress.take(*done(reason))
    assert progress.finish_reason == told


def test_tokens_of_all_requests_are_added_up() -> None:
    progress = Progress(hands_over=False)
    assert progress.usage is None
    counts = {"round": 1, "input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    progress.take("usage", {**counts, "phase": "tools"})
    progress.take("usage", {**counts, "phase": "synthesis", "reasoning_tokens": 1})
    assert progress.usage == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "completion_tokens_details": {"reasoning_tokens": 1},
    }


def test_what_was_run_here_is_told_with_its_result() -> None:
    progress = Progress(hands_over=False)
    assert progress.take(*called('{"a": 1}', {"a": 1})) is None
    progress.take("tool_result", {"call_id": "call_a", "status": "ok", "content": "fine"})
    for _ in range(2):
        progress.take("repair", {"code": "args_repaired_json", "detail": "…"})
    assert list(progress.executed.values()) == [
        {"tool": "f", "arguments": {"a": 1}, "status": "ok", "result": "fine"}
    ]
    assert progress.repairs == ["args_repaired_json"]


@pytest.mark.parametrize(("by", "status"), [("user", 409), ("admin", 409), ("shutdown", 503)])
def test_a_stage_that_was_stopped_is_a_problem(by: str, status: int) -> None:
    progress = Progress(hands_over=False)
    progress.take("cancel", {"by": by, "upstream_closed_ms": 1})
    assert progress.is_over
    assert progress.problem is not None
    assert progress.problem.status == status
