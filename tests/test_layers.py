"""Imports only go down, as the architecture says; read from the source, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("toolbench_site", "chat", "tools")


@dataclass(frozen=True)
class Import:
    """One imported module or name, and where."""

    module: str
    importer: str
    line: int
    # False inside `if TYPE_CHECKING:`, which no running program executes.
    at_run_time: bool

    def is_of(self, *names: str) -> bool:
        """Whether it is one of these modules or something inside them."""
        return any(self.module == name or self.module.startswith(f"{name}.") for name in names)

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.module}"


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(ROOT).as_posix()
    package = path.relative_to(ROOT).parent.parts
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        at_run_time = id(node) not in typing_only
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, name, node.lineno, at_run_time)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", name, node.lineno, at_run_time)


def imports_in(*patterns: str) -> list[Import]:
    """All imports of the files that the patterns name; a pattern without a file is a mistake."""
    found: list[Import] = []
    for pattern in patterns:
        paths = sorted(ROOT.glob(pattern))
        assert paths, f"no file is {pattern}"
        for path in paths:
            found += imports_of(path)
    return found


def broken(imports: list[Import], *forbidden: str, but: tuple[str, ...] = ()) -> list[str]:
    return [str(one) for one in imports if one.is_of(*forbidden) and not one.is_of(*but)]


def at_run_time(imports: list[Import]) -> list[Import]:
    return [one for one in imports if one.at_run_time]


def test_the_reader_sees_every_kind_of_import(tmp_path: Path) -> None:
    source = ROOT / "tests" / "test_layers.py"
    assert {"ast", "pathlib.Path", "pytest"} <= {one.module for one in imports_of(source)}


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ("tools", ("chat", "toolbench_site")),
        ("chat", ("toolbench_site",)),
    ],
)
def test_apps_import_downwards_only(lower: str, upper: tuple[str, ...]) -> None:
    assert broken(imports_in(f"{lower}/**/*.py"), *upper) == []


def test_no_app_imports_the_tests(tmp_path: Path) -> None:
    assert broken(imports_in(*(f"{app}/**/*.py" for app in APPS)), "tests", "bench") == []


def test_the_engine_knows_neither_django_nor_who_listens() -> None:
    engine = imports_in("chat/engine/**/*.py")
    assert broken(engine, "django", "channels", "asgiref", "daphne") == []
    assert broken(engine, "chat", but=("chat.engine",)) == []
    calling_only = ("tools.base", "tools.schema", "tools.calling")
    assert broken(engine, "tools", but=calling_only) == []


def test_the_vocabulary_of_tools_knows_no_django() -> None:
    imports = imports_in("tools/base.py", "tools/schema.py", "tools/calling.py")
    assert broken(imports, "django", "channels", "asgiref", "tools.models") == []


def test_models_know_only_the_engine_and_each_other() -> None:
    below = ("chat.models", "chat.engine", "chat.encryption", "chat.policy")
    assert broken(imports_in("chat/models/*.py"), "chat", but=below) == []
    assert broken(imports_in("chat/policy.py"), "chat") == []


# Upper room -> what it may not reach. Rooms between two of these are for convenience, not bypasses.
UPWARDS = {
    "chat/journal.py": ("chat.hub", "chat.runner", "chat.services", "chat.consumers"),
    "chat/hub.py": ("chat.journal", "chat.runner", "chat.services", "chat.consumers"),
    "chat/remote.py": ("chat.journal", "chat.runner", "chat.services", "chat.consumers"),
    "chat/broadcast.py": ("chat.hub", "chat.journal", "chat.runner", "chat.services"),
    "chat/runner.py": ("chat.services", "chat.consumers", "chat.pages", "chat.routing"),
    "chat/access.py": ("chat.services", "chat.runner", "chat.consumers", "chat.api"),
    "chat/rate_*.py": ("chat.models", "chat.services", "chat.runner", "chat.consumers"),
    "chat/admission.py": ("chat.services", "chat.runner", "chat.consumers", "chat.api"),
    "chat/key_text.py": ("chat", "django"),
    "chat/services/*.py": ("chat.consumers", "chat.pages", "chat.routing", "chat.api"),
    "chat/consumers.py": ("chat.routing", "chat.pages"),
    "chat/checks.py": ("chat.runner", "chat.consumers", "chat.admin"),
    "chat/discovery.py": ("chat.runner", "chat.consumers", "chat.admin"),
    "chat/bench/**/*.py": ("chat.consumers", "chat.pages", "chat.api", "chat.admin"),
    "chat/doctor/*.py": ("chat.runner", "chat.services", "chat.consumers", "chat.admin"),
}


# What is expected of a trial, and how it is judged and counted, knows neither Django nor stages.
BENCH_VALUES = ("asking", "cases", "expectations", "expected", "findings", "matching", "patterns")
BENCH_VALUES += ("statistics", "trajectory", "values", "yaml_text")


def test_the_bench_judges_without_django() -> None:
    imports = imports_in(*(f"chat/bench/{name}.py" for name in BENCH_VALUES))
    assert broken(imports, "django", "chat", but=("chat.bench",)) == []


@pytest.mark.parametrize("pattern", UPWARDS)
def test_rooms_of_chat_import_downwards_only(pattern: str) -> None:
    assert broken(imports_in(pattern), *UPWARDS[pattern]) == []


def test_endpoints_leave_stages_to_services() -> None:
    # What follows a stage reads its hub and cursors; it starts and stops nothing.
    imports = at_run_time(imports_in("chat/api/**/*.py"))
    found = broken(imports, "chat.runner", "chat.journal", "chat.consumers", "chat.routing")
    assert [one for one in found if not one.startswith("chat/api/following.py:")] == []
    assert broken(imports_in("chat/api/**/*.py"), "chat.pages", "chat.admin") == []


def test_services_know_neither_channels_nor_http() -> None:
    imports = imports_in("chat/services/*.py")
    assert broken(imports, "channels", "django.http", "django.shortcuts", "django.views") == []


def test_consumers_and_pages_leave_stages_to_services() -> None:
    # A consumer is handed the runner to ask it things; for that it may know its type.
    imports = at_run_time(imports_in("chat/consumers.py", "chat/pages/**/*.py"))
    assert broken(imports, "chat.runner", "chat.journal") == []
    assert broken(imports_in("chat/admin/*.py"), "chat.runner", "chat.hub", "chat.journal") == []
