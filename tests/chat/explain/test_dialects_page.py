"""docs/dialects.md: its examples run, and say what comes of them."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from chat.engine.tool_calls import dialects
from chat.engine.tool_calls.reader import TextReader
from chat.explain.text_answer import read_text

PAGE = (Path(__file__).parents[3] / "docs" / "dialects.md").read_text("utf-8")
FILES = dict(re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def commands() -> list[tuple[str, list[Any]]]:
    """Each command of the page with the lines that it is said to print."""
    found: list[tuple[str, list[Any]]] = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(json.loads(line))
    return found


@pytest.mark.parametrize(("command", "lines"), commands())
def test_the_examples_print_what_the_page_says(
    command: str, lines: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    program, name, *arguments = shlex.split(command)
    assert program == "manage.py"
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    for line in told:
        line["repairs"] = ["…"] if line["repairs"] else []
    assert told == lines


def test_the_dialect_of_the_page_reads_its_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    module, table = _run("garden.py"), _run("garden_cases.py")
    monkeypatch.setitem(dialects.DIALECTS, "garden", module["DIALECT"])
    for case in table["CASES"]:
        answer = read_text(TextReader(case.tools, dialect="garden"), case.raw)
        assert answer.text.strip() == case.text
        told = [(call.tool, json.loads(call.raw_arguments)) for call in answer.calls]
        assert told == list(case.calls)


def _run(name: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(compile(FILES[name], name, "exec"), namespace)
    return namespace
