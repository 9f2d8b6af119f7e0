"""The layers of the stylesheets: components read meanings, and every value they read exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.site.stylesheets import (
    ROOT,
    SITE_CSS,
    TOKENS,
    meanings,
    raw_values,
    read_css,
    stylesheets,
)

DARK = re.compile(r':root(?:\[data-theme="dark"\]|:not\(\[data-theme="light"\]\)) \{([^}]*)\}')


def test_both_themes_give_every_raw_value() -> None:
    assert raw_values("light").keys() == raw_values("dark").keys()
    assert set(meanings().values()) >= raw_values("light").keys() - {
        "n-10",
        "green-5",
        "ochre-2",
        "ochre-5",
    }


def test_the_dark_blocks_redefine_raw_values_only() -> None:
    blocks = DARK.findall(read_css(TOKENS))
    names = {name for block in blocks for name in re.findall(r"([\w-]+):", block)}
    assert len(blocks) == 4
    assert {name for name in names if not name.startswith("--raw-")} == {"color-scheme"}


def test_the_system_and_the_chosen_dark_theme_are_the_same() -> None:
    chosen, system, chosen_oklch, system_oklch = (
        sorted(block.split(";")[i].strip() for i in range(block.count(";")))
        for block in DARK.findall(read_css(TOKENS))
    )
    assert chosen == system
    assert chosen_oklch == system_oklch


@pytest.mark.parametrize("path", stylesheets(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_stylesheet_reads_meanings_only(path: Path) -> None:
    css = read_css(path)
    assert re.findall(r"var\(--raw-[\w-]+\)", css) == []
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{}]*;)", css) == []
    assert re.findall(r"\b(?:rgba?|hsla?|oklch|oklab)\(", css) == []
    assert "!important" not in css


def test_every_value_a_stylesheet_reads_is_declared() -> None:
    sheets = {path: read_css(path) for path in [TOKENS, *stylesheets()]}
    declared = {name for css in sheets.values() for name in re.findall(r"(--[\w-]+):", css)}
    unknown = {
        (path.name, name)
        for path, css in sheets.items()
        for name in re.findall(r"var\((--[\w-]+)", css)
        if name not in declared
    }
    assert unknown == set()


def test_every_file_of_the_site_is_linked() -> None:
    linked = set(re.findall(r'url\("([^"]+)"\)', read_css(SITE_CSS / "site.css")))
    files = {str(path.relative_to(SITE_CSS)) for path in SITE_CSS.rglob("*.css")}
    assert files - linked == {"site.css", "admin.css"}
    assert linked - files == {"../fonts.css"}


def test_each_component_says_its_classes_first() -> None:
    for path in (SITE_CSS / "components").glob("*.css"):
        assert "Classes:" in path.read_text(encoding="utf-8").split("*/")[0], path.name
