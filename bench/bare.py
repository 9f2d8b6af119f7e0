"""The yardstick: the same streams read by nothing but the openai SDK, in a process of its own.

`python -m bench.bare --base-url http://127.0.0.1:9100/v1 --streams 20` prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time

import openai

from bench.ages import Ages, summary
from bench.listeners import START_SPREAD
from bench.loop import raise_open_files

PATIENCE = 300.0


async def read(client: openai.AsyncOpenAI, after: float, prompt: str = "Go on.") -> Ages:
    """One stream, read to its end."""
    await asyncio.sleep(after)
    ages = Ages()
    stream = await client.chat.completions.create(
        model="replay", messages=[{"role": "user", "content": prompt}], stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            ages.take(chunk.choices[0].delta.content)
    return ages


async def measure(
    base_url: str, streams: int, *, key: str = "none", prompt: str = "Go on.", rounds: int = 1
) -> dict[str, object]:
    """CPU of this process per chunk, after a first stream that loads everything.

    In each of the rounds all streams are read side by side.
    """
    # At a thousand streams the loop is so late that the SDK's 5 s to connect are not enough.
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key=key, max_retries=0, timeout=openai.Timeout(PATIENCE)
    ) as client:
        warm = await client.chat.completions.create(
            model="replay", messages=[{"role": "user", "content": "Warm up."}], stream=True
        )
        async for _ in warm:
            pass
        before, began = _cpu_seconds(), time.monotonic()
        ages: list[Ages] = []
        for _ in range(rounds):
            ages += await asyncio.gather(
                *(read(client, number * START_SPREAD, prompt) for number in range(streams))
            )
        return {
            **summary(ages),
            "cpu_seconds": _cpu_seconds() - before,
            "seconds": time.monotonic() - began,
        }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Read the command line, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--key", default="none", help="where the other side wants one")
    parser.add_argument("--prompt", default="Go on.")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    raise_open_files()
    found = measure(
        arguments.base_url,
        arguments.streams,
        key=arguments.key,
        prompt=arguments.prompt,
        rounds=arguments.rounds,
    )
    print(json.dumps(asyncio.run(found)))


if __name__ == "__main__":
    main()
