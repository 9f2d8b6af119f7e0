"""Where in the visible text reading stands: at its start, at a line's, inside code or quotes."""

from __future__ import annotations

import re

from chat.engine.tool_calls.source import BLANKS

_RUNS = re.compile(r"\n|`+|~+|[^\n`~]+")
_OPENING_QUOTES = frozenset("“„‚«‹「『‘")
_STRAIGHT_QUOTES = frozenset("\"'")
# What a straight quotation mark opens a quotation behind.
_BEFORE_QUOTES = frozenset(" \t\r\n([{:=,")


class VisibleText:
    """Follows what was said, so far as it decides what may open a call.

    Nothing opens inside a fence or inline code, in a line of a Markdown quotation or table, or
    right behind an opening quotation mark: an example is no call. (Indented code is not told
    apart: some models indent their calls.)
    """

    def __init__(self) -> None:
        self.is_fresh = True
        """Whether nothing but blanks was said since the start, or since a call or a thought."""
        self.line_is_blank = True
        self.has_text = False
        self.had_region = False
        self._fence = ""
        self._inline = 0
        self._last = ""
        self._line_is_quoted = False

    @property
    def is_code(self) -> bool:
        """Whether the next character stands inside a fence or inline code."""
        return bool(self._fence or self._inline)

    @property
    def is_inline_code(self) -> bool:
        """Whether it stands inside inline code, which ends with its line at the latest."""
        return bool(self._inline)

    @property
    def is_example(self) -> bool:
        """Whether the next character stands where nothing opens."""
        if self.is_code or self._line_is_quoted:
            return True
        last = self._last[-1:]
        if last in _STRAIGHT_QUOTES:
            return self._last[:-1] in _BEFORE_QUOTES or len(self._last) == 1
        return last in _OPENING_QUOTES

    def note(self, text: str) -> None:
        """This was said next."""
        self._last = (self._last + text)[-2:]
        if self.line_is_blank or "\n" in text or "`" in text or "~" in text:
            for run in _RUNS.findall(text):
                self._note_run(run)

    def after_region(self, has_said: bool) -> None:
        """A call or a thought was read."""
        self.had_region = True
        self.is_fresh = True
        self.line_is_blank = True
        self._last = ""
        self._line_is_quoted = False
        if has_said:
            self.has_text = True

    def _note_run(self, run: str) -> None:
        if run == "\n":
            self.line_is_blank = True
            self._line_is_quoted = False
            self._inline = 0
            return
        at_line = self.line_is_blank
        if at_line:
            bare = run.lstrip(BLANKS)
            if not bare:
                return
            self._line_is_quoted = bare[0] in ">|"
        self.is_fresh = False
        self.has_text = True
        self.line_is_blank = False
        if run[0] in "`~":
            self._note_mark(run, at_line)

    def _note_mark(self, mark: str, at_line: bool) -> None:
        if self._fence:
            if at_line and mark.startswith(self._fence):
                self._fence = ""
        elif at_line and len(mark) >= 3:
            self._fence = mark
        elif mark[0] == "`":
            if not self._inline:
                self._inline = len(mark)
            elif self._inline == len(mark):
                self._inline = 0
