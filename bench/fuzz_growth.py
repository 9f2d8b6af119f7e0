"""How the readers' time grows with an answer's length, in shapes made to be slow."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.fuzz_inputs import NAMED
from bench.report import Report
from chat.engine.completions import ToolCallDelta
from chat.engine.tool_calls.assembler import ToolCallAssembler
from chat.engine.tool_calls.calls import CallIds
from chat.engine.tool_calls.dialects import DIALECTS
from chat.engine.tool_calls.reader import TextReader
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LineTooLong
from tests.chat.engine.tool_calls.cases import TOOLS, all_cases

CHUNK = 4
ALLOWED = 2.8
"""How many times as long twice the length may take: 2 is linear, 4 is quadratic."""
NOISE = 0.03
"""Seconds below which nothing can be said."""
CEILING = 12.0
"""Seconds that 1 MiB may take, whatever its growth."""

OPENERS = 2
"""So many of a dialect's opening words are tried."""

Measured = Callable[[int], float]


@dataclass(frozen=True)
class Growth:
    """Seconds of CPU for each size of one shape."""

    about: str
    seconds: tuple[float, ...]
    sizes: tuple[int, ...]

    @property
    def ratio(self) -> float | None:
        """The worst growth per doubling between two sizes; None where all is too fast to tell."""
        ratios = []
        for at in range(1, len(self.sizes)):
            before, after = self.seconds[at - 1], self.seconds[at]
            if after >= NOISE:
                times = self.sizes[at] / self.sizes[at - 1]
                ratios.append((after / max(before, NOISE / times)) ** (1 / math.log2(times)))
        return max(ratios, default=None)

    @property
    def holds(self) -> bool:
        """Whether the time is bounded by the length."""
        ratio = self.ratio
        return (ratio is None or ratio <= ALLOWED) and self.seconds[-1] <= CEILING


def prove(dialect: str | None, sizes: Sequence[int]) -> Report:
    """Measure every shape of every dialect (or of one, or of the wire) and judge."""
    report = Report(f"Growth from {sizes[0] // 1024} KiB to {sizes[-1] // 1024} KiB")
    rows, bad = [], []
    for about, measured in _measurements(dialect):
        growth = _measure(about, measured, sizes)
        ratio = "too fast" if growth.ratio is None else f"{growth.ratio:.2f}"
        rows.append((about, *(f"{seconds:.2f} s" for seconds in growth.seconds), ratio))
        if not growth.holds:
            bad.append(f"{about}: {growth.seconds[-1]:.2f} s, {ratio} times per doubling")
            print(f"  not bounded: {bad[-1]}", flush=True)
    report.table(("shape", *(f"{size // 1024} KiB" for size in sizes), "per doubling"), rows)
    report.promises += len(rows)
    report.broken += bad
    return report


def _measure(about: str, measured: Measured, sizes: Sequence[int]) -> Growth:
    seconds: list[float] = []
    for size in sizes:
        seconds.append(measured(size))
        if seconds[-1] > CEILING:
            # The next size would take minutes and say nothing new.
            seconds += [seconds[-1]] * (len(sizes) - len(seconds))
            break
    growth = Growth(about, tuple(seconds), tuple(sizes))
    if growth.holds or seconds[-1] > CEILING:
        return growth
    # Once more, in case the machine was busy.
    return Growth(about, tuple(measured(size) for size in sizes), tuple(sizes))


def _measurements(dialect: str | None) -> Iterator[tuple[str, Measured]]:
    if dialect in (None, "wire"):
        for about, measured in _WIRE.items():
            yield f"wire: {about}", measured
    for name in ("auto", *NAMED):
        if dialect in (None, name):
            for about, shape in shapes_of(name).items():
                for how, size in (("in fours", CHUNK), ("whole", None)):
                    yield f"{name}: {about}, {how}", _text_measure(name, shape, size)


Shape = Callable[[int], str]


def shapes_of(dialect: str) -> dict[str, Shape]:
    """Texts of any length, by what makes them slow; those of any dialect are tried by `auto`."""
    if dialect not in DIALECTS:
        return {**_ANY, **_opened(openers_of(name)[0] for name in NAMED)}
    openers = openers_of(dialect)[:OPENERS]
    shapes = _opened(openers)
    for opener in openers:
        shapes[f"{opener!r} on lines"] = _repeat(f"{opener}\n")
        shapes[f"{opener!r} nested"] = _led(opener, '{"a": [')
    cases = [case for name, case in all_cases() if name == dialect]
    call = next((c.raw for c in cases if c.calls and not c.text and "fern" in c.raw), None)
    if call is not None:
        before, after = call.split("fern", 1)
        shapes["one huge argument"] = _around(before, "fern ", after)
        shapes["an argument of <"] = _around(before, "<", after)
        shapes["an argument of quotes"] = _around(before, '\\"', after)
        shapes["an argument without an end"] = _led(before, "fern ")
        shapes["many calls"] = _repeat(call + "\n")
    return shapes


