"""The origin's test case: one stage to execute, and a second by which another model judges it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Strategy = Literal["chat_completion", "tool_call", "synthesis", "evaluation", "validate"]


class _Part(BaseModel):
    """What all parts of a case share: nothing unknown, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PromptSpec(_Part):
    """How one of a stage's two requests to the model is made."""

    strategy: Strategy
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 0.0
    max_tokens: Annotated[int, Field(gt=0)] = 1024


class StageSpec(_Part):
    """One stage. `model_container` may be left out where the command names the routes.

    Strategy chat_completion goes to the chat endpoints, every other to the toolchain's; `stream`
    chooses between `/stream` and `/completion`. `endpoint` is the base URL for this stage alone.
    """

    system_prompt: str
    user_prompt: Annotated[str, Field(min_length=1)]
    model_container: str = ""
    stream: bool = False
    prompt_tool_spec: PromptSpec
    prompt_synthesis_spec: PromptSpec | None = None
    synthesis: bool = False
    endpoint: str | None = None

    @property
    def is_chat(self) -> bool:
        """Whether the stage offers no tools."""
        return self.prompt_tool_spec.strategy == "chat_completion"

    @property
    def path(self) -> str:
        """Where it is sent, below the endpoint."""
        style = "stream" if self.stream else "completion"
        return f"/{style}/v1/{'chat' if self.is_chat else 'toolchain'}"

    @property
    def temperatures(self) -> list[float] | None:
        """Of the tool request and of the synthesis request; None leaves them to the route."""
        second = self.prompt_synthesis_spec or self.prompt_tool_spec
        return [self.prompt_tool_spec.temperature, second.temperature]

    @property
    def token_limits(self) -> list[int] | None:
        """Of the tool request and of the synthesis request; None leaves them to the route."""
        second = self.prompt_synthesis_spec or self.prompt_tool_spec
        return [self.prompt_tool_spec.max_tokens, second.max_tokens]

    @model_validator(mode="after")
    def _synthesis_belongs_to_tools(self) -> StageSpec:
        if self.is_chat and self.synthesis:
            raise ValueError(
                "strategy chat_completion offers no tools, so there is nothing to synthesise: "
                "leave synthesis out, or choose strategy tool_call"
            )
        return self


class TestCase(_Part):
    """One case. `evaluation` true needs `stage_b`, whose model judges what stage A gave."""

    # pytest would take the name for a test.
    __test__ = False

    id: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    stage_a: StageSpec
    evaluation: bool = False
    stage_b: StageSpec | None = None

    @model_validator(mode="after")
    def _judge_where_judged(self) -> TestCase:
        if self.evaluation and self.stage_b is None:
            raise ValueError("evaluation is true, so stage_b must say which model judges")
        if not self.evaluation and self.stage_b is not None:
            raise ValueError("evaluation is false, so stage_b has nothing to judge: leave it out")
        return self
