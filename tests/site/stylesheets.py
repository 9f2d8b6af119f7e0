"""The stylesheets as text: files, declared values by theme, and what reads them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE_CSS = ROOT / "toolbench_site" / "static" / "site" / "css"
TOKENS = SITE_CSS / "tokens.css"


def read_css(path: Path) -> str:
    """A stylesheet without its comments."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def stylesheets() -> list[Path]:
    """Every stylesheet of ours but the tokens, those of the apps among them."""
    found = [*SITE_CSS.rglob("*.css"), *(ROOT / "chat" / "static").rglob("*.css")]
    return sorted(path for path in found if path != TOKENS)


def raw_values(theme: str) -> dict[str, str]:
    """The raw values of a theme in hex, as they stand in the first block for it."""
    css = read_css(TOKENS)
    selector = r":root" if theme == "light" else r':root\[data-theme="dark"\]'
    block = re.search(selector + r" \{([^}]*)\}", css)
    assert block is not None
    return dict(re.findall(r"--raw-([\w-]+): (#[0-9a-f]{6});", block[1]))


def meanings() -> dict[str, str]:
    """Each meaning and the raw value it points at."""
    return dict(re.findall(r"--([\w-]+): var\(--raw-([\w-]+)\);", read_css(TOKENS)))


def luminance(colour: str) -> float:
    """Relative luminance of a hex colour (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two hex colours (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
