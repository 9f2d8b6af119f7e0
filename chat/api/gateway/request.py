"""The body of a Chat Completions request: what is taken, left aside and refused.

Names are those of the OpenAI API; docs/gateway.md tells the same in a table.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from chat.api.gateway.messages import Message, Strict, check_order, system_prompt
from chat.api.gateway.standing import Ignored, Refused
from chat.api.gateway.tool_fields import (
    NamedChoice,
    Tool,
    ToolbenchOptions,
    ToolChoice,
    check_depth,
)
from chat.protocol import PROMPT_LIMIT, Temperature, TokenLimit

MESSAGES_LIMIT = 4096
"""Each is stored as a row, in the transaction that starts the stage."""
TOOLS_LIMIT = 512

Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]


class ResponseFormat(Strict):
    """The form of the answer's text; the model server is what holds the model to it."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: Annotated[dict[str, Any], AfterValidator(check_depth)] | None = None


class StreamOptions(Strict):
    """Details of a streamed answer."""

    include_usage: bool | None = None
    include_obfuscation: Annotated[
        Any, Ignored("Nothing is added to the chunks that would hide their lengths.")
    ] = None


class ChatCompletionRequest(Strict):
    """What a client sends to `POST /v1/chat/completions`."""

    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=MESSAGES_LIMIT)]
    temperature: Temperature | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    seed: int | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, float] | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Annotated[str, Field(max_length=40)] | None = None
    verbosity: Annotated[str, Field(max_length=40)] | None = None
    tools: Annotated[list[Tool], Field(max_length=TOOLS_LIMIT)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    toolbench: ToolbenchOptions | None = None

    n: Annotated[
        Any, Refused("One answer per request is given. Send n=1, or ask again.", (None, 1))
    ] = None
    logprobs: Annotated[Any, Refused("Log probabilities are not passed on.", (None, False))] = None
    top_logprobs: Annotated[Any, Refused("Log probabilities are not passed on.", (None, 0))] = None
    modalities: Annotated[Any, Refused("Answers are text only.", harmless=(None, ["text"]))] = None
    audio: Annotated[Any, Refused("Answers are text only.")] = None
    functions: Annotated[
        Any, Refused("This older way to describe tools is not taken. Use tools.")
    ] = None
    function_call: Annotated[
        Any, Refused("This older way to choose a tool is not taken. Use tool_choice.")
    ] = None
    web_search_options: Annotated[Any, Refused("The gateway does not search the web.")] = None
    moderation: Annotated[Any, Refused("The gateway does not moderate answers.")] = None

    user: Annotated[Any, Ignored("Who asks is known by the API key.")] = None
    safety_identifier: Annotated[Any, Ignored("Who asks is known by the API key.")] = None
    metadata: Annotated[Any, Ignored("Not kept.")] = None
    store: Annotated[Any, Ignored("Every request is kept as a conversation.")] = None
    service_tier: Annotated[Any, Ignored("There is one tier.")] = None
    prompt_cache_key: Annotated[Any, Ignored("Model servers cache prompts by themselves.")] = None
    prompt_cache_options: Annotated[Any, Ignored("Model servers cache prompts by themselves.")] = (
        None
    )
    prompt_cache_retention: Annotated[
        Any, Ignored("Model servers cache prompts by themselves.")
    ] = None
    prediction: Annotated[Any, Ignored("It would only make an answer come sooner.")] = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        check_order(self.messages)
        if len(system_prompt(self.messages) or "") > PROMPT_LIMIT:
            raise _contradiction(
                "messages", f"The system messages have more than {PROMPT_LIMIT:,} characters."
            )
        names = [tool.function.name for tool in self.tools or ()]
        if names and self.toolbench is not None:
            raise _contradiction(
                "toolbench",
                "Send tools, which you run yourself, or toolbench, whose tools are run here: not "
                "both.",
            )
        if self.toolbench is not None and self.response_format is not None:
            raise _contradiction(
                "response_format",
                "Where tools are run here, the form of the answer cannot be prescribed. Ask for it "
                "in words, or in a request of its own.",
            )
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise _contradiction("tools", f"Two tools are named “{twice}”.")
        offered = names if self.toolbench is None else self.toolbench.tools
        match self.tool_choice:
            case NamedChoice(function=chosen) if offered is not None and chosen.name not in offered:
                raise _contradiction("tool_choice", f"The tool “{chosen.name}” is not offered.")
            case "required" if offered == []:
                raise _contradiction("tool_choice", "A tool is asked for, and none is offered.")
        return self

    @property
    def token_limit(self) -> int | None:
        """The most tokens of an answer; the newer name wins."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk of token counts."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def offered(self) -> Literal["none", "callers", "ours"]:
        """Whose tools the model may call."""
        if self.tool_choice == "none":
            return "none"
        if self.toolbench is not None:
            return "ours"
        return "callers" if self.tools else "none"


def _contradiction(param: str, words: str) -> PydanticCustomError:
    return PydanticCustomError("contradiction", "{words}", {"words": words, "param": param})
