"""docs/stage-runner.md says what the command takes, and all of it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import get_args

import yaml

from chat.bench.stage_runner.case_files import read_cases
from chat.bench.stage_runner.machine import NEXT
from chat.bench.stage_runner.options import add_arguments
from chat.bench.stage_runner.status import Code
from chat.bench.stage_runner.test_case import Strategy

PAGE = (Path(__file__).parents[4] / "docs" / "stage-runner.md").read_text(encoding="utf-8")


def test_every_option_has_its_row_and_no_other() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    known = {name for action in parser._actions for name in action.option_strings}
    table = PAGE.split("## Options")[1].split("\n\n")[1]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert {name for row in rows for name in re.findall(r"`(--[a-z-]+)`", row)} == known


def test_states_codes_and_strategies_are_named() -> None:
    words = set(re.findall(r"`(\w+)`", PAGE))
    assert {*NEXT, *(code for code in get_args(Code) if code), *get_args(Strategy)} <= words


def test_the_example_is_a_test_case() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    cases = read_cases(yaml.safe_load(found.group(1)))
    assert isinstance(cases, tuple)
    assert [case.id for case in cases] == ["weather"]
