"""JSON from a public service over HTTP; whatever goes wrong becomes a tool's plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx2
import orjson
from django.conf import settings
from pydantic import BaseModel, ValidationError

from tools.base import ToolError

TIME_LIMIT = 5.0
"""Seconds from the request to the last byte of the answer."""
BODY_LIMIT = 1024 * 1024

M = TypeVar("M", bound=BaseModel)

# A client's connections belong to the event loop they were opened in.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()


async def get_json(
    service: str,
    setting: str,
    default: str,
    path: str,
    params: Mapping[str, str | int | float],
    answer: type[M],
) -> M:
    """The answer of a service, read as the given model.

    `service` is what a person calls it ("weather service"); `setting` names the Django setting
    of its base URL. Raises ToolError in every case of failure.
    """
    base = str(getattr(settings, setting, default) or default).rstrip("/")
    at = f"The {service} at {urlsplit(base).netloc or base}"
    try:
        async with asyncio.timeout(TIME_LIMIT):
            status, body = await _get(f"{base}{path}", params)
    except TimeoutError:
        raise ToolError(f"{at} did not answer within {TIME_LIMIT:g} s. Try again later.") from None
    except (httpx2.ConnectError, httpx2.ProxyError) as error:
        raise ToolError(
            f"{at} could not be reached. The Toolbench server may have no way to the internet."
        ) from error
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise ToolError(f"{at} has no valid address; an admin can set it in {setting}.") from error
    except httpx2.TimeoutException:
        raise ToolError(f"{at} did not answer within {TIME_LIMIT:g} s. Try again later.") from None
    except httpx2.HTTPError as error:
        raise ToolError(f"{at} broke off the connection. Try again later.") from error
    if body is None:
        raise ToolError(f"{at} sent over {BODY_LIMIT // 1024} KiB, which is not an answer to this.")
    if not 200 <= status < 300:
        raise ToolError(f"{at} refused the request with status {status}.{_reason(body)}")
    try:
        return answer.model_validate(orjson.loads(body))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise ToolError(f"{at} sent an answer that cannot be read. Try again later.") from error


async def close_client() -> None:
    """Close the connections of the running event loop; a later request opens new ones."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


async def _get(url: str, params: Mapping[str, str | int | float]) -> tuple[int, bytes | None]:
    """Status and body of the answer; the body is None when it is over the limit."""
    async with _client().stream("GET", url, params=dict(params)) as response:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > BODY_LIMIT:
                return response.status_code, None
        return response.status_code, bytes(body)


def _client() -> httpx2.AsyncClient:
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = httpx2.AsyncClient(
            timeout=httpx2.Timeout(TIME_LIMIT),
            limits=httpx2.Limits(max_connections=32, max_keepalive_connections=8),
            follow_redirects=False,
            trust_env=False,
            # Uncompressed, so that the limit on the body holds for what comes over the wire too.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )
    return client


def _reason(body: bytes) -> str:
    """The sentence with which Open-Meteo explains a refusal, if there is one."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return f" It says: {reason[:200]}" if isinstance(reason, str) else ""
