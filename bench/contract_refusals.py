"""Every status that the HTTP contract names, provoked."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.contract_client import Answer, HttpClient
from bench.contract_ground import STAGES, HttpGround, body
from bench.report import Report
from bench.rig import ROUTE

CHAT = "/completion/v1/chat"
STREAM = "/stream/v1/chat"
TOOLS = "/completion/v1/toolchain"
STARTS = (CHAT, STREAM, TOOLS, "/stream/v1/toolchain")


@dataclass(frozen=True)
class Ask:
    """A request and what is promised for it."""

    about: str
    status: int
    code: str
    body: Any
    paths: tuple[str, ...] = (CHAT, STREAM)
    key: str = "all"
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    """What the message must hold."""


def without(name: str) -> dict[str, Any]:
    """A body with a field too few."""
    return {key: value for key, value in body("text 1").items() if key != name}


def invalid_bodies() -> Iterator[tuple[str, Any]]:
    """Bodies that do not validate."""
    yield "not JSON", b"{"
    yield "empty", b""
    yield "not UTF-8", b'{"model_container": "\xff"}'
    yield "not an object", b"[]"
    yield "NaN", json.dumps(body("x", temperature=[float("nan"), 0.0])).encode()
    yield "too deep", b"[" * 5000
    yield "a lone surrogate", json.dumps(body("\ud800")).encode()
    for name in ("model_container", "system_prompt", "user_prompt"):
        yield f"no {name}", without(name)
        yield f"{name} is a number", body("x") | {name: 5}
    yield "an empty prompt", body("   ")
    yield "max_tokens of one", body("x", max_tokens=[5])
    yield "max_tokens of three", body("x", max_tokens=[5, 5, 5])
    yield "max_tokens of zero", body("x", max_tokens=[0, 5])
    yield "max_tokens as text", body("x", max_tokens=["5", "5"])
    yield "temperature of one", body("x", temperature=[0.5])
    yield "temperature too high", body("x", temperature=[2.5, 0])
    yield "temperature alone", body("x", temperature=0.5)
    yield "synthesis as text", body("x", synthesis="yes")
    yield "stream as text", body("x", stream="yes")
    yield "stage_id is no UUID", body("x", stage_id="seven")
    yield "a prompt that is too long", body("x" * 262_145)


def asks() -> Iterator[Ask]:
    """One request per promise."""
    good = body("text 1")
    yield Ask("an unknown route", 400, "unknown_route", body("x", "no-such"), says=ROUTE)
    yield Ask("a route with NUL", 400, "unknown_route", body("x", "a\0b"), says=ROUTE)
    for slug in ("no-model", "no-address"):
        yield Ask(f"the route {slug}", 400, "route_not_configured", body("x", slug))
    yield Ask("a route that is off", 400, "route_disabled", body("x", "off"))
    yield Ask("another protocol", 501, "unsupported_protocol", body("x", "other-protocol"))
    yield Ask("no key", 401, "unauthenticated", good, STARTS, key="none")
    yield Ask(
        "a wrong key",
        401,
        "unauthenticated",
        good,
        STARTS,
        key="none",
        headers={"Authorization": "Bearer tb_wrong"},
    )
    yield Ask("no key and a wrong body", 401, "unauthenticated", {"no": "body"}, STARTS, key="none")
    tools = (TOOLS, "/stream/v1/toolchain")
    yield Ask("a key for chat only", 403, "forbidden", good, tools, key="chat only")
    yield Ask("a route not for this key", 400, "unknown_route", good, key="one route", says="dead")
    yield Ask("GET", 405, "method_not_allowed", None, STARTS, method="GET")
    too_large = body("x") | {"more": "x" * 1024 * 1024}
    yield Ask("a body over 1 MiB", 413, "too_large", too_large)
    for about, wrong in invalid_bodies():
        yield Ask(about, 422, "invalid_request", wrong)
    upstream = {
        "status500": "upstream_failed",
        "status401": "upstream_rejected",
        "status429": "upstream_rate_limited",
        "garbage": "upstream_malformed",
    }
    for name, code in upstream.items():
        yield Ask(f"upstream: {name}", 502, code, body(name), (CHAT,))
    yield Ask("upstream: nobody", 502, "upstream_unreachable", body("x", "dead"), (CHAT,))
    yield Ask("upstream: silent", 504, "upstream_timeout", body("headers", "impatient"), (CHAT,))
    yield Ask("no tool called", 200, "no_tool_calls", body("text 1"), (TOOLS,))
    yield Ask("calls invalid", 200, "invalid_tool_calls", body("invalid 1"), (TOOLS,))


async def prove_refusals(ground: HttpGround, report: Report) -> None:
    """Send each and hold the answer against what is promised."""
    rows: dict[tuple[int, str], list[str]] = {}
    for ask in asks():
        for path in ask.paths:
            client = ground.client(ask.key)
            answer = await client.ask(ask.method, path, ask.body, ask.headers)
            report.promise_none(faults(ask, answer), f"{ask.about} at {path}")
        rows.setdefault((ask.status, ask.code), []).append(ask.about)
    more: list[tuple[str, Callable[[HttpGround, Report], Awaitable[tuple[int, str]]]]] = [
        ("an id used again", _used_again),
        ("an upstream that fails after the headers", _fails_in_stream),
        ("stages of others, of nobody", _unknown_stages),
        ("places that are none", _misplaced),
        ("more stages than one may have", _too_many),
    ]
    for about, prove in more:
        rows.setdefault(await prove(ground, report), []).append(about)
    report.line()
    report.line("Statuses:")
    report.table(
        ("status, code", "cases", "such as"),
        [(f"{key[0]} {key[1]}", len(v), v[0]) for key, v in sorted(rows.items())],
    )


def faults(ask: Ask, answer: Answer) -> Iterator[str]:
    """What an error's answer breaks of the contract."""
    if answer.status != ask.status:
        yield f"answered {answer.status} instead of {ask.status}: {answer.body[:200]!r}"
        return
    got = answer.json
    if got.get("type") != "error" or got.get("code") != ask.code or not got.get("message"):
        yield f"answered {got}"
        return
    if ask.says not in got["message"]:
        yield f"its message does not name {ask.says}: {got['message']}"
    if "/" in got["message"] and "Traceback" in got["message"]:
        yield f"its message holds a stack trace: {got['message']}"
    extra = set(got) - {"type", "code", "message", "stage_id", "errors"}
    if extra:
        yield f"it has the fields {extra}"
    for problem in got.get("errors", []):
        if set(problem) != {"loc", "msg"}:
            yield f"an error's fields are {sorted(problem)}"
    if answer.status == 401 and "bearer" not in answer.headers.get("www-authenticate", "").lower():
        yield "a 401 without WWW-Authenticate"
    if answer.status == 429 and not answer.headers.get("retry-after", "").isdigit():
        yield "a 429 without Retry-After"


