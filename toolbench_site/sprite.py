"""The icon sprite: Lucide's icons that we use, our phase glyphs, the logo and the rule mark."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZipFile

SPRITE = "site/icons.svg"
"""Where the sprite stands among the static files."""

ICONS = (
    "archive",
    "arrow-down",
    "arrow-left",
    "arrow-right",
    "arrow-up",
    "brain",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "chevron-up",
    "chevrons-up-down",
    "circle-alert",
    "circle-check",
    "circle-question-mark",
    "circle-x",
    "clock",
    "columns-2",
    "contrast",
    "copy",
    "corner-down-right",
    "download",
    "ellipsis",
    "external-link",
    "eye",
    "file-text",
    "gauge",
    "git-branch",
    "hammer",
    "history",
    "info",
    "key-round",
    "link",
    "list-filter",
    "lock",
    "log-out",
    "menu",
    "message-square",
    "monitor",
    "moon",
    "octagon-x",
    "panel-left",
    "panel-right",
    "paperclip",
    "pencil",
    "pin",
    "play",
    "plug",
    "plus",
    "refresh-cw",
    "route",
    "scroll-text",
    "search",
    "send",
    "settings",
    "share-2",
    "shield-check",
    "sliders-horizontal",
    "square",
    "stethoscope",
    "sun",
    "sun-moon",
    "text-wrap",
    "thumbs-down",
    "thumbs-up",
    "trash-2",
    "triangle-alert",
    "undo-2",
    "unplug",
    "user",
    "users",
    "wifi",
    "wifi-off",
    "wrench",
    "x",
)
"""Lucide's icons, by its names: 24 grid, stroke 1.8."""

_STROKE = (
    'fill="none" stroke="currentColor" stroke-width="1.5" '
    'stroke-linecap="round" stroke-linejoin="round"'
)


def _rule_mark() -> str:
    """The mark of empty states: a scale of 25 ticks, every fifth one long."""
    long_ticks = "".join(f"M{n * 3.36 + 0.5:g} 0v8" for n in range(0, 25, 5))
    short_ticks = "".join(f"M{n * 3.36 + 0.5:g} 0v4" for n in range(25) if n % 5)
    return f'<path fill="none" stroke="currentColor" d="{long_ticks}{short_ticks}"/>'


# The logo's rule takes the text's colour, its stem the fill that is set around it (petrol).
_LOGO = (
    '<path fill="currentColor" d="M2 2h1.325v2h1.15v-2h.9v2h1.15v-2h.9v2h1.15v-2h.9v2h1.15v-2h.9'
    'v2h1.15v-2H14a.8.8 0 0 1 .8.8v3.3a.8.8 0 0 1-.8.8H2a.8.8 0 0 1-.8-.8V2.8A.8.8 0 0 1 2 2Z"/>'
    '<rect x="6.35" y="7.9" width="3.3" height="5.9" rx=".7"/>'
)

GLYPHS = {
    "phase-completion": (
        "0 0 16 16",
        f'<path {_STROKE} d="M2.75 4h10.5M2.75 7.6h7.4M2.75 11.2h4.2M9.4 9.6v3.3"/>',
    ),
    "phase-extraction": (
        "0 0 16 16",
        f'<path {_STROKE} d="M6.2 2.9C4.8 2.9 4.3 3.6 4.3 4.8v1.4c0 1.1-.7 1.8-1.9 1.8 1.2 0 1.9.7 '
        '1.9 1.8v1.4c0 1.2.5 1.9 1.9 1.9M7.8 8h5.7M11 5.4 13.6 8 11 10.6"/>',
    ),
    "phase-validation": (
        "0 0 16 16",
        f'<path {_STROKE} d="M6 3.1H3V13M10 3.1h3V13M5.6 8l2 2 3.1-3.7"/>',
    ),
    "phase-execution": ("0 0 16 16", f'<path {_STROKE} d="M4.7 3.6 12 8 4.7 12.4ZM13.4 3.4v9.2"/>'),
    "phase-summary": (
        "0 0 16 16",
        f'<path {_STROKE} d="M2.75 3.8h10.5M2.75 6.7h10.5M4.9 9.6h6.2M6.8 12.4h2.4"/>',
    ),
    "phase-synthesis": (
        "0 0 16 16",
        f'<path {_STROKE} d="M2.75 3.2C6.6 3.2 6 8 9.4 8M2.75 12.8C6.6 12.8 6 8 9.4 8h4'
        'M10.9 5.5 13.4 8 10.9 10.5"/>',
    ),
    "logo": ("0 0 16 16", _LOGO),
    "rule-mark": ("0 0 82 8", _rule_mark()),
}
"""Symbols of our own, each with its view box and what it draws."""


def build_sprite(names: Iterable[str] = ICONS) -> str:
    """The sprite as SVG text: one `<symbol>` per icon, to be shown with `<use>`."""
    symbols = [_lucide_symbol(name, _read_lucide(name)) for name in sorted(names)]
    symbols += [
        f'<symbol id="{name}" viewBox="{box}">{drawing}</symbol>'
        for name, (box, drawing) in GLYPHS.items()
    ]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def _read_lucide(name: str) -> ElementTree.Element:
    archive = files("lucide").joinpath("lucide.zip").read_bytes()
    with ZipFile(BytesIO(archive)) as icons:
        return ElementTree.fromstring(icons.read(f"{name}.svg"))  # noqa: S314 (a pinned package)


def _lucide_symbol(name: str, drawing: ElementTree.Element) -> str:
    shapes = []
    for shape in drawing:
        tag = shape.tag.rpartition("}")[2]
        attributes = "".join(f' {key}="{value}"' for key, value in shape.attrib.items())
        shapes.append(f"<{tag}{attributes}/>")
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">'
        f"{''.join(shapes)}</symbol>"
    )
