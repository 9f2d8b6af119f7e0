"""What happens when the server listens, and what when it stops."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable

from django.conf import settings
from django.core.management.base import OutputWrapper

from chat import discovery, lifecycle
from chat.bench.running import run_benches
from chat.checks import run_due_checks
from chat.demo_routes import ensure_demo_routes
from chat.doctor.desk import see_patients
from chat.first_admin import ensure_superuser_from_environment, make_setup_link

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0


class Start:
    """The first words on the console, and the work that goes on beside serving."""

    def __init__(self, stdout: OutputWrapper, host: str, port: int) -> None:
        self._stdout = stdout
        self._port = port
        shown = f"[{host.strip('[]')}]" if ":" in host else host
        self._base_url = f"http://{shown}:{port}"
        self._setup_link: str | None = None

    def prepare(self) -> None:
        """Before anybody can come: demo routes at the address served, the admin that the
        environment names, the one-time link while there is no user."""
        ensure_demo_routes(self._base_url)
        ensure_superuser_from_environment()
        self._setup_link = make_setup_link(self._base_url)

    async def started(self) -> None:
        """The server listens: start the work, then say where the page is."""
        background: tuple[lifecycle.BackgroundWork, ...] = (check_routes, see_patients, run_benches)
        if settings.TOOLBENCH_DISCOVER:
            discovery.prepare(self._port)
            background += (look_for_servers,)
        await lifecycle.ensure_started(background=background)
        self._say(f"Toolbench serves at {self._base_url}/  (Ctrl-C stops it)")
        if self._setup_link:
            self._say(
                "Nobody has an account yet. Make the first admin within the hour:\n"
                f"  {self._setup_link}"
            )

    async def drain(self) -> None:
        """The server is told to stop; Ctrl-C from now on stops it at once."""
        self._say(
            f"Stopping: running stages get {settings.TOOLBENCH_GRACE_SECONDS:g} s to end. "
            "Ctrl-C stops it at once."
        )
        signal.signal(signal.SIGINT, self._stop_at_once)
        try:
            await lifecycle.drain()
        except Exception:
            # The server must end all the same.
            logger.exception("The drain met a bug.")

    def _stop_at_once(self, *_: object) -> None:
        """What is committed is safe; stages that run are ended as lost by the next start."""
        self._say("Stopped at once.")
        os._exit(128 + signal.SIGINT)

    def _say(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()


async def look_for_servers() -> None:
    """Look for local model servers where that was asked for, beside serving."""
    await _repeat(discovery.run_due_looks)


async def check_routes() -> None:
    """Check routes that are due, beside serving."""
    await _repeat(run_due_checks)


async def _repeat(work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:
            logger.warning("%s failed: %s", getattr(work, "__name__", work), type(error).__name__)
        await asyncio.sleep(TICK_SECONDS)
