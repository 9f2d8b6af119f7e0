"""An nginx in front of the serving processes, as docs/production.md sets it up."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.part import Part
from tests.cluster.programs import give_to, program, unprivileged

SYSTEM_USER = "nobody"

SURROUNDINGS = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{lines}
}}
"""
"""What Debian's nginx.conf would say around the lines of a site."""

SITE = """    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream toolbench {{
{upstreams}
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 20m;
        location / {{
            proxy_pass http://toolbench;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_buffering off;
            proxy_cache off;
            proxy_connect_timeout 2s;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
            proxy_next_upstream error timeout http_502 http_503;
        }}
    }}"""


class Nginx(Part):
    """A proxy on loopback; a process that is dead or says 503 is passed over for a second."""

    name = "nginx"

    def __init__(
        self,
        upstreams: Sequence[int],
        *,
        port: int | None = None,
        directory: Path | None = None,
    ) -> None:
        program("nginx")
        super().__init__(port=port, directory=directory)
        lines = [
            f"        server 127.0.0.1:{upstream} max_fails=1 fail_timeout=1s;"
            for upstream in upstreams
        ]
        site = SITE.format(upstreams="\n".join(lines), port=self.port)
        self._configuration = SURROUNDINGS.format(lines=site)

    @property
    def url(self) -> str:
        """Where people go."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        give_to(self.directory, SYSTEM_USER)
        (self.directory / "nginx.conf").write_text(self._configuration)
        super().start()

    def _command(self) -> list[str]:
        folder = str(self.directory)
        command = [program("nginx"), "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"]
        return unprivileged(command, SYSTEM_USER)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
