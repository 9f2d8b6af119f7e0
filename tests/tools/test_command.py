"""`manage.py tools` for people and for programs."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from tools.models import ToolSetting
from tools.registry import registered_tools

pytestmark = pytest.mark.django_db


def output(*arguments: str) -> str:
    out = StringIO()
    call_command("tools", *arguments, stdout=out)
    return out.getvalue()


def test_every_tool_is_listed_with_its_words_limits_and_schema(lab: Group) -> None:
    ToolSetting.objects.filter(name="calculate").update(enabled=False, time_limit=2.5)
    ToolSetting.objects.get(name="find_place").groups.add(lab)
    text = output()
    for tool in registered_tools():
        assert tool.name in text
        for field in tool.input_schema["properties"]:
            assert f'"{field}"' in text
    assert "off" in text
    assert "2.5 s" in text
    assert "on, for lab" in text
    assert "on, for everyone" in text


def test_json_has_the_settings_and_the_schemas(lab: Group) -> None:
    setting = ToolSetting.objects.get(name="calculate")
    setting.groups.add(lab)
    setting.enabled, setting.output_cap = False, 500
    setting.save()
    entries = {entry["name"]: entry for entry in json.loads(output("--json"))}
    tools = {tool.name: tool for tool in registered_tools()}
    assert entries.keys() == tools.keys()
    calculate = entries["calculate"]
    assert calculate["enabled"] is False
    assert calculate["groups"] == ["lab"]
    assert (calculate["time_limit"], calculate["output_cap"]) == (5, 500)
    assert calculate["input_schema"] == tools["calculate"].input_schema
    assert calculate["read_only"] is True


def test_one_tool_can_be_named() -> None:
    [entry] = json.loads(output("--json", "--name", "current_time"))
    assert entry["title"] == "Clock"
    assert "calculate" not in output("--name", "current_time")


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(CommandError, match=r"no tool named “calculte”.* nearest name is calculate"):
        output("--name", "calculte")
