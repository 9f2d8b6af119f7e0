"""People who keep stages going for hours, with all that people and networks do to their sockets."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from bench.listeners import TERMINAL
from bench.raw_socket import RawSocket, first_of
from bench.upstream import wish

PER_SECOND = 20.0
SHORTEST, LONGEST = 60, 300
"""Chunks of an answer."""
SLOW_SECONDS = 36.0
"""Longer than the 30 s after which a reader that takes nothing is given up."""
END_SECONDS = 150.0
"""How much later than its text a stage may end, the machine and its database killed included."""
QUIET_SECONDS = 5.0
LEAVING_SECONDS = 10.0
START_SECONDS = 90.0
PASSING = {"going_down", "rate_limited", "conversation_busy", "too_many_stages"}


@dataclass(frozen=True)
class Wanted:
    """An answer asked of the replay server; of `size` 0 each chunk is one stamp and a space."""

    chunks: int
    per_second: float = PER_SECOND
    size: int = 0


FLOOD = Wanted(1500, 300.0, 1024)
"""More than a reader who stops can have waiting for it."""


@dataclass
class Told:
    """What one viewer was told of a stage, over all its connections; the text as a digest."""

    last: int = 0
    characters: int = 0
    spaces: int = 0
    end: str = ""
    code: str = ""
    ended_at: float = 0.0
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, frame: dict[str, Any]) -> str | None:
        """Fold an event in; what is wrong with it, if something is."""
        number = frame["sequence_number"]
        if self.end:
            return f"event {number} came after the end"
        if number != self.last + 1:
            return f"event {number} came after {self.last}"
        self.last = number
        data = frame["data"]
        if frame["event"] == "chat_completion_chunk":
            content = data.get("content") or ""
            self.characters += len(content)
            self.spaces += content.count(" ")
            self.digest.update(content.encode())
        elif frame["event"] in TERMINAL:
            self.end = frame["event"]
            self.code = data.get("code") or data.get("by") or ""
            self.ended_at = time.monotonic()
        return None


@dataclass
class Known:
    """A stage that was accepted, and what its viewers were told."""

    stage_id: str
    conversation_id: str
    started_on: str
    wanted: Wanted
    accepted_at: float = field(default_factory=time.monotonic)
    views: list[Told] = field(default_factory=list)


class Crowd:
    """All people of a soak: how many stages they keep going, and what they met."""

    def __init__(
        self, urls: list[str], cookies: list[str], seed: int, longest: int = LONGEST
    ) -> None:
        self.urls = urls
        self.longest = longest
        self.stages: list[Known] = []
        self.did: Counter[str] = Counter()
        self.faults: list[str] = []
        self.viewing = 0
        self._cookies = cookies
        self._chance = random.Random(seed)
        self._working = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, streams: int) -> None:
        """Everybody starts their first stage, spread over two seconds."""
        self._working.set()
        for at in range(streams):
            person = Person(self, self._cookies[at], random.Random(self._chance.random()))
            self._tasks.append(asyncio.create_task(self._keep_going(person, at), name=f"p-{at}"))

    async def rest(self) -> None:
        """Nobody starts anything more; returns when all stages have been seen to their end."""
        self._working.clear()
        while self.viewing:
            await asyncio.sleep(0.1)

    def go_on(self) -> None:
        """Everybody goes on."""
        self._working.set()

    async def leave(self) -> None:
        """Everybody is gone."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVING_SECONDS)

    async def _keep_going(self, person: Person, at: int) -> None:
        await asyncio.sleep(at * 0.02)
        while not self._stopping:
            await self._working.wait()
            self.viewing += 1
            try:
                await person.one_stage()
            except Exception as error:
                self.faults.append(f"a person gave up: {type(error).__name__}: {error}")
                await asyncio.sleep(1)
            finally:
                self.viewing -= 1


