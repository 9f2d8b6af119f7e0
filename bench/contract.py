"""The HTTP contract, held by a client that was written from its text alone.

`python -m bench.contract [--cuts 50] [--cluster] [--server uvicorn]`: all six modes, every status,
streams cut off and resumed (on another process where there is one), clients that go away.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import socket
import time
import uuid
from urllib.parse import urlsplit

from bench.contract_client import HttpClient
from bench.contract_cuts import STAY, prove_cuts
from bench.contract_ground import HttpGround, body, http_ground, until
from bench.contract_modes import prove_demo, prove_modes
from bench.contract_refusals import CHAT, STREAM, TOOLS, Ask, faults, prove_refusals
from bench.layout import SINGLE, Layout, add_layout, chosen_layout
from bench.report import Report
from bench.rig import pid_of

GOAL_MS = 250
FEW_REQUESTS = 3


def prove(
    cuts: int = 50, layout: Layout = SINGLE, seed: int | None = None, *, rounds: int = 3
) -> Report:
    """Everything once, and so many cuts per streamed mode."""
    seed = random.randrange(2**32) if seed is None else seed
    report = Report(f"The HTTP contract; {layout}; seed {seed}")
    with http_ground(layout) as ground:
        asyncio.run(_prove(ground, report, cuts, seed, rounds))
        asyncio.run(going_down(ground, report))
        report.promise_none(ground.rig.errors())
    with http_ground(layout, TOOLBENCH_KEY_REQUESTS_PER_MINUTE=str(FEW_REQUESTS)) as ground:
        asyncio.run(rate(ground, report))
    return report


async def _prove(ground: HttpGround, report: Report, cuts: int, seed: int, rounds: int) -> None:
    await prove_modes(ground, report)
    await prove_demo(ground, report)
    await prove_refusals(ground, report)
    await prove_cuts(ground, report, cuts, seed)
    await _gone(ground, report, rounds)
    await _heartbeats(ground, report)


async def _gone(ground: HttpGround, report: Report, rounds: int) -> None:
    """A client that goes away closes the upstream, unless it wanted its stage to go on."""
    rows = []
    for about, path, prompt, has_head in (
        ("before the first byte, streamed", STREAM, "headers", True),
        ("before the first token, streamed", STREAM, "silent", True),
        ("mid-stream", STREAM, "text 2000 100", True),
        ("before the first byte, whole", CHAT, "headers", False),
        ("while the answer is collected", CHAT, "text 2000 100", False),
        ("in a tool stage, whole", TOOLS, "text 2000 100", False),
    ):
        worst = 0.0
        for _ in range(rounds):
            client, _ = ground.turned()
            worst = max(worst, await gone_once(ground, client, path, prompt, has_head))
        report.promise(worst <= GOAL_MS, f"{about}: closed after {worst:.0f} ms")
        rows.append((about, rounds, f"{worst:.1f}"))
    for path in (STREAM, CHAT):
        report.promise_none(await stays(ground, path), "a client that wanted its stage to go on")
    report.line()
    report.table(("the client goes away", "times", "upstream closed, ms (worst)"), rows)


async def gone_once(
    ground: HttpGround, client: HttpClient, path: str, prompt: str, has_head: bool
) -> float:
    """Milliseconds from a client's going away to the end of the upstream's connection."""
    replay = ground.rig.replay
    before = len(replay.completions)
    reader, writer = await client.send("POST", path, body(prompt))
    if has_head:
        await reader.readuntil(b"\r\n\r\n")
    await until(lambda: len(replay.completions) > before)
    if prompt.startswith("text") and has_head:
        await reader.readuntil(b"data: ")
    exchange = replay.completions[before]
    moment = time.monotonic()
    writer.transport.abort()
    await exchange.closed.waited(10)
    assert exchange.closed_at is not None
    return (exchange.closed_at - moment) * 1000


async def stays(ground: HttpGround, path: str) -> list[str]:
    """With the header the stage ends by itself, and its events can be read."""
    client, other = ground.turned()
    before = len(ground.rig.replay.completions)
    stage_id = str(uuid.uuid4())
    asked = body("text 20 100", stage_id=stage_id)
    _, writer = await client.send("POST", path, asked, STAY)
    await until(lambda: len(ground.rig.replay.completions) > before)
    writer.transport.abort()
    told = await other.stream("GET", f"/stream/v1/stages/{stage_id}")
    end = told.end.event if told.end else None
    return [] if end == "done" else [f"{path}: it ended {end}"]


async def _heartbeats(ground: HttpGround, report: Report) -> None:
    """Comments come while the model is silent; headers have come before."""
    begin = time.monotonic()
    async with await ground.client().open("POST", STREAM, body("silent")) as exchange:
        head = time.monotonic() - begin
        frames = exchange.frames()
        try:
            async with asyncio.timeout(1.8):
                await anext(frames)
        except TimeoutError:
            pass
        found = len(exchange.comments)
    report.promise(head < 0.5, f"the headers came after {head:.2f} s")
    report.promise(2 <= found <= 4, f"{found} heartbeats in 1.8 s, two a second wanted")
    report.line()
    report.line(f"Headers of a silent model's stream after {head * 1000:.0f} ms; then heartbeats.")


async def going_down(ground: HttpGround, report: Report) -> None:
    """503 on a connection that was there before; the running stage gets its grace."""
    server = ground.rig.servers[0]
    parts = urlsplit(server.url)
    running = await ground.client().open("POST", STREAM, body("text 60 30"))
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as early:
        early.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=early)
        process = server.process
        assert process is not None
        assert pid_of(server)
        process.send_signal(signal.SIGTERM)
        frames = running.frames()
        for _ in range(3):
            await anext(frames)
        content = b'{"model_container":"replay","system_prompt":"","user_prompt":"text 1"}'
        key = ground.keys["all"]
        writer.write(
            f"POST {CHAT} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        rest = [frame async for frame in frames]
        writer.close()
    status = int(head.split()[1])
    report.promise(status == 503, f"while it goes down: {status}")
    report.promise("retry-after" in head.lower(), "a 503 without Retry-After")
    report.promise(bool(rest), "the running stage was cut off")
    ended = rest[-1].event if rest else ""
    report.promise(ended in ("done", "cancel"), f"the running stage ended {ended!r}")
    running.leave()


async def rate(ground: HttpGround, report: Report) -> None:
    """429 with Retry-After once a key has used up its minute; another key goes on."""
    client = ground.client()
    answers = [await client.ask("POST", CHAT, body("text 1")) for _ in range(FEW_REQUESTS + 1)]
    statuses = [answer.status for answer in answers]
    report.promise(statuses == [200] * FEW_REQUESTS + [429], f"requests in a minute: {statuses}")
    ask = Ask("", 429, "rate_limited", None)
    report.promise_none(faults(ask, answers[-1]), "a request too many")
    other = await ground.client("of another").ask("POST", CHAT, body("text 1"))
    report.promise(other.status == 200, f"another key: {other.status}")
    wait = answers[-1].headers.get("retry-after")
    report.line(f"A key's request too many: {statuses[-1]}, Retry-After: {wait}.")


def main() -> int:
    """Read the command line, prove, print."""
    # The replay server writes to connections that Toolbench has closed, which is what it is for.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=50, help="per streamed mode (50)")
    parser.add_argument("--seed", type=int, help="of the random cuts")
    add_layout(parser)
    arguments = parser.parse_args()
    return prove(arguments.cuts, chosen_layout(arguments), arguments.seed).finish()


if __name__ == "__main__":
    raise SystemExit(main())
