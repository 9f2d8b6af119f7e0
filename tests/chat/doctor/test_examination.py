"""Examinations over real HTTP: what the doctor finds with servers of different habits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chat.doctor import manners, run
from chat.doctor.findings import Finding, ProbeResult
from chat.doctor.patient import Patient
from chat.doctor.probes import PROBES, Probe
from chat.doctor.profile import Profile, build_profile
from chat.doctor.run import examine
from chat.engine.completions import RouteSettings
from tests.chat.doctor.servers import Habits
from tests.replay import (
    Answer,
    ReplayServer,
    Request,
    Script,
    Signal,
    Wait,
    WaitFor,
    chat_stream,
    error,
    ollama_like,
    openai_like,
    sse,
)

KEY = "sk-canary-0123456789"
PRESENT: dict[str, Any] = {
    "upstream_model": "small-1",
    "token_limit_fields": ["max_tokens"],
    "tool_temperature": 0.0,
    "synthesis_temperature": 0.0,
    "stream_usage": True,
    "starts_inside_thinking": False,
    "text_dialect": "auto",
    "context_budget": 24_000,
}


def settings(base_url: str, **changes: Any) -> RouteSettings:
    route = RouteSettings(slug="small", base_url=base_url, model="small-1", api_key=KEY)
    return replace(route, **changes)


async def nobody(probe: Probe, result: ProbeResult | None) -> None:
    """Progress that nobody follows."""


async def examined(
    answer: Answer, present: Mapping[str, Any] = PRESENT, **changes: Any
) -> tuple[dict[str, ProbeResult], Profile]:
    """The results by code, and the profile."""
    async with ReplayServer(answer, models=("small-1",)) as server:
        async with Patient(settings(server.base_url, **changes)) as patient:
            results = await examine(patient, nobody)
            return {r.code: r for r in results}, build_profile(results, present, patient.refused)


def outcomes(results: Mapping[str, ProbeResult]) -> dict[str, str]:
    return {code: result.outcome for code, result in results.items()}


def suggested(profile: Profile) -> dict[str, Any]:
    return {one.field: one.suggested for one in profile.suggestions}


def value_of(profile: Profile, code: str) -> str:
    return next(one.value for one in profile.capabilities if one.code == code)


async def test_a_server_that_does_everything_well_gets_nothing_else_said() -> None:
    results, profile = await examined(Habits())
    assert list(results) == [probe.code for probe in PROBES]
    odd = {code: r for code, r in results.items() if r.outcome != "works"}
    # Nothing waits on this server: there is no moment before its first token.
    assert set(odd) <= {"stop_before", "stream"}, odd
    assert profile.usable
    assert profile.suggestions == ()
    assert value_of(profile, "tools") == "Yes, several at once"
    assert value_of(profile, "tool_choice") == "none, required, named"


async def test_about_thirty_small_requests_are_sent() -> None:
    async with ReplayServer(Habits(), models=("small-1",)) as server:
        async with Patient(settings(server.base_url)) as patient:
            await examine(patient, nobody)
        bodies = [exchange.request.json for exchange in server.completions]
    assert len(bodies) <= 30
    limits = [body.get("max_tokens") or 0 for body in bodies]
    assert sum(limit > 128 for limit in limits) <= 2
    assert max(limits) <= 256


async def test_what_is_refused_is_left_out_from_then_on_and_suggested() -> None:
    results, profile = await examined(
        Habits(refuses=("temperature", "max_tokens"), obeys=("max_completion_tokens",))
    )
    assert results["whole"].outcome == "repaired"
    assert results["single"].outcome == "works"
    assert suggested(profile) == {
        "token_limit_fields": ["max_completion_tokens"],
        "tool_temperature": None,
        "synthesis_temperature": None,
    }


async def test_a_refusal_without_words_is_got_round_by_trying() -> None:
    results, profile = await examined(Habits(refuses=("stream_options",), refusal="Bad request."))
    assert results["usage"].outcome == "fails"
    assert results["stream"].outcome == "repaired"
    assert suggested(profile) == {"stream_usage": False}


async def test_a_limit_under_another_name_is_found() -> None:
    results, profile = await examined(Habits(obeys=("options.num_predict",)))
    assert results["token_limit"].outcome == "fails"
    assert suggested(profile) == {"token_limit_fields": ["options.num_predict"]}


async def test_calls_in_text_are_found_with_their_dialect() -> None:
    habits = Habits(tools="<tool_call>\nCALL\n</tool_call>")
    results, profile = await examined(habits, {**PRESENT, "text_dialect": "off"})
    assert results["single"].outcome == "repaired"
    assert results["text_dialect"].facts["dialects"] == ["hermes"]
    assert value_of(profile, "tools") == "No, as text only"
    assert value_of(profile, "text_calls") == "hermes"
    assert suggested(profile) == {"text_dialect": "auto"}


async def test_missing_indexes_and_ends_are_told_as_mended() -> None:
    results, _ = await examined(Habits(flavour=ollama_like, done=False))
    assert "tool_index_missing" in results["parallel"].repairs
    assert "done_missing" in results["single"].repairs
    assert results["parallel"].outcome == "repaired"


async def test_calls_under_one_index_are_told_apart() -> None:
    results, profile = await examined(Habits(flavour=replace(openai_like, call_index="zero")))
    assert "tool_index_reused" in results["parallel"].repairs
    assert value_of(profile, "tools") == "Yes, several at once"


async def test_one_call_at_a_time_is_no_failure() -> None:
    results, profile = await examined(Habits(at_once=1))
    assert results["parallel"].outcome == "unclear"
    assert value_of(profile, "tools") == "Yes, one at a time"


async def test_a_model_that_calls_nothing_is_good_for_chat() -> None:
    results, profile = await examined(Habits(tools="none"))
    assert results["single"].outcome == "unclear"
    assert results["choice_required"].outcome == "fails"
    assert profile.usable
    assert "called no tool" in profile.in_short


async def test_tools_that_are_refused_are_told_with_the_servers_words() -> None:
    results, profile = await examined(Habits(tools="refused"))
    assert results["single"].outcome == "fails"
    assert "does not support tools" in results["single"].words
    assert value_of(profile, "tools") == "Refused"


async def test_a_tool_choice_that_is_ignored_is_told() -> None:
    results, _ = await examined(Habits(obeys_choice=False))
    codes = ("choice_none", "choice_required", "choice_named")
    assert [results[code].outcome for code in codes] == ["fails"] * 3


async def test_a_refused_tool_result_is_told() -> None:
    results, _ = await examined(Habits(takes_results=False))
    assert results["result"].outcome == "fails"
    assert "Only user and assistant roles." in results["result"].words


@pytest.mark.parametrize(
    ("thoughts", "place"),
    [
        ("", ""),
        ("field", "reasoning_content"),
        ("<<think>17 and 25</think>", "tags"),
        ("<17 and 25</think>", "unopened"),
    ],
)
async def test_the_place_of_thoughts_is_found(thoughts: str, place: str) -> None:
    results, profile = await examined(Habits(thoughts=thoughts))
    assert results["reasoning"].facts["place"] == place
    opened = {"starts_inside_thinking": True} if place == "unopened" else {}
    assert suggested(profile) == opened


async def test_a_server_that_knows_every_model_is_told() -> None:
    results, _ = await examined(Habits(names_models=False))
    assert results["errors"].outcome == "unclear"
    assert "would go unnoticed" in results["errors"].words


async def test_nothing_more_is_asked_of_a_server_that_cannot_be_reached() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    async with Patient(settings(base_url)) as patient:
        results = await examine(patient, nobody)
    assert [result.outcome for result in results[:2]] == ["fails", "fails"]
    assert {result.outcome for result in results[2:]} == {"skipped"}
    profile = build_profile(results, PRESENT)
    assert not profile.usable


async def test_nothing_more_is_asked_where_the_key_is_refused() -> None:
    told = error(401, {"error": {"message": f"Incorrect API key: {KEY}"}})
    async with ReplayServer(told, models=("small-1",)) as server:
        async with Patient(settings(server.base_url)) as patient:
            results = await examine(patient, nobody)
        assert len(server.completions) == 2
    shown = [result.words + result.raw for result in results]
    assert KEY not in "".join(shown)
    assert "[key removed]" in results[1].raw
    assert not build_profile(results, PRESENT).usable


async def test_a_server_that_asks_for_fewer_requests_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "RATE_LIMIT_SECONDS", 0.05)
    seen: list[str] = []

    def answer(request: Request) -> Script:
        seen.append(request.json["messages"][-1]["content"])
        if len(seen) == 1:
            return error(429, {"error": {"message": "Slow down."}})
        return Habits()(request)

    results, _ = await examined(answer)
    assert results["whole"].outcome == "works"
    assert seen[0] == seen[1]


async def test_a_server_that_says_nothing_costs_no_more_than_the_time_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(run, "FIRST_SECONDS", 0.2)
    silent = Script(steps=(WaitFor(Signal()),), head_at_once=False)
    async with ReplayServer(silent, models=("small-1",)) as server:
        async with Patient(settings(server.base_url)) as patient:
            results = await asyncio.wait_for(examine(patient, nobody), 10)
    assert results[1].outcome == "fails"
    assert "no whole answer within" in results[1].words
    assert results[-1].outcome == "skipped"


def one_slot(request: Request, begun: list[str]) -> Script:
    """A server that goes on with what was left: the next question waits for it."""
    script = Habits()(request)
    begun.append("long" if request.json.get("max_tokens") == 256 else "short")
    if begun[-2:] == ["long", "short"]:
        return replace(script, steps=(Wait(0.6), *script.steps), head_at_once=False)
    return script


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_stop_that_goes_unnoticed_is_found(
    noticed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manners, "SLOWER_MS", 200)
    begun: list[str] = []
    answer = Habits() if noticed else partial(one_slot, begun=begun)
    results, profile = await examined(answer)
    assert results["stop_after"].facts == {"noticed": noticed}
    assert results["stop_after"].outcome == ("works" if noticed else "fails")
    told = f"{'Yes' if noticed else 'No'}, after the first token"
    assert told in value_of(profile, "stop")


async def test_cancelling_closes_what_is_open() -> None:
    async with ReplayServer(chat_stream(["1", WaitFor(Signal())]), models=("small-1",)) as server:
        async with Patient(settings(server.base_url)) as patient:
            task = asyncio.create_task(examine(patient, nobody))
            exchange = await server.request_arrived(2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await exchange.closed.waited()
            assert exchange.closed_early


async def test_a_probe_with_a_bug_is_unclear_and_the_others_go_on() -> None:
    async def broken(patient: Patient) -> Finding:
        raise KeyError("x")

    first = Probe("broken", "Broken", "Breaks.", broken)
    async with ReplayServer(Habits(), models=("small-1",)) as server:
        async with Patient(settings(server.base_url)) as patient:
            results = await examine(patient, nobody, probes=[first, PROBES[0]])
    assert [result.outcome for result in results] == ["unclear", "works"]


async def test_progress_tells_each_probe_before_and_after() -> None:
    told: list[tuple[str, bool]] = []

    async def note(probe: Probe, result: ProbeResult | None) -> None:
        told.append((probe.code, result is not None))

    async with ReplayServer(Habits(), models=("small-1",)) as server:
        async with Patient(settings(server.base_url)) as patient:
            await examine(patient, note, probes=PROBES[:2])
    assert told == [("models", False), ("models", True), ("whole", False), ("whole", True)]


async def test_the_first_bytes_are_kept_and_bounded() -> None:
    results, _ = await examined(Habits())
    assert results["whole"].raw.startswith("{")
    assert all(len(result.raw) <= 1001 for result in results.values())


async def test_an_answer_that_comes_all_at_once_is_told_as_held_back() -> None:
    def answer(request: Request) -> Script:
        script = Habits()(request)
        if not request.json.get("stream"):
            return script
        data = b"".join(step.data for step in script.steps if hasattr(step, "data"))
        return replace(sse(done=False), steps=(type(script.steps[0])(data),))

    results, _ = await examined(answer)
    assert results["stream"].outcome == "fails"
    assert "at once" in results["stream"].words
