"""SSE cut off at random and resumed: every frame comes once, whichever process is asked."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from itertools import pairwise

from bench.contract_client import HttpClient, SseFrame, Told
from bench.contract_ground import HttpGround, body
from bench.contract_modes import frame_faults
from bench.modes import MODES, name_of
from bench.report import Report, percentile
from bench.scripts import text_for

AT_ONCE = 8
PIECES = 40
STAY = {"X-Toolbench-On-Disconnect": "continue"}


@dataclass
class Cut:
    """What one stage with its cuts showed."""

    frames: int
    cuts: int
    live: bool
    """Whether the stage still ran when it was resumed."""


async def prove_cuts(ground: HttpGround, report: Report, cuts: int, seed: int) -> None:
    """Run stages until each streamed mode has been cut so many times."""
    chance = random.Random(seed)
    rows = []
    for mode, synthesis, stream in MODES:
        if not stream:
            continue
        room = asyncio.Semaphore(AT_ONCE)
        found: list[Cut] = []

        async def one(seed: int, mode: str = mode, synthesis: bool = synthesis) -> None:
            async with room:
                found.append(await cut_once(ground, report, mode, synthesis, random.Random(seed)))

        seeds = [chance.randrange(2**32) for _ in range(cuts)]
        await asyncio.gather(*(one(seed) for seed in seeds))
        rows.append(
            (
                name_of(mode, synthesis, stream),
                sum(cut.cuts for cut in found),
                sum(cut.live for cut in found),
                sum(cut.frames for cut in found),
                f"{percentile([cut.frames for cut in found], 50):.0f}",
            )
        )
    report.line()
    report.line("Streams cut at random places and resumed with Last-Event-ID:")
    report.table(("mode", "cuts", "while it ran", "frames", "frames each"), rows)


async def cut_once(
    ground: HttpGround, report: Report, mode: str, synthesis: bool, chance: random.Random
) -> Cut:
    """Start a stage, cut its stream one or several times, resume it, and compare."""
    client, other = ground.turned()
    script = "text" if mode == "chat" else chance.choice(("native", "parallel", "astext"))
    prompt = f"{script} {PIECES} {chance.choice((0, 100, 400))}"
    asked = body(prompt, synthesis=synthesis)
    seen: list[SseFrame] = []
    stage_id = ""
    async with await client.open("POST", f"/stream/v1/{mode}", asked, STAY) as exchange:
        stage_id = await _read_some(exchange.frames(), seen, chance)
    about = f"{name_of(mode, synthesis, True)} {stage_id}"
    cuts, servers = 1, [other, client]
    first_resumed_live = False
    while not seen or seen[-1].event not in ("done", "cancel", "error"):
        reader = servers[cuts % 2 - 1]
        headers = {"Last-Event-ID": seen[-1].id} if seen else {}
        async with await reader.open("GET", f"/stream/v1/stages/{stage_id}", None, headers) as on:
            if cuts < 3 and chance.random() < 0.5:
                await _read_some(on.frames(), seen, chance)
                cuts += 1
                first_resumed_live = True
            else:
                async for frame in on.frames():
                    seen.append(frame)
                break
    whole = await other.stream("GET", f"/stream/v1/stages/{stage_id}")
    report.promise(seen == whole.frames, f"{about}: {_difference(seen, whole.frames)}")
    told = Told(200, {}, seen)
    report.promise_none(frame_faults(mode, told), about)
    wanted = text_for(prompt) if mode == "chat" or synthesis else ""
    report.promise(told.text == wanted, f"{about}: the text is {told.text[:60]!r}")
    await _resumed_anywhere(other, stage_id, whole.frames, chance, report, about)
    return Cut(len(seen), cuts, first_resumed_live)


async def _read_some(frames: object, seen: list[SseFrame], chance: random.Random) -> str:
    """Read a random number of frames, at least one; the stage's id."""
    wanted = chance.randint(1, PIECES)
    async for frame in frames:  # type: ignore[attr-defined]
        seen.append(frame)
        wanted -= 1
        if not wanted:
            break
    return str(seen[-1].json["stage_id"])


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
