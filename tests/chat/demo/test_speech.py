"""The demo model's chunks: order, limits, and each way of misbehaving."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chat.demo.catalogue import DEMO_MODELS, demo_model, demo_routes
from chat.demo.misbehaviour import Behaviour
from chat.demo.reply import DemoCall, Reply
from chat.demo.speech import Frame, pieces_of, streamed, whole

FRAME = Frame("chatcmpl-demo-1", "demo", 1_790_000_000, 9, ["call_a", "call_b"])
TWO_CALLS = Reply(
    calls=(
        DemoCall("current_time", {"time_zone": "Europe/Paris"}),
        DemoCall("current_time", {"time_zone": "Asia/Tokyo"}),
    )
)


def behaviour_of(name: str) -> Behaviour:
    model = demo_model(name)
    assert model is not None
    return model.behaviour


def payloads(reply: Reply, behaviour: Behaviour | None = None, **options: Any) -> list[Any]:
    return [t.payload for t in streamed(reply, behaviour or Behaviour(), FRAME, **options)]


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [c["choices"][0]["delta"] for c in chunks if c.get("choices")]


def text(chunks: list[dict[str, Any]]) -> str:
    return "".join(delta.get("content") or "" for delta in deltas(chunks))


def fragments(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for delta in deltas(chunks) for call in delta.get("tool_calls", ())]


@given(st.text())
def test_pieces_add_up_to_the_text(words: str) -> None:
    assert "".join(pieces_of(words)) == words


def test_text_is_streamed_with_role_finish_and_usage() -> None:
    chunks = payloads(Reply("One two three."), include_usage=True)
    assert deltas(chunks)[0] == {"role": "assistant", "content": ""}
    assert text(chunks) == "One two three."
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def test_usage_comes_only_when_asked_for() -> None:
    assert all("usage" not in chunk for chunk in payloads(Reply("One")))


def test_arguments_come_in_pieces_with_index_and_one_id() -> None:
    chunks = payloads(TWO_CALLS)
    first = [f for f in fragments(chunks) if f["index"] == 0]
    assert first[0] == {
        "index": 0,
        "id": "call_a",
        "type": "function",
        "function": {"name": "current_time", "arguments": ""},
    }
    assert len(first) > 3
    assert all("id" not in fragment for fragment in first[1:])
    joined = "".join(fragment["function"]["arguments"] for fragment in first)
    assert json.loads(joined) == {"time_zone": "Europe/Paris"}
    assert {f["index"] for f in fragments(chunks)} == {0, 1}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_token_limit_cuts_text_and_calls() -> None:
    chunks = payloads(Reply("One two three."), max_tokens=2)
    assert text(chunks) == "One two "
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    cut = payloads(TWO_CALLS, max_tokens=1)
    assert [f["function"]["arguments"] for f in fragments(cut)] == ["", '{"time']
    assert cut[-1]["choices"][0]["finish_reason"] == "length"


def test_a_limit_of_exactly_the_answer_does_not_cut() -> None:
    chunks = payloads(Reply("One two three."), max_tokens=3)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_slow_model_waits_before_its_first_word() -> None:
    timed = list(streamed(Reply("One two"), behaviour_of("demo-slow"), FRAME))
    assert [round(t.seconds, 2) for t in timed] == [0.0, 3.25, 0.25, 0.0]


def test_the_failing_model_sends_an_error_after_some_text() -> None:
    for reply in (Reply("word " * 50), Reply("short")):
        chunks = payloads(reply, behaviour_of("demo-fails"))
        assert text(chunks)
        assert chunks[-1]["error"]["type"] == "server_error"
        assert all(c["choices"][0]["finish_reason"] is None for c in chunks[:-1])


def test_the_model_that_breaks_off_never_says_that_it_ended() -> None:
    chunks = payloads(Reply("word " * 50), behaviour_of("demo-breaks-off"), include_usage=True)
    assert text(chunks) == "word " * 12
    assert chunks[-1]["choices"][0]["finish_reason"] is None


def test_the_json_model_writes_its_calls_as_text() -> None:
    chunks = payloads(TWO_CALLS, behaviour_of("demo-json-text"))
    assert fragments(chunks) == []
    fenced = text(chunks)
    assert fenced.startswith("```json\n")
    written = json.loads(fenced.removeprefix("```json\n").removesuffix("\n```"))
    assert [call["arguments"]["time_zone"] for call in written] == ["Europe/Paris", "Asia/Tokyo"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_merging_model_gives_all_calls_one_index() -> None:
    chunks = payloads(TWO_CALLS, behaviour_of("demo-merged-index"))
    assert {f["index"] for f in fragments(chunks)} == {0}
    assert [f["id"] for f in fragments(chunks) if "id" in f] == ["call_a", "call_b"]


def test_the_sloppy_model_breaks_the_rules_in_ways_that_can_be_mended() -> None:
    parts = fragments(payloads(TWO_CALLS, behaviour_of("demo-sloppy")))
    assert not any("index" in part for part in parts)
    assert {part["id"] for part in parts} == {"call_a", "call_b"}
    assert {part["function"]["name"] for part in parts} == {"current_time"}
    written = "".join(p["function"]["arguments"] for p in parts if p["id"] == "call_a")
    assert written == "{'time_zone': 'Europe/Paris'}"
    body = whole(payloads(TWO_CALLS, behaviour_of("demo-sloppy")), FRAME)
    assert [
        (call["id"], call["function"]["arguments"])
        for call in body["choices"][0]["message"]["tool_calls"]
    ] == [("call_a", written), ("call_b", written.replace("Europe/Paris", "Asia/Tokyo"))]


def test_the_endless_model_does_not_end() -> None:
    stream = streamed(Reply("One."), behaviour_of("demo-endless"), FRAME)
    chunks = [timed.payload for timed in islice(stream, 5000)]
    assert len(chunks) == 5000
    assert all(c["choices"][0]["finish_reason"] is None for c in chunks)
    limited = payloads(Reply("One."), behaviour_of("demo-endless"), max_tokens=20)
    assert limited[-1]["choices"][0]["finish_reason"] == "length"


def test_a_whole_completion_is_what_its_chunks_say() -> None:
    body = whole(payloads(Reply("Hi.", reasoning="Hm."), include_usage=True), FRAME)
    assert body["object"] == "chat.completion"
    message = body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Hi.", "Hm.")
    assert body["usage"]["completion_tokens"] == 2
    for behaviour in (Behaviour(), behaviour_of("demo-merged-index")):
        body = whole(payloads(TWO_CALLS, behaviour, include_usage=True), FRAME)
        calls = body["choices"][0]["message"]["tool_calls"]
        zones = [json.loads(call["function"]["arguments"])["time_zone"] for call in calls]
        assert zones == ["Europe/Paris", "Asia/Tokyo"]
        assert body["choices"][0]["finish_reason"] == "tool_calls"


def test_the_routes_name_each_model_once_and_say_what_it_shows() -> None:
    routes = list(demo_routes())
    assert routes[0]["slug"] == "demo"
    assert routes[0]["display_name"] == "Demo (no AI)"
    assert len({route["slug"] for route in routes}) == len(routes) == len(DEMO_MODELS)
    assert all(route["shows"].endswith(".") for route in routes)
    assert [model.upstream_model for model in DEMO_MODELS if not model.misbehaves] == ["demo"]
