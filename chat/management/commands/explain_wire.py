"""`manage.py explain_wire FILE…`: what Toolbench reads in captured answers, a JSON line each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.engine.tool_calls.dialects import DIALECT_NAMES
from chat.explain.captures import NotACapture, read_text_captures, read_wire_captures
from chat.explain.cuts import CUT_FORMS, Cut, UnknownCut
from chat.explain.line import Line
from chat.explain.text_line import explain_text
from chat.explain.wire_level import explain_text_at_wire_level, explain_wire_level
from chat.explain.wire_line import explain_wire

# The corpus's name for texts of many models: no dialect of its own.
_ALIASES = {"real_recorded": "auto"}


class Command(BaseCommand):
    """Explains captures; asks neither the database nor the network."""

    help = (
        "Read captured answers of model servers (event streams, whole bodies, or cases in JSON; "
        "with --text, texts of models) and print one JSON line for each: what a person would see, "
        "which tools are called, and what had to be mended."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which captures, and how they are read."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="a capture; - for stdin")
        parser.add_argument(
            "--text",
            action="store_true",
            help="the files hold what models wrote: JSON with raw, tools and flags, or cases",
        )
        parser.add_argument(
            "--dialect", default="auto", metavar="NAME", help="how calls are written: auto, off, …"
        )
        parser.add_argument("--cut", default="whole", metavar="HOW", help=CUT_FORMS)
        parser.add_argument(
            "--wire-level",
            action="store_true",
            help="as it was sent: thoughts and text calls stay text, nothing is mended",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each capture."""
        dialect, cut = _dialect(options["dialect"]), _cut(options["cut"])
        files = [(name, _read(name)) for name in options["files"]]
        for name, data in files:
            try:
                for line in _lines(name, data, dialect, cut, options):
                    # ASCII alone, and nothing that some reader takes for the end of a line.
                    self.stdout.write(json.dumps(line.as_record()))
            except NotACapture as error:
                raise CommandError(str(error)) from None
            except BrokenPipeError:
                # The reader, `head` say, has seen enough; nothing can be flushed to it at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return


def _lines(
    name: str, data: bytes, dialect: str, cut: Cut, options: dict[str, Any]
) -> Iterator[Line]:
    wire_level = options["wire_level"]
    if options["text"]:
        for text in read_text_captures(name, data):
            if wire_level:
                yield explain_text_at_wire_level(text)
            else:
                yield explain_text(text, dialect=dialect, cut=cut)
        return
    for capture in read_wire_captures(name, data):
        if wire_level:
            yield explain_wire_level(capture, cut)
        else:
            yield explain_wire(capture, dialect=dialect, cut=cut)


def _dialect(name: str) -> str:
    name = _ALIASES.get(name, name)
    if name not in DIALECT_NAMES:
        raise CommandError(
            f"There is no dialect “{name}”. Expected is one of: {', '.join(DIALECT_NAMES)}."
        )
    return name


def _cut(words: str) -> Cut:
    try:
        return Cut.named(words)
    except UnknownCut as error:
        raise CommandError(str(error)) from None


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(
            f"{name} cannot be read ({error.strerror}). Expected is the path of a captured answer, "
            "or - for standard input."
        ) from None
