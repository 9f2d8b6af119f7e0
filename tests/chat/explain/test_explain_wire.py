"""`manage.py explain_wire`: a line of JSON for every capture, whatever the server did wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "water",
            "parameters": {"type": "object", "properties": {"plant": {"type": "string"}}},
        },
    }
]
CALL = '<tool_call>{"name": "water", "arguments": {"plant": "fern"}}</tool_call>'
FIELDS = {
    "id",
    "text",
    "reasoning",
    "tool_calls",
    "finish_reason",
    "usage",
    "errors",
    "refusal",
    "repairs",
}


def explain(*arguments: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("explain_wire", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def chunk(**delta: Any) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n"


def finish(reason: str = "stop", **more: Any) -> str:
    choice = {"index": 0, "delta": {}, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice], **more})}\n\ndata: [DONE]\n\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, content: Any) -> str:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return str(path)

    return write


def test_an_event_stream_is_named_like_its_file_and_has_every_field(write: Any) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "odd": {"kept": True}}
    path = write("fern.sse", chunk(content="Hel") + chunk(content="lo 🌱") + finish(usage=usage))
    [line] = explain(path)
    assert set(line) == FIELDS
    assert line == {
        "id": "fern",
        "text": "Hello 🌱",
        "reasoning": "",
        "tool_calls": [],
        "finish_reason": "stop",
        "usage": usage,
        "errors": [],
        "refusal": None,
        "repairs": [],
    }


def test_a_whole_body_gives_the_same_as_its_stream(write: Any) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "water", "arguments": "{}"}}
    message = {"content": "Yes.", "reasoning_content": "Hm.", "tool_calls": [call]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    stream = chunk(reasoning_content="Hm.") + chunk(content="Yes.")
    stream += chunk(tool_calls=[{"index": 0, **call}]) + finish("tool_calls")
    [streamed], [whole] = explain(write("a.sse", stream)), explain(write("a.json", body))
    assert whole == streamed
    assert whole["tool_calls"] == [{"id": "a", "name": "water", "arguments": {}}]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO((chunk(content="a") + finish()).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert explain("-")[0]["text"] == "a"


def test_a_case_names_its_id_and_the_tools_that_were_offered(write: Any) -> None:
    wire = [json.dumps({"choices": [{"delta": {"content": CALL}}]})]
    case = {"id": "seven", "wire": wire, "request": {"tools": TOOLS}}
    [line] = explain(write("case.json", case))
    assert line["id"] == "seven"
    assert line["text"] == ""
    assert line["tool_calls"] == [{"id": "call_1", "name": "water", "arguments": {"plant": "fern"}}]
    assert "text_tool_call:hermes" in [repair["code"] for repair in line["repairs"]]


def test_without_tools_a_call_in_the_text_stays_text(write: Any) -> None:
    case = {"wire": chunk(content=CALL) + finish(), "request": {"messages": []}}
    [line] = explain(write("case.json", case))
    assert (line["id"], line["text"], line["tool_calls"]) == ("case", CALL, [])


def test_a_whole_body_in_a_case_and_several_cases_in_a_file(write: Any) -> None:
    body = {"choices": [{"message": {"content": "one"}, "finish_reason": "stop"}]}
    cases = [{"id": "a", "non_stream_body": body}, {"non_stream_body": json.dumps(body)}]
    lines = explain(write("two.json", {"cases": cases}))
    assert [(line["id"], line["text"]) for line in lines] == [("a", "one"), ("two_2", "one")]


def test_thought_tags_become_reasoning_and_at_wire_level_stay(write: Any) -> None:
    path = write("t.sse", chunk(content="<think>Dry?</think>") + chunk(content="Yes.") + finish())
    [seen], [sent] = explain(path), explain(path, "--wire-level")
    assert (seen["text"], seen["reasoning"]) == ("Yes.", "Dry?")
    assert (sent["text"], sent["reasoning"]) == ("<think>Dry?</think>Yes.", "")


def test_a_thought_that_the_prompt_opened_is_reasoning(write: Any) -> None:
    path = write("t.sse", chunk(content="It is dry.") + chunk(content="</think>Yes.") + finish())
    for cut in ("whole", "bytes", "random:1"):
        [line] = explain(path, "--cut", cut)
        assert (line["text"], line["reasoning"]) == ("Yes.", "It is dry.")
        assert "thought_unopened" in [repair["code"] for repair in line["repairs"]]


def test_wire_level_leaves_everything_as_it_was_sent(write: Any) -> None:
    call = {"function": {"name": "water", "arguments": '{"plant": "fern",}'}}
    path = write("w.sse", chunk(content="Look.", tool_calls=[call]) + finish("eos"))
    [sent], [seen] = explain(path, "--wire-level"), explain(path)
    assert sent["text"] == "Look."
    assert sent["finish_reason"] == "eos"
    assert sent["tool_calls"] == [
        {"id": None, "name": "water", "arguments": None, "arguments_raw": '{"plant": "fern",}'}
    ]
    assert seen["finish_reason"] == "stop"
    assert seen["tool_calls"][0]["id"] == "call_1"
    assert seen["tool_calls"][0]["arguments"] == {"plant": "fern"}
    assert "args_repaired_json" in [repair["code"] for repair in seen["repairs"]]


def test_a_call_in_the_text_stays_text_at_wire_level(write: Any) -> None:
    path = write("w.sse", chunk(content=CALL) + finish())
    [sent], [seen] = explain(path, "--wire-level"), explain(path)
    assert (sent["text"], sent["tool_calls"]) == (CALL, [])
    assert (seen["text"], seen["tool_calls"][0]["name"]) == ("", "water")


def test_a_call_cut_off_by_the_token_limit_is_not_mended(write: Any) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "water", "arguments": '{"plant": "fe'}}
    [line] = explain(write("c.sse", chunk(tool_calls=[call]) + finish("length")))
    assert line["tool_calls"] == [
        {"id": "a", "name": "water", "arguments": None, "arguments_raw": '{"plant": "fe'}
    ]


def test_refusals_and_errors_have_fields_of_their_own(write: Any) -> None:
    error = {"message": "it broke", "code": 500}
    stream = (
        chunk(content="So far.")
        + chunk(refusal="No.")
        + f'data: {{"error": {json.dumps(error)}}}\n\n'
    )
    for arguments in ((), ("--wire-level",)):
        [line] = explain(write("e.sse", stream), *arguments)
        assert (line["text"], line["refusal"], line["errors"]) == ("So far.", "No.", [error])


@pytest.mark.parametrize("cut", ["bytes", "random:1", "random:other"])
def test_cuts_change_nothing(write: Any, cut: str) -> None:
    stream = ": hm\r\n\r\n" + chunk(content="ü <think>") + chunk(content=f"🌱</think>{CALL} ok")
    call = {"function": {"name": "water", "arguments": {"plant": "fern"}}}
    path = write("c.sse", stream + chunk(tool_calls=[call]) + finish("tool_calls"))
    for more in ((), ("--wire-level",), ("--dialect", "hermes"), ("--dialect", "off")):
        assert explain(path, "--cut", cut, *more) == explain(path, *more)


@pytest.mark.parametrize(
    "content",
    [
        "<html><h1>Bad Gateway</h1></html>",
        '{"choices": [{"message": {"cont',
        "data: {broken\n\n",
        "\x00\x01\x02",
        "[1, 2]",
        '"text"',
    ],
)
def test_what_is_no_answer_is_told_as_an_error(write: Any, content: str) -> None:
    [line] = explain(write("broken.txt", content))
    assert line["text"] == ""
    assert line["errors"][0]["code"] == "upstream_malformed"


def test_a_text_case_is_read_with_its_tools_and_flags(write: Any) -> None:
    cases = [
        {"id": "a", "raw": f"Hm.</think>Yes. {CALL}", "tools": TOOLS},
        {"raw": CALL, "tools": []},
        {"raw": CALL.replace("water", "fly"), "tools": None},
        {"raw": "<think>a</think>b", "flags": {"template": "x"}},
        {"raw": CALL[:-17], "tools": TOOLS, "flags": {"is_partial": "true"}},
        {"raw": "Hello <tool_c", "tools": TOOLS, "flags": {"is_partial": True}},
    ]
    path = write("texts.json", {"format": "hermes", "cases": cases})
    for cut in ("whole", "bytes", "random:2"):
        lines = explain("--text", path, "--cut", cut)
        told = [(line["id"], line["text"].strip(), line["reasoning"]) for line in lines]
        assert told == [
            ("a", "Yes.", "Hm."),
            ("texts_2", CALL, ""),
            ("texts_3", "", ""),
            ("texts_4", "<think>a</think>b", ""),
            ("texts_5", "", ""),
            ("texts_6", "Hello", ""),
        ]
        names = [[call["name"] for call in line["tool_calls"]] for line in lines]
        assert names == [["water"], [], ["fly"], [], ["water"], []]
        assert lines[4]["tool_calls"][0]["arguments_raw"] == '{"plant": "fe'
        assert all(set(line) == FIELDS for line in lines)


def test_a_json_answer_that_was_asked_for_stands_without_its_fence(write: Any) -> None:
    raw = '```json\n{"a": 1}\n```'
    asked = {"raw": raw, "flags": {"json_schema": "s"}}
    path = write("json.json", {"cases": [asked, {"raw": raw}]})
    assert [line["text"] for line in explain("--text", path)] == ['{"a": 1}', raw]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-file"], "Expected is the path of a captured answer"),
        (["--dialect", "nonsense", "{}"], "Expected is one of: auto, off"),
        (["--cut", "thirds", "{}"], "whole, bytes or random:SEED"),
        (["--text", "{sse}"], "Expected is, with --text, a JSON case"),
        (["--text", "{body}"], "has no text in “raw”"),
        (["{texts}"], "read it with --text"),
        (["{empty}"], "is empty. Expected is a captured answer"),
    ],
)
def test_what_cannot_be_read_says_what_was_expected(
    write: Any, arguments: list[str], words: str
) -> None:
    files = {
        "{}": write("fine.sse", finish()),
        "{sse}": write("a.sse", chunk(content="a")),
        "{body}": write("body.json", {"choices": []}),
        "{texts}": write("texts.json", {"raw": "Hello"}),
        "{empty}": write("empty.sse", "\n"),
    }
    with pytest.raises(CommandError) as caught:
        explain(*(files.get(argument, argument) for argument in arguments))
    assert words in str(caught.value)
