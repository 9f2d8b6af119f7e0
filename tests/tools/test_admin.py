"""The admin's page on tools."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils.html import escape

from tools.models import ToolSetting
from tools.registry import registered_tools

LIST = "/admin/tools/toolsetting/"

ClientOf = Callable[[User | None], Client]


def page_of(name: str) -> str:
    return f"{LIST}{ToolSetting.objects.get(name=name).pk}/change/"


def test_the_list_names_every_tool_its_users_and_its_limits(
    admin: User, lab: Group, client_of: ClientOf
) -> None:
    ToolSetting.objects.filter(name="calculate").update(time_limit=2.5)
    ToolSetting.objects.get(name="calculate").groups.add(lab)
    ToolSetting.objects.create(name="bygone")
    ToolSetting.objects.filter(name="find_place").delete()
    text = client_of(admin).get(LIST).content.decode()
    for tool in registered_tools():
        assert tool.name in text
    assert ">lab<" in text
    assert ">everyone<" in text
    assert "2.5 s" in text
    assert "5 s (its own)" in text
    assert "not in the code any more" in text


def test_a_tool_is_switched_off_in_the_list(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    settings = list(ToolSetting.objects.order_by("name"))
    form = {
        "form-TOTAL_FORMS": str(len(settings)),
        "form-INITIAL_FORMS": str(len(settings)),
        "_save": "Save",
    }
    for number, setting in enumerate(settings):
        form[f"form-{number}-id"] = str(setting.pk)
        if setting.name != "calculate":
            form[f"form-{number}-enabled"] = "on"
    assert client.post(LIST, form).status_code == 302
    off = ToolSetting.objects.filter(enabled=False)
    assert [setting.name for setting in off] == ["calculate"]


def test_a_tools_page_shows_what_the_model_is_told(admin: User, client_of: ClientOf) -> None:
    text = client_of(admin).get(page_of("get_weather")).content.decode()
    assert escape('"minimum": -90') in text
    assert "<pre>{" in text
    assert "Get the weather right now" in text


def test_limits_are_set_and_held_to_their_bounds(
    admin: User, lab: Group, client_of: ClientOf
) -> None:
    client = client_of(admin)
    page = page_of("calculate")
    refused = client.post(page, {"enabled": "on", "time_limit": "0", "output_cap": "0"})
    assert refused.status_code == 200
    assert ToolSetting.objects.get(name="calculate").time_limit is None
    form = {"enabled": "on", "time_limit": "3", "output_cap": "400", "groups": [str(lab.pk)]}
    assert client.post(page, form).status_code == 302
    setting = ToolSetting.objects.get(name="calculate")
    assert (setting.time_limit, setting.output_cap) == (3, 400)
    assert list(setting.groups.all()) == [lab]


def test_tools_are_neither_added_nor_deleted(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    setting = ToolSetting.objects.get(name="calculate")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{setting.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(LIST).content.decode()


def test_a_tool_that_left_the_code_keeps_its_page(admin: User, client_of: ClientOf) -> None:
    ToolSetting.objects.create(name="bygone")
    assert "not in the code any more" in client_of(admin).get(page_of("bygone")).content.decode()


@pytest.mark.parametrize("person", ["owner", "colleague", "stranger", "reviewer", None])
def test_only_admins_see_the_tools_settings(
    person: str | None, request: pytest.FixtureRequest, db: None, client_of: ClientOf
) -> None:
    client = client_of(request.getfixturevalue(person) if person else None)
    for page in (LIST, page_of("calculate")):
        response = client.get(page)
        assert response.status_code in (302, 403)
