"""Asking a model server for its models, and saying in words why that did not work."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 5.0
BODY_BYTES = 4 * 1024 * 1024
# LM Studio; llama.cpp; vLLM; OpenRouter; Groq; Mistral; llama.cpp's size in training.
_WINDOW_FIELDS = (
    "loaded_context_length",
    "n_ctx",
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "n_ctx_train",
)


@dataclass(frozen=True)
class Listing:
    """A server's answer to GET /models: the names, or None and the problem in words.

    `answers` is true where a server answered in a way that says nothing about its models, so that
    it may work all the same. `owner` and `software` are what tells the kinds of servers apart;
    `windows` are the tokens that a model reads, for those whose server says so.
    """

    models: tuple[str, ...] | None
    problem: str = ""
    answers: bool = False
    owner: str = ""
    software: str = ""
    windows: Mapping[str, int] = field(default_factory=dict)


async def ask_for_models(
    base_url: str,
    key: str = "",
    *,
    connect_seconds: float = CONNECT_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> Listing:
    """GET {base_url}/models; every failure of the network or the server is a Listing too."""
    host = urlsplit(base_url).netloc
    headers = {"Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        async with asyncio.timeout(total_seconds):
            async with httpx2.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                timeout=httpx2.Timeout(total_seconds, connect=connect_seconds),
            ) as client:
                request = client.build_request("GET", f"{base_url}/models", headers=headers)
                answer = await client.send(request, stream=True)
                try:
                    body = await _body(answer)
                finally:
                    await answer.aclose()
    except httpx2.ConnectTimeout:
        told = f"{host} did not take the connection within {connect_seconds:g} s."
        if base_url.startswith("https:"):
            told += " If the server speaks plain http, write http:// into the base URL."
        return Listing(None, told)
    except (TimeoutError, httpx2.TimeoutException):
        return Listing(
            None, f"{host} took the connection, but did not answer within {total_seconds:g} s."
        )
    except (httpx2.InvalidURL, UnicodeError):
        # A key with letters outside ASCII fails here too, before anything is sent.
        return Listing(None, "The base URL or the key holds characters that cannot be sent.")
    except httpx2.ConnectError as error:
        return Listing(None, _why_unconnected(error, host))
    except httpx2.HTTPError:
        return Listing(None, f"{host} broke the connection off before it had answered.")
    return _read(answer, body, has_key=bool(key))


async def _body(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > BODY_BYTES:
            break
    return bytes(body)


def _read(answer: httpx2.Response, body: bytes, *, has_key: bool) -> Listing:
    status = answer.status_code
    path = answer.request.url.path
    if status in (401, 403):
        refused = f"The key was refused ({status}). Type the key again, or another one."
        asked = f"The server asks for a key ({status}), and none is stored."
        return Listing(None, refused if has_key else asked)
    if 300 <= status < 400:
        return Listing(
            None,
            f"The server sends elsewhere ({status}). Write the address that it sends to; "
            "redirects are not followed.",
        )
    if status in (404, 405):
        return Listing(
            None,
            f"The server answers, but has no list of models at {path} ({status}). Most base URLs "
            "end with /v1.",
            answers=True,
        )
    if status == 429:
        return Listing(None, "The server asks for fewer requests (429).", answers=True)
    if status == 503:
        return Listing(
            None,
            "The server answers with an error (503). It may still be loading its model: wait a "
            "little, then check again.",
        )
    if status != 200:
        return Listing(None, f"The server answers with an error ({status}).")
    try:
        parsed = orjson.loads(body)
        entries = [entry for entry in parsed["data"] if isinstance(entry["id"], str)]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Listing(
            None, f"Something answers at {path}, but not with a list of models. Check the base URL."
        )
    return Listing(
        models=tuple(entry["id"] for entry in entries),
        owner=str(entries[0].get("owned_by", "")) if entries else "",
        software=answer.headers.get("server", ""),
        windows={entry["id"]: size for entry in entries if (size := _window(entry))},
    )


def _window(entry: dict[str, Any]) -> int | None:
    """What a server says of a model's context: as loaded, else as trained."""
    meta = entry.get("meta")
    places = [entry, meta] if isinstance(meta, dict) else [entry]
    for name in _WINDOW_FIELDS:
        for place in places:
            size = place.get(name)
            if isinstance(size, int) and not isinstance(size, bool) and size > 0:
                return size
    return None


def _why_unconnected(error: httpx2.ConnectError, host: str) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            name = host.rsplit(":", 1)[0]
            return f"The name {name} is not known here. Check the host in the base URL."
        if isinstance(cause, ssl.SSLError):
            return (
                f"The encrypted connection to {host} failed. Check whether the server speaks "
                "https, and whether its certificate is valid."
            )
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return f"Refused the connection. Nothing listens at {host}."
    return f"No connection to {host} could be made."


def _causes(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(cause for cause in (current.__cause__, current.__context__) if cause)
