"""docs/protocol.md says what the code does, and all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from chat import protocol
from chat.engine import events
from toolbench_site.environment import Environment

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def event_models() -> dict[str, Any]:
    union = get_args(events.Event)[0]
    return {model.model_fields["event"].default: model for model in get_args(union)}


def table_row(first_cell: str) -> str:
    found = re.search(rf"^\| {re.escape(first_cell)}.*$", PAGE, re.MULTILINE)
    assert found, f"docs/protocol.md has no row for {first_cell}"
    return found.group(0)


def code_words(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9_]+)`", text))


def test_every_event_and_each_of_its_fields_is_documented() -> None:
    for name, model in event_models().items():
        row = table_row(f"`{name}`")
        missing = set(model.model_fields) - {"event"} - code_words(row)
        assert not missing, (name, missing)


def test_no_event_is_documented_that_does_not_exist() -> None:
    table = PAGE.split("## Event envelope")[1].split("`done`, `cancel` and `error` are")[0]
    assert set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE)) == set(event_models())


def test_the_error_and_refusal_codes_are_those_of_the_code() -> None:
    refused = re.search(r"\*\*Refused.*", PAGE)
    ends = re.search(r"\*\*Ends a stage.*", PAGE)
    assert refused
    assert ends
    assert code_words(refused.group(0)) - {"rejected"} == set(get_args(protocol.RefusalCode))
    documented = code_words(ends.group(0)) - {"error", "tool_summary"}
    assert documented == set(get_args(events.ErrorCode))


def test_every_command_and_each_of_its_fields_is_documented() -> None:
    union = get_args(protocol.AnyCommand)[0]
    socket = PAGE.split("## WebSocket")[1]
    for model in get_args(union):
        name = model.model_fields["type"].default
        assert f"`{name}`" in socket, name
        missing = set(model.model_fields) - {"type"} - code_words(socket)
        assert not missing, (name, missing)


def test_the_close_codes_are_those_of_the_code() -> None:
    codes = {value for name, value in vars(protocol).items() if name.startswith("CLOSE_")}
    assert {int(code) for code in re.findall(r"^\| (4\d{3}) ", PAGE, re.MULTILINE)} == codes


def test_pages_link_to_files_that_exist() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_variable_of_the_environment_is_documented() -> None:
    page = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    names = {str(field.alias) for field in Environment.model_fields.values()}
    assert not {name for name in names if f"`{name}`" not in page}
