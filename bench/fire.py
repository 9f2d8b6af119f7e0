"""Proof 6: the journal under fire. Disk full, database locked, one bad row among many stages.

`python -m bench.fire [--only disk lock row] [--count 50] [--retry-seconds 30] [--lock-seconds 10]
[--cluster]`; with PostgreSQL it is stopped instead of its disk being full.
"""

from __future__ import annotations

import argparse

from bench import fire_disk, fire_lock, fire_row
from bench.layout import add_layout, chosen_layout

FIRES = ("disk", "lock", "row")


def main() -> int:
    """Read the command line, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FIRES, default=FIRES)
    parser.add_argument("--count", type=int, default=50, help="stages beside the bad row")
    parser.add_argument("--streams", type=int, default=20, help="stages under the lock")
    parser.add_argument("--retry-seconds", type=float, default=30)
    parser.add_argument("--lock-seconds", type=float, default=10)
    parser.add_argument("--no-mount", action="store_true", help="fill the disk without a tmpfs")
    add_layout(parser)
    arguments = parser.parse_args()
    layout = chosen_layout(arguments)
    failed = 0
    if "disk" in arguments.only:
        report = fire_disk.prove(
            retry_seconds=arguments.retry_seconds,
            may_mount=not arguments.no_mount,
            layout=layout,
        )
        failed |= report.finish()
    if "lock" in arguments.only:
        failed |= fire_lock.prove(arguments.streams, arguments.lock_seconds, layout=layout).finish()
    if "row" in arguments.only:
        failed |= fire_row.prove(arguments.count, layout=layout).finish()
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
