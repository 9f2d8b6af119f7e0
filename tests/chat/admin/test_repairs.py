"""Repairs in the admin: on a stage's page, as a filter of stages, and counted per route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.admin.repairs import repairs_in_short, route_repairs
from chat.models import ModelRoute, Stage, StageRepair
from tests.chat.admin.test_reading import make_stage

STAGES = "/admin/chat/stage/"


@pytest.fixture
def site(client_of: Callable[[User | None], Client], admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def stages(owner: User, route: ModelRoute) -> list[Stage]:
    """One stage with two repairs, one with none."""
    mended = make_stage(owner, route, "Mended")
    for code, raw in (("bare_line", "<script>alert(1)</script>"), ("text_tool_call:hermes", "")):
        StageRepair.objects.create(
            stage=mended, code=code, detail=f"What {code} is.", phase="tools", raw=raw
        )
    return [mended, make_stage(owner, route, "Well behaved")]


def test_a_stages_page_lists_its_repairs_with_what_came(site: Client, stages: list[Stage]) -> None:
    page = site.get(f"{STAGES}{stages[0].pk}/change/").content.decode()
    assert "<code>bare_line</code>" in page
    assert "What text_tool_call:hermes is." in page
    assert "Round 1" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    other = site.get(f"{STAGES}{stages[1].pk}/change/").content.decode()
    assert "repair-rows" not in other


def test_stages_are_found_by_a_repairs_code(site: Client, stages: list[Stage]) -> None:
    page = site.get(STAGES, {"repair": "text_tool_call:hermes"}).content.decode()
    assert str(stages[0].pk) in page
    assert str(stages[1].pk) not in page
    assert str(stages[1].pk) in site.get(STAGES).content.decode()


def test_a_routes_repairs_lead_to_its_stages(
    site: Client, stages: list[Stage], route: ModelRoute, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        table = route_repairs(route)
    url = f"{STAGES}?route__id__exact={route.pk}&amp;repair=text_tool_call%3Ahermes"
    assert f'href="{url}"' in table
    shown = site.get(url.replace("&amp;", "&")).content.decode()
    assert str(stages[0].pk) in shown
    assert str(stages[1].pk) not in shown
    with django_assert_num_queries(1):
        lines = repairs_in_short([route])
    assert lines[route.pk].count("<a ") == 2


@pytest.mark.django_db
def test_a_route_without_repairs_says_so(route: ModelRoute) -> None:
    assert route_repairs(route).strip() == "No repair in the last 7 days."
    assert repairs_in_short([route]) == {}
