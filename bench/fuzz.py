"""Fuzzing of framing, assembly and dialects; and how their time grows with an answer's length.

`python -m bench.fuzz --minutes 10` feeds what hypothesis makes up to the laws of bench.fuzz_laws,
printing each seed; an input that breaks a law is made as small as possible and kept in a file, and
`--seed N` runs that seed alone again. `python -m bench.fuzz --growth` measures answers of 64 KiB to
1 MiB in shapes made to be slow.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bench import fuzz_inputs as inputs
from bench import fuzz_laws as laws
from bench.report import Report

KEPT = Path("var/fuzz")
EXAMPLES = 400
"""Of one law under one seed; then the next law has its turn."""
MEMORY_LIMIT = 200
"""MiB that the process may grow by after its first minute."""
SLOW_SECONDS = 1.0
"""No input of a few hundred characters may take so long."""


class TooSlow(AssertionError):
    """An input took longer than its length explains."""


def main(arguments: list[str] | None = None) -> int:
    """Fuzz or measure growth; the exit status is 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="run this seed alone, once through every law")
    parser.add_argument("--keep", type=Path, default=KEPT, help="where failing inputs are kept")
    parser.add_argument("--growth", action="store_true", help="measure growth instead")
    parser.add_argument("--dialect", help="only this dialect (auto, wire, or a name)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 1024], metavar="KIB")
    chosen = parser.parse_args(arguments)
    if chosen.growth:
        from bench.fuzz_growth import prove

        return prove(chosen.dialect, [size * 1024 for size in chosen.sizes]).finish()
    return fuzz(chosen.minutes, chosen.seed, chosen.keep, chosen.dialect).finish()


def fuzz(minutes: float, only: int | None, keep: Path, dialect: str | None) -> Report:
    """Run the laws in turn until the time is over or all have failed."""
    report = Report("Fuzzing")
    ends = time.monotonic() + minutes * 60
    first = only if only is not None else random.SystemRandom().randrange(2**32)
    print(f"The first seed is {first}; each turn takes the next.", flush=True)
    runs = dict(_laws(dialect))
    examples = dict.fromkeys(runs, 0)
    failed: dict[str, str] = {}
    memory, number = 0.0, first
    while True:
        for name, run in runs.items():
            if name in failed or (only is None and time.monotonic() >= ends):
                continue
            try:
                examples[name] += run(number)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                failed[name] = kept(keep, name, number, error)
                print(f"{name} failed under seed {number}: {failed[name]}", flush=True)
        number += 1
        if number == first + 2:
            memory = _resident()
        done = number - first
        if only is not None or time.monotonic() >= ends or len(failed) == len(runs):
            break
        if done % 10 == 0:
            print(f"seed {number}: {sum(examples.values()):,} inputs so far", flush=True)
    report.line(f"Seeds {first} to {number - 1}; {sum(examples.values()):,} inputs.")
    for name, count in examples.items():
        report.line(f"  {count:9,} {name}" + (" — failed" if name in failed else ""))
    grown = _resident() - memory if memory else 0.0
    report.line(f"Memory grew by {grown:.0f} MiB after the first turn.")
    report.promise_none(f"{name}: {words}" for name, words in failed.items())
    report.promise(grown <= MEMORY_LIMIT, f"memory grew by {grown:.0f} MiB")
    return report


Run = Callable[[int], int]


def _laws(dialect: str | None) -> list[tuple[str, Run]]:
    """Every law by name, each as something that runs it under a seed and counts its inputs."""
    runs: list[tuple[str, Run]] = []
    if dialect in (None, "wire"):
        runs += [
            (
                "framing",
                seeded_run(laws.framing_is_the_same_in_pieces, inputs.STREAMS, inputs.SEEDS),
            ),
            ("framing of bodies", seeded_run(_framing_of_bodies, inputs.STREAMS, inputs.SEEDS)),
            ("assembly", seeded_run(laws.assembly_keeps_every_piece, inputs.FRAGMENTS)),
        ]
    for name in ("auto", *inputs.NAMED):
        if dialect in (None, name):
            runs.append((f"dialect {name}", _dialect_run(name)))
    return runs


def _framing_of_bodies(data: bytes, cut: str) -> None:
    laws.framing_is_the_same_in_pieces(data, cut, whole=True)


def _dialect_run(name: str) -> Run:
    def law(text: str, tools: Any, cut: str, inside: bool, thoughts: bool) -> None:
        laws.text_is_the_same_in_pieces(text, name, tools, cut, inside=inside, thoughts=thoughts)

    return seeded_run(
        law,
        inputs.texts_in(name),
        inputs.TOOL_CHOICES,
        inputs.SEEDS,
        st.booleans(),
        st.sampled_from((True, True, False)),
    )


def seeded_run(law: Callable[..., None], *strategies: st.SearchStrategy[Any]) -> Run:
    """What runs a law under a seed, raising at the smallest input that breaks it."""

    def run(number: int) -> int:
        count = 0

        @seed(number)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.tuples(*strategies))
        def check(values: tuple[Any, ...]) -> None:
            nonlocal count
            count += 1
            began = time.process_time()
            law(*values)
            took = time.process_time() - began
            if took > SLOW_SECONDS:
                raise TooSlow(f"{took:.1f} s for one input")

        check()
        return count

    return run


def kept(keep: Path, name: str, number: int, error: BaseException) -> str:
    """Keep what failed in a file; its name and the error in a line."""
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"{name.replace(' ', '-')}-{number}.txt"
    notes = "\n".join(getattr(error, "__notes__", ()))
    trace = "".join(traceback.format_exception(error))
    path.write_text(f"{notes}\n\n{trace}", encoding="utf-8", errors="backslashreplace")
    return f"{type(error).__name__}: {str(error)[:500]} (kept in {path})"


def _resident() -> float:
    """The most memory that the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
