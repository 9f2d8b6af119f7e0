"""Whether the cost of a chunk depends on how much came before it, in the answer or in the
conversation.

`python -m bench.growth` measures both and says plainly whether they are flat; `--layout` chooses
what it runs on, `--answers` and `--conversations` how long they are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.history import RESULTS, keep, markdown_table
from bench.loop import raise_open_files
from bench.loop import run as run_loop
from bench.reading import OneReader
from bench.report import Report
from bench.setups import Ground, Setup, ground
from bench.upstream import wish

KIB = 1024
ANSWERS = (1 * KIB, 16 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB)
CONVERSATIONS = (10, 100, 1_000, 10_000)
CHUNK = 256
PER_SECOND = 400.0
"""Fast enough for 4 MiB in 40 s; eight chunks gather for each commit, at every length."""
STARTS = 24
COMPARED_CHUNKS = 64
"""A shorter answer's chunks drown in the cost of its start."""
ALLOWED = 1.25
"""How many times the first a last one may cost and still be called flat."""
PAGE_LOADS = 7


@dataclass(frozen=True)
class AnswerCost:
    """Answers of one length."""

    characters: int
    html: bool
    stages: int
    whole_us: float
    chunk_us: float
    """Per chunk beyond the first one's stage: what an answer costs by being longer."""
    last_quarter: float | None
    """CPU of the last quarter of the answer's chunks over that of the first quarter."""
    resident_mib: float
    html_frames: int

    @property
    def chunks(self) -> int:
        """In one answer."""
        return max(1, self.characters // CHUNK)


@dataclass(frozen=True)
class ConversationCost:
    """A conversation of one length."""

    messages: int
    start_ms: float
    first_token_ms: float
    chunk_us: float
    page_ms: float
    page_cpu_ms: float
    page_kib: float
    queries: int


@dataclass(frozen=True)
class Verdict:
    """Whether costs that should be the same are."""

    about: str
    first: float
    last: float

    @property
    def ratio(self) -> float:
        """The last over the first."""
        return self.last / self.first if self.first > 0 else float("inf")

    @property
    def is_flat(self) -> bool:
        """Within what is allowed for the noise of a machine."""
        return self.ratio <= ALLOWED

    def __str__(self) -> str:
        word = "flat" if self.is_flat else "**not flat**"
        return f"{self.about}: {word}, last/first {self.ratio:.2f} ({ALLOWED:g} is allowed)"


def run(arguments: argparse.Namespace) -> int:
    """Measure, judge, print and keep."""
    report = Report("CPU per chunk against the length of answer and conversation")
    setup = Setup.named(arguments.layout)
    environment = {"TOOLBENCH_USER_STAGES": "50"}
    with ground(setup, people=1, chunks=1, per_second=PER_SECOND, environment=environment) as made:
        ids = store_conversations(made, arguments.conversations)
        queries = count_queries(made, ids)
        answers = run_loop(measure_answers(made, arguments.answers, arguments.per_second))
        talks = run_loop(measure_conversations(made, ids, queries))
    verdicts = [*judge_answers(answers), *judge_conversations(talks)]
    body = written(setup, answers, talks, verdicts)
    report.line(body)
    for verdict in verdicts:
        report.promise(verdict.is_flat, str(verdict))
    status = report.finish()
    if arguments.results is not None:
        found = {
            "setup": setup.name,
            "answers": [asdict(cost) for cost in answers],
            "conversations": [asdict(cost) for cost in talks],
            "verdicts": [
                {**asdict(verdict), "ratio": verdict.ratio, "is_flat": verdict.is_flat}
                for verdict in verdicts
            ],
        }
        ratios = "; ".join(f"{verdict.about} {verdict.ratio:.2f}" for verdict in verdicts)
        summary = f"{setup.name}, last/first: {ratios}"
        print(f"Kept in {keep('growth', summary, body, found, arguments.results)}", file=sys.stderr)
    return status


# --- the length of the answer ---


async def measure_answers(
    made: Ground, lengths: Sequence[int], per_second: float
) -> list[AnswerCost]:
    """Answers of each length, as text alone and with rendered Markdown."""
    server = made.servers[0]
    reader = OneReader(server)
    await reader.connect(made.cookies[0])
    costs = []
    for html in (False, True):
        # What any stage costs, and what is loaded once.
        single = wish(1, per_second, CHUNK)
        await reader.read(single, html=html)
        before = server.cpu_seconds()
        for _ in range(STARTS):
            await reader.read(single, html=html)
        start = (server.cpu_seconds() - before) / STARTS
        for length in lengths:
            _say(f"answers of {_size(length)}{', rendered' if html else ''}")
            chunks = max(1, length // CHUNK)
            stages = max(1, min(STARTS, 1024 // chunks))
            quarters = [length * part // 4 for part in (1, 3)] if chunks >= COMPARED_CHUNKS else []
            before, ratios = server.cpu_seconds(), []
            for _ in range(stages):
                began = server.cpu_seconds()
                seen = await reader.read(
                    wish(chunks, per_second, CHUNK), html=html, marks=[CHUNK, *quarters, length]
                )
                ratios += _last_over_first(began, seen.marks) if len(quarters) else []
            used = (server.cpu_seconds() - before) / stages
            costs.append(
                AnswerCost(
                    characters=length,
                    html=html,
                    stages=stages,
                    whole_us=used / chunks * 1e6,
                    chunk_us=max(0.0, used - start) / max(1, chunks - 1) * 1e6,
                    last_quarter=statistics.median(ratios) if ratios else None,
                    resident_mib=server.resident_mib(),
                    html_frames=seen.html_frames,
                )
            )
    await reader.socket.leave()
    return costs


def _last_over_first(began: float, marks: Sequence[tuple[int, float]]) -> list[float]:
    """The CPU of the last quarter over that of the first, where four marks were met."""
    if len(marks) < 4:
        return []
    (_, first), (_, quarter), (_, three), (_, whole) = marks[:4]
    return [(whole - three) / (quarter - first)] if quarter > first else []


def judge_answers(costs: Sequence[AnswerCost]) -> list[Verdict]:
    """The longest answer against the shortest one that is long enough to tell."""
    verdicts = []
    for html in (False, True):
        told = [cost for cost in costs if cost.html == html and cost.chunks >= COMPARED_CHUNKS]
        name = "answer, rendered" if html else "answer"
        if len(told) > 1:
            about = f"{name}: {_size(told[0].characters)} to {_size(told[-1].characters)}"
            verdicts.append(Verdict(about, told[0].chunk_us, told[-1].chunk_us))
        if told and told[-1].last_quarter is not None:
            about = f"{name}: first to last quarter of {_size(told[-1].characters)}"
            verdicts.append(Verdict(about, 1.0, told[-1].last_quarter))
    return verdicts


# --- the length of the conversation ---


def store_conversations(made: Ground, lengths: Sequence[int]) -> dict[int, str]:
    """Conversations of so many messages; their ids by length."""
    _say(f"storing conversations of {', '.join(map(str, lengths))} messages")
    told = made.manage(f"from bench.conversations import store; store({list(lengths)!r})")
    return {int(length): key for length, key in json.loads(told).items()}


def count_queries(made: Ground, ids: dict[int, str]) -> dict[int, int]:
    """How many queries each conversation's page takes."""
    keys = list(ids.values())
    told = made.manage(f"from bench.conversations import count_queries; count_queries({keys!r})")
    counts = json.loads(told)
    return {length: counts[key] for length, key in ids.items()}


async def measure_conversations(
    made: Ground, ids: dict[int, str], queries: dict[int, int]
) -> list[ConversationCost]:
    """What a stage and the page cost in each conversation."""
    server = made.servers[0]
    reader = OneReader(server)
    await reader.connect(made.cookies[0])
    single, chunks = wish(1, 20.0), 400
    costs = []
    for length, key in ids.items():
        _say(f"a conversation of {length} messages")
        page_ms, page_cpu, page_bytes = _load_page(made, key)
        await reader.read(single, conversation_id=key)
        before = server.cpu_seconds()
        starts = [await reader.read(single, conversation_id=key) for _ in range(STARTS // 3)]
        start = (server.cpu_seconds() - before) / len(starts)
        before = server.cpu_seconds()
        await reader.read(wish(chunks, 100.0), conversation_id=key)
        costs.append(
            ConversationCost(
                messages=length,
                start_ms=start * 1000,
                first_token_ms=statistics.median(seen.first_ms or 0.0 for seen in starts),
                chunk_us=(server.cpu_seconds() - before - start) / (chunks - 1) * 1e6,
                page_ms=page_ms,
                page_cpu_ms=page_cpu,
                page_kib=page_bytes / KIB,
                queries=queries[length],
            )
        )
    await reader.socket.leave()
    return costs


def _load_page(made: Ground, conversation_id: str) -> tuple[float, float, int]:
    """Median ms and CPU ms of loading a conversation's page, and its bytes."""
    server = made.servers[0]
    request = urllib.request.Request(
        f"{server.url}/c/{conversation_id}/", headers={"Cookie": made.cookies[0]}
    )
    took, used, size = [], [], 0
    for _ in range(PAGE_LOADS):
        cpu, began = server.cpu_seconds(), time.monotonic()
        with urllib.request.urlopen(request, timeout=60) as answer:
            size = len(answer.read())
        took.append((time.monotonic() - began) * 1000)
        used.append((server.cpu_seconds() - cpu) * 1000)
    return statistics.median(took), statistics.median(used), size


def judge_conversations(costs: Sequence[ConversationCost]) -> list[Verdict]:
    """The longest conversation against the shortest; starts and pages against the longest one
    whose messages are still all sent and shown."""
    if len(costs) < 2:
        return []
    first, last = costs[0], costs[-1]
    between = f"{first.messages} to {last.messages} messages"
    verdicts = [Verdict(f"conversation, per chunk: {between}", first.chunk_us, last.chunk_us)]
    verdicts.append(Verdict(f"page, queries: {between}", first.queries, last.queries))
    # Below this more messages are more to send and to show; above it they are not.
    full = next((cost for cost in costs if cost.messages >= 1000), None)
    if full is not None and full is not last:
        between = f"{full.messages} to {last.messages} messages"
        verdicts.append(Verdict(f"start, CPU: {between}", full.start_ms, last.start_ms))
        verdicts.append(Verdict(f"page, CPU: {between}", full.page_cpu_ms, last.page_cpu_ms))
    return verdicts


def written(
    setup: Setup,
    answers: Sequence[AnswerCost],
    talks: Sequence[ConversationCost],
    verdicts: Sequence[Verdict],
) -> str:
    """Tables and verdicts, as Markdown."""
    rows = []
    for plain in (cost for cost in answers if not cost.html):
        html = next(c for c in answers if c.html and c.characters == plain.characters)
        rows.append(
            (
                _size(plain.characters),
                plain.chunks,
                f"{plain.whole_us:.0f}",
                _chunk(plain),
                _times(plain.last_quarter),
                f"{html.whole_us:.0f}",
                _chunk(html),
                _times(html.last_quarter),
                f"{plain.resident_mib:.0f}/{html.resident_mib:.0f}",
            )
        )
    head = (
        *("answer", "chunks", "µs/chunk, start included", "µs/chunk", "last/first quarter"),
        *("rendered: start included", "rendered: µs/chunk", "last/first quarter", "MiB after"),
    )
    talk_head = (
        *("messages", "start, CPU ms", "first token ms", "µs/chunk", "page ms", "page CPU ms"),
        *("page KiB", "queries"),
    )
    talk_rows = [
        (
            talk.messages,
            f"{talk.start_ms:.1f}",
            f"{talk.first_token_ms:.1f}",
            f"{talk.chunk_us:.0f}",
            f"{talk.page_ms:.0f}",
            f"{talk.page_cpu_ms:.0f}",
            f"{talk.page_kib:.0f}",
            talk.queries,
        )
        for talk in talks
    ]
    return "\n".join(
        [
            f"On {setup.name}; chunks of {CHUNK} characters at {PER_SECOND:g} a second.\n",
            markdown_table(head, rows),
            "",
            markdown_table(talk_head, talk_rows),
            "",
            *(f"- {verdict}" for verdict in verdicts),
        ]
    )


def _chunk(cost: AnswerCost) -> str:
    return f"{cost.chunk_us:.0f}" if cost.chunks >= COMPARED_CHUNKS else "–"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def _size(characters: int) -> str:
    if characters >= KIB * KIB:
        return f"{characters / KIB / KIB:g} MiB"
    return f"{characters / KIB:g} KiB"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _kib(text: str) -> list[int]:
    return [int(float(part) * KIB) for part in text.split(",") if part]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line and measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layout", default="sqlite-daphne-1")
    parser.add_argument("--answers", type=_kib, default=list(ANSWERS), help="lengths in KiB")
    parser.add_argument("--conversations", type=_numbers, default=list(CONVERSATIONS))
    parser.add_argument("--per-second", type=float, default=PER_SECOND)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the run is kept")
    parser.add_argument("--discard", action="store_const", const=None, dest="results")
    arguments = parser.parse_args(words)
    raise_open_files()
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
