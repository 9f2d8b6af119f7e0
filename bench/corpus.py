"""The readers held against the corpus: recorded exchanges and calls written as text.

`python -m bench.corpus streams` reads every recorded exchange and compares every field, then every
stream again in pieces; `python -m bench.corpus text` does the same for texts, with each dialect
named, by `auto` (`--dialect auto`) or by one dialect (`--dialect NAME`, its own format alone).
"""

from __future__ import annotations

import argparse
import sys

from bench.corpus_files import CORPUS, MISSING, recordings, text_cases


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen proof; the exit status is 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.corpus", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    streams = kinds.add_parser("streams", help="recorded exchanges, each field")
    streams.add_argument("--cuts", type=int, default=3, help="random cuts of each stream")
    text = kinds.add_parser("text", help="calls written as text")
    text.add_argument("--dialect", default="named", help="named (each its own), auto, or one name")
    text.add_argument("--cuts", type=int, default=20, help="random cuts of each text")
    chosen = parser.parse_args(arguments)
    if not CORPUS.is_dir():
        print(MISSING, file=sys.stderr)
        return 2
    if chosen.kind == "streams":
        from bench.corpus_streams import prove as prove_streams

        return prove_streams(list(recordings()), cuts=chosen.cuts).finish()
    from bench.corpus_text import prove as prove_text

    cases = list(text_cases())
    if chosen.dialect not in ("named", "auto", "off"):
        cases = [case for case in cases if case.format == chosen.dialect]
        if not cases:
            print(f"The corpus has no format {chosen.dialect}.", file=sys.stderr)
            return 2
    return prove_text(cases, dialect=chosen.dialect, cuts=chosen.cuts).finish()


if __name__ == "__main__":
    raise SystemExit(main())
