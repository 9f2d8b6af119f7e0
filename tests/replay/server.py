"""The replay server: connections, exchanges, and three ways to run it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import orjson

from tests.replay.builders import error, whole
from tests.replay.connection import Connection, Exchange
from tests.replay.parsing import Request
from tests.replay.script import Script
from tests.replay.signals import Signal

__all__ = ["Answer", "Exchange", "ReplayServer", "Request"]

# One script for every request, one per request in order, or one chosen by the request.
Answer = Script | Sequence[Script] | Callable[[Request], Script]

COMPLETIONS = "/v1/chat/completions"
MODELS = "/v1/models"
EXCHANGES = "/_replay/exchanges"


class ReplayServer:
    """Answers real HTTP on loopback with scripts and remembers what came and when it ended.

    `answer` is for chat completions; `routes` maps further paths to answers of their own. With a
    sequence, a request after the last script gets a 500 that says so.
    """

    def __init__(
        self,
        answer: Answer = (),
        *,
        routes: Mapping[str, Answer] | None = None,
        models: Sequence[str] = ("replay",),
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port = port
        self.exchanges: list[Exchange] = []
        self._answers: dict[str, Answer] = {
            MODELS: whole(_model_list(models)),
            **(routes or {}),
            COMPLETIONS: answer,
        }
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()
        self._arrivals: list[tuple[int, Signal]] = []
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None
        self._stop = Signal()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What a model route or an openai client takes."""
        return f"{self.origin}/v1"

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order they came."""
        return [exchange.request for exchange in list(self.exchanges)]

    @property
    def completions(self) -> list[Exchange]:
        """The exchanges on chat completions only."""
        return [e for e in list(self.exchanges) if e.request.path_only == COMPLETIONS]

    def answer_with(self, answer: Answer, path: str = COMPLETIONS) -> None:
        """From now on answer with this; a sequence starts at its first script."""
        with self._lock:
            self._answers[path] = answer
            self._used[path] = 0

    def wait_for_request(self, number: int = 1, timeout: float = 10.0) -> Exchange:
        """Block until the `number`-th request is here (1 is the first)."""
        self._arrival(number).wait(timeout)
        return self.exchanges[number - 1]

    async def request_arrived(self, number: int = 1, timeout: float = 10.0) -> Exchange:
        """Wait in this loop until the `number`-th request is here (1 is the first)."""
        await self._arrival(number).waited(timeout)
        return self.exchanges[number - 1]

    async def start(self) -> None:
        """Listen in the running loop."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._script_for, self._note, self._connections),
            self.host,
            self.port,
            backlog=4096,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, drop every connection and end every script."""
        if self._server is None:
            return
        self._server.close()
        await asyncio.gather(*(connection.drop() for connection in tuple(self._connections)))
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        started = Signal()
        failures: list[BaseException] = []
        self._stop = Signal()

        async def serve() -> None:
            try:
                await self.start()
            except OSError as failure:
                failures.append(failure)
                return
            finally:
                started.set()
            await self._stop.waited(None)
            await self.stop()

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), name="replay")
        self._thread.start()
        started.wait()
        if failures:
            raise failures[0]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def report(self) -> list[dict[str, Any]]:
        """Every exchange as plain values, for another process (`GET /_replay/exchanges`)."""
        return [exchange.report() for exchange in list(self.exchanges)]

    def _arrival(self, number: int) -> Signal:
        signal = Signal()
        with self._lock:
            if len(self.exchanges) >= number:
                signal.set()
            else:
                self._arrivals.append((number, signal))
        return signal

    def _note(self, exchange: Exchange) -> None:
        if exchange.request.path_only == EXCHANGES:
            return
        with self._lock:
            self.exchanges.append(exchange)
            count = len(self.exchanges)
            due = [signal for number, signal in self._arrivals if number <= count]
            self._arrivals = [pair for pair in self._arrivals if pair[0] > count]
        for signal in due:
            signal.set()

    def _script_for(self, request: Request) -> Script:
        path = request.path_only
        if path == EXCHANGES:
            return whole(orjson.dumps(self.report()))
        with self._lock:
            if path not in self._answers:
                return error(404)
            answer = self._answers[path]
            if isinstance(answer, Script):
                return answer
            if not callable(answer):
                used = self._used.get(path, 0)
                self._used[path] = used + 1
                if used >= len(answer):
                    told = f"The replay server has {len(answer)} scripts for {path}, all used."
                    return error(500, {"error": {"message": told, "type": "replay_exhausted"}})
                return answer[used]
        try:
            return answer(request)
        except Exception as failure:
            # A mistake in a test's own function must not look like a server that hangs.
            told = f"The function that chooses scripts failed: {failure!r}"
            return error(500, {"error": {"message": told, "type": "replay_failed"}})


def _model_list(models: Sequence[str]) -> dict[str, Any]:
    data = [{"id": m, "object": "model", "created": 0, "owned_by": "replay"} for m in models]
    return {"object": "list", "data": data}
