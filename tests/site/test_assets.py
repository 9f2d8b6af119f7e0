"""What `manage.py build_assets` makes: the icon sprite, and fonts where they are installed."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.template import Context, Template, TemplateSyntaxError

from tests.site.stylesheets import ROOT
from toolbench_site.sprite import GLYPHS, ICONS, build_sprite

SVG = "{http://www.w3.org/2000/svg}"
TEMPLATE_ICON = re.compile(r"{% icon \"([^\"]+)\"")
SCRIPT_ICON = re.compile(r"\bicon\(\s*\"([\w-]+)\"")
SYMBOL = re.compile(r"{% sprite %}#([\w-]+)")


def sources(*endings: str) -> list[Path]:
    """Our templates and scripts."""
    folders = [ROOT / "templates", ROOT / "chat", ROOT / "tools", ROOT / "toolbench_site"]
    return [path for folder in folders for path in folder.rglob("*") if path.suffix in endings]


def test_every_icon_named_in_a_template_or_script_is_in_the_sprite() -> None:
    named: dict[str, str] = {}
    for path in sources(".html", ".js"):
        text = path.read_text(encoding="utf-8")
        for pattern in (TEMPLATE_ICON, SCRIPT_ICON, SYMBOL):
            named |= dict.fromkeys(pattern.findall(text), path.name)
    known = {*ICONS, *GLYPHS}
    assert {"menu", "x", "logo"} <= named.keys()
    assert {name: file for name, file in named.items() if name not in known} == {}


def test_the_sprite_holds_a_symbol_for_each_icon_and_glyph() -> None:
    symbols = ElementTree.fromstring(build_sprite()).findall(f"{SVG}symbol")
    assert {symbol.get("id") for symbol in symbols} == {*ICONS, *GLYPHS}
    assert all(symbol.get("viewBox") and len(symbol) for symbol in symbols)


def test_the_sprite_carries_no_style_and_no_script() -> None:
    sprite = build_sprite()
    assert "style" not in sprite
    assert "<script" not in sprite


def test_an_icon_says_nothing_to_assistive_technology() -> None:
    drawn = Template('{% load icons %}{% icon "copy" class="icon-small" %}').render(Context())
    assert 'aria-hidden="true"' in drawn
    assert 'class="icon icon-small"' in drawn
    assert "icons.svg#copy" in drawn


def test_an_unknown_icon_is_refused_with_the_place_to_add_it() -> None:
    template = Template('{% load icons %}{% icon "sparkles" %}')
    with pytest.raises(TemplateSyntaxError, match=r"sprite\.py"):
        template.render(Context())


def test_without_npm_the_assets_are_built_and_the_fonts_css_is_empty(tmp_path: Path) -> None:
    call_command("build_assets", target=tmp_path, node_modules=tmp_path / "none", verbosity=0)
    assert (tmp_path / "site" / "icons.svg").is_file()
    assert "@font-face" not in (tmp_path / "site" / "fonts.css").read_text(encoding="utf-8")
    assert not (tmp_path / "site" / "fonts").exists()


def test_fonts_are_copied_with_their_licence_and_latin_rule_only(tmp_path: Path) -> None:
    for name in ("atkinson-hyperlegible-next", "atkinson-hyperlegible-mono"):
        package = tmp_path / "node_modules" / "@fontsource-variable" / name
        (package / "files").mkdir(parents=True)
        (package / "files" / f"{name}-latin-wght-normal.woff2").write_bytes(b"font")
        (package / "LICENSE").write_text("SIL Open Font License", encoding="utf-8")
        (package / "wght.css").write_text(
            f"@font-face {{ src: url(./files/{name}-latin-ext-wght-normal.woff2); }}\n"
            f"@font-face {{ src: url(./files/{name}-latin-wght-normal.woff2); }}",
            encoding="utf-8",
        )
    target = tmp_path / "assets"
    call_command("build_assets", target=target, node_modules=tmp_path / "node_modules", verbosity=0)
    css = (target / "site" / "fonts.css").read_text(encoding="utf-8")
    assert css.count("@font-face") == 2
    for address in re.findall(r"url\(([^)]+)\)", css):
        assert (target / "site" / address).read_bytes() == b"font"
    assert len(list((target / "site" / "fonts").glob("*-OFL.txt"))) == 2


def test_the_lock_file_of_the_fonts_names_no_host() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert "://" not in lock
