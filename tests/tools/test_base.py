"""The vocabulary of tools."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.base import Tool, Toolset


def make(name: str, prompt: str = "") -> Tool:
    return Tool(name, f"Does {name}.", {"type": "object"}, print, False, system_prompt=prompt)


def test_a_toolset_keeps_its_order_and_joins_what_the_tools_say() -> None:
    tools = Toolset([make("b", "About b."), make("a"), make("c", "About c.")])
    assert tools.names() == ["b", "a", "c"]
    assert tools.system_prompt() == "About b.\n\nAbout c."
    assert len(tools) == 3
    assert "a" in tools
    assert "z" not in tools
    assert tools.get("z") is None
    assert tools.specs()[1] == {
        "type": "function",
        "function": {"name": "a", "description": "Does a.", "parameters": {"type": "object"}},
    }
    assert tools.schemas() == {name: {"type": "object"} for name in ("b", "a", "c")}


def test_a_toolset_holds_a_name_once() -> None:
    with pytest.raises(ValueError, match="two tools named “a”"):
        Toolset([make("a"), make("a")])


def test_the_vocabulary_the_schemas_and_the_calling_need_no_django() -> None:
    code = (
        "import sys; import tools.base, tools.schema, tools.calling; "
        "roots = {name.partition('.')[0] for name in sys.modules}; "
        "sys.exit(bool(roots & {'django', 'channels', 'chat'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
