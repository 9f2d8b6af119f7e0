"""Kept connections that the server leaves just as the next request is under way."""

from __future__ import annotations

import httpx2
import pytest

from chat.engine.http.transport import build_client
from tests.chat.engine.raw_server import Exchange, raw_server

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def next_request(exchange: Exchange) -> None:
    """Read one more request on the same connection; it has the body `{}`."""
    await exchange.reader.readuntil(b"\r\n\r\n")
    await exchange.reader.readexactly(2)


async def leaves_at_the_second(exchange: Exchange) -> None:
    await exchange.send(HELLO)
    await next_request(exchange)


async def breaks_at_the_second(exchange: Exchange) -> None:
    await exchange.send(HELLO)
    await next_request(exchange)
    await exchange.send(HELLO[:20])


async def leaves_at_once(exchange: Exchange) -> None:
    """Not a byte, on a connection of its own."""


async def test_a_request_on_a_connection_just_left_is_sent_on_another() -> None:
    async with raw_server(leaves_at_the_second) as server, build_client(5.0) as client:
        for _ in range(4):
            answer = await client.post(f"http://127.0.0.1:{server.port}/", content=b"{}")
            assert answer.text == "hello"
        assert len(server.exchanges) == 4


async def test_a_request_that_was_answered_in_part_is_not_sent_again() -> None:
    async with raw_server(breaks_at_the_second) as server, build_client(5.0) as client:
        await client.post(f"http://127.0.0.1:{server.port}/", content=b"{}")
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post(f"http://127.0.0.1:{server.port}/", content=b"{}")
        assert len(server.exchanges) == 1


async def test_a_new_connection_is_tried_once_only() -> None:
    async with (
        raw_server(leaves_at_the_second, leaves_at_once) as server,
        build_client(5.0) as client,
    ):
        await client.post(f"http://127.0.0.1:{server.port}/", content=b"{}")
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post(f"http://127.0.0.1:{server.port}/", content=b"{}")
        assert len(server.exchanges) == 2
