"""docs/gateway.md tells of every field what the request model does with it, and of none besides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_type_hints

from openai.types.chat import completion_create_params

from chat.api.gateway.request import ChatCompletionRequest
from chat.api.gateway.standing import Ignored, Refused
from chat.api.gateway.start import PASSED_ON

PAGE = (Path(__file__).parents[4] / "docs" / "gateway.md").read_text(encoding="utf-8")


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([a-z_]+)` \| (supported|refused|ignored) \|", PAGE, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a field has two rows"
    return dict(rows)


def standing(field: Any) -> str:
    kinds = {type(one) for one in field.metadata}
    return "refused" if Refused in kinds else "ignored" if Ignored in kinds else "supported"


def test_the_table_is_the_request_model() -> None:
    fields = ChatCompletionRequest.model_fields
    assert documented() == {name: standing(field) for name, field in fields.items()}


def test_the_table_has_every_field_of_the_api_that_the_official_client_knows() -> None:
    known = get_type_hints(completion_create_params.CompletionCreateParamsNonStreaming)
    assert set(known) <= set(documented()), set(known) - set(documented())
    assert set(documented()) - set(known) == {"toolbench"}


def test_what_is_supported_is_heeded() -> None:
    supported = {name for name, what in documented().items() if what == "supported"}
    of_the_stage = {
        *("model", "messages", "temperature", "max_tokens", "max_completion_tokens", "tools"),
        *("tool_choice", "parallel_tool_calls", "stream", "stream_options", "toolbench"),
    }
    assert supported == of_the_stage | set(PASSED_ON)


def test_the_addresses_of_the_page_are_those_of_the_gateway() -> None:
    from chat.api.gateway.urls import urlpatterns

    named = {str(one.pattern).replace("<str:slug>", "{id}") for one in urlpatterns if one.name}
    assert named == set(re.findall(r"`(?:GET|POST) /v1/([^`]+)`", PAGE.split("## What is")[1]))
