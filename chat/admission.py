"""The one entrance of requests and websockets: who it is, and whether it may come now."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import Any

from django.conf import settings

from chat.access import Visitor, bearer_token, identify
from chat.database import run_in_pool
from chat.key_text import digest_of
from chat.rate_limits import check_failures, check_rate, note_failure

REMEMBERED = 10_000
REMEMBERED_SECONDS = 3600.0


class NotAdmitted(Exception):
    """Nobody is logged in, or the key opens nothing; which of its reasons it is, is not told."""


class ComesTooOften(Exception):
    """Too many requests of a key or a person, or too many wrong keys from an address."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        """After so long there is room again."""


_good: OrderedDict[str, float] = OrderedDict()


async def admit(scope: dict[str, Any]) -> Visitor:
    """Who sent an ASGI request; raises NotAdmitted or ComesTooOften."""
    token = bearer_token(scope)
    if token is None:
        visitor = await run_in_pool(identify, scope)
    else:
        visitor = await _admit_key(token, scope)
    if visitor is None:
        raise NotAdmitted
    if (seconds := await check_rate(visitor)) is not None:
        raise ComesTooOften(seconds)
    return visitor


async def _admit_key(token: str, scope: dict[str, Any]) -> Visitor | None:
    address = address_of(scope)
    digest = digest_of(token)
    # People share addresses: somebody's wrong key must not lock out the good ones beside it.
    if not _was_good(digest) and (seconds := await check_failures(address)) is not None:
        raise ComesTooOften(seconds)
    visitor = await run_in_pool(identify, scope)
    if visitor is None:
        _good.pop(digest, None)
        await note_failure(address)
    else:
        _good[digest] = time.monotonic()
        _good.move_to_end(digest)
        if len(_good) > REMEMBERED:
            _good.popitem(last=False)
    return visitor


def _was_good(digest: str) -> bool:
    at = _good.get(digest)
    return at is not None and time.monotonic() - at < REMEMBERED_SECONDS


def address_of(scope: dict[str, Any]) -> str:
    """Where a request comes from, as a proxy of ours says it; of IPv6 the network of 64 bits."""
    client = scope.get("client")
    told = str(client[0]) if client else ""
    if proxies := getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0):
        hops = _forwarded_for(scope)
        told = hops[-proxies] if len(hops) >= proxies else told
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return told[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _forwarded_for(scope: dict[str, Any]) -> list[str]:
    # A header may come several times; what our proxy added stands last of all.
    headers = scope.get("headers", ())
    lines = [bytes(value).decode("latin1") for key, value in headers if key == b"x-forwarded-for"]
    return [hop.strip() for hop in ",".join(lines).split(",") if hop.strip()]
