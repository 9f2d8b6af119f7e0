"""DeepSeek's sections of calls, whose tokens models spell with `▁`, `_`, blanks and plain bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from chat.engine.tool_calls.dialects.families.token_sections import json_arguments, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

# Tool outputs are the prompt's; a model that writes them goes on where it should have stopped.
_AFTER = "text_after_calls"
_END_OF_TURN = "<｜end▁of▁sentence｜>"


def _spellings(words: str) -> tuple[str, ...]:
    plain = words.split("▁")
    fullwidth = tuple(f"<｜{joint.join(plain)}｜>" for joint in ("▁", "_", " ", "\\_"))
    return (*fullwidth, f"<|{'▁'.join(plain)}|>")


CALLS_BEGIN = (*_spellings("tool▁calls▁begin"), *_spellings("tool▁calls"))
CALL_BEGIN = _spellings("tool▁call▁begin")
SEPARATOR = _spellings("tool▁sep")
CALL_END = _spellings("tool▁call▁end")
CALLS_END = _spellings("tool▁calls▁end")
_CLOSERS = (*CALL_END, *CALLS_END, *CALL_BEGIN)


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands before the separator: the word `function`, or the tool's name."""

    kind: str = ""


V3 = Shape("function")
V31 = Shape()
SHAPES = (V3, V31)


def deepseek(name: str, shapes: tuple[Shape, ...], auto: Iterable[Shape]) -> Dialect:
    """A dialect that reads these shapes, in `auto` only those."""
    return Dialect(
        name,
        tuple(rule for shape in shapes for rule in _rules(shape)),
        auto=tuple(rule for shape in auto for rule in _rules(shape)),
    )


def _rules(shape: Shape) -> tuple[Rule, ...]:
    grammar = partial(_section, shape=shape)
    rules = [Rule(opener, grammar, ends_thought=True) for opener in (*CALLS_BEGIN, *CALL_BEGIN)]
    if shape.kind:
        # Some leave out every token before the separator.
        rules += [Rule(shape.kind + word, grammar, place="line") for word in SEPARATOR]
    return tuple(rules)


def _section(source: Source, writer: Writer, *, shape: Shape) -> Waiting[None]:
    yield from source.maybe(CALLS_BEGIN)
    yield from _call(source, writer, shape)
    while True:
        if (yield from source.after(CALLS_END)):
            yield from _leave_out_the_rest(source, writer)
            return
        if not (yield from source.attempt(_further(source, writer, shape))):
            return


def _further(source: Source, writer: Writer, shape: Shape) -> Waiting[None]:
    yield from source.skip()
    yield from source.maybe(CALLS_BEGIN)
    yield from _call(source, writer, shape)


def _call(source: Source, writer: Writer, shape: Shape) -> Waiting[None]:
    yield from source.skip()
    yield from source.maybe(CALL_BEGIN)
    if shape.kind:
        yield from source.literal(shape.kind)
        yield from source.one_of(SEPARATOR)
        tool, _ = yield from tool_name(source, writer.offer)
    else:
        tool, _ = yield from tool_name(source, writer.offer)
        yield from source.one_of(SEPARATOR)
    writer.begin(tool)
    yield from json_arguments(source, writer, _CLOSERS)
    yield from source.maybe(CALL_END)
    writer.end()


def _leave_out_the_rest(source: Source, writer: Writer) -> Waiting[None]:
    """Nothing may follow a section of calls: what does is kept with the repair alone."""
    yield from source.skip()
    yield from source.maybe((_END_OF_TURN,))
    yield from source.skip()
    if source.at >= source.end and source.ended:
        return
    start = source.at
    if (yield from source.maybe((*CALLS_BEGIN, *CALL_BEGIN))):
        source.at = start
        return
    rest: list[str] = []
    while source.at < source.end or not source.ended:
        rest.append(source.text(source.at))
        source.at = source.end
        if not source.ended:
            yield from source.wait()
    writer.note(_AFTER, "".join(rest))