class Person:
    """One person with one stage at a time and as many sockets as they please."""

    def __init__(self, crowd: Crowd, cookie: str, chance: random.Random) -> None:
        self._crowd = crowd
        self._cookie = cookie
        self._chance = chance
        self._before: Known | None = None

    async def one_stage(self) -> None:
        """Start a stage, view it with one or two tabs, perhaps stop it."""
        chance = self._chance
        where, again = self._where()
        longest = self._crowd.longest
        wanted = again or Wanted(chance.randint(min(SHORTEST, longest), longest))
        if again is None and chance.random() < 0.01:
            wanted = FLOOD
        is_flood = wanted == FLOOD
        known, view = await self._start(wanted, where)
        if known is None:
            return
        self._before = known
        self._crowd.stages.append(known)
        seconds = wanted.chunks / wanted.per_second
        work = [view.until_end(seconds)]
        if chance.random() < 0.2:
            self._crowd.did["second tabs"] += 1
            tab = View(self._crowd, known, self._cookie, chance, html=chance.random() < 0.3)
            work.append(tab.later(chance.uniform(0, seconds), seconds))
        if is_flood:
            self._crowd.did["readers that stop reading"] += 1
            slow = View(self._crowd, known, self._cookie, chance, is_slow=True)
            work.append(slow.later(0.5, seconds + SLOW_SECONDS))
        elif chance.random() < 0.15:
            work.append(self._stop(known, chance.uniform(0, seconds)))
        await asyncio.gather(*work)

    async def _start(self, wanted: Wanted, where: dict[str, Any]) -> tuple[Known | None, View]:
        """Ask until it is accepted, with the same request_id however often the socket is lost."""
        command = {
            "type": "stage.start",
            "request_id": str(uuid.uuid4()),
            "mode": "chat",
            "prompt": f"Go on. {wish(wanted.chunks, wanted.per_second, wanted.size)}",
            **where,
        }
        deadline = time.monotonic() + START_SECONDS
        view = View(self._crowd, None, self._cookie, self._chance)
        refusal = ""
        while time.monotonic() < deadline:
            if not await view.connect():
                continue
            view.socket.send(**command)
            frame = await view.reply(10.0)
            if frame is None:
                self._crowd.did["starts asked again with the same id"] += 1
            elif frame["type"] == "accepted":
                known = Known(frame["stage_id"], frame["conversation_id"], view.url, wanted)
                view.known = known
                known.views.append(view.told)
                return known, view
            else:
                refusal = f"{frame['code']}: {frame['message']}"
                self._crowd.did[f"starts refused ({frame['code']})"] += 1
                if frame["code"] not in PASSING:
                    break
                await asyncio.sleep(self._chance.uniform(0.3, 1.0))
            view.hang_up()
        self._crowd.faults.append(f"a start was not accepted in {START_SECONDS:g} s: {refusal}")
        return None, view

    def _where(self) -> tuple[dict[str, Any], Wanted | None]:
        """A new conversation, the one before, or the stage before once more, which asks for what
        it asked for."""
        before, dice = self._before, self._chance.random()
        if before is None or dice < 0.6:
            return {}, None
        place = {"conversation_id": before.conversation_id}
        if dice < 0.85:
            return place, None
        self._crowd.did["retries"] += 1
        return {**place, "retry_of": before.stage_id}, before.wanted

    async def _stop(self, known: Known, after: float) -> None:
        """Stop the stage through whichever process."""
        await asyncio.sleep(after)
        other = View(self._crowd, known, self._cookie, self._chance)
        while not known.views[0].end and await other.connect():
            other.socket.send(type="stage.cancel", stage_id=known.stage_id)
            frame = await other.reply(10.0)
            if frame is not None and frame["type"] == "accepted":
                self._crowd.did["stops"] += 1
                break
            other.hang_up()
        other.hang_up()


