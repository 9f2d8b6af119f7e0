"""The replay server as a process: `python -m tests.replay --port 9100 --script paced`."""

from __future__ import annotations

import argparse
import asyncio
import signal

from tests.replay.builders import (
    chat_stream,
    error,
    never_answers,
    paced,
    tool_chain,
    whole_chat,
)
from tests.replay.flavours import openai_like
from tests.replay.script import CloseNow, Script, Step
from tests.replay.server import Answer, ReplayServer, Request

WORDS = ("Plain ", "words ", "at ", "a ", "steady ", "pace.\n")
NAMES = ("chat", "paced", "endless", "tools", "silent", "cut", "refuses")


def named_answer(name: str, *, chunks: int, per_second: float, piece: str) -> Answer:
    """The answer that a name on the command line or in a request's `model` stands for."""
    usage = {"prompt_tokens": 12, "completion_tokens": chunks, "total_tokens": chunks + 12}
    stream = paced(chunks, per_second, piece, usage=usage)
    finished = whole_chat(piece * chunks, usage=usage)
    tools = tool_chain([("current_time", {"time_zone": "Europe/Paris"})], WORDS, usage=usage)
    endless = paced(100_000, per_second or 50, piece)
    cut: list[str | Step] = [*WORDS, CloseNow()]
    fixed: dict[str, Script] = {
        "chat": chat_stream(WORDS, usage=usage),
        "endless": endless,
        "silent": never_answers(),
        "cut": chat_stream(cut),
        "refuses": error(503),
    }

    def by_request(request: Request) -> Script:
        wanted = request.json.get("model")
        chosen = wanted if wanted in NAMES else name
        if chosen == "tools":
            return tools(request)
        if chosen == "paced":
            return stream if request.json.get("stream") else finished
        return fixed[chosen]

    return by_request


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until told to stop."""
    answer = named_answer(
        arguments.script,
        chunks=arguments.chunks,
        per_second=arguments.per_second,
        piece=arguments.piece,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    models = (openai_like.model, *NAMES)
    async with ReplayServer(answer, models=models, port=arguments.port) as server:
        print(f"listening on {server.base_url}", flush=True)
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument(
        "--script", choices=NAMES, default="paced", help="a request's model may name another"
    )
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0, help="0: as fast as it goes")
    parser.add_argument("--piece", default="token ", help="the text of a chunk")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
