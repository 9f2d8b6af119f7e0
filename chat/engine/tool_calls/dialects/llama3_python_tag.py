"""Llama 3's built-in tools: `<|python_tag|>name.call(key="value")`, or Python code for `python`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from chat.engine.tool_calls.dialects.families.arguments import ArgumentsObject, escape
from chat.engine.tool_calls.dialects.families.python_calls import PythonCalls, call, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, OutOfText, Source, Waiting

_OPENER = "<|python_tag|>"
_CLOSERS = ("<|eom_id|>", "<|eot_id|>")
_CALL = ".call"
_CODE_TOOLS = ("python", "ipython", "code_interpreter")


def _named(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    yield from source.skip()
    calls = PythonCalls(writer, certain=True)
    tool = yield from tool_name(source, writer, suffix=_CALL)
    yield from call(source, writer, calls, tool)
    yield from source.after(_CLOSERS)


def _code(source: Source, writer: Writer) -> Waiting[None]:
    """All that follows is code, where a tool that takes code is offered."""
    yield from source.literal(_OPENER)
    tool = _code_tool(writer.offer.names or ())
    if not tool or (yield from source.next()) in "{[":
        raise Disproved
    writer.begin(tool)
    arguments = ArgumentsObject(writer.arguments)
    arguments.key(next(iter(writer.offer.properties(tool)), "code"))
    writer.arguments('"')
    # Where the text ends, the code does.
    with suppress(OutOfText):
        yield from source.until(_CLOSERS, lambda text: writer.arguments(escape(text)))
    writer.arguments('"')
    arguments.close()
    writer.end()


def _code_tool(names: Iterable[str]) -> str:
    offered = set(names)
    return next((name for name in _CODE_TOOLS if name in offered), "")


RULES = (Rule(_OPENER, _named), Rule(_OPENER, _code))
DIALECT = Dialect("llama3_python_tag", RULES)
