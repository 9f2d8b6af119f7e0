"""What travels over the websocket is what the AsyncAPI document says, and nothing else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from django.db import DatabaseError

from chat import journal as journals
from chat.api.documents.asyncapi import EVENTS, event_name, sent_frames
from chat.lifecycle import Process
from chat.protocol import BadCommand, parse_command
from tests.chat.api.documents.held import command_faults
from tests.chat.socket_talk import Talk
from tests.chat.test_protocol import START
from tests.replay import (
    Call,
    ReplayServer,
    Script,
    Signal,
    WaitFor,
    chat_stream,
    error,
    tool_stream,
)

pytestmark = pytest.mark.usefixtures("process", "routed")

SUM = Call("calculate", {"expression": "6*7"})
USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 4,
    "total_tokens": 7,
    "completion_tokens_details": {"reasoning_tokens": 1},
}
BROKEN = "{'expression': '6*7',}"
HERMES = '<tool_call>\n{"name": "calculate", "arguments": {"expression": "6*7"}}\n</tool_call>'
WITHHELD = ('{"name": ', '  "calculate",          ', '"arguments": {"expression": "6*7"}}')


class HeldTalk(Talk):
    """A socket whose commands are held against the document too; Talk holds its frames."""

    seen: set[str]

    def __init__(self, *arguments: Any, seen: set[str] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen = set() if seen is None else seen

    async def send(self, **command: Any) -> None:
        told = json.loads(json.dumps(command, default=str))
        assert command_faults(told) == []
        await super().send(**command)

    async def receive(self) -> dict[str, Any]:
        frame = await super().receive()
        self.seen.add(frame["event"] if frame["type"] == "event" else frame["type"])
        return frame


SCRIPTS: Mapping[str, list[Script]] = {
    "text": [chat_stream(["Plain ", "words."], usage=USAGE)],
    "reasoning": [chat_stream(["Plain."], reasoning=["Hm."], usage=USAGE)],
    "calls": [tool_stream([SUM, SUM], usage=USAGE), chat_stream(["It is 42."], usage=USAGE)],
    "invalid": [tool_stream([Call("calculate", {"no": 1})]), chat_stream(["No."])],
    "unknown tool": [tool_stream([Call("no_such", {})]), chat_stream(["No."])],
    "mended": [tool_stream([Call("calculate", BROKEN)]), chat_stream(["It is 42."])],
    "as text": [chat_stream([HERMES[:9], HERMES[9:]]), chat_stream(["It is 42."])],
    "no end": [chat_stream(["Half"], done=False, finish=None)],
    "failure": [error(500)],
    "rejection": [error(400)],
}
MODES = [("chat", False), ("toolchain", False), ("toolchain", True)]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("mode", "synthesis"), MODES)
@pytest.mark.parametrize("script", SCRIPTS)
async def test_every_event_of_every_mode_is_documented(
    cookies: dict[str, str],
    replay: ReplayServer,
    script: str,
    mode: str,
    synthesis: bool,
    stream: bool,
) -> None:
    replay.answer_with([*SCRIPTS[script], *SCRIPTS["text"] * 3])
    async with HeldTalk(cookies["owner"]) as talk:
        accepted = await talk.start(mode=mode, synthesis=synthesis, stream=stream, html=True)
        folded = await talk.until_end(accepted["stage_id"])
    assert folded.terminal is not None


async def say_all(talk: HeldTalk, replay: ReplayServer) -> None:
    """Send every command there is, and some that are none."""
    go_on = Signal()
    replay.answer_with(chat_stream(["Half. ", WaitFor(go_on), "Whole."]))
    accepted = await talk.start()
    stage, conversation = accepted["stage_id"], accepted["conversation_id"]
    await talk.until_event(stage, "chat_completion_chunk")
    about = {"conversation_id": conversation}
    told = await talk.ask("subscribed", type="conversation.subscribe", **about)
    assert told["stages"]
    await talk.ask("pong", type="ping")
    await talk.ask("unsubscribed", type="stage.unsubscribe", stage_id=stage)
    after = talk.stages[stage].last
    await talk.ask("subscribed", type="stage.subscribe", stage_id=stage, after=after, html=True)
    busy = await talk.start(**about)
    assert busy["stage_id"] == stage
    await talk.ask("accepted", type="tool_call.decide", stage_id=stage, call_id="c")
    await talk.ask("accepted", type="stage.cancel", stage_id=stage)
    await talk.reply("stage")
    await talk.until_end(stage)
    await talk.ask("unsubscribed", type="conversation.unsubscribe", **about)
    nobody = str(uuid.uuid4())
    for kind in ("stage.subscribe", "stage.cancel"):
        assert (await talk.ask("accepted", type=kind, stage_id=nobody))["type"] == "rejected"
    for text in ("no json", "[]", '{"type":"no.such"}', '{"type":"ping","more":1}'):
        await talk.send_text(text)
        assert (await talk.reply("rejected"))["errors"] is not None


async def test_every_command_and_its_answer_is_documented(
    cookies: dict[str, str], replay: ReplayServer
) -> None:
    async with HeldTalk(cookies["owner"]) as talk:
        await say_all(talk, replay)


async def test_an_outage_is_documented(
    cookies: dict[str, str],
    replay: ReplayServer,
    process: Process,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = Signal()
    replay.answer_with(chat_stream(["Half. ", WaitFor(go_on), "Whole."]))
    process.runner.journal.retry_seconds = 0.2
    async with HeldTalk(cookies["owner"]) as talk:
        stage = (await talk.start())["stage_id"]
        await talk.until_event(stage, "chat_completion_chunk")

        def full(*_: object) -> None:
            raise DatabaseError("disk full")

        monkeypatch.setattr(journals, "insert_rows", full)
        go_on.set()
        await talk.reply("unavailable")
        monkeypatch.undo()


async def test_all_that_is_documented_travels(
    cookies: dict[str, str], replay: ReplayServer
) -> None:
    """The other way round: no frame and no event is documented that never comes."""
    seen: set[str] = set()
    async with HeldTalk(cookies["owner"], seen=seen) as talk:
        decided = Signal()
        withheld = chat_stream([*WITHHELD[:2], WaitFor(decided), WITHHELD[2]], usage=USAGE)
        replay.answer_with([withheld, *SCRIPTS["text"]])
        stage = (await talk.start(mode="toolchain", synthesis=True))["stage_id"]
        await talk.until_event(stage, "deciding")
        decided.set()
        await talk.until_end(stage)
        for script in ("mended", "failure"):
            replay.answer_with([*SCRIPTS[script], *SCRIPTS["text"]])
            accepted = await talk.start(mode="toolchain", synthesis=True, html=True)
            await talk.until_end(accepted["stage_id"])
        await say_all(talk, replay)
    documented = {event_name(event) for event in EVENTS}
    documented |= {get_args(frame.model_fields["type"].annotation)[0] for frame in sent_frames()}
    # The outage has a test of its own.
    assert documented - seen == {"unavailable"}


GOOD = [
    START,
    {**START, "temperature": [0.5, None], "max_tokens": [1, 2], "tools": []},
    {**START, "conversation_id": None, "html": True},
    {"type": "ping"},
    {"type": "tool_call.decide", "anything": [1]},
]
BAD: list[Any] = [
    {"type": "no.such"},
    {},
    {**START, "mode": "talk"},
    {**START, "more": 1},
    {**START, "request_id": 7},
    {**START, "temperature": [0.5]},
    {**START, "temperature": [3.0, 0.0]},
    {**START, "max_tokens": [0, 0]},
    {**START, "stream": 1},
    {**START, "synthesis": "true"},
    {**START, "prompt": "x" * 262_145},
    {**START, "tools": "calculate"},
    {"type": "stage.subscribe"},
    {"type": "stage.subscribe", "stage_id": START["request_id"], "after": -1},
    {"type": "stage.subscribe", "stage_id": "seven"},
    {"type": "ping", "more": 1},
]


@pytest.mark.parametrize("command", [*GOOD, *BAD], ids=range(len(GOOD) + len(BAD)))
def test_the_document_takes_the_commands_that_the_socket_takes(command: Any) -> None:
    try:
        parse_command(json.dumps(command))
    except BadCommand:
        assert command_faults(command) != []
    else:
        assert command_faults(command) == []
