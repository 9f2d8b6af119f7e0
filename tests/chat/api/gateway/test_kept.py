"""Everything that goes through the gateway is kept, found and stopped like any other stage."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from tests.chat.api.gateway.conftest import ASKED, Door
from tests.chat.api.gateway.tools_of_tests import TOOLS
from tests.replay import Call, Signal, WaitFor, chat_stream, tool_stream

HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What is the weather in Lyon?"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_a",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"place": "Lyon"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_a", "content": "sunny"},
]


def page(door: Door, path: str) -> httpx2.Response:
    headers = {"Cookie": door.rig.cookies["owner"], "Accept": "text/html"}
    return httpx2.get(f"{door.rig.url}{path}", headers=headers, trust_env=False)


def end_of(door: Door, stage_id: str) -> str:
    """The name of a stage's last event, waited for."""
    followed = httpx2.get(
        f"{door.rig.url}/stream/v1/stages/{stage_id}",
        headers={"Authorization": f"Bearer {door.key}"},
        trust_env=False,
        timeout=15,
    )
    return followed.text.rstrip().rsplit("event: ", 1)[1].split("\n")[0]


def test_a_request_is_a_conversation_that_its_owner_finds_and_reads(door: Door) -> None:
    door.answers(tool_stream([Call("get_weather", {"place": "Oslo"}, id="call_b")]))
    stage = door.stage(door.post(messages=HISTORY, tools=TOOLS))
    assert (stage.status, stage.row["mode"]) == ("done", "toolchain")
    assert stage.row["api_key_id"] is not None
    assert stage.row["system_prompt"] == "Be brief."
    [run] = stage.runs.values()
    assert (run["call_id"], run["status"], run["result"]) == ("call_b", "handed_over", "")
    key = stage.row["conversation_id"]
    [kept] = door.rig.database.query("SELECT * FROM chat_conversation WHERE id = ?", (key,))
    assert (kept["source"], kept["title"]) == ("gateway", "What is the weather in Lyon?")
    listed = page(door, "/conversations/?machines=1").json()["rows"][0]
    assert listed["title"] == "What is the weather in Lyon?"
    shown = page(door, listed["url"]).text
    assert "This came through the gateway" in shown
    for words in ("What is the weather in Lyon?", "sunny", "call_a", "Oslo"):
        assert words in shown


@pytest.mark.parametrize(
    ("headers", "end"), [({}, "cancel"), ({"X-Toolbench-On-Disconnect": "continue"}, "done")]
)
def test_a_client_that_leaves_its_stream_stops_the_model_unless_it_wants_it_to_go_on(
    door: Door, headers: dict[str, str], end: str
) -> None:
    go_on = Signal()
    door.answers(chat_stream(["Hel", WaitFor(go_on), "lo."]))
    with door.client(default_headers=headers).chat.completions.with_streaming_response.create(
        model="replay",
        messages=ASKED,
        stream=True,
    ) as response:
        assert "Hel" in next(response.iter_lines())
        stage_id = response.headers["X-Toolbench-Stage"]
    if end == "cancel":
        door.rig.replay.exchanges[-1].closed.wait()
        assert door.rig.replay.exchanges[-1].closed_early
    go_on.set()
    assert end_of(door, stage_id) == end


def test_a_client_that_leaves_before_its_whole_answer_stops_the_model(door: Door) -> None:
    never = Signal()
    door.answers(chat_stream(["Hel", WaitFor(never), "lo."]))
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(
            f"{door.base_url}/chat/completions",
            json={"model": "replay", "messages": ASKED},
            headers={"Authorization": f"Bearer {door.key}"},
            trust_env=False,
            timeout=1,
        )
    door.rig.replay.exchanges[-1].closed.wait()
    assert door.rig.replay.exchanges[-1].closed_early
    never.set()


async def test_an_answer_that_its_owner_stops_ends_with_an_error(door: Door) -> None:
    never = Signal()
    door.answers(chat_stream(["Hel", WaitFor(never)]))
    asking = asyncio.create_task(asyncio.to_thread(door.post))
    await door.rig.replay.request_arrived()
    [stage_id] = door.rig.database.active()
    async with door.rig.client() as socket:
        await socket.send(type="stage.cancel", stage_id=stage_id)
        answered = await asking
    assert answered.status_code == 409
    assert answered.json()["error"]["code"] == "cancelled"
    assert answered.headers["X-Should-Retry"] == "false"
    never.set()
