"""The origin's endpoints on a real server: modes, statuses, clients that go away, resuming."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from bench.contract import FEW_REQUESTS, GOAL_MS, going_down, gone_once, rate, stays
from bench.contract_client import HttpClient, Told
from bench.contract_cuts import STAY, prove_cuts
from bench.contract_ground import HttpGround, body, http_ground, make_key, until
from bench.contract_modes import ModeCase, answer_faults, stream_faults
from bench.contract_refusals import CHAT, STREAM, TOOLS, prove_refusals
from bench.layout import SINGLE, Layout
from bench.modes import MODES
from bench.report import Report
from bench.rig import OWNER
from bench.stored import StoredStage
from tests.chat.conftest import within

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("mode", "synthesis", "stream"), MODES)
async def test_each_mode_answers_as_the_contract_says(
    ground: HttpGround, http: HttpClient, mode: str, synthesis: bool, stream: bool
) -> None:
    for script in ("text",) if mode == "chat" else ("text", "parallel", "invalid"):
        case = ModeCase(script, "openai", mode, synthesis, stream)
        asked = body(case.prompt, synthesis=synthesis)
        if stream:
            told = await within(http.stream("POST", case.path, asked))
            assert list(stream_faults(case, told)) == []
        else:
            answer = await within(http.ask("POST", case.path, asked))
            assert list(answer_faults(case, answer)) == []


async def test_each_status_is_given_where_the_contract_says_so(ground: HttpGround) -> None:
    report = Report("")
    await within(prove_refusals(ground, report), 60)
    assert report.broken == []


async def test_a_session_starts_nothing_here(ground: HttpGround) -> None:
    cookie = {"Cookie": ground.rig.log_in(OWNER)}
    answer = await within(ground.client("none").ask("POST", CHAT, body("text 1"), cookie))
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


async def test_a_session_reads_the_events_of_its_own_stages(
    ground: HttpGround, http: HttpClient
) -> None:
    stage_id = (await within(http.ask("POST", CHAT, body("text 2")))).json["stage_id"]
    cookie = {"Cookie": ground.rig.log_in(OWNER)}
    path = f"/stream/v1/stages/{stage_id}"
    told = await within(ground.client("none").stream("GET", path, None, cookie))
    assert told.end is not None
    assert told.text == "0·é🌱 1·é🌱 "


async def test_unknown_fields_and_nulls_are_no_fault(http: HttpClient) -> None:
    more = {"evaluation": False, "stage_id": None, "max_tokens": None, "stream": True}
    answer = await within(http.ask("POST", CHAT, body("text 1", **more)))
    assert (answer.status, answer.json["text"]) == (200, "0·é🌱 ")


async def test_limits_and_prompts_reach_the_model(ground: HttpGround, http: HttpClient) -> None:
    asked = body("native 1", synthesis=True, max_tokens=[11, 22], temperature=[0.5, 1])
    before = len(ground.rig.replay.completions)
    await within(http.ask("POST", TOOLS, asked))
    first, second = (e.request.json for e in ground.rig.replay.completions[before:])
    assert (first["max_tokens"], first["temperature"]) == (11, 0.5)
    assert (second["max_tokens"], second["temperature"]) == (22, 1)
    assert first["messages"][0]["content"].startswith("Answer.")
    names = {tool["function"]["name"] for tool in first["tools"]}
    assert {"current_time", "calculate", "get_weather"} <= names


async def test_a_nul_costs_nothing_but_itself(http: HttpClient) -> None:
    answer = await within(http.ask("POST", CHAT, body("text 1 0 0 \0") | {"system_prompt": "a\0b"}))
    assert answer.status == 200


async def test_an_answer_is_kept_as_a_conversation_of_the_api(
    ground: HttpGround, http: HttpClient
) -> None:
    stage_id = (await within(http.ask("POST", CHAT, body("text 2")))).json["stage_id"]
    stage = ground.rig.database.stage(stage_id)
    assert stage.row["status"] == "done"
    sources = ground.rig.database.query(
        "SELECT source FROM chat_conversation WHERE id = ?", (stage.row["conversation_id"],)
    )
    assert [row["source"] for row in sources] == ["api"]


async def test_a_stage_that_is_stopped_elsewhere_is_answered(
    ground: HttpGround, http: HttpClient
) -> None:
    ground.rig.log_in()
    for path in (CHAT, STREAM):
        stage_id = str(uuid.uuid4())
        before = len(ground.rig.replay.completions)
        asking = asyncio.create_task(
            http.ask("POST", path, body("text 2000 50", stage_id=stage_id))
        )
        await within(_arrival(ground, before))
        async with ground.rig.client() as tab:
            await tab.send(type="stage.cancel", stage_id=stage_id)
            await within(tab.reply("accepted"))
        answer = await within(asking)
        assert answer.status == 200
        if path == CHAT:
            assert (answer.json["type"], answer.json["code"]) == ("error", "cancel")
            assert answer.json["stage_id"] == stage_id
        else:
            assert answer.body.endswith(
                b'event: cancel\ndata: {"stage_id":"%b"}\n\n' % stage_id.encode()
            )


@pytest.mark.parametrize(
    ("path", "prompt", "has_head"),
    [
        (STREAM, "headers", True),
        (STREAM, "silent", True),
        (STREAM, "text 2000 100", True),
        (CHAT, "headers", False),
        (CHAT, "text 2000 100", False),
        (TOOLS, "text 2000 100", False),
    ],
)
async def test_a_client_that_goes_away_takes_its_stage_along(
    ground: HttpGround, http: HttpClient, path: str, prompt: str, has_head: bool
) -> None:
    before = {stage.stage_id for stage in ground.rig.database.stages()}
    assert await within(gone_once(ground, http, path, prompt, has_head)) < GOAL_MS * 4

    def new() -> list[StoredStage]:
        return [s for s in ground.rig.database.stages() if s.stage_id not in before]

    await until(lambda: [stage.status for stage in new()] == ["cancel"])
    assert new()[0].events[-1]["data"]["by"] == "user"


async def test_clients_that_go_while_their_stage_starts_leave_none_running(
    ground: HttpGround, http: HttpClient
) -> None:
    for number in range(40):
        path = (CHAT, STREAM)[number % 2]
        _, writer = await http.send("POST", path, body("silent"))
        await asyncio.sleep(number * 0.001)
        writer.transport.abort()
    stages = ground.rig.database.stages
    await until(lambda: all(stage.status != "running" for stage in stages()), 15)


@pytest.mark.parametrize("path", [STREAM, CHAT])
async def test_a_client_may_ask_for_its_stage_to_go_on(ground: HttpGround, path: str) -> None:
    assert await within(stays(ground, path)) == []


async def test_streams_that_are_cut_lose_nothing(ground: HttpGround) -> None:
    report = Report("")
    await within(prove_cuts(ground, report, 3, 7), 60)
    assert report.promises
    assert report.broken == []


async def test_a_number_that_the_stage_never_had_is_answered_with_all(http: HttpClient) -> None:
    stage_id = (await within(http.ask("POST", CHAT, body("text 2")))).json["stage_id"]
    path = f"/stream/v1/stages/{stage_id}"
    whole = await within(http.stream("GET", path))
    beyond = await within(http.stream("GET", path, None, {"Last-Event-ID": f"{stage_id}-999"}))
    assert beyond.frames == whole.frames
    assert whole.headers["x-toolbench-recovered"] == "true"
    assert beyond.headers["x-toolbench-recovered"] == "false"
    assert await _frames_after(http, path, whole) == []


async def _arrival(ground: HttpGround, before: int) -> None:
    await until(lambda: len(ground.rig.replay.completions) > before)


async def _frames_after(http: HttpClient, path: str, told: Told) -> list[object]:
    last = {"Last-Event-ID": told.frames[-1].id}
    return [*(await within(http.stream("GET", path, None, last))).frames]


async def test_the_headers_of_a_silent_model_come_at_once_and_then_heartbeats(
    ground: HttpGround, http: HttpClient
) -> None:
    async with await within(http.open("POST", STREAM, body("silent"), STAY)) as exchange:
        assert exchange.headers["content-type"] == "text/event-stream"
        assert exchange.headers["cache-control"] == "no-store"
        assert exchange.headers["x-accel-buffering"] == "no"
        assert uuid.UUID(exchange.headers["x-toolbench-stage"])
        waiting = asyncio.create_task(anext(exchange.frames()))
        await until(lambda: len(exchange.comments) >= 2)
        waiting.cancel()


async def test_while_it_goes_down_stages_end_and_none_starts(server_kind: str) -> None:
    report = Report("")
    with http_ground(Layout(server=server_kind)) as ground:
        await within(going_down(ground, report), 30)
    assert report.promises
    assert report.broken == []


async def test_a_key_that_sends_too_much_is_told_when_to_go_on() -> None:
    report = Report("")
    with http_ground(SINGLE, TOOLBENCH_KEY_REQUESTS_PER_MINUTE=str(FEW_REQUESTS)) as ground:
        await within(rate(ground, report), 30)
    assert report.promises
    assert report.broken == []


async def test_a_key_that_is_revoked_ends_its_requests_and_their_stages(
    ground: HttpGround,
) -> None:
    rig = ground.rig
    key = make_key(rig, OWNER, "chat")
    client = HttpClient(rig.url, key)
    async with await within(client.open("POST", STREAM, body("silent"))) as exchange:
        stage_id = exchange.headers["x-toolbench-stage"]
        rig.server.manage(
            *("shell", "-v", "0", "-c"),
            "from django.utils import timezone; from chat.models import ApiKey; "
            "ApiKey.objects.filter(pk=ApiKey.objects.order_by('-pk')[0].pk)"
            ".update(revoked_at=timezone.now())",
        )
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await within(exchange.body())
    await until(lambda: rig.database.stage(stage_id).status == "cancel")
