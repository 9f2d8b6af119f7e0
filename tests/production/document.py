"""The fenced blocks of docs/production.md and what their info strings say.

A block of commands says `test=NAME`, under which a test runs it (blocks of one name are one
script), or `not-run="why"`. Blocks of other languages may have a name to be used under.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "production.md"
_FENCED = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    name: str = ""
    not_run: str = ""


def read_blocks(page: str) -> list[Block]:
    """The blocks of a page in their order; those without a language are drawings."""
    found = []
    for language, info, text in _FENCED.findall(page):
        said = dict(word.split("=", 1) for word in shlex.split(info))
        found.append(Block(language, text, said.pop("test", ""), said.pop("not-run", "")))
        assert not said, f"docs/production.md: nobody knows {said}"
    return found


BLOCKS = read_blocks(GUIDE.read_text(encoding="utf-8"))


def text_of(name: str) -> str:
    """The text under a name, of all its blocks."""
    texts = [block.text for block in BLOCKS if block.name == name]
    assert texts, f"docs/production.md has no block test={name}"
    return "".join(texts)
