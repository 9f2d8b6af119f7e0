"""What one socket is sent, and when: HTML beside events, slow readers, many stages at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from chat import delivery, live_rendering
from chat.delivery import BACKLOG_EXTENSION, BACKLOG_HIGH, BACKLOG_LOW
from chat.lifecycle import Process
from chat.models import ModelRoute
from chat.rendering import render_blocks
from tests.chat.conftest import within
from tests.chat.socket_talk import Talk
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream, tool_chain
from tests.sockets import TERMINAL, Folded

MARKDOWN = (
    "# Title\n\nSome *text* and `code`.\n\n```python\nprint('hi')\n```\n\n- one\n- two\n\n"
    "A [link](https://example.org/).\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nThe end"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many steps of rendering in a short test."""
    monkeypatch.setattr(live_rendering, "STEP_SECONDS", 0.001)


class Shown:
    """A viewer's page: blocks and tail per section, and the rules they are held to."""

    def __init__(self) -> None:
        self.sections: dict[tuple[int, str], tuple[list[str], str]] = {}
        self.steps = 0

    def take(self, frames: Iterable[dict[str, Any]], stage_id: str) -> None:
        sent = 0
        ended = False
        for frame in frames:
            if frame.get("stage_id") != stage_id:
                continue
            if frame["type"] == "event":
                sent = frame["sequence_number"]
                ended = frame["event"] in TERMINAL
            elif frame["type"] == "html":
                assert not ended, "html after the terminal event"
                assert frame["through"] <= sent, "html ahead of its events"
                key = (frame["round"], frame["phase"])
                if key not in self.sections:
                    assert frame["from_block"] == 0
                blocks, _ = self.sections.get(key, ([], ""))
                assert frame["from_block"] <= len(blocks)
                blocks = [*blocks[: frame["from_block"]], *frame["blocks"]]
                self.sections[key] = (blocks, frame["tail"])
                self.steps += 1
        assert ended
        for _, tail in self.sections.values():
            assert tail == ""


def cut(text: str, size: int = 7) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


async def test_html_grows_beside_the_text_and_ends_as_the_whole(
    process: Process, routed: ModelRoute, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    replay.answer_with(chat_stream(cut(MARKDOWN)))
    async with Talk(cookies["owner"]) as talk:
        accepted = await talk.start(html=True)
        folded = await talk.until_end(accepted["stage_id"])
        assert folded.text == MARKDOWN
        shown = Shown()
        shown.take(talk.frames, accepted["stage_id"])
        assert shown.sections[(1, "chat")][0] == list(render_blocks(MARKDOWN))


async def test_a_late_viewer_gets_html_from_the_first_block(
    process: Process, routed: ModelRoute, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    signal = Signal()
    pieces = cut(MARKDOWN)
    half = len(pieces) // 2
    replay.answer_with(chat_stream([*pieces[:half], WaitFor(signal), *pieces[half:]]))
    async with Talk(cookies["owner"]) as talk, Talk(cookies["owner"]) as late:
        stage_id = (await talk.start(html=True))["stage_id"]
        while "tail" not in await talk.receive():
            pass
        last = talk.stages[stage_id].last
        late.stages[stage_id] = Folded(list(talk.stages[stage_id].events))
        await late.ask(
            "subscribed", type="stage.subscribe", stage_id=stage_id, after=last, html=True
        )
        first = await late.reply("html")
        assert first["from_block"] == 0
        signal.set()
        await within(talk.until_end(stage_id))
        await within(late.until_end(stage_id))
        shown = Shown()
        shown.take([*talk.stages[stage_id].events[:last], *late.frames], stage_id)
        assert shown.sections[(1, "chat")][0] == list(render_blocks(MARKDOWN))
    assert process.renderings._stages == {}


async def test_an_ended_stage_is_shown_with_html_too(
    process: Process, routed: ModelRoute, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    calls = [("calculate", {"expression": "6*7"})]
    replay.answer_with(tool_chain(calls, cut(MARKDOWN)))
    async with Talk(cookies["owner"]) as talk, Talk(cookies["owner"]) as late:
        accepted = await talk.start(mode="toolchain", synthesis=True)
        stage_id = accepted["stage_id"]
        await talk.until_end(stage_id)
        assert all(frame["type"] != "html" for frame in talk.frames)
        await late.send(type="stage.subscribe", stage_id=stage_id, after=0, html=True)
        await late.until_end(stage_id)
        shown = Shown()
        shown.take(late.frames, stage_id)
        assert shown.sections[(1, "synthesis")][0] == list(render_blocks(MARKDOWN))


async def test_a_rendering_that_fails_costs_only_the_html(
    process: Process,
    routed: ModelRoute,
    replay: ReplayServer,
    cookies: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no rendering today")

    monkeypatch.setattr(live_rendering, "_render", broken)
    replay.answer_with(chat_stream(cut(MARKDOWN)))
    async with Talk(cookies["owner"]) as talk:
        stage_id = (await talk.start(html=True))["stage_id"]
        assert (await talk.until_end(stage_id)).text == MARKDOWN


async def test_many_stages_of_one_socket_come_side_by_side(
    process: Process, routed: ModelRoute, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    replay.answer_with(chat_stream(cut(MARKDOWN)))
    async with Talk(cookies["owner"]) as talk:
        ids = [(await talk.start(html=bool(at % 2)))["stage_id"] for at in range(6)]
        for stage_id in ids:
            assert (await talk.until_end(stage_id)).text == MARKDOWN


# --- readers that lag ---


async def test_a_reader_that_never_catches_up_is_closed_as_slow(
    process: Process,
    routed: ModelRoute,
    replay: ReplayServer,
    cookies: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "SLOW_SECONDS", 0.1)
    backlog = {BACKLOG_EXTENSION: lambda: BACKLOG_HIGH + 1}
    replay.answer_with(chat_stream(cut(MARKDOWN)))
    async with Talk(cookies["owner"], extensions=backlog) as talk, Talk(cookies["owner"]) as well:
        await talk.send(type="ping")
        assert await talk.until_closed() == 4408
        # Who reads is not held up by who does not.
        stage_id = (await well.start())["stage_id"]
        assert (await well.until_end(stage_id)).text == MARKDOWN


async def test_a_reader_that_catches_up_gets_everything(
    process: Process,
    routed: ModelRoute,
    replay: ReplayServer,
    cookies: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "BACKLOG_POLL_SECONDS", 0.001)
    sizes = iter([0, 0, BACKLOG_HIGH + 1, BACKLOG_HIGH, BACKLOG_LOW + 1, BACKLOG_LOW])
    asked: list[int] = []

    def backlog() -> int:
        asked.append(next(sizes, 0))
        return asked[-1]

    replay.answer_with(chat_stream(cut(MARKDOWN)))
    async with Talk(cookies["owner"], extensions={BACKLOG_EXTENSION: backlog}) as talk:
        stage_id = (await talk.start())["stage_id"]
        assert (await talk.until_end(stage_id)).text == MARKDOWN
    assert BACKLOG_LOW in asked


async def test_where_sending_waits_a_reader_is_given_up_too(
    process: Process, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SLOW_SECONDS", 0.1)
    closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    async def close(code: int) -> None:
        closed.set_result(code)

    one = delivery.Delivery(process.runner, process.renderings, send, {}, close)
    one.tell("x")
    await within(one.run())
    assert closed.result() == 4408
