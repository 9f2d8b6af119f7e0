"""A growing Markdown text, rendered so that each finished block is rendered once."""

import re
from dataclasses import dataclass, field, replace

from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from chat.rendering.blocks import Parsed, html_blocks, parse
from chat.rendering.code import figure

TAIL_LIMIT = 16 * 1024

_UNSHOWABLE = re.compile(r"[\x00\ud800-\udfff]")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_LIST_ITEM = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?:[ \t]|$)")
_FENCE = re.compile(r"(?P<markup>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
# A blank line and then one that begins otherwise: whatever follows, a new block has begun.
_UNSETTLED = {"", *" \t-+*0123456789"}


@dataclass(frozen=True)
class Update:
    """What has changed: blocks from a number on, the HTML of the unfinished rest, and how far."""

    from_block: int
    blocks: tuple[str, ...]
    tail: str
    through_chars: int


@dataclass(frozen=True)
class _Fence:
    """A code fence that is open across segments."""

    markup: str
    info: str
    indent: int = 0
    in_list: bool = False
    continued: bool = False

    def is_closed_by(self, line: str) -> bool:
        text = line.strip(" \t")
        margin = line[: len(line) - len(line.lstrip(" \t"))]
        near = self.in_list or (len(margin) <= 3 and "\t" not in margin)
        return near and text.startswith(self.markup) and not text.strip(self.markup[0])

    def is_left_by(self, line: str) -> bool:
        """Say whether a line ends the list that the fence stands in, and the fence with it."""
        return self.in_list and line[:1] not in {"", " ", "\t"}

    def outdent(self, line: str) -> str:
        """Take the fence's own indentation off a line, tabs counted to stops of four."""
        width = taken = 0
        while width < self.indent and line[taken : taken + 1] in {" ", "\t"}:
            width += 4 - width % 4 if line[taken] == "\t" else 1
            taken += 1
        return " " * max(0, width - self.indent) + line[taken:]


@dataclass
class IncrementalRenderer:
    """Renders a text that arrives in pieces.

    Lines gather in a segment, which is parsed and frozen when a line comes that begins a new
    top-level block whatever stood before. Each such decision looks only at the text up to that
    line, so the blocks are the same however the text was cut and whenever updates were asked for.
    Not safe for use by two threads at once.
    """

    limit: int = TAIL_LIMIT
    parsed_chars: int = 0
    blocks: list[str] = field(default_factory=list)
    _incoming: list[str] = field(default_factory=list)
    _fed: int = 0
    _reported: tuple[int, int] = (0, 0)
    _held: str = ""
    _line: str = ""
    _segment: list[str] = field(default_factory=list)
    _size: int = 0
    _fence: _Fence | None = None
    _in_list: bool = False
    _references: dict[str, object] = field(default_factory=dict)

    def feed(self, text_delta: str) -> None:
        """Take more text; nothing is parsed before `update` or `finish`."""
        self._incoming.append(text_delta)
        self._fed += len(text_delta)

    def update(self) -> Update | None:
        """Return what has changed since the last update, or None when nothing was fed."""
        if self._reported[1] == self._fed:
            return None
        self._take_incoming()
        return self._report(self._tail())

    def snapshot(self) -> Update:
        """Return everything so far from block 0 on, for a reader who comes late."""
        self._take_incoming()
        return Update(0, tuple(self.blocks), self._tail(), self._fed)

    def finish(self) -> Update:
        """Freeze what is left and return the last update, which has no tail."""
        self._take_incoming()
        if self._line or self._held:
            self._take_line(self._line)
            self._line = self._held = ""
        self._freeze()
        return self._report("")

    def _report(self, tail: str) -> Update:
        from_block = self._reported[0]
        self._reported = (len(self.blocks), self._fed)
        return Update(from_block, tuple(self.blocks[from_block:]), tail, self._fed)

    def _take_incoming(self) -> None:
        text = self._held + "".join(self._incoming)
        self._incoming.clear()
        # The line feed that belongs to this carriage return may still be on its way.
        self._held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, last = _UNSHOWABLE.sub("\ufffd", text).split("\n")
        for line in lines:
            self._take_line(self._line + line)
            # Also here, as it happens when a text is cut between two lines.
            self._line = self._within_limit("")
        self._line = self._within_limit(self._line + last)

    def _take_line(self, line: str) -> None:
        """Take a complete line."""
        line = self._within_limit(line)
        if self._fence is None and self._segment and self._begins_block(line):
            self._freeze_before(line)
        if self._fence is not None:
            if self._fence.is_left_by(line):
                self._freeze()
            elif self._fence.is_closed_by(line):
                self._freeze()
                return
            else:
                self._push(line)
                return
        opening = _FENCE.match(line)
        if opening and not self._segment:
            self._fence = _Fence(opening["markup"], unescapeAll(opening["info"]))
            return
        if not self._segment and not line.strip(" \t"):
            return
        self._push(line)
        if len(self._segment) == 1 and _HEADING.match(line):
            self._freeze()

    def _within_limit(self, line: str) -> str:
        """Freeze what ends with this line, complete or not, or has no room left; return its rest.

        The first character may settle that a new block begins; the limit is looked at next, and
        only then, in `_take_line`, what needs the complete line. In any other order the blocks
        would depend on how much of the line was there.
        """
        settled = line[:1] not in _UNSETTLED and self._fence is None and self._segment
        if settled and not self._segment[-1].strip(" \t"):
            self._freeze_before(line)
        while self._size + len(line) > self.limit:
            if self._segment:
                self._freeze_over_limit()
                continue
            cut = self.limit
            if self._fence is None:
                cut = line.rfind(" ", 1, self.limit) + 1 or self.limit
            self._push(line[:cut])
            self._freeze_over_limit()
            line = line[cut:]
        return line

    def _push(self, line: str) -> None:
        if not self._segment:
            self._in_list = bool(_LIST_ITEM.match(line))
        self._segment.append(line)
        self._size += len(line) + 1

    def _begins_block(self, line: str) -> bool:
        """Say whether a line at the left edge ends all that is open, but for a fence or a list."""
        if line[:1] in {"", " ", "\t"}:
            return False
        if _HEADING.match(line) or _FENCE.match(line):
            return True
        if self._segment[-1].strip(" \t"):
            return False
        return not (self._in_list and _LIST_ITEM.match(line))

    def _freeze(self) -> None:
        """Freeze all that is open."""
        if self._fence is not None:
            self._freeze_code(closed=True)
        elif self._segment:
            self._freeze_lines(self._parse(self._segment), rest=[])

    def _freeze_before(self, line: str) -> None:
        """Freeze the segment, unless a fence or list at its end goes on with this line."""
        parsed = self._parse(self._segment)
        if self._enter_fence(parsed):
            return
        if _LIST_ITEM.match(line) and parsed.last and parsed.last.tag in {"ul", "ol"}:
            self._in_list = True
            return
        self._freeze_lines(parsed, rest=[])

    def _freeze_over_limit(self) -> None:
        """Freeze a segment that is full: at its last item if it is a list, else at its end."""
        if self._fence is not None:
            self._freeze_code(closed=False)
            return
        parsed = self._parse(self._segment)
        if self._enter_fence(parsed):
            self._freeze_code(closed=False)
            return
        if parsed.last is None or parsed.last.tag not in {"ul", "ol"} or not parsed.last.map:
            self._freeze_lines(parsed, rest=[])
            return
        items = range(len(self._segment) - 1, parsed.last.map[0], -1)
        cut = next((i for i in items if _LIST_ITEM.match(self._segment[i])), None)
        if cut is not None:
            self._freeze_lines(self._parse(self._segment[:cut]), rest=self._segment[cut:])
            return
        self._freeze_lines(parsed, rest=[])
        self._fence = _fence_in_list(parsed)

    def _enter_fence(self, parsed: Parsed) -> bool:
        """If a top-level fence is open at the end, freeze what stands before it."""
        opener = parsed.last
        if opener is None or opener.type != "fence" or not opener.map:
            return False
        first, end = opener.map
        fence = _fence_of(opener, parsed.lines)
        if end < len(parsed.lines) or (end - 1 > first and fence.is_closed_by(parsed.lines[-1])):
            return False
        before = parsed.tokens[: parsed.tokens.index(opener)]
        self._freeze_lines(replace(parsed, tokens=before), rest=parsed.lines[first + 1 :])
        self._fence = fence
        return True

    def _freeze_lines(self, parsed: Parsed, rest: list[str]) -> None:
        self.blocks.extend(html_blocks(parsed))
        self._references.update(parsed.definitions)
        self._segment, self._size = [], 0
        for line in rest:
            self._push(line)

    def _freeze_code(self, *, closed: bool) -> None:
        if self._fence is None:
            return
        if self._segment or not self._fence.continued:
            self.blocks.append(self._figure(self._fence, self._segment, plain=False))
        self._segment, self._size = [], 0
        self._fence = None if closed else replace(self._fence, continued=True)

    def _figure(self, fence: _Fence, lines: list[str], *, plain: bool) -> str:
        code = "".join(fence.outdent(line) + "\n" for line in lines)
        return figure(code, fence.info, plain=plain, continued=fence.continued)

    def _tail(self) -> str:
        lines = [*self._segment, self._line] if self._line else self._segment
        if self._fence is not None:
            shown = lines or not self._fence.continued
            return self._figure(self._fence, lines, plain=True) if shown else ""
        return "".join(html_blocks(self._parse(lines), growing=True)) if lines else ""

    def _parse(self, lines: list[str]) -> Parsed:
        self.parsed_chars += sum(map(len, lines))
        return parse(lines, self._references)


def render(text: str) -> str:
    """Render a whole text."""
    return "".join(render_blocks(text))


def render_blocks(text: str) -> tuple[str, ...]:
    """Render a whole text, one string for each top-level block."""
    renderer = IncrementalRenderer()
    renderer.feed(text)
    return renderer.finish().blocks


def _fence_of(opener: Token, lines: list[str]) -> _Fence:
    line = lines[opener.map[0]] if opener.map else ""
    return _Fence(opener.markup, unescapeAll(opener.info), indent=line.find(opener.markup))


def _fence_in_list(parsed: Parsed) -> _Fence | None:
    """Return the fence that is open at the end of a list's last item, if any."""
    opener = next((t for t in reversed(parsed.tokens) if t.type == "fence"), None)
    if opener is None or not opener.map or opener.map[1] < len(parsed.lines):
        return None
    if not parsed.is_open(opener):
        return None
    return replace(_fence_of(opener, parsed.lines), in_list=True, continued=True)
