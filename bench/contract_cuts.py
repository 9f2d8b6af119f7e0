"""SSE cut off at random and resumed: every frame comes once, whichever process is asked."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass
from itertools import pairwise

from bench.contract_client import TERMINAL, Exchange, HttpClient, SseFrame, Told
from bench.contract_ground import HttpGround, body
from bench.contract_modes import frame_faults
from bench.modes import MODES, name_of
from bench.report import Report
from bench.scripts import text_for

AT_ONCE = 8
PIECES = 40
FRAMES_AT_MOST = 8
"""Frames between two cuts."""
PAUSE_SECONDS = 0.03
"""Who waited for longer waited for the model: stored frames come faster."""
STAY = {"X-Toolbench-On-Disconnect": "continue"}


@dataclass
class Cut:
    """What one stage with its cuts showed."""

    frames: int
    cuts: int
    while_it_ran: int
    """How often what was resumed had not been stored yet."""


async def prove_cuts(ground: HttpGround, report: Report, cuts: int, seed: int) -> None:
    """Run stages until each streamed mode has been cut so many times."""
    chance = random.Random(seed)
    rows = []
    for mode, synthesis, stream in MODES:
        if not stream:
            continue
        found: list[Cut] = []
        while (made := sum(cut.cuts for cut in found)) < cuts:
            tasks = [
                cut_once(ground, report, mode, synthesis, random.Random(chance.random()))
                for _ in range(min(AT_ONCE, cuts - made))
            ]
            found += await asyncio.gather(*tasks)
        rows.append(
            (
                name_of(mode, synthesis, stream),
                len(found),
                sum(cut.cuts for cut in found),
                sum(cut.while_it_ran for cut in found),
                sum(cut.frames for cut in found),
            )
        )
    report.line()
    report.line("Streams cut at random places and resumed with Last-Event-ID:")
    report.table(("mode", "stages", "cuts", "resumed while it ran", "frames"), rows)


async def cut_once(
    ground: HttpGround, report: Report, mode: str, synthesis: bool, chance: random.Random
) -> Cut:
    """Start a stage, cut its stream some times, resume it each time, and compare."""
    here, elsewhere = ground.turned()
    script = "text" if mode == "chat" else chance.choice(("native", "parallel", "astext"))
    prompt = f"{script} {PIECES} {chance.choice((50, 100))}"
    asked = body(prompt, synthesis=synthesis)
    seen: list[SseFrame] = []
    cuts = while_it_ran = 0
    async with await here.open("POST", f"/stream/v1/{mode}", asked, STAY) as exchange:
        cuts += await _is_cut(exchange, seen, chance)
    stage_id = seen[0].json["stage_id"]
    path = f"/stream/v1/stages/{stage_id}"
    servers = itertools.cycle((elsewhere, here))
    while seen[-1].event not in TERMINAL:
        last = {"Last-Event-ID": seen[-1].id}
        arrived = time.monotonic()
        async with await next(servers).open("GET", path, None, last) as exchange:
            cuts += await _is_cut(exchange, seen, chance)
        while_it_ran += time.monotonic() - arrived > PAUSE_SECONDS
    whole = await elsewhere.stream("GET", path)
    about = f"{name_of(mode, synthesis, True)} {stage_id}"
    report.promise(seen == whole.frames, f"{about}: {_difference(seen, whole.frames)}")
    told = Told(200, {}, seen)
    report.promise_none(frame_faults(mode, told), about)
    wanted = text_for(prompt) if mode == "chat" or synthesis else ""
    report.promise(told.text == wanted, f"{about}: the text is {told.text[:60]!r}")
    await _resumed_anywhere(elsewhere, stage_id, whole.frames, chance, report, about)
    return Cut(len(seen), cuts, while_it_ran)


async def _is_cut(exchange: Exchange, seen: list[SseFrame], chance: random.Random) -> bool:
    """Read a few frames; whether more were to come."""
    wanted = chance.randint(1, FRAMES_AT_MOST)
    async for frame in exchange.frames():
        seen.append(frame)
        wanted -= 1
        if not wanted:
            break
    return seen[-1].event not in TERMINAL


async def _resumed_anywhere(
    client: HttpClient,
    stage_id: str,
    frames: list[SseFrame],
    chance: random.Random,
    report: Report,
    about: str,
) -> None:
    """An ended stage, read from a random place, by header and by query."""
    at = chance.randrange(len(frames))
    path = f"/stream/v1/stages/{stage_id}"
    rest = await client.stream("GET", path, None, {"Last-Event-ID": frames[at].id})
    report.promise(rest.frames == frames[at + 1 :], f"{about}: resumed at {frames[at].id}")
    rest = await client.stream("GET", f"{path}?after={frames[at].number}")
    report.promise(rest.frames == frames[at + 1 :], f"{about}: ?after={frames[at].number}")


def _difference(seen: list[SseFrame], whole: list[SseFrame]) -> str:
    numbers = [frame.number for frame in seen]
    if any(b <= a for a, b in pairwise(numbers)):
        return f"frames came twice or in another order: {numbers}"
    missing = sorted({frame.number for frame in whole} - set(numbers))
    return f"{len(seen)} frames instead of {len(whole)}; missing {missing[:10]}"
