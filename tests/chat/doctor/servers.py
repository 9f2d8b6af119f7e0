"""Model servers for the doctor: one that does everything well, with habits that can be spoilt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.replay import (
    Call,
    Flavour,
    Request,
    Script,
    chat_stream,
    error,
    openai_like,
    tool_stream,
    whole_chat,
)

USAGE = {"prompt_tokens": 90, "completion_tokens": 8, "total_tokens": 98}
NUMBERS = ["1", *(f", {number}" for number in range(2, 101))]


@dataclass(frozen=True)
class Habits:
    """How a server answers; the defaults do what OpenAI's documentation says."""

    flavour: Flavour = openai_like
    obeys: tuple[str, ...] = ("max_tokens",)
    refuses: tuple[str, ...] = ()
    refusal: str = "Unsupported parameter: '{field}' is not supported with this model."
    tools: str = "native"
    at_once: int = 8
    usage: bool = True
    obeys_choice: bool = True
    thoughts: str = ""
    names_models: bool = True
    done: bool = True
    takes_results: bool = True

    def __call__(self, request: Request) -> Script:
        """The answer to a request."""
        body = request.json
        if self.names_models and body["model"] != "small-1":
            return error(404, {"error": {"message": f"The model {body['model']} does not exist."}})
        messages = body["messages"]
        if not isinstance(messages, list):
            return error(400, {"error": {"message": "messages: Input should be a list."}})
        for field in self.refuses:
            if field in body:
                told = self.refusal.format(field=field)
                return error(400, {"error": {"message": told}})
        if self.tools == "refused" and body.get("tools"):
            return error(400, {"error": {"message": "This model does not support tools."}})
        if not self.takes_results and any(message["role"] == "tool" for message in messages):
            return error(500, {"error": {"message": "Only user and assistant roles."}})
        calls = self._calls(body, messages)
        if calls and self.tools == "native":
            return self._called(body, calls)
        if calls and self.tools.startswith("<"):
            pieces = [self.tools.replace("CALL", _as_json(call)) for call in calls]
            return self._said(body, pieces)
        return self._said(body, self._words(body, messages))

    def _calls(self, body: Mapping[str, Any], messages: Sequence[Any]) -> list[Call]:
        tools = [tool["function"]["name"] for tool in body.get("tools", ())]
        if not tools or messages[-1]["role"] == "tool":
            return []
        choice = body.get("tool_choice", "auto") if self.obeys_choice else "auto"
        prompt = messages[-1]["content"]
        calls: list[Call] = []
        if choice == "none":
            return []
        if isinstance(choice, dict):
            return [Call(choice["function"]["name"], {})]
        if exact := re.search(r"Call the tool: (\w+) (\{.*\})$", prompt, re.S):
            calls = [Call(exact[1], exact[2])]
        elif "list_alarms" in prompt:
            calls = [Call("list_alarms", "{}")]
        else:
            cities = [city for city in ("Paris", "Tokyo") if city in prompt]
            calls = [Call("get_weather", {"city": city}) for city in cities]
        if not calls and choice == "required":
            calls = [Call(tools[0], {"city": "Paris"})]
        return calls[: self.at_once]

    def _words(self, body: Mapping[str, Any], messages: Sequence[Any]) -> list[str]:
        prompt = messages[-1]["content"]
        if messages[0]["role"] == "system" and "PETROL" in messages[0]["content"]:
            return ["PETROL"]
        if messages[-1]["role"] == "tool":
            return ["It is ", "21.5 degrees."]
        if "Count" in prompt:
            return NUMBERS
        if "step by step" in prompt and self.thoughts.startswith("<"):
            return [self.thoughts.removeprefix("<"), "42"]
        return ["Hello", " there", "."]

    def _called(self, body: Mapping[str, Any], calls: Sequence[Call]) -> Script:
        if not body.get("stream"):
            return whole_chat(None, calls, flavour=self.flavour)
        usage = self._usage(body)
        return tool_stream(calls, usage=usage, flavour=self.flavour, done=self.done)

    def _said(self, body: Mapping[str, Any], pieces: Sequence[str]) -> Script:
        limit = min((_at(body, path) or 1000 for path in self.obeys), default=1000)
        finish = "length" if len(pieces) > limit else "stop"
        pieces = pieces[:limit]
        if not body.get("stream"):
            return whole_chat("".join(pieces), finish=finish, usage=USAGE, flavour=self.flavour)
        thinks = "step by step" in str(body["messages"]) and self.thoughts == "field"
        return chat_stream(
            pieces,
            reasoning=["First", " this", ", then", " that."] if thinks else (),
            finish=finish,
            usage=self._usage(body),
            flavour=self.flavour,
            done=self.done,
        )

    def _usage(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        wanted = (body.get("stream_options") or {}).get("include_usage")
        return USAGE if wanted and self.usage else None


def _at(body: Mapping[str, Any], path: str) -> int | None:
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) else None


def _as_json(call: Call) -> str:
    return json.dumps({"name": call.name, "arguments": json.loads(call.raw_arguments)})
