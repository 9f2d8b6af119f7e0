"""A Chat Completions request as a start: the command and what it brings along."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from chat.api.gateway.messages import first_words, history, system_prompt
from chat.api.gateway.request import ChatCompletionRequest
from chat.protocol import StageStart
from chat.services.extras import StartExtras

# Sent on to the model server under the same names. Temperature and token limit are the stage's own.
PASSED_ON = (
    *("top_p", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias"),
    *("response_format", "reasoning_effort", "verbosity"),
)


def as_start(request: ChatCompletionRequest) -> tuple[StageStart, StartExtras]:
    """What to start for a request."""
    offered = request.offered
    temperature, limit = request.temperature, request.token_limit
    command = StageStart(
        request_id=uuid4(),
        mode="chat" if offered == "none" else "toolchain",
        synthesis=offered == "ours",
        stream=bool(request.stream),
        model_route=request.model,
        system_prompt=system_prompt(request.messages),
        tools=request.toolbench.tools if offered == "ours" and request.toolbench else None,
        temperature=None if temperature is None else [temperature, temperature],
        max_tokens=None if limit is None else [limit, limit],
    )
    extras = StartExtras(
        messages=history(request.messages),
        caller_tools=_specs(request) if offered == "callers" else (),
        tool_choice=None if offered == "none" else _tool_choice(request),
        parameters=_parameters(request, with_tools=offered != "none"),
        title=first_words(request.messages),
    )
    return command, extras


def _specs(request: ChatCompletionRequest) -> tuple[dict[str, Any], ...]:
    return tuple(tool.model_dump(exclude_unset=True) for tool in request.tools or ())


def _tool_choice(request: ChatCompletionRequest) -> str | dict[str, Any] | None:
    choice = request.tool_choice
    return choice if choice is None or isinstance(choice, str) else choice.model_dump()


def _parameters(request: ChatCompletionRequest, *, with_tools: bool) -> dict[str, Any]:
    fields = set(PASSED_ON) | ({"parallel_tool_calls"} if with_tools else set())
    return request.model_dump(include=fields, exclude_none=True)
