"""Registering tools, and choosing those a person's request may use."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from tools.base import ToolCall, Toolset
from tools.calling import check_call, run_calls
from tools.models import ToolSetting
from tools.registry import (
    Registry,
    UnknownTools,
    available_tools,
    choose_toolset,
    registered_tools,
)

BUILT_IN = {
    "get_weather",
    "plant_care_advisor",
    "find_place",
    "iss_tracker",
    "current_time",
    "calculate",
}


def names(user: User | AnonymousUser) -> set[str]:
    return {tool.name for tool in available_tools(user)}


def test_the_built_in_tools_are_found_and_described() -> None:
    tools = {tool.name: tool for tool in registered_tools()}
    assert tools.keys() >= BUILT_IN
    for tool in tools.values():
        assert tool.description.endswith(".")
        assert tool.input_schema["additionalProperties"] is False
        assert "$defs" not in tool.input_schema
        for field in tool.input_schema["properties"].values():
            assert field["description"]
            assert "title" not in field
    network = BUILT_IN - {"current_time", "calculate"}
    assert all(tools[name].is_async for name in network)


def test_a_decorated_function_stays_itself_and_keeps_its_options() -> None:
    registry = Registry()

    @registry.tool
    def plain_one() -> int:
        """Plain."""
        return 1

    @registry.tool(
        name="other",
        title="Other one",
        system_prompt=" Use it. ",
        time_limit=3,
        output_cap=500,
        read_only=False,
    )
    async def with_options() -> int:
        """Options."""
        return 2

    assert plain_one() == 1
    assert asyncio.iscoroutinefunction(with_options)
    plain, other = registry.tools()
    assert (plain.name, plain.title, plain.is_async) == ("plain_one", "Plain one", False)
    assert (other.name, other.title, other.is_async) == ("other", "Other one", True)
    assert (other.system_prompt, other.time_limit, other.output_cap) == ("Use it.", 3, 500)
    assert other.read_only_hint is False


def test_a_name_is_taken_once_and_both_functions_are_named() -> None:
    registry = Registry()

    @registry.tool(name="twice")
    def first() -> None:
        """First."""

    with pytest.raises(ValueError, match=r"Two tools are named “twice”: .*first and .*second\."):

        @registry.tool(name="twice")
        def second() -> None:
            """Second."""


@pytest.mark.parametrize("name", ["has space", "ümlaut", "x" * 65, "a.b"])
def test_a_name_that_apis_refuse_is_refused(name: str) -> None:
    def function() -> None:
        """Function."""

    with pytest.raises(ValueError, match="cannot be a tool's name"):
        Registry().tool(name=name)(function)


def test_limits_must_be_positive() -> None:
    def function() -> None:
        """Function."""

    with pytest.raises(ValueError, match="must be positive"):
        Registry().tool(time_limit=0)(function)


async def test_a_called_tool_gets_the_types_it_is_annotated_with() -> None:
    registry = Registry()
    seen: list[Any] = []

    @registry.tool
    def note(day: date, times: int = 2) -> str:
        """Note."""
        seen.append((day, times))
        return "noted"

    async def run(raw: str) -> str:
        tools = Toolset(registry.tools())
        checked = check_call(tools, ToolCall("c1", "note", raw))
        [result] = [result async for result in run_calls(tools, [checked])]
        return result.content

    assert await run('{"day": "2026-11-20"}') == "noted"
    assert seen == [(date(2026, 11, 20), 2)]
    # JSON Schema's "format" is no promise; what only pydantic sees is told as words.
    assert (await run('{"day": "soon"}')).startswith(
        "[Tool Error] The arguments do not fit. day: Input should be a valid date"
    )


def test_without_settings_everybody_who_is_logged_in_may_use_every_tool(stranger: User) -> None:
    ToolSetting.objects.all().delete()
    assert names(stranger) >= BUILT_IN
    assert names(AnonymousUser()) == set()
    stranger.is_active = False
    assert names(stranger) == set()


def test_a_tool_that_is_off_is_offered_to_nobody(stranger: User, admin: User) -> None:
    ToolSetting.objects.filter(name="calculate").update(enabled=False)
    assert "calculate" not in names(stranger)
    assert "calculate" not in names(admin)


def test_a_tool_with_groups_is_for_their_members_and_for_superusers(
    owner: User, colleague: User, stranger: User, reviewer: User, admin: User, lab: Group
) -> None:
    setting = ToolSetting.objects.get(name="calculate")
    setting.groups.add(lab, Group.objects.create(name="other"))
    may = {user.username: "calculate" in names(user) for user in (owner, colleague, admin)}
    assert may == {"owner": True, "colleague": True, "admin": True}
    assert "calculate" not in names(stranger)
    assert "calculate" not in names(reviewer)
    assert len(available_tools(owner)) == len(registered_tools())


def test_the_settings_limits_hold(stranger: User) -> None:
    ToolSetting.objects.filter(name="calculate").update(time_limit=1.5, output_cap=300)
    chosen = choose_toolset(stranger, None)
    calculate, clock = chosen.get("calculate"), chosen.get("current_time")
    assert calculate is not None
    assert clock is not None
    assert (calculate.time_limit, calculate.output_cap) == (1.5, 300)
    assert (clock.time_limit, clock.output_cap) == (5, 16_384)


def test_a_toolset_is_chosen_with_one_query(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        choose_toolset(owner, ["calculate"])


def test_named_tools_are_chosen_in_the_registrys_order(stranger: User) -> None:
    assert choose_toolset(stranger, ["get_weather", "calculate", "calculate"]).names() == [
        "calculate",
        "get_weather",
    ]
    assert len(choose_toolset(stranger, [])) == 0


def test_an_unknown_or_forbidden_name_is_refused_with_what_there_is(
    stranger: User, lab: Group
) -> None:
    ToolSetting.objects.get(name="calculate").groups.add(lab)
    with pytest.raises(UnknownTools) as refused:
        choose_toolset(stranger, ["calculate", "current_time", "nonsense"])
    assert refused.value.names == ("calculate", "nonsense")
    assert "calculate" not in refused.value.available
    assert str(refused.value).startswith(
        "These tools are not available to you: “calculate”, “nonsense”. You can use: current_time"
    )


def test_migrating_makes_a_setting_for_every_tool_once(db: None) -> None:
    assert set(ToolSetting.objects.values_list("name", flat=True)) >= BUILT_IN
    assert ToolSetting.objects.sync_with_registry() == 0
    ToolSetting.objects.filter(name__in=["calculate", "find_place"]).delete()
    assert ToolSetting.objects.sync_with_registry() == 2
    assert ToolSetting.objects.get_by_natural_key("calculate").enabled


@pytest.mark.parametrize("limits", [{"time_limit": 0}, {"time_limit": -1}, {"output_cap": 0}])
def test_the_database_refuses_limits_that_are_not_positive(
    db: None, limits: dict[str, float]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ToolSetting.objects.filter(name="calculate").update(**limits)