def openers_of(dialect: str) -> list[str]:
    """The words that open something in a dialect, calls first, the longest first."""
    rules = sorted(DIALECTS[dialect].rules, key=lambda rule: (not rule.is_call, -len(rule.opener)))
    return list(dict.fromkeys(rule.opener for rule in rules)) or ["<"]


def _opened(openers: Iterable[str]) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for opener in openers:
        shapes[f"{opener!r} repeated"] = _repeat(opener)
        shapes[f"{opener!r} never closed"] = _led(opener, "a word ")
    return shapes


def _repeat(unit: str) -> Shape:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _led(start: str, unit: str) -> Shape:
    return lambda size: start + _repeat(unit)(size)


def _around(before: str, unit: str, after: str) -> Shape:
    return lambda size: before + unit * (size // len(unit)) + after


def _text_measure(dialect: str, shape: Shape, chunk: int | None) -> Measured:
    def measure(size: int) -> float:
        text = shape(size)
        step = chunk or len(text)
        pieces = [text[at : at + step] for at in range(0, len(text), step)]
        reader = TextReader(TOOLS, dialect=dialect)
        began = time.process_time()
        for piece in pieces:
            reader.feed(piece)
        reader.finish()
        return time.process_time() - began

    return measure


def _wire_measure(shape: Callable[[int], bytes], step: int | None, *, whole: bool) -> Measured:
    def measure(size: int) -> float:
        data = shape(size)
        by = step or len(data)
        pieces = [data[at : at + by] for at in range(0, len(data), by)]
        reader = CompletionReader(whole=whole)
        began = time.process_time()
        try:
            for piece in pieces:
                reader.feed(piece)
            reader.finish()
        except (LineTooLong, NotACompletion):
            pass
        return time.process_time() - began

    return measure


def _chunk_line(**delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def _units(unit: bytes) -> Callable[[int], bytes]:
    return lambda size: unit * (size // len(unit) + 1)


def _long_line(size: int) -> bytes:
    return _chunk_line(content="a" * size)


def _body(size: int) -> bytes:
    return json.dumps({"choices": [{"message": {"content": "a" * size}}]}, indent=1).encode()


def _call_chunks(size: int) -> bytes:
    piece = {"index": 0, "function": {"arguments": '{"a": '}}
    return _units(_chunk_line(tool_calls=[piece]))(size)


def _assembly(fragment: Callable[[int], ToolCallDelta]) -> Measured:
    def measure(size: int) -> float:
        fragments = [fragment(number) for number in range(size // 16)]
        assembler = ToolCallAssembler(CallIds())
        began = time.process_time()
        for one in fragments:
            assembler.feed(one)
        assembler.finish()
        return time.process_time() - began

    return measure


_ANY: dict[str, Shape] = {
    "< only": _repeat("<"),
    "` only": _repeat("`"),
    "```": _repeat("```\n"),
    "` and words": _repeat("` a "),
    "[ only": _repeat("["),
    "{ only": _repeat("{"),
    "objects": _repeat('{"a": ['),
    "objects on lines": _repeat('{"name": "water"\n'),
    "quotes": _repeat('"'),
    "blanks": _repeat(" "),
    "line ends": _repeat("\n"),
    "prose": _repeat("The fern needs water. "),
    "thoughts": _repeat("<think>a</think>\n"),
    "an open thought": _led("<think>", "still thinking < "),
    "an object of text": _led('{"a": "', "some text "),
}

_WIRE: dict[str, Measured] = {
    "one long line, whole": _wire_measure(_long_line, None, whole=False),
    "one long line, in fours": _wire_measure(_long_line, CHUNK, whole=False),
    "a body, in fours": _wire_measure(_body, CHUNK, whole=True),
    "short chunks, in fours": _wire_measure(_units(_chunk_line(content="a")), CHUNK, whole=False),
    "data lines without blank lines": _wire_measure(_units(b'data: {"a":\n'), None, whole=False),
    "whole data lines without blank lines": _wire_measure(_units(b"data: {}\n"), None, whole=False),
    "bare lines without an end": _wire_measure(_units(b'{"a":\n'), None, whole=False),
    "bare closing brackets": _wire_measure(
        lambda n: b"{\n" + b"x}\n" * (n // 3), None, whole=False
    ),
    "comments": _wire_measure(_units(b": a\n"), CHUNK, whole=False),
    "line ends": _wire_measure(_units(b"\r"), CHUNK, whole=False),
    "brackets": _wire_measure(lambda n: b"data: " + b"[" * n, None, whole=False),
    "fragments of one call": _wire_measure(_call_chunks, None, whole=False),
    "assembly of one call": _assembly(
        lambda n: ToolCallDelta(0, None, "f" if not n else None, "ab")
    ),
    "assembly of many calls": _assembly(lambda n: ToolCallDelta(n, f"id{n}", "f", "{}")),
    "assembly without index or id": _assembly(lambda n: ToolCallDelta(None, None, "f", "{}")),
    "assembly of whole objects": _assembly(lambda n: ToolCallDelta(0, "a", "f", {"n": n})),
    "assembly of closing brackets": _assembly(
        lambda n: ToolCallDelta(0, None, None if n else "f", "}" if n else "{")
    ),
}
