"""The ways in which a person tells a stage to stop, from wherever they are."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import IO

from bench.rig import ADMIN, OWNER, Rig
from tests.serving import ROOT
from tests.sockets import SocketClient

LIST = "/admin/chat/stage/"
# `request_cancel` as another process calls it: a stage's id per line, answered with its status.
ROW_CANCELLER = f"""
import sys
from uuid import UUID
from django.contrib.auth.models import User
from chat.services import request_cancel
owner = User.objects.get(username={OWNER!r}).pk
print("ready", flush=True)
for line in sys.stdin:
    print(request_cancel(owner, UUID(line.strip())), flush=True)
"""


class Stopper:
    """Everything that can stop a stage; the last server is another process where there is one."""

    def __init__(
        self,
        rig: Rig,
        starter: SocketClient,
        elsewhere: SocketClient,
        admin: SocketClient,
        row_canceller: subprocess.Popen[str],
    ) -> None:
        self._rig = rig
        self._sockets = {"socket": starter, "tab": elsewhere, "admin": admin}
        self._row_canceller = row_canceller

    async def stop(self, through: str, stage_id: str) -> None:
        """Stop a stage; over a socket of the owner its answer is not waited for."""
        if through == "row":
            await asyncio.to_thread(self._by_row, stage_id)
        elif through == "list":
            await asyncio.to_thread(self._by_list, stage_id)
        else:
            await self._sockets[through].send(type="stage.cancel", stage_id=stage_id)
            if through == "admin":
                await self._sockets[through].reply("accepted")

    def _by_row(self, stage_id: str) -> None:
        process = self._row_canceller
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{stage_id}\n")
        process.stdin.flush()
        process.stdout.readline()

    def _by_list(self, stage_id: str) -> None:
        """The action of the admin's list of stages, on the last server."""
        url = self._rig.servers[-1].url
        cookie = self._rig.cookies[ADMIN]
        token = next(
            value
            for name, _, value in (part.strip().partition("=") for part in cookie.split(";"))
            if name == "csrftoken"
        )
        form = {
            "action": "stop_stages",
            "_selected_action": stage_id,
            "csrfmiddlewaretoken": token,
        }
        request = urllib.request.Request(
            f"{url}{LIST}",
            urllib.parse.urlencode(form).encode(),
            {"Cookie": cookie, "Referer": f"{url}{LIST}"},
        )
        # The answer leads back to the list, and to read that is not part of stopping.
        with _no_redirects.open(request, timeout=10):
            pass


class _Stay(urllib.request.HTTPErrorProcessor):
    """Takes a redirect as an answer."""

    def http_response(self, request: urllib.request.Request, response: IO[bytes]) -> IO[bytes]:
        """Whatever came, if it is not an error."""
        status = getattr(response, "status", 0)
        if status >= 400:
            raise RuntimeError(f"the admin's list answered {status}")
        return response


_no_redirects = urllib.request.build_opener(_Stay)


@contextlib.contextmanager
def row_canceller(rig: Rig) -> Iterator[subprocess.Popen[str]]:
    """A process that does not serve and asks for stops by rows."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", ROW_CANCELLER],
        cwd=ROOT,
        env=rig.servers[-1].environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # The end of its input, which leaving the block brings, ends it.
        yield process
