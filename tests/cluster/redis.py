"""A Redis of one's own, which keeps nothing on disk."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.cluster.part import Part
from tests.cluster.programs import program

DATABASES = 4096


class RedisServer(Part):
    """A Redis on loopback without a password."""

    name = "redis"

    def __init__(self, *, port: int | None = None, directory: Path | None = None) -> None:
        program("redis-server")
        super().__init__(port=port, directory=directory)

    def url(self, number: int = 0) -> str:
        """The REDIS_URL of one of its databases."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def _command(self) -> list[str]:
        settings = {
            "--bind": "127.0.0.1",
            "--port": str(self.port),
            "--save": "",
            "--appendonly": "no",
            "--databases": str(DATABASES),
            "--daemonize": "no",
            "--dir": str(self.directory),
        }
        return [program("redis-server"), *(part for pair in settings.items() for part in pair)]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.settimeout(1)
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False
