"""Functionary v2: `<|from|>assistant`, `<|recipient|>name`, `<|content|>{…}`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.token_sections import json_arguments, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_FROM = "<|from|>"
_RECIPIENT = "<|recipient|>"
_CONTENT = "<|content|>"
_STOP = "<|stop|>"
_EVERYBODY = "all"


def _header(source: Source) -> Waiting[None]:
    yield from source.maybe((_STOP,))
    yield from source.skip()
    if (yield from source.maybe((_FROM,))):
        yield from source.skip()
        yield from source.literal("assistant")
        yield from source.skip()
    yield from source.literal(_RECIPIENT)
    yield from source.skip()


def _text(source: Source, writer: Writer) -> Waiting[None]:
    start = source.at
    try:
        yield from _header(source)
        yield from source.literal(_EVERYBODY)
        yield from source.skip()
        yield from source.literal(_CONTENT)
    except Disproved:
        source.at = start
        raise
    writer.parts = True


def _call(source: Source, writer: Writer) -> Waiting[None]:
    start = source.at
    try:
        yield from _header(source)
        yield from _named(source, writer)
    except Disproved:
        if not writer.committed:
            source.at = start
        raise


def _named(source: Source, writer: Writer) -> Waiting[None]:
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.skip()
    yield from source.literal(_CONTENT)
    writer.begin(tool)
    yield from json_arguments(source, writer, (_STOP, _FROM, _RECIPIENT))
    yield from source.maybe((_STOP,))
    writer.end()


def _opens(source: Source, writer: Writer) -> Waiting[None]:
    """The prompt ends with the mark before the first recipient."""
    if (yield from source.maybe((_EVERYBODY,))):
        yield from source.skip()
        yield from source.literal(_CONTENT)
    else:
        yield from _named(source, writer)


DIALECT = Dialect(
    "functionary_v2",
    tuple(
        Rule(opener, grammar, is_call=is_call)
        for opener in (_STOP, _FROM, _RECIPIENT)
        for grammar, is_call in ((_text, False), (_call, True))
    ),
    opens=_opens,
)
