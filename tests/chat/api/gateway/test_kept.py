"""Everything that goes through the gateway is kept, found and stopped like any other stage."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.chat.api.gateway.conftest import Door
from tests.chat.api.gateway.tools_of_tests import TOOLS
from tests.replay import Call, Mark, Signal, WaitFor, chat_stream, tool_stream
from tests.sockets import LOG_IN

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
