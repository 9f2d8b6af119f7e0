"""The laws of ARCHITECTURE on engine and fold, over random turns, batches and cancels."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
    TERMINAL_EVENTS,
    Cancel,
    Done,
    Event,
    RequestSent,
    ToolCallEvent,
    ToolResultEvent,
    ToolSummary,
    parse_event,
)
from chat.engine.fold import StageFold, history_messages
from chat.engine.stage import StageEngine, StageRequest
from chat.engine.tool_calls.pieces import CallBegun
from chat.engine.tool_calls.reader import TextReader
from tests.chat.engine.scripted_client import ScriptedClient
from tests.chat.engine.stages import Tools, folded, stage_request

LAWS = settings(max_examples=60)

MODES = [
    {"mode": "chat", "synthesis": False},
    {"mode": "toolchain", "synthesis": False},
    {"mode": "toolchain", "synthesis": True},
]


@dataclass
class Play:
    """A stage to run: its request, and for each turn the deltas, where they are cut, its error."""

    request: StageRequest
    turns: list[tuple[list[Delta], list[int], bool]]

    def client(self) -> ScriptedClient:
        return ScriptedClient([batches(*turn) for turn in self.turns])

    def recut(self, cuts: list[int]) -> Play:
        return replace(self, turns=[(deltas, cuts, fails) for deltas, _, fails in self.turns])

    def streamed(self, stream: bool) -> Play:
        return replace(self, request=replace(self.request, stream=stream))


def batches(deltas: list[Delta], cuts: list[int], fails: bool) -> list[Sequence[Delta] | Exception]:
    places = sorted({cut % (len(deltas) + 1) for cut in cuts} | {0, len(deltas)})
    cut = [deltas[a:b] for a, b in pairwise(places)]
    return [*cut, UpstreamFailed("The model server failed.")] if fails else [*cut]


TEXTS = st.sampled_from(
    ["Hello ", "🌱", "{", '{"name": "echo", ', '"arguments": {}}', "```json\n", "\n"]
)
CUTS = st.lists(st.integers(0, 50), max_size=8)


@st.composite
def turn_deltas(draw: st.DrawFn, number: int) -> list[Delta]:
    deltas: list[Delta] = [
        draw(
            st.builds(TextDelta, TEXTS)
            | st.builds(ReasoningDelta, TEXTS)
            | st.just(RepairDelta("nul_replaced", "A NUL character was replaced by U+FFFD."))
        )
        for _ in range(draw(st.integers(0, 5)))
    ]
    for index in range(draw(st.integers(0, 3))):
        tool, arguments = draw(
            st.sampled_from(
                [
                    ("echo", '{"text": "hi"}'),
                    ("echo", "{}"),
                    ("fail", ""),
                    ("none", '{"a"'),
                    ("echo", "x"),
                ]
            )
        )
        at = draw(st.integers(0, len(arguments)))
        # Ids are unique over the stage, so that two runs of it can be compared.
        deltas.append(ToolCallDelta(index, f"up{number}.{index}", tool, arguments[:at]))
        deltas.append(ToolCallDelta(index, None, None, arguments[at:]))
        deltas += draw(st.lists(st.builds(TextDelta, TEXTS), max_size=1))
    reason = draw(st.sampled_from(["stop", "tool_calls", "length"]))
    usage = draw(st.lists(st.builds(UsageDelta, *[st.integers(0, 9)] * 3), max_size=2))
    return [*deltas, FinishDelta(reason, reason), *usage]


@st.composite
def plays(draw: st.DrawFn) -> Play:
    mode = draw(st.sampled_from(MODES))
    rounds = draw(st.integers(1, 3))
    request = stage_request(
        **mode,
        stream=draw(st.booleans()),
        max_tool_rounds=rounds,
        toolset=Tools().toolset(),
    )
    return Play(
        request,
        [
            (draw(turn_deltas(number)), draw(CUTS), draw(st.sampled_from([False] * 9 + [True])))
            for number in range(rounds + 1)
        ],
    )


def run(play: Play) -> tuple[list[Event], list[RequestSent], ScriptedClient]:
    events, sent, client = asyncio.run(drive(play, None))
    return events, sent, client


async def drive(
    play: Play, stop_after: int | None
) -> tuple[list[Event], list[RequestSent], ScriptedClient]:
    """Run the play as the runner does; after so many outcomes stop it as a person would."""
    client = play.client()
    engine = StageEngine(play.request, client)
    events: list[Event] = []
    sent: list[RequestSent] = []
    stopped = False
    async with aclosing(engine.run()) as outcomes:
        count = 0
        while not stopped:
            if count == stop_after:
                stopped = True
                break
            count += 1
            try:
                outcome = await anext(outcomes)
            except StopAsyncIteration:
                break
            if isinstance(outcome, RequestSent):
                sent.append(outcome)
            else:
                events.append(outcome)
    if stopped and not (events and events[-1].event in TERMINAL_EVENTS):
        events += engine.withheld()
        events += folded(events).closing_results("cancelled")
        events.append(Cancel(by="user", upstream_closed_ms=None))
    assert client.open == 0
    assert not engine.request_open
    return events, sent, client


def essence(fold: StageFold) -> dict[str, Any]:
    """A fold without what differs from run to run: durations."""
    terminal = fold.terminal
    return {
        "turns": fold.turns,
        "calls": fold.calls,
        "results": {
            call_id: result.model_copy(update={"duration_ms": 0})
            for call_id, result in fold.results.items()
        },
        "summaries": fold.summaries,
        "usage": fold.usage,
        "repairs": {repair.code for repair in fold.repairs},
        "terminal": terminal and terminal.model_dump(exclude={"timings"}),
    }


def without_ids_of_ours(value: Any, fold: StageFold) -> str:
    """As text, with the ids that we gave replaced by their order."""
    text = repr(value)
    for position, call_id in enumerate(fold.calls):
        if call_id.startswith("call_"):
            text = text.replace(call_id, f"ours{position}")
    return text


def comparable(events: list[Event]) -> str:
    fold = folded(events)
    return without_ids_of_ours(essence(fold), fold)


@LAWS
@given(plays(), st.integers(0, 40))
def test_law_1_and_2_one_end_and_every_call_answered_before_it(play: Play, stop: int) -> None:
    for stop_after in (None, stop):
        events, _, _ = asyncio.run(drive(play, stop_after))
        ends = [at for at, event in enumerate(events) if event.event in TERMINAL_EVENTS]
        assert ends == [len(events) - 1]
        called = [event.call_id for event in events if isinstance(event, ToolCallEvent)]
        answered = [event.call_id for event in events if isinstance(event, ToolResultEvent)]
        assert sorted(called) == sorted(answered)
        assert len(set(called)) == len(called)
        for call_id in called:
            [told] = places(events, ToolCallEvent, call_id=call_id)
            [answer] = places(events, ToolResultEvent, call_id=call_id)
            assert told < answer
        if stop_after is None:
            for round in {event.round for event in events if isinstance(event, ToolCallEvent)}:
                [summary] = places(events, ToolSummary, round=round)
                assert max(places(events, ToolResultEvent, round=round)) < summary


def places(events: list[Event], kind: type, **fields: Any) -> list[int]:
    """Where events of a kind with these fields stand."""
    return [
        at
        for at, event in enumerate(events)
        if isinstance(event, kind)
        and all(getattr(event, name) == value for name, value in fields.items())
    ]


@LAWS
@given(plays(), st.integers(0, 40))
def test_law_3_replay_equals_live_at_every_cut(play: Play, stop: int) -> None:
    events, _, _ = asyncio.run(drive(play, stop))
    stored = [(event.event, json.loads(json.dumps(event.data()))) for event in events]
    live = StageFold()
    for at, event in enumerate(events):
        live.apply(event)
        replayed = folded([parse_event(name, data) for name, data in stored[: at + 1]])
        assert replayed == live


@LAWS
@given(plays())
def test_law_4_done_verifies_the_text(play: Play) -> None:
    events, _, _ = run(play)
    fold = folded(events)
    if isinstance(fold.terminal, Done):
        assert fold.terminal.content_length == len(fold.content)
        digest = hashlib.sha256(fold.content.encode()).hexdigest()
        assert fold.terminal.content_sha256 == digest


@LAWS
@given(plays())
def test_law_5_calls_never_merge_and_text_is_never_lost(play: Play) -> None:
    events, sent, _ = run(play)
    fold = folded(events)
    for request, (deltas, _, fails) in zip(sent, play.turns, strict=False):
        said = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
        turns = [t for t in fold.turns if (t.phase, t.round) == (request.phase, request.round)]
        calls = [fold.calls[call_id] for turn in turns for call_id in turn.call_ids]
        native = [delta for delta in deltas if isinstance(delta, ToolCallDelta) and delta.id]
        if request.phase == "tools" and not fails and native:
            assert [call.upstream_id for call in calls] == [delta.id for delta in native]
        if not any(call.origin != "native" for call in calls):
            # Native calls beside a written one: the order of text may change, never the text, but
            # for blanks beside the written call (TextDialect).
            kept = "".join(turn.content for turn in turns)
            assert sorted("".join(kept.split())) == sorted("".join(said.split()))


@LAWS
@given(plays())
def test_law_6_history_goes_back_as_it_was(play: Play) -> None:
    events, _, client = run(play)
    fold = folded(events)
    record = json.loads(json.dumps(fold.turns_record()))
    results = {call_id: result.content for call_id, result in fold.results.items()}
    rebuilt = history_messages(record, results, {"stage": "s"})
    with_calls = [m for m in rebuilt if m.tool_calls or m.tool_call_id]
    if len(client.requests) > 1:
        in_stage = [m for m in client.requests[-1].messages if m.tool_calls or m.tool_call_id]
        assert with_calls[: len(in_stage)] == in_stage
    answered = {m.tool_call_id for m in rebuilt if m.role == "tool"}
    assert answered == {call.call_id for m in rebuilt for call in m.tool_calls}


@LAWS
@given(plays(), CUTS)
def test_batches_change_nothing(play: Play, cuts: list[int]) -> None:
    assert comparable(run(play)[0]) == comparable(run(play.recut(cuts))[0])


@LAWS
@given(plays())
def test_whole_equals_streamed(play: Play) -> None:
    whole, streamed = run(play.streamed(False))[0], run(play.streamed(True))[0]
    assert comparable(whole) == comparable(streamed)
    phases = [(e.phase, e.round) for e in whole if e.event == "chat_completion_chunk"]
    repairs = sum(event.event == "repair" for event in whole)
    assert len(phases) <= len(set(phases)) + repairs


@LAWS
@given(plays(), st.integers(0, 40))
def test_a_stop_keeps_everything_that_was_received(play: Play, stop: int) -> None:
    events, sent, client = asyncio.run(drive(play, stop))
    fold = folded(events)
    for request, delivered in zip(sent, client.delivered, strict=False):
        turns = [t for t in fold.turns if (t.phase, t.round) == (request.phase, request.round)]
        written = [c for t in turns for c in t.call_ids if fold.calls[c].origin != "native"]
        if not written and not is_unfinished_call(delivered):
            content = "".join(turn.content for turn in turns)
            said = "".join(delta.text for delta in delivered if isinstance(delta, TextDelta))
            assert sorted(content) == sorted(said)
        thought = "".join(delta.text for delta in delivered if isinstance(delta, ReasoningDelta))
        assert "".join(turn.reasoning for turn in turns) == thought


def is_unfinished_call(delivered: list[Delta]) -> bool:
    """Whether the turn ended in calls written as text that were not told before the stop."""
    reader = TextReader({"echo": {}, "fail": {}, "slow": {}})
    texts = [delta.text for delta in delivered if isinstance(delta, TextDelta)]
    pieces = [piece for text in texts for piece in reader.feed(text)] + reader.finish()
    called = any(isinstance(piece, CallBegun) for piece in pieces)
    return called and any(isinstance(d, FinishDelta) for d in delivered)
