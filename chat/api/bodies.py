"""The request body of the four endpoints that start a stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import orjson
from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chat.api.statuses import Problem
from chat.protocol import PROMPT_LIMIT, JsonUUID, StageStart, Temperature, TokenLimit

BODY_LIMIT = 1024 * 1024
PROBLEMS_TOLD = 20


class StageBody(BaseModel):
    """What starts a stage over HTTP.

    Unlike the websocket's commands it lets unknown fields pass: clients of the origin work
    unchanged, the origin let them pass, and some send more than it ever read. Types are strict; a
    null is as good as leaving the field out.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, protected_namespaces=())

    stage_id: JsonUUID | None = Field(
        None, description="Your own id for the stage, unique among yours; used again: 409."
    )
    model_container: str = Field(description="The slug of a model route.")
    system_prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)]
    user_prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)]
    stream: bool | None = Field(None, description="Taken and not read: the path decides it.")
    synthesis: bool | None = Field(
        None, description="Whether the model answers from the tools' results; toolchain only."
    )
    max_tokens: Annotated[list[TokenLimit | None], Field(min_length=2, max_length=2)] | None = (
        Field(None, description="[tool, synthesis]; the first counts for chat. None: the route's.")
    )
    temperature: Annotated[list[Temperature | None], Field(min_length=2, max_length=2)] | None = (
        Field(None, description="[tool, synthesis]; the first counts for chat. None: the route's.")
    )

    def command(self, mode: Literal["chat", "toolchain"], *, stream: bool) -> StageStart:
        """The same as a start; the stage is the request, so both have one id."""
        return StageStart(
            request_id=self.stage_id or uuid4(),
            mode=mode,
            synthesis=mode == "toolchain" and bool(self.synthesis),
            stream=stream,
            # No slug has a NUL, and PostgreSQL would not even look for one.
            model_route=self.model_container.replace("\x00", "\ufffd"),
            prompt=self.user_prompt,
            system_prompt=self.system_prompt,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
        )


def stage_body(request: HttpRequest) -> StageBody:
    """The body of a request; raises Problem (413, 422)."""
    raw = json_object(request)
    try:
        return StageBody.model_validate(raw)
    except ValidationError as wrong:
        told = problems_of(wrong)
        first = told[0]
        problem = Problem(
            422,
            "invalid_request",
            f"The body does not validate: {first['loc']}: {first['msg']}",
            errors=told,
        )
        problem.more |= _named_stage(raw)
        raise problem from None


def json_object(request: HttpRequest, limit: int = BODY_LIMIT) -> dict[str, Any]:
    """The JSON object that a request's body is; raises Problem (413, 422)."""
    data = request.read(limit + 1)
    if len(data) > limit:
        raise Problem(
            413, "too_large", f"The body is larger than {limit:,} bytes, which is the limit."
        )
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError as wrong:
        told = str(wrong)[:200]
        raise Problem(
            422,
            "invalid_request",
            "The body is not JSON. Send one JSON object in UTF-8.",
            errors=[{"loc": "body", "msg": told}],
        ) from None
    if not isinstance(raw, dict):
        raise Problem(
            422,
            "invalid_request",
            "The body is JSON, but not an object. Send one JSON object.",
            errors=[{"loc": "body", "msg": "Input should be an object"}],
        )
    return raw


def problems_of(wrong: ValidationError) -> list[dict[str, str]]:
    """Where a body is at fault and why, a line per field, without what was sent."""
    found: Iterable[Mapping[str, Any]] = wrong.errors(
        include_url=False, include_input=False, include_context=False
    )
    return [
        {"loc": ".".join(map(str, item["loc"]))[:200] or "body", "msg": str(item["msg"])[:300]}
        for item in found
    ][:PROBLEMS_TOLD]


def _named_stage(raw: Mapping[str, Any]) -> dict[str, str]:
    """The stage_id that a body names, where it is one."""
    try:
        return {"stage_id": str(UUID(raw.get("stage_id")))}
    except (TypeError, ValueError, AttributeError):
        return {}
