"""Proof 5: reconnects at random cuts, two tabs, and a reader that stops reading.

`python -m bench.reconnects --count 200 --slow-seconds 60 [--cluster]`; with several processes each
reconnect goes to the next one, and each has a reader that stops reading.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time

from bench.layout import SINGLE, Layout, add_layout, chosen_layout
from bench.promises import faults_of
from bench.readers import Reader, Silence, stop_reading
from bench.report import Report, percentile
from bench.rig import ROUTE, Rig
from bench.scripts import text_for
from bench.viewers import check_watchers
from tests.sockets import SocketClient

FLAKY_READERS = 10
FLOOD = "text {count} 600 1024"
FLOOD_PIECES = 4000
"""4 MB in 7 s: what the kernel takes for a reader, and the 256 KiB at which the server pauses."""
GIVEN_UP_SECONDS = 30
CLOSE_SLOW_READER = 4408
MEMORY_ROOM_MIB = 24
"""What all viewers of a process may cost: 256 KiB each, a page of events each, and some room."""


def prove(
    count: int = 200, slow_seconds: float = 60, seed: int = 1, layout: Layout = SINGLE
) -> Report:
    """So many reconnects beside two tabs and a reader that is silent for so long."""
    report = Report(
        f"{count} reconnects, two tabs, a reader that stops for {slow_seconds:g} s; {layout}"
    )
    with Rig(layout=layout) as rig:
        rig.log_in()
        asyncio.run(_run(rig, count, slow_seconds, random.Random(seed), report))
        report.promise_none(rig.errors())
    return report


async def _run(
    rig: Rig, count: int, slow_seconds: float, chance: random.Random, report: Report
) -> None:
    seconds = max(slow_seconds, 6.0)
    prompts = [
        FLOOD.format(count=FLOOD_PIECES if slow_seconds > GIVEN_UP_SECONDS else 600),
        *(f"text {int(40 * seconds)} 40" for _ in range(4)),
        f"text {int(400 * seconds)} 400",
        f"parallel {int(40 * seconds)} 40",
    ]
    async with rig.client() as starter:
        # The same stages with one viewer at each process: what the text itself costs, and what is
        # loaded for good.
        alone = rig.rss_mib_each()
        watching = asyncio.create_task(_watch_memory(rig, alone))
        hurried = await _start_all(starter, [_hurried(prompt) for prompt in prompts], wait=False)
        elsewhere = [_follow(rig, Reader(), hurried, server=at) for at in range(1, len(alone))]
        await asyncio.gather(_drain(starter, hurried), *elsewhere)
        watching.cancel()
        starter.stages.clear()
        stage_ids = await _start_all(starter, prompts, wait=False)
        flooded, *quick = stage_ids
        tabs = [Reader() for _ in range(2)]
        flaky = [Reader() for _ in range(FLAKY_READERS)]
        left = [count]
        peak = rig.rss_mib_each()
        watching = asyncio.create_task(_watch_memory(rig, peak))
        async with asyncio.timeout(seconds * 4 + 120):
            others = asyncio.gather(
                _follow(rig, tabs[0], stage_ids),
                _follow(rig, tabs[1], stage_ids, html=True, server=len(rig.servers) - 1),
                *(_reconnect(rig, reader, quick, chance, left, seconds) for reader in flaky),
                _drain(starter, stage_ids),
            )
            silent = await asyncio.gather(
                *(stop_reading(rig, flooded, slow_seconds, at) for at in range(len(rig.servers)))
            )
            await others
        watching.cancel()
        after = rig.rss_mib_each()
    texts = [text_for(prompt) for prompt in prompts]
    readers = [*tabs, *flaky, *(one.reader for one in silent), Reader(starter.stages)]
    for stage_id, text in zip(stage_ids, texts, strict=True):
        stored = rig.database.stage(stage_id)
        report.promise_none(faults_of(stored))
        report.promise(stored.text == text, f"stage {stage_id} is not what the model said")
        for reader in readers:
            if stage_id in reader.stages:
                report.promise_none(check_watchers(stored, [reader.stages[stage_id]]))
    _tell(report, rig, readers, flaky, silent, (alone, peak, after), slow_seconds)
    report.promise(left[0] <= 0, f"{left[0]} reconnects were not made before the stages ended")


def _hurried(prompt: str) -> str:
    """The same text, faster."""
    script, count, _, *size = prompt.split()
    return " ".join((script, count, "600", *size))


async def _start_all(client: SocketClient, prompts: list[str], *, wait: bool = True) -> list[str]:
    stage_ids = []
    for prompt in prompts:
        chain = {"mode": "toolchain", "synthesis": True} if "parallel" in prompt else {}
        accepted = await client.start(prompt, model_route=ROUTE, **chain)
        stage_ids.append(accepted["stage_id"])
    if wait:
        await _drain(client, stage_ids)
    return stage_ids


async def _follow(
    rig: Rig, reader: Reader, stage_ids: list[str], *, html: bool = False, server: int = 0
) -> None:
    """A tab that stays; with html it also checks that rendering never runs ahead."""
    async with rig.client(server=server) as client:
        client.stages = reader.stages
        for number, stage_id in enumerate(stage_ids):
            # The flood's text rendered is some times its size; that is not what is measured here.
            rendered = html and number > 0
            await client.send(type="stage.subscribe", stage_id=stage_id, after=0, html=rendered)
        while reader.open_stages(stage_ids):
            frame = await client.receive()
            if frame["type"] == "html":
                assert frame["through"] <= reader.stages[frame["stage_id"]].last
                client.others.clear()


async def _reconnect(
    rig: Rig,
    reader: Reader,
    stage_ids: list[str],
    chance: random.Random,
    left: list[int],
    seconds: float,
) -> None:
    """Connect, follow for a moment, go away, come back after the last number seen."""
    await asyncio.sleep(chance.uniform(0, 0.5))
    # On average all are made in half of the time that the stages take.
    longest = max(0.2, seconds * FLAKY_READERS / max(left[0], 1))
    while open_stages := reader.open_stages(stage_ids):
        stays = left[0] <= 0
        server = len(reader.catch_up_ms) % len(rig.servers)
        async with rig.client(server=server) as client:
            client.stages = reader.stages
            begin = time.monotonic()
            for stage_id in open_stages:
                after = reader.stages[stage_id].last
                await client.send(type="stage.subscribe", stage_id=stage_id, after=after)
            await client.reply("subscribed")
            reader.catch_up_ms.append((time.monotonic() - begin) * 1000)
            if stays:
                while reader.open_stages(stage_ids):
                    await client.receive()
                return
            try:
                async with asyncio.timeout(chance.uniform(0, longest)):
                    while reader.open_stages(stage_ids):
                        await client.receive()
                return
            except TimeoutError:
                left[0] -= 1
                reader.reconnects += 1
            if chance.random() < 0.5:
                reader.abrupt += 1
                client.socket.transport.abort()


async def _drain(client: SocketClient, stage_ids: list[str]) -> None:
    for stage_id in stage_ids:
        await client.until_end(stage_id, 600)


async def _watch_memory(rig: Rig, peaks: list[float]) -> None:
    while True:
        peaks[:] = map(max, peaks, rig.rss_mib_each())
        await asyncio.sleep(0.2)


def _tell(
    report: Report,
    rig: Rig,
    readers: list[Reader],
    flaky: list[Reader],
    silent: list[Silence],
    memory: tuple[list[float], list[float], list[float]],
    slow_seconds: float,
) -> None:
    before, peak, after = memory
    catch_up = [ms for reader in flaky for ms in reader.catch_up_ms]
    reconnects = sum(reader.reconnects for reader in flaky)
    abrupt = sum(reader.abrupt for reader in flaky)
    events = sum(len(told.events) for reader in readers for told in reader.stages.values())
    text = sum(len(told.text) for told in readers[0].stages.values())
    several = len(silent) > 1
    report.table(
        ("what", "count"),
        [
            ("viewers", len(readers)),
            ("reconnects", reconnects),
            ("  of them without a close frame", abrupt),
            ("subscribed again, ms p50", f"{percentile(catch_up, 50):.1f}"),
            ("subscribed again, ms p95", f"{percentile(catch_up, 95):.1f}"),
            ("stages", len(readers[0].stages)),
            ("characters of text, all stages", text),
            ("events received, all viewers", events),
            *(
                line
                for at, one in enumerate(silent)
                for line in _silence(one, f"silent reader{f' {at + 1}' if several else ''}")
            ),
            ("server memory at its peak, same stages alone, MiB", _each(before)),
            ("server memory at its peak, all viewers, MiB", _each(peak)),
            ("server memory after, MiB", _each(after)),
        ],
    )
    for alone, most in zip(before, peak, strict=True):
        report.promise(
            most - alone <= MEMORY_ROOM_MIB,
            f"viewers cost a process {most - alone:.0f} MiB; {MEMORY_ROOM_MIB} MiB are allowed",
        )
    if slow_seconds > GIVEN_UP_SECONDS * 1.5:
        for one in silent:
            gone, code = one.connection_gone_after, one.closed_code
            in_time = gone is not None and GIVEN_UP_SECONDS - 1 <= gone <= slow_seconds
            report.promise(in_time, f"a silent reader was given up after {gone} s, not after 30 s")
            report.promise(
                code in (None, CLOSE_SLOW_READER), f"a silent reader was closed with {code}"
            )


def _each(figures: list[float]) -> str:
    return " + ".join(f"{figure:.1f}" for figure in figures)


def _silence(silent: Silence, name: str) -> list[tuple[str, object]]:
    gone = silent.connection_gone_after
    return [
        (f"{name}: events before it was given up", silent.had),
        (f"{name}: given up after s", "never" if gone is None else f"{gone:.1f}"),
        (f"{name}: waiting in the kernel, KiB", f"{silent.kernel_kib:.0f}"),
        (f"{name}: close code it saw", silent.closed_code or "none"),
    ]


def main() -> int:
    """Read the command line, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--slow-seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    add_layout(parser)
    arguments = parser.parse_args()
    layout = chosen_layout(arguments)
    return prove(arguments.count, arguments.slow_seconds, arguments.seed, layout).finish()


if __name__ == "__main__":
    raise SystemExit(main())
