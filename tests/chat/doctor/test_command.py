"""`manage.py doctor`: its words, its JSON, its exit status."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from chat.models import ModelRoute, RouteCheckup
from tests.chat.doctor.servers import Habits
from tests.replay import ReplayServer

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> tuple[str, int]:
    """What it printed, and its exit status."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def test_a_usable_route_ends_with_0_and_a_table(route: ModelRoute) -> None:
    with ReplayServer(Habits(), models=("small-1",)) as server:
        ModelRoute.objects.update(base_url=server.base_url)
        told, status = run("small")
    assert status == 0
    assert "Good for chat and for tools." in told
    assert "Two calls at once" in told
    assert RouteCheckup.objects.get().status == "done"


def test_json_holds_everything(route: ModelRoute) -> None:
    with ReplayServer(Habits(), models=("small-1",)) as server:
        ModelRoute.objects.update(base_url=server.base_url)
        told, _ = run("small", "--json")
        again, _ = run("small", "--json")
    report: dict[str, Any] = json.loads(told)
    assert report["route"] == "small"
    assert [result["code"] for result in report["results"]][:2] == ["models", "whole"]
    assert report["changes"] is None
    assert json.loads(again)["changes"] is not None


def test_a_route_that_cannot_be_used_ends_with_1(route: ModelRoute) -> None:
    told, status = run("small")
    assert status == 1
    assert "Not usable as it is." in told


def test_an_unknown_slug_ends_with_2_and_names_the_nearest(route: ModelRoute) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("doctor", "smal")
    assert refused.value.returncode == 2
    assert "The nearest is small." in str(refused.value)
