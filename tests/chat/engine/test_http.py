"""Our HTTP transport against real loopback servers that send raw bytes."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chat.engine.http.connection import UNREAD_LIMIT
from chat.engine.http.transport import Body, Transport, build_client
from tests.chat.engine.raw_server import Exchange, RawServer, Script, raw_server

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED_HELLO = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


@asynccontextmanager
async def asking(server: RawServer) -> AsyncGenerator[httpx2.AsyncClient, None]:
    async with build_client(5.0) as client:
        client.base_url = f"http://127.0.0.1:{server.port}"
        yield client


def says(*pieces: bytes) -> Script:
    """Answer every request of the connection with these bytes, until the client leaves."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(*pieces)
        while await exchange.reader.read(65536):
            await exchange.send(*pieces)
        exchange.closed.set()

    return script


def says_and_closes(*pieces: bytes) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.send(*pieces)

    return script


async def until_closed(exchange: Exchange) -> None:
    async with asyncio.timeout(5):
        await exchange.closed.wait()


@pytest.mark.parametrize("answer", [HELLO, CHUNKED_HELLO])
async def test_a_connection_serves_again_after_an_orderly_end(answer: bytes) -> None:
    async with raw_server(says(answer)) as server, asking(server) as client:
        for _ in range(3):
            assert (await client.post("/", content=b"{}")).text == "hello"
        assert len(server.exchanges) == 1


@pytest.mark.parametrize(
    "answer",
    [
        HELLO + b"garbage",
        HELLO + HELLO,
        CHUNKED_HELLO + b"\r\nmore",
        HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    ],
)
async def test_what_follows_a_response_costs_its_connection_and_nothing_else(answer: bytes) -> None:
    async with raw_server(says(answer)) as server, asking(server) as client:
        for _ in range(2):
            assert (await client.get("/")).text == "hello"
        assert len(server.exchanges) == 2
        await until_closed(server.exchanges[0])


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    leave = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(HELLO)
        await leave.wait()
        exchange.writer.close()
        await exchange.writer.wait_closed()
        exchange.closed.set()

    async with raw_server(script, says(HELLO)) as server, asking(server) as client:
        assert (await client.get("/")).text == "hello"
        leave.set()
        await until_closed(server.exchanges[0])
        assert (await client.get("/")).text == "hello"
        assert len(server.exchanges) == 2


async def test_a_kept_connection_is_closed_when_the_server_says_something_unasked() -> None:
    spoken = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(HELLO)
        await spoken.wait()
        await exchange.send(HELLO)
        await exchange.until_closed()

    async with raw_server(script, says(HELLO)) as server, asking(server) as client:
        assert (await client.get("/")).text == "hello"
        spoken.set()
        await until_closed(server.exchanges[0])
        assert (await client.get("/")).text == "hello"
        assert len(server.exchanges) == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r", b"") + b"Content-Length: 5\n\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + HELLO,
        CHUNKED_HELLO.replace(b"chunked", b"chunked\r\nContent-Length: 999"),
        b"HTTP/1.0 200\r\nServer: old\r\n\r\nhello",
        OK + b"\r\nhello",
    ],
)
async def test_odd_but_usual_responses_are_read(answer: bytes) -> None:
    for pieces in ([answer], [answer[at : at + 1] for at in range(len(answer))]):
        async with raw_server(says_and_closes(*pieces)) as server, asking(server) as client:
            response = await client.get("/")
            assert response.text == "hello"
            assert "x-early" not in response.headers


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 2",
        b"no HTTP at all\r\n\r\n",
        OK + b"Content-Length: 6\r\n\r\nhello",
        OK + b"Content-Length: 5, 6\r\n\r\nhello",
        CHUNKED_HELLO[:-5],
        CHUNKED_HELLO.replace(b"3\r\nllo", b"x\r\nllo"),
        OK + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ],
)
async def test_what_is_no_whole_response_is_an_error(answer: bytes) -> None:
    async with raw_server(says_and_closes(answer)) as server, asking(server) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/")


async def test_no_cookie_is_kept() -> None:
    answer = HELLO.replace(b"\r\n\r\n", b"\r\nSet-Cookie: crumb=1\r\nConnection: close\r\n\r\n")
    async with raw_server(says_and_closes(answer)) as server, asking(server) as client:
        for _ in range(2):
            await client.get("/")
        assert "cookie" not in server.exchanges[1].headers


async def test_a_header_cannot_hold_another() -> None:
    async with raw_server(says(HELLO)) as server, asking(server) as client:
        with pytest.raises(httpx2.LocalProtocolError):
            await client.get("/", headers={"X-Key": "one\r\nX-Other: two"})
        assert server.exchanges == []


async def test_hundreds_of_connections_stand_at_once() -> None:
    everybody = asyncio.Barrier(300)

    async def script(exchange: Exchange) -> None:
        await everybody.wait()
        await exchange.send(HELLO)

    async with raw_server(script) as server, asking(server) as client:
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(client.get("/") for _ in range(300)))
        assert {answer.text for answer in answers} == {"hello"}


async def test_a_server_is_held_back_while_nobody_reads() -> None:
    sent = 0

    async def script(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.send(OK + b"Connection: close\r\n\r\n")
        for _ in range(640):
            await exchange.send(b"x" * 65536)
            sent += 65536

    async with raw_server(script) as server, asking(server) as client:
        async with client.stream("GET", "/") as response:
            body = response.extensions["body"]
            assert isinstance(body, Body)
            first = await body.read()
            before = -1
            # The kernel's own buffers fill up first.
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
            assert sent < 30_000_000
            size = len(first)
            async with asyncio.timeout(20):
                while data := await body.read():
                    assert len(data) <= UNREAD_LIMIT + 2**20
                    size += len(data)
            assert size == 640 * 65536


async def test_closing_the_client_closes_what_is_under_way() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(OK + b"\r\nhello")
        await exchange.until_closed()

    async with raw_server(script) as server:
        async with asking(server) as client:
            response = await client.send(client.build_request("GET", "/"), stream=True)
            assert await response.extensions["body"].read() == b"hello"
        await until_closed(server.exchanges[0])
        with pytest.raises(httpx2.TransportError):
            await response.extensions["body"].read()


async def test_a_body_says_nothing_once_it_is_closed() -> None:
    async with raw_server(says(HELLO)) as server, asking(server) as client:
        async with client.stream("GET", "/") as response:
            body = response.extensions["body"]
            assert await body.read() == b"hello"
        with pytest.raises(httpx2.StreamClosed):
            await body.read()


async def test_tls_streams_and_closes_at_once(tmp_path: Path) -> None:
    served, trusting = certificate(tmp_path)
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"\r\nhello")
        with suppress(ConnectionError):
            await reader.read()
        closed.set()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, httpx2.AsyncClient(transport=Transport(trusting)) as client:
        async with client.stream("GET", url) as response:
            assert await response.extensions["body"].read() == b"hello"
        async with asyncio.timeout(0.5):
            await closed.wait()


async def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    served, _ = certificate(tmp_path)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=served)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, build_client(5.0) as client:
        with pytest.raises(httpx2.ConnectError) as caught:
            await client.get(url)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server on 127.0.0.1 shows, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate_file, key_file)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(certificate_file)
    return served, trusting
