"""`python -m bench NAME …` runs one of the long proofs; without a name it lists them."""

from __future__ import annotations

import runpy
import sys

NAMES = (
    *("modes", "kills", "stops", "reconnects", "fire", "streams", "growth", "soak"),
    *("corpus", "fuzz", "wire", "doctor", "contract", "gateway", "key_timing"),
)


def main() -> int:
    """Run the named one with the arguments that follow; it ends the process itself."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        print(f"Choose one of: {', '.join(NAMES)}. `python -m bench NAME --help` tells more.")
        return 2
    name = sys.argv.pop(1)
    runpy.run_module(f"bench.{name}", run_name="__main__")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
