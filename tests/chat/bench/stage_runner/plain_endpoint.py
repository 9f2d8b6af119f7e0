"""A plain endpoint with the stage contract, as the origin's service was: whole, streamed, broken.

Standard library only, and written from the contract, not from our code.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

ROUTES = ("traditional", "reasoning", "judge")
CALL = {"latitude": 45.76, "longitude": 4.84}
HTML = "<html><body>nginx: bad gateway</body></html>"


@dataclass
class Asked:
    """A request that came."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class PlainEndpoint:
    """Listens on a free port. `behaviours` says, by words of the user prompt, what goes wrong."""

    key: str = ""
    behaviours: dict[str, str] = field(default_factory=dict)
    verdict: str = "PASS"
    prefix: str = ""
    asked: list[Asked] = field(default_factory=list)
    on_ask: Callable[[int], None] = lambda number: None
    release: threading.Event = field(default_factory=threading.Event)
    """Set at the end, so that what hangs ends."""
    limited: int = 0
    """How many requests are still answered with 429."""
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        endpoint = self

        class Handler(_Handler):
            owner = endpoint

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.prefix}"

    def behaviour_for(self, prompt: str) -> str:
        return next((how for words, how in self.behaviours.items() if words in prompt), "")


class _Handler(BaseHTTPRequestHandler):
    owner: PlainEndpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        owner = self.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.removeprefix(owner.prefix)
        owner.asked.append(Asked(path, body, dict(self.headers.items())))
        owner.on_ask(len(owner.asked))
        if owner.key and self.headers.get("Authorization") != f"Bearer {owner.key}":
            return self._json(401, {"detail": f"No such key: {self.headers['Authorization']}"})
        if owner.limited:
            owner.limited -= 1
            return self._json(429, {"detail": "Slow down."}, {"Retry-After": "0"})
        if body["model_container"] not in ROUTES:
            words = f"Unknown model container. Available: {', '.join(ROUTES)}"
            return self._json(400, {"detail": words})
        how = owner.behaviour_for(body["user_prompt"])
        if how == "500":
            return self._json(500, {"detail": "Internal Server Error"})
        if how == "html":
            return self._send(200, "text/html", HTML.encode())
        if how == "redirect":
            return self._json(302, {}, {"Location": "http://127.0.0.1:9/"})
        if how == "silent":
            owner.release.wait(30)
            return None
        if how == "no answer":
            self.close_connection = True
            return None
        if path.startswith("/stream/"):
            return self._stream(body, path.endswith("/chat"), how)
        if how == "unrecognised":
            return self._json(200, {"stage_id": body["stage_id"], "type": "poem", "poem": "…"})
        return self._json(200, {"stage_id": body["stage_id"], **self._answer(body, path, how)})

    def _answer(self, body: dict[str, Any], path: str, how: str) -> dict[str, Any]:
        if path.endswith("/chat"):
            return {"type": "text", "text": _words(self.owner, body)}
        if how == "no call":
            return {"type": "error", "message": "No tool calls found."}
        if body["synthesis"]:
            return {"type": "text", "text": "It is 12.5 °C in Lyon."}
        return {"type": "tool_results", "tool_results": {"call_1": {"temperature": 12.5}}}

    def _stream(self, body: dict[str, Any], is_chat: bool, how: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        frames = self._chat(body) if is_chat else self._toolchain(body)
        for number, (event, data) in enumerate(frames):
            if how == "cut" and number == 2:
                return
            if how == "hang" and number == 2:
                self.owner.release.wait(30)
                return
            if how == "bad line" and number == 1:
                self._write(b'event: chat_completion_chunk\ndata: {"chunk": {"choi\n\n')
            if how == "error" and number == 1:
                event, data = "error", {"error": "The model server is gone.", "code": "upstream"}
            if how == "cancel" and number == 1:
                event, data = "cancel", {}
            if how == "slow":
                time.sleep(0.05)
            sent = json.dumps({"stage_id": body["stage_id"], **data}, ensure_ascii=False)
            self._write(f"event: {event}\ndata: {sent}\n\n".encode())
            if event in ("error", "cancel"):
                return

    def _chat(self, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for word in _words(self.owner, body).split(" "):
            yield "chat_completion_chunk", {"chunk": _chunk({"content": word + " "})}
        yield "chat_completion_chunk", {"chunk": _chunk({}, "stop")}
        yield "done", {}

    def _toolchain(self, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        arguments = json.dumps(CALL)
        name = {"name": "get_current_temperature", "arguments": ""}
        pieces: list[dict[str, Any]] = [
            {"index": 0, "id": "call_1", "type": "function", "function": name},
            {"index": 0, "function": {"arguments": arguments[:9]}},
            {"index": 0, "function": {"arguments": arguments[9:]}},
        ]
        for piece in pieces:
            yield "tool_completion_chunk", {"tool_results": _chunk({"tool_calls": [piece]})}
        yield "tool_completion_chunk", {"tool_results": _chunk({}, "tool_calls")}
        yield "tool_summary", {"tool_summary": {"call_1": "12.5 °C"}}
        if body["synthesis"]:
            for word in ("It is ", "12.5 °C ", "in Lyon."):
                yield "tool_completion_chunk", {"tool_results": _chunk({"content": word})}
            yield "tool_completion_chunk", {"tool_results": _chunk({}, "stop")}
        yield "done", {}

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(body).encode(), headers)

    def _send(
        self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self._write(body)

    def _write(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True


def _words(owner: PlainEndpoint, body: dict[str, Any]) -> str:
    if body["model_container"] == "judge":
        return owner.verdict
    return f"You said: {body['user_prompt']}"


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "llama3.1:8b",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
