"""What the servers of a proof stand on, and the one option of every command that chooses it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

SERVERS = ("daphne", "uvicorn")


@dataclass(frozen=True)
class Layout:
    """SQLite and one process, or PostgreSQL, Redis and some processes that serve it together."""

    is_cluster: bool = False
    processes: int = 1
    server: str = "daphne"

    def __str__(self) -> str:
        if not self.is_cluster:
            return f"SQLite, one process, {self.server}"
        processes = "one process" if self.processes == 1 else f"{self.processes} processes"
        return f"PostgreSQL, Redis, {processes}, {self.server}"


SINGLE = Layout()
CLUSTER = Layout(is_cluster=True, processes=2)


def add_layout(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that `chosen_layout` reads."""
    parser.add_argument(
        "--cluster",
        nargs="?",
        type=int,
        const=CLUSTER.processes,
        metavar="N",
        help="PostgreSQL, Redis and N serving processes (2), instead of SQLite and one",
    )
    parser.add_argument("--server", choices=SERVERS, default=SERVERS[0], help="who speaks HTTP")


def chosen_layout(arguments: argparse.Namespace) -> Layout:
    """What the command line asks for."""
    if arguments.cluster is None:
        return Layout(server=arguments.server)
    return Layout(is_cluster=True, processes=max(1, arguments.cluster), server=arguments.server)