class View:
    """One tab: follows a stage to its end over as many connections as that takes."""

    def __init__(
        self,
        crowd: Crowd,
        known: Known | None,
        cookie: str,
        chance: random.Random,
        *,
        html: bool = False,
        is_slow: bool = False,
    ) -> None:
        self.known = known
        self.told = Told()
        self.url = ""
        self.socket: RawSocket
        self._crowd = crowd
        self._cookie = cookie
        self._chance = chance
        self._html = html
        self._is_slow = is_slow
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard_at = 0.0
        self._ended = asyncio.Event()
        self._behind = 0
        self._is_open = False
        self._connection = 0

    async def connect(self) -> bool:
        """Connect to any process; False where it cannot be reached, after a moment."""
        self.url = self._chance.choice(self._crowd.urls)
        self._replies = asyncio.Queue()
        try:
            async with asyncio.timeout(10):
                self._connection += 1
                take = partial(self._take_of, self._connection)
                self.socket = await RawSocket.connect(self.url, self._cookie, take)
        except (OSError, TimeoutError):
            self._crowd.did["connections refused"] += 1
            await asyncio.sleep(self._chance.uniform(0.2, 0.6))
            return False
        self._is_open = True
        self._heard_at = time.monotonic()
        return True

    async def reply(self, seconds: float) -> dict[str, Any] | None:
        """The next frame that answers a command; None if none came or the socket is gone."""
        getting = asyncio.ensure_future(self._replies.get())
        await first_of(getting, self.socket.closed, timeout=seconds)
        if getting.done():
            return getting.result()
        getting.cancel()
        return None

    def hang_up(self) -> None:
        """Go away, politely or not."""
        if not self._is_open:
            return
        self._is_open = False
        self._connection += 1
        if self._chance.random() < 0.5:
            self.socket.abort()
        else:
            self.socket.close()
            asyncio.get_running_loop().call_later(2, self.socket.abort)

    async def later(self, after: float, seconds: float) -> None:
        """Come later and view it from its beginning."""
        assert self.known is not None
        await asyncio.sleep(after)
        self.known.views.append(self.told)
        await self.until_end(seconds)

    async def until_end(self, seconds: float) -> None:
        """View the stage to its end; `seconds` is how long its text takes."""
        assert self.known is not None
        deadline = time.monotonic() + seconds + END_SECONDS
        cuts = self._chance.choice((0, 0, 0, 1, 1, 2, 4)) if not self._is_slow else 0
        while not self.told.end and time.monotonic() < deadline:
            if not self._is_open and not await self._subscribe():
                continue
            if self._is_slow:
                await self._read_nothing()
            stays = self._chance.uniform(0, seconds / 2) if cuts else deadline - time.monotonic()
            await self._follow(stays)
            if self.told.end:
                break
            if cuts:
                cuts -= 1
                self._crowd.did["reconnects"] += 1
            self.hang_up()
        self.hang_up()
        if not self.told.end:
            self._crowd.faults.append(
                f"stage {self.known.stage_id}: no end was seen in {seconds + END_SECONDS:.0f} s, "
                f"{self.told.last} events were"
            )

    async def _subscribe(self) -> bool:
        assert self.known is not None
        if not await self.connect():
            return False
        if self.url != self.known.started_on:
            self._crowd.did["views through the other process"] += 1
        self.socket.send(
            type="stage.subscribe",
            stage_id=self.known.stage_id,
            after=self.told.last,
            html=self._html,
        )
        frame = await self.reply(10.0)
        if frame is not None and frame["type"] == "subscribed":
            if not frame["recovered"]:
                self._fault(f"what follows {self.told.last} was not recovered")
            return True
        if frame is not None and frame.get("code") not in PASSING:
            self._fault(f"a subscribe was refused: {frame.get('code')}")
            await asyncio.sleep(1)
        self.hang_up()
        await asyncio.sleep(self._chance.uniform(0.2, 0.6))
        return False

    async def _follow(self, seconds: float) -> None:
        """Until the end, the loss of the connection, or so many seconds."""
        until = time.monotonic() + seconds
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            while (left := until - time.monotonic()) > 0:
                await first_of(ended, self.socket.closed, timeout=min(left, QUIET_SECONDS))
                if ended.done():
                    return
                if self.socket.closed.done():
                    code = self.socket.closed.result()
                    self._crowd.did[f"sockets closed by the server ({code or 'no code'})"] += 1
                    self._is_open = False
                    return
                quiet = time.monotonic() - self._heard_at
                if quiet > 4 * QUIET_SECONDS:
                    self._crowd.did["silent connections left"] += 1
                    return
                if quiet > QUIET_SECONDS:
                    self.socket.send(type="ping")
        finally:
            ended.cancel()

    async def _read_nothing(self) -> None:
        self.socket.pause()
        await asyncio.sleep(SLOW_SECONDS)
        self.socket.resume()
        self._is_slow = False

    def _take_of(self, connection: int, text: bytes) -> None:
        # What still comes on a connection that was left belongs to nobody.
        if connection == self._connection:
            self._take(text)

    def _take(self, text: bytes) -> None:
        frame = orjson.loads(text)
        kind = frame["type"]
        self._heard_at = time.monotonic()
        if kind == "event":
            if self.known is not None and frame["stage_id"] != self.known.stage_id:
                self._fault("an event of another stage came")
                return
            fault = self.told.take(frame)
            if fault is not None:
                self._fault(fault)
                self.socket.abort()
            if self.told.end:
                self._ended.set()
        elif kind in ("accepted", "rejected", "subscribed"):
            self._replies.put_nowait(frame)
        elif kind == "pong":
            self._pong(frame["stages"])
        elif kind == "unavailable":
            self._crowd.did["stages told to be unavailable"] += 1

    def _pong(self, stages: dict[str, int]) -> None:
        """Twice behind without an event in between: something stored was not sent."""
        assert self.known is not None
        stored = stages.get(self.known.stage_id)
        is_behind = stored is not None and stored > self.told.last
        self._behind = self._behind + 1 if is_behind else 0
        if self._behind >= 2:
            self._behind = 0
            self._fault(f"{stored} events are stored and {self.told.last} were sent, for seconds")

    def _fault(self, text: str) -> None:
        stage_id = self.known.stage_id if self.known else "unknown"
        self._crowd.faults.append(f"stage {stage_id} through {self.url}: {text}")
