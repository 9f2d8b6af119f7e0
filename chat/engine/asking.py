"""What a stage asks the model in a phase: prompts, history, tools and parameters put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from chat.engine.completions import CompletionRequest
from chat.engine.events import Phase
from chat.engine.messages import ChatMessage, estimate_tokens, trim_history
from chat.engine.text_tools import as_text, tools_prompt

if TYPE_CHECKING:
    from chat.engine.stage import StageRequest

PARALLEL = "parallel_tool_calls"


def completion_request(
    request: StageRequest, phase: Phase, added: Sequence[ChatMessage]
) -> CompletionRequest:
    """The request of a phase; `added` is what the stage's rounds so far add to the history."""
    which = 1 if phase == "synthesis" else 0
    with_tools = phase == "tools" and len(request.toolset) > 0
    in_text = request.tool_mode == "text"
    prompts = [request.system_prompt]
    if with_tools:
        prompts.append(request.toolset.system_prompt())
    if with_tools and in_text:
        prompts.append(tools_prompt(request.toolset.specs()))
    prompt = "\n\n".join(text for text in prompts if text.strip())
    system = (ChatMessage("system", prompt),) if prompt else ()
    tools = tuple(request.toolset.specs()) if with_tools and not in_text else ()
    budget = request.context_budget
    if budget is not None:
        # Nearly every template puts the tools into the prompt.
        spent = sum(map(estimate_tokens, system)) + (len(orjson.dumps(tools)) // 4 if tools else 0)
        budget = max(0, budget - spent)
    history = trim_history((*request.history, *added), budget)
    return CompletionRequest(
        messages=(*system, *(as_text(history) if in_text else history)),
        tools=tools,
        tool_choice=_tool_choice(request, added) if tools else None,
        temperature=request.temperature[which],
        max_tokens=request.max_tokens[which],
        # Servers refuse what speaks of tools where there are none.
        parameters={k: v for k, v in request.parameters.items() if tools or k != PARALLEL},
    )


def _tool_choice(request: StageRequest, added: Sequence[ChatMessage]) -> str | dict[str, Any]:
    """Auto once there are results: a model that must call would go on calling for ever."""
    return request.tool_choice if request.tool_choice and not added else "auto"
