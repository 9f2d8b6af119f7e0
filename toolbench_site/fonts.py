"""The two fonts we serve, taken from npm's packages; without them the system's are used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("atkinson-hyperlegible-next", "atkinson-hyperlegible-mono")
"""The packages' names below `@fontsource-variable`."""

_ABSENT = "/* The font packages are not installed: the system's fonts are used. */\n"


@dataclass(frozen=True)
class Font:
    """One variable font: its latin file, its licence, and the CSS rule that declares it."""

    name: str
    file: Path
    licence: Path
    rule: str


def installed_fonts(node_modules: Path) -> Iterator[Font]:
    """The fonts found below `node_modules`; none where npm was not there at set-up."""
    for name in PACKAGES:
        package = node_modules / "@fontsource-variable" / name
        file = package / "files" / f"{name}-latin-wght-normal.woff2"
        if file.is_file():
            rule = _latin_rule((package / "wght.css").read_text(encoding="utf-8"), file.name)
            yield Font(name, file, package / "LICENSE", rule)


def build_fonts(node_modules: Path, target: Path) -> list[str]:
    """Copy fonts and licences to `target`/fonts and write `target`/fonts.css; returns the names."""
    fonts = list(installed_fonts(node_modules))
    if fonts:
        (target / "fonts").mkdir(parents=True, exist_ok=True)
    for font in fonts:
        (target / "fonts" / font.file.name).write_bytes(font.file.read_bytes())
        (target / "fonts" / f"{font.name}-OFL.txt").write_bytes(font.licence.read_bytes())
    css = "\n".join(font.rule for font in fonts) or _ABSENT
    (target / "fonts.css").write_text(css, encoding="utf-8")
    return [font.name for font in fonts]


def _latin_rule(css: str, file_name: str) -> str:
    """The `@font-face` rule of the latin subset, pointing at our copy."""
    rules: list[str] = re.findall(r"@font-face \{[^}]*\}", css)
    rule = next(rule for rule in rules if file_name in rule)
    return rule.replace("./files/", "fonts/") + "\n"
