"""The yardstick: the same streams read by nothing but the openai SDK, in a process of its own.

`python -m bench.bare --base-url http://127.0.0.1:9100/v1 --streams 20` prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource

import openai

from bench.ages import Ages, summary

START_SPREAD = 0.01


async def read(client: openai.AsyncOpenAI, after: float) -> Ages:
    """One stream, read to its end."""
    await asyncio.sleep(after)
    ages = Ages()
    stream = await client.chat.completions.create(
        model="replay", messages=[{"role": "user", "content": "Go on."}], stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            ages.take(chunk.choices[0].delta.content)
    return ages


async def measure(base_url: str, streams: int) -> dict[str, object]:
    """CPU of this process per chunk, after a first stream that loads everything."""
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        warm = await client.chat.completions.create(
            model="replay", messages=[{"role": "user", "content": "Warm up."}], stream=True
        )
        async for _ in warm:
            pass
        before = _cpu_seconds()
        ages = await asyncio.gather(
            *(read(client, number * START_SPREAD) for number in range(streams))
        )
        return {**summary(list(ages)), "cpu_seconds": _cpu_seconds() - before}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Read the command line, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--streams", type=int, required=True)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.base_url, arguments.streams))))


if __name__ == "__main__":
    main()