async def _used_again(ground: HttpGround, report: Report) -> tuple[int, str]:
    """409 for the same id, whatever the body and the process; another caller's is another's."""
    client, other = ground.turned()
    stage_id = str(uuid.uuid4())
    first = await client.ask("POST", CHAT, body("text 2", stage_id=stage_id))
    report.promise(first.json.get("stage_id") == stage_id, f"an own id: {first.body[:200]!r}")
    for one in (client, other):
        for path in STARTS:
            for prompt in ("text 2", "text 3"):
                again = await one.ask("POST", path, body(prompt, stage_id=stage_id))
                ask = Ask("", 409, "request_id_reused", None)
                report.promise_none(faults(ask, again), f"an id used again at {path}")
    others = await ground.client("of another").ask("POST", CHAT, body("text 2", stage_id=stage_id))
    report.promise(others.status == 200, f"another caller's same id: {others.status}")
    return 409, "request_id_reused"


async def _fails_in_stream(ground: HttpGround, report: Report) -> tuple[int, str]:
    """After the headers it is an `error` event."""
    for name, route, code in (
        ("status500", ROUTE, "upstream_failed"),
        ("text 1", "dead", "upstream_unreachable"),
        ("headers", "impatient", "upstream_timeout"),
    ):
        told = await ground.client().stream("POST", STREAM, body(name, route))
        got = told.end.json if told.end else {}
        kept = told.status == 200 and got.get("code") == code and bool(got.get("error"))
        report.promise(kept, f"{name} in a stream: {told.status} {got}")
    return 200, "error event"


