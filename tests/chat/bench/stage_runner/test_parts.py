"""The parts of the stage runner alone: machine, lines, test cases, case files, addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chat.bench.cases import BadSuite, Suite
from chat.bench.stage_runner.case_files import find_case_file, read_case_file, read_cases
from chat.bench.stage_runner.collecting import Collector
from chat.bench.stage_runner.endpoint import BadEndpoint, Endpoint, Endpoints
from chat.bench.stage_runner.lines import FrameReader, LineReader
from chat.bench.stage_runner.machine import NEXT, Machine, State, WrongTransition
from chat.bench.stage_runner.outputs import Frame
from chat.bench.stage_runner.test_case import TestCase

STAGE: dict[str, Any] = {
    "system_prompt": "",
    "user_prompt": "Hello",
    "model_container": "traditional",
    "stream": False,
    "prompt_tool_spec": {"strategy": "tool_call"},
    "synthesis": False,
}
JUDGED = {"id": "b", "stage_a": STAGE, "evaluation": True, "stage_b": STAGE}

ARROWS = [
    ("idle", "executing"),
    ("executing", "success"),
    ("executing", "failed"),
    ("failed", "idle"),
]


@pytest.mark.parametrize("start", NEXT)
@pytest.mark.parametrize("to", NEXT)
def test_the_machine_has_four_arrows_and_no_other(start: State, to: State) -> None:
    machine = Machine()
    machine.state = start
    if (start, to) in ARROWS:
        machine.move(to)
        assert machine.state == to
    else:
        with pytest.raises(WrongTransition):
            machine.move(to)
        assert machine.state == start


@given(st.lists(st.sampled_from(["ab", "\r", "\n", "\r\n", "\u2028", "é"])), st.data())
def test_lines_are_the_same_whatever_the_cuts(parts: list[str], data: st.DataObject) -> None:
    raw = "".join(parts).encode()
    whole = list(LineReader().feed(raw))
    reader, cut = LineReader(), data.draw(st.integers(0, len(raw)))
    assert [*reader.feed(raw[:cut]), *reader.feed(raw[cut:])] == whole


def test_a_line_separator_inside_json_ends_no_line() -> None:
    raw = 'event: done\ndata: {"text": "a\u2028b"}\n\n'.encode()
    assert list(FrameReader().feed(raw)) == [
        Frame(event="done", id="", data='{"text": "a\u2028b"}')
    ]


def test_comments_and_unknown_fields_are_passed_over() -> None:
    raw = b": still thinking\n\nretry: 5\nid: x-1\nevent: done\ndata: {}\n\n"
    assert list(FrameReader().feed(raw)) == [Frame(event="done", id="x-1", data="{}")]


def delta(**fields: Any) -> str:
    import json

    return json.dumps({"tool_results": {"choices": [{"delta": {"tool_calls": [fields]}}]}})


def test_calls_of_two_rounds_with_the_same_index_are_two() -> None:
    collector = Collector()
    for call_id in ("a", "b"):
        first = delta(index=0, id=call_id, function={"name": "t", "arguments": "{"})
        collector.take(Frame(event="tool_completion_chunk", id="", data=first))
        second = delta(index=0, function={"arguments": "}"})
        collector.take(Frame(event="tool_completion_chunk", id="", data=second))
        summary = f'{{"tool_summary": {{"{call_id}": {{"x": 1}}}}}}'
        collector.take(Frame(event="tool_summary", id="", data=summary))
    output = collector.output()
    assert [(call.round, call.call_id, call.arguments) for call in output.calls] == [
        (1, "a", "{}"),
        (2, "b", "{}"),
    ]
    assert output.summary == {"a": '{"x":1}', "b": '{"x":1}'}


def test_events_that_are_not_known_are_no_fault() -> None:
    collector = Collector()
    collector.take(Frame(event="weather", id="", data="not JSON"))
    collector.take(Frame(event="done", id="", data="{}"))
    assert (collector.unreadable, collector.terminal) == ([], "done")


def test_a_test_case_has_the_defaults_of_the_origin() -> None:
    stage = TestCase.model_validate({"id": "a", "stage_a": STAGE}).stage_a
    assert (stage.prompt_tool_spec.temperature, stage.prompt_tool_spec.max_tokens) == (0, 1024)
    assert (stage.token_limits, stage.path) == ([1024, 1024], "/completion/v1/toolchain")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"evaluation": True}, "stage_b must say"),
        ({"stage_b": STAGE}, "nothing to judge"),
        ({"stage_a": STAGE | {"prompt_tool_spec": {"strategy": "poem"}}}, "chat_completion"),
        ({"stage_a": STAGE | {"user_prompt": ""}}, "at least 1"),
        (
            {"stage_a": STAGE | {"prompt_tool_spec": {"strategy": "tool_call", "temperature": 3}}},
            "less than or equal to 2",
        ),
        (
            {"stage_a": STAGE | {"prompt_tool_spec": {"strategy": "tool_call", "max_tokens": 0}}},
            "greater than 0",
        ),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_case_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TestCase.model_validate({"id": "a", "stage_a": STAGE, **changes})
    assert words in str(refused.value)


def test_both_forms_of_test_cases_and_a_suite_are_told_apart() -> None:
    plain = read_cases([{"id": "a", "stage_a": STAGE}, JUDGED])
    assert plain == read_cases({"test_cases": [{"id": "a", "stage_a": STAGE}, JUDGED]})
    assert isinstance(plain, tuple)
    suite = read_cases({"suite": "s", "cases": [{"id": "a", "prompt": "Hello"}]})
    assert isinstance(suite, Suite)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([], "no test case"),
        ({"test_cases": 3}, "test_cases: Write a list"),
        ({"test_cases": [], "suite": "s"}, "suite: is not known"),
        ([{"id": "a", "stage_a": STAGE}] * 2, "a, id: two cases have this id"),
        ([{"id": "a"}, {"stage_a": 3}], "a, stage_a: Field required; case 2"),
        ("hello", "Write an object"),
    ],
)
def test_a_bad_file_is_told_with_case_and_field(raw: Any, words: str) -> None:
    with pytest.raises(BadSuite) as refused:
        read_cases(raw)
    assert words in str(refused.value)


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadSuite, match="There is no file nowhere"):
        find_case_file("nowhere")
    binary = tmp_path / "cases.yaml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSuite, match="not text in UTF-8"):
        read_case_file(binary)


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x", "http://", "http://x:99999"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadEndpoint, match="is no address"):
        Endpoint.at(address)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadEndpoint) as refused:
        Endpoint.at("http://me:hunter2@host")
    assert "hunter2" not in str(refused.value)


def test_the_key_goes_to_the_option_or_the_variable_and_nowhere_else() -> None:
    variable = {"TOOLBENCH_ENDPOINT": "http://staging:8000/"}
    endpoints = Endpoints.chosen(None, variable, "secret-key")
    assert endpoints.of(None) == Endpoint("http://staging:8000", "secret-key")
    assert endpoints.of("http://staging:8000/x") == Endpoint("http://staging:8000/x", "secret-key")
    assert endpoints.of("http://elsewhere:8000") == Endpoint("http://elsewhere:8000", "")
    overridden = Endpoints.chosen("http://option:1", variable, "secret-key")
    assert overridden.of("http://elsewhere:8000") == Endpoint("http://option:1", "secret-key")
    assert Endpoints.chosen(None, {}, "secret-key").of(None) is None


def test_a_key_over_plain_http_to_elsewhere_is_noticed() -> None:
    assert Endpoint.at("http://host", "secret-key").shows_its_key
    assert not Endpoint.at("https://host", "secret-key").shows_its_key
    assert not Endpoint.at("http://127.0.0.1:8000", "secret-key").shows_its_key
    assert "secret-key" not in repr(Endpoint.at("http://host", "secret-key"))
