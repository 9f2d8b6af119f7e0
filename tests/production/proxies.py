"""nginx and Caddy with the lines of the guide."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import Nginx, ProgramMissing
from tests.cluster.nginx import SURROUNDINGS
from tests.cluster.part import Part
from tests.production.browser import Browser
from tests.production.installation import Installation
from tests.serving import PASSWORD, free_port


class GuideNginx(Nginx):
    """nginx as the guide sets it up; `fill` puts this place's ports and paths into its lines."""

    def __init__(self, fill: Callable[..., str], certificate: Path) -> None:
        super().__init__([])
        self.plain_port = free_port()
        lines = fill(
            "nginx",
            {
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
                "listen [::]:80;": "",
                "listen [::]:443 ssl http2;": "",
                "/etc/ssl/toolbench/fullchain.pem": str(certificate),
                "/etc/ssl/toolbench/privkey.pem": str(certificate),
            },
        )
        self._configuration = SURROUNDINGS.format(lines=lines)

    @property
    def url(self) -> str:
        """Where people go."""
        return f"https://localhost:{self.port}"

    def check(self) -> str:
        """What `nginx -t` says of the configuration; raises where it is not valid."""
        return _output([*self._command(), "-t"], self.directory)


class GuideCaddy(Part):
    """Caddy as the guide sets it up, with a certificate of ours instead of one from outside."""

    name = "caddy"

    def __init__(self, fill: Callable[..., str], certificate: Path) -> None:
        super().__init__()
        own = f"https://localhost:{self.port} {{\n    tls {certificate} {certificate}\n"
        lines = fill("caddy", {"toolbench.example.org {\n": own})
        self.file = self.directory / "Caddyfile"
        # No administration port, and no redirects on port 80, which may be taken.
        self.file.write_text("{\n    admin off\n    auto_https disable_redirects\n}\n" + lines)

    @staticmethod
    def is_here() -> bool:
        """Whether Debian's caddy is installed."""
        return shutil.which("caddy") is not None

    @property
    def url(self) -> str:
        """Where people go."""
        return f"https://localhost:{self.port}"

    def check(self) -> str:
        """What `caddy validate` says of the configuration; raises where it is not valid."""
        options = ["--adapter", "caddyfile", "--config", str(self.file)]
        return _output(["caddy", "validate", *options], self.directory)

    def _command(self) -> list[str]:
        folders = [f"{name}={self.directory}" for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")]
        caddy = ["caddy", "run", "--adapter", "caddyfile", "--config", str(self.file)]
        return ["/usr/bin/env", *folders, *caddy]

    def _answers(self) -> bool:
        return Nginx._answers(self)  # type: ignore[arg-type]


def _output(command: list[str], directory: Path) -> str:
    done = subprocess.run(
        command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def proxy_of(
    name: str, team: Installation, ports: tuple[int, int] | None = None
) -> GuideNginx | GuideCaddy:
    """A proxy with the guide's lines, to the processes or to other ports; skips where it is not
    on this machine."""

    def fill(block: str, more: dict[str, str]) -> str:
        if ports is None:
            return team.fill(block, more)
        return team.fill(block, {**more, "8001": str(ports[0]), "8002": str(ports[1])})

    certificate = team.root / "certificate.pem"
    if name == "nginx":
        try:
            return GuideNginx(fill, certificate)
        except ProgramMissing as missing:
            pytest.skip(f"cluster: {missing}")
    if not GuideCaddy.is_here():
        pytest.skip("caddy: it is not on this machine. On Debian, as root: apt-get install caddy")
    return GuideCaddy(fill, certificate)


def logged_in(team: Installation, proxy: GuideNginx | GuideCaddy) -> Browser:
    """A browser of the admin at the proxy."""
    browser = Browser(proxy.url, team.root / "certificate.pem")
    browser.log_in("admin", PASSWORD)
    return browser
