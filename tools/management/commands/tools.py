"""`manage.py tools`: the tools a model may call, with their schemas and settings."""

from __future__ import annotations

import difflib
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.base import Tool
from tools.models import ToolSetting
from tools.registry import registered_tools


class Command(BaseCommand):
    """Lists tools for people as a table, for programs as JSON."""

    help = "List the tools a model may call, with their schemas, settings and limits."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which tools, and in which form."""
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--name", help="only the tool of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the tools with the limits that hold for them."""
        tools = _chosen(options["name"])
        settings = {
            setting.name: setting for setting in ToolSetting.objects.prefetch_related("groups")
        }
        entries = [_entry(tool, settings.get(tool.name)) for tool in tools]
        if options["json"]:
            self.stdout.write(json.dumps(entries, indent=2, ensure_ascii=False))
            return
        console = Console(file=self.stdout, soft_wrap=False)  # type: ignore[arg-type]
        console.print(_table(entries))


def _chosen(name: str | None) -> list[Tool]:
    tools = registered_tools()
    if name is None:
        return tools
    found = [tool for tool in tools if tool.name == name]
    if not found:
        names = [tool.name for tool in tools]
        near = difflib.get_close_matches(name, names, 1)
        hint = f" The nearest name is {near[0]}." if near else ""
        raise CommandError(
            f"There is no tool named “{name}”. The tools are: {', '.join(names)}.{hint}"
        )
    return found


def _entry(tool: Tool, setting: ToolSetting | None) -> dict[str, Any]:
    time_limit = setting.time_limit if setting else None
    output_cap = setting.output_cap if setting else None
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "enabled": setting.enabled if setting else True,
        "groups": [group.name for group in setting.groups.all()] if setting else [],
        "time_limit": time_limit or tool.time_limit,
        "output_cap": output_cap or tool.output_cap,
        "read_only": tool.read_only_hint,
        "input_schema": tool.input_schema,
    }


def _table(entries: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{len(entries)} tools" if len(entries) != 1 else None)
    table.add_column("Tool", no_wrap=True)
    table.add_column("What the model is told, and the schema of the arguments")
    for entry in entries:
        state = f"on, for {', '.join(entry['groups']) or 'everyone'}" if entry["enabled"] else "off"
        limits = f"{entry['time_limit']:g} s\n{entry['output_cap']:,} characters"
        schema = json.dumps(entry["input_schema"], indent=2, ensure_ascii=False)
        table.add_row(
            Text(f"{entry['name']}\n{state}\n{limits}"),
            Text(f"{entry['description']}\n\n{schema}"),
            end_section=True,
        )
    return table
