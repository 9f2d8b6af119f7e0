"""The corpus of recorded exchanges and of calls written as text, where it is at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.explain.captures import (
    TextCapture,
    WireCapture,
    read_text_captures,
    read_wire_captures,
)

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("TOOLBENCH_CORPUS", ROOT.parent / "shared" / "corpus"))
MISSING = (
    f"There is no corpus in {CORPUS}. TOOLBENCH_CORPUS names the directory that holds streams/ "
    "and text_calls/."
)
# Recordings of many servers: no dialect, so `auto` is the one to name.
_NO_DIALECT = ("real_recorded",)


@dataclass(frozen=True)
class Recording:
    """One recorded exchange."""

    capture: WireCapture
    expect: dict[str, Any]
    is_stream: bool


@dataclass(frozen=True)
class TextCase:
    """One text with calls, or without."""

    id: str
    format: str
    kind: str
    is_policy: bool
    capture: TextCapture
    expect: dict[str, Any]
    chunks: tuple[str, ...]

    @property
    def dialect(self) -> str:
        """The name under which a caller would ask for the format."""
        return "auto" if self.format in _NO_DIALECT else self.format


def recordings() -> Iterator[Recording]:
    """Every recorded exchange, in the order of their names."""
    for path in sorted((CORPUS / "streams").glob("*.json")):
        data = path.read_bytes()
        case = json.loads(data)
        [capture] = read_wire_captures(path.name, data)
        yield Recording(capture, case["expect"], is_stream="wire" in case)


def text_cases() -> Iterator[TextCase]:
    """Every case of every format."""
    for path in sorted((CORPUS / "text_calls").glob("*.json")):
        data = path.read_bytes()
        document = json.loads(data)
        captures = read_text_captures(path.name, data)
        for case, capture in zip(document["cases"], captures, strict=True):
            yield TextCase(
                id=case["id"],
                format=document["format"],
                kind=case["kind"],
                is_policy=bool(case.get("policy")),
                capture=capture,
                expect=case["expect"],
                chunks=tuple(case.get("chunks") or ()),
            )
