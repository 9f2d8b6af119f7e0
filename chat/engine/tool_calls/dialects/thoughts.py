"""Reasoning between tags in the visible text, opened by the model or by the prompt's template."""

from __future__ import annotations

import re
from functools import partial

from chat.engine.tool_calls.dialects.families.marks import joins_on
from chat.engine.tool_calls.grammar import Grammar, Place, Rule, Writer
from chat.engine.tool_calls.source import BLANKS, Disproved, Source, Waiting

# Tags that stand on a line of their own even later in a turn, and those that only begin one:
# answers in XML have such elements, too.
_LINE_TAGS = ("think", "thinking", "thought", "thoughts", "seed:think", "mm:think", "longcat_think")
_START_TAGS = ("reasoning", "reason", "reflection", "scratchpad", "inner_monologue")
MARKS = {
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|think|>": "<|/think|>",
    "<|think:start|>": "<|think:end|>",
    "<|inner_prefix|>": "<|inner_suffix|>",
}
FINAL_RESPONSE = "[BEGIN FINAL RESPONSE]"

_ATTRIBUTES = re.compile(r"[^<>\r\n]*")


def _spellings(tag: str) -> tuple[str, ...]:
    return (tag, tag.capitalize(), tag.upper())


def _openings(tag: str) -> tuple[str, ...]:
    return tuple(f"<{one}>" for one in _spellings(tag))


def _closings(tag: str) -> tuple[str, ...]:
    return tuple(f"</{one}{blank}>" for one in _spellings(tag) for blank in ("", " "))


_TAGS = _LINE_TAGS + _START_TAGS
OPENERS = (*(opener for tag in _TAGS for opener in _openings(tag)), *MARKS)
CLOSERS = (*(closer for tag in _TAGS for closer in _closings(tag)), *MARKS.values())


def thought_rules(breaks: tuple[str, ...] = ()) -> tuple[Rule, ...]:
    """What opens and closes a thought; `breaks` open a call even within it."""
    return (
        *(_tag_rule(tag, opener, breaks) for tag in _TAGS for opener in _spellings(tag)),
        *(
            Rule(opener, thought(opener, (closer,), breaks), place="line", is_call=False)
            for opener, closer in MARKS.items()
        ),
        *(_unopened_rule(closer, "line") for closer in CLOSERS),
        *(_unopened_rule(closer, "anywhere") for closer in CLOSERS),
    )


def thought(opener: str, closers: tuple[str, ...], breaks: tuple[str, ...] = ()) -> Grammar:
    """The grammar of a thought between an opener and the first of the closers."""
    return partial(_read_thought, opener=opener, again=(opener,), closers=closers, breaks=breaks)


def opened_thought(
    breaks: tuple[str, ...] = (),
    further_closers: tuple[str, ...] = (),
    line_breaks: tuple[str, ...] = (),
) -> Grammar:
    """The grammar of a thought that the prompt has opened.

    What a model did not open it forgets to close: a call at a line's beginning ends it, too.
    """
    closers = tuple(dict.fromkeys((*CLOSERS, FINAL_RESPONSE, *further_closers)))
    return partial(_read_opened, closers=closers, breaks=breaks, line_breaks=line_breaks)


def rest_of_thought(
    source: Source,
    writer: Writer,
    closers: tuple[str, ...],
    breaks: tuple[str, ...],
    again: tuple[str, ...] = (),
    line_breaks: tuple[str, ...] = (),
    *,
    line_begins: bool = True,
) -> Waiting[None]:
    """A thought up to a closer, or to a break that turns out to open a call.

    An opener `again` right behind the closer goes on with it. `line_breaks` count only where a
    line begins.
    """

    def think(text: str) -> None:
        nonlocal line_begins
        line = text.rpartition("\n")
        line_begins = (line_begins or bool(line[1])) and not line[2].strip(BLANKS)
        writer.think(text)

    while True:
        word = yield from source.until((*closers, *breaks, *line_breaks), think)
        if word in breaks or (word in line_breaks and line_begins):
            source.at -= len(word)
            writer.pauses = partial(_go_on, closers=closers, breaks=breaks, line_breaks=line_breaks)
            return
        if word in line_breaks:
            think(word)
            continue
        if not again or not (yield from source.maybe(again)):
            return


def _tag_rule(tag: str, name: str, breaks: tuple[str, ...]) -> Rule:
    grammar = partial(
        _read_thought,
        opener=f"<{name}",
        again=_openings(tag),
        closers=_closings(tag),
        breaks=breaks,
    )
    place: Place = "line" if tag in _LINE_TAGS else "start"
    return Rule(f"<{name}", grammar, place, is_call=False)


def _read_thought(
    source: Source,
    writer: Writer,
    *,
    opener: str,
    again: tuple[str, ...],
    closers: tuple[str, ...],
    breaks: tuple[str, ...],
) -> Waiting[None]:
    yield from source.literal(opener)
    if opener not in again:
        yield from _rest_of_tag(source)
    writer.commit()
    yield from source.skip()
    yield from rest_of_thought(source, writer, closers, breaks, again)


def _rest_of_tag(source: Source) -> Waiting[None]:
    """`>`, or blanks and attributes before it."""
    if (yield from source.peek()) not in " \t>":
        raise Disproved
    yield from source.skip(_ATTRIBUTES)
    yield from source.literal(">")


def _read_opened(
    source: Source,
    writer: Writer,
    *,
    closers: tuple[str, ...],
    breaks: tuple[str, ...],
    line_breaks: tuple[str, ...],
) -> Waiting[None]:
    writer.commit()
    yield from source.skip()
    # Models open it once more.
    if (yield from source.maybe(OPENERS)):
        yield from source.skip()
    yield from rest_of_thought(source, writer, closers, breaks, line_breaks=line_breaks)


def _go_on(
    source: Source,
    writer: Writer,
    *,
    closers: tuple[str, ...],
    breaks: tuple[str, ...],
    line_breaks: tuple[str, ...],
) -> Waiting[None]:
    """What interrupted the thought was no call."""
    writer.think((yield from source.take(1)))
    yield from rest_of_thought(
        source, writer, closers, breaks, line_breaks=line_breaks, line_begins=False
    )


def _unopened_rule(closer: str, place: Place) -> Rule:
    grammar = partial(_unopened, closer=closer, is_strict=place == "anywhere")
    return Rule(closer, grammar, place, is_call=False)


def _unopened(source: Source, writer: Writer, *, closer: str, is_strict: bool) -> Waiting[None]:
    """A closing tag alone: the prompt's template had opened the thought.

    Within a line, words that go on behind a blank or with a mark speak about the tag.
    """
    yield from source.literal(closer)
    if is_strict and not (yield from joins_on(source)):
        raise Disproved
    writer.commit()
    writer.note("thought_unopened")
