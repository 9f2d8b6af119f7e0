"""A model server made of real bytes: it answers over real HTTP with what a script says.

with ReplayServer(chat_stream(["Hello", " there"])) as server:      # a thread of its own
    client = AsyncOpenAI(base_url=server.base_url, api_key="any")
async with ReplayServer(...) as server:                             # the test's own loop
python -m tests.replay --port 9100 --script paced                   # a process, for benches
"""

from tests.replay.builders import (
    chat_stream,
    error,
    frame,
    never_answers,
    paced,
    sse,
    tool_chain,
    tool_stream,
    whole,
    whole_chat,
)
from tests.replay.flavours import Call, Flavour, ollama_like, openai_like, vllm_like
from tests.replay.script import (
    CloseNow,
    EndStream,
    Mark,
    Script,
    Send,
    SendRaw,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
)
from tests.replay.server import Answer, Exchange, ReplayServer, Request
from tests.replay.signals import Signal

__all__ = [
    "Answer",
    "Call",
    "CloseNow",
    "EndStream",
    "Exchange",
    "Flavour",
    "Mark",
    "ReplayServer",
    "Request",
    "Script",
    "Send",
    "SendRaw",
    "Signal",
    "Step",
    "Wait",
    "WaitFor",
    "WaitUntil",
    "chat_stream",
    "error",
    "frame",
    "never_answers",
    "ollama_like",
    "openai_like",
    "paced",
    "sse",
    "tool_chain",
    "tool_stream",
    "vllm_like",
    "whole",
    "whole_chat",
]