async def _unknown_stages(ground: HttpGround, report: Report) -> tuple[int, str]:
    """404, and the same for what is there and not one's own."""
    mine = (await ground.client("of another").ask("POST", CHAT, body("text 1"))).json["stage_id"]
    ask = Ask("", 404, "not_found", None)
    for stage_id in (mine, str(uuid.uuid4())):
        answer = await ground.client().ask("GET", f"/stream/v1/stages/{stage_id}")
        report.promise_none(faults(ask, answer), "a stage that is not one's own")
    # Without `read` a key reads what it started itself, and nothing else.
    own = (await ground.client("chat only").ask("POST", CHAT, body("text 1"))).json["stage_id"]
    told = await ground.client("chat only").stream("GET", f"/stream/v1/stages/{own}")
    report.promise(told.status == 200 and told.end is not None, "a key's own stage")
    theirs = (await ground.client().ask("POST", CHAT, body("text 1"))).json["stage_id"]
    answer = await ground.client("chat only").ask("GET", f"/stream/v1/stages/{theirs}")
    report.promise_none(faults(ask, answer), "another key's stage without `read`")
    answer = await ground.client("none").ask("GET", f"/stream/v1/stages/{own}")
    report.promise_none(faults(Ask("", 401, "unauthenticated", None), answer), "events, no key")
    return 404, "not_found"


async def _misplaced(ground: HttpGround, report: Report) -> tuple[int, str]:
    """400 for a Last-Event-ID of another stage, or none at all."""
    stage_id = (await ground.client().ask("POST", CHAT, body("text 1"))).json["stage_id"]
    path = f"/stream/v1/stages/{stage_id}"
    ask = Ask("", 400, "invalid_request", None)
    wrong = (f"{uuid.uuid4()}-1", "7", f"{stage_id}-", f"{stage_id}-x", f"{stage_id}--1", "é")
    for last in wrong:
        answer = await ground.client().ask("GET", path, None, {"Last-Event-ID": last})
        report.promise_none(faults(ask, answer), f"Last-Event-ID {last}")
    for after in ("x", "-1", "1.5", "99999999999999999999"):
        answer = await ground.client().ask("GET", f"{path}?after={after}")
        report.promise_none(faults(ask, answer), f"after={after}")
    return 400, "invalid_request"


async def _too_many(ground: HttpGround, report: Report) -> tuple[int, str]:
    """429 above the limit, and room again once the clients of the others are gone."""
    clients = [ground.turned()[0] for _ in range(STAGES)]
    held = await asyncio.gather(
        *(client.open("POST", STREAM, body("silent")) for client in clients)
    )
    statuses = {exchange.status for exchange in held}
    report.promise(statuses == {200}, f"stages within the limit: {statuses}")
    answer = await ground.client().ask("POST", CHAT, body("text 1"))
    ask = Ask("", 429, "too_many_stages", None)
    report.promise_none(faults(ask, answer), "a stage too many")
    for exchange in held:
        exchange.leave()
    report.promise(await _has_room(ground.client()), "no room once their clients were gone")
    return 429, "too_many_stages"


async def _has_room(client: HttpClient) -> bool:
    async with asyncio.timeout(10):
        while (await client.ask("POST", CHAT, body("text 1"))).status == 429:
            await asyncio.sleep(0.05)
    return True
