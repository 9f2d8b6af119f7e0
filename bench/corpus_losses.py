"""Whether anything of a text was lost on its way to text, thoughts and calls."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from chat.engine.tool_calls.dialects import DIALECTS
from chat.explain.text_answer import TextAnswer

_WORD = re.compile(r"\w+")
_NO_WORD = re.compile(r"\W+")
# What marks look like beside the openers of the dialects; they vanish where they are understood.
_MARK = re.compile(
    r"<[^<>\n]{1,80}>|\[/?[A-Z_ ]{2,40}\]|\[unused\d+\]|◁/?\w+▷|```\w*|functools(?=\[)"
    r"|[\"'](?:name|arguments|parameters|type|function|id|tool_name|tool_call_id|tool_calls)[\"']\s*:"
    r"|:\s*[\"']function[\"']|\bcall:|\bto=\s*[\w.]*|\bfunctions?\."
)
# Channels, roles and wrappers stand between marks without any of their own; null means nothing.
_STRUCTURE = frozenset(
    (
        *("analysis", "assistant", "commentary", "final", "function", "json", "self", "thought"),
        *("user", "default_api", "print", "result", "recipient", "all", "null", "none"),
        *("think", "response", "tools"),
    )
)
_ESCAPE = re.compile(r"\\(?:[bfnrt]|u[0-9a-fA-F]{4})")


def lost_words(raw: str, answer: TextAnswer, *, told: bool = False) -> list[str]:
    """The words of the text that are in nothing that was read, and in no mark of a dialect.

    What a repair tells of was not lost in silence; with `told`, so is what stands in the text that
    a call was read from, which its repair quotes. Characters that are no words are punctuation:
    blanks, JSON's and the dialects'.
    """
    found = [answer.text, answer.reasoning, *(mended.raw for mended in answer.mended)]
    for call in answer.calls:
        # As it was written and as it was meant: `\u00fc` is ü.
        found += [call.tool, call.upstream_id or "", call.raw_arguments]
        found.append("\n".join(_values(call.raw_arguments)))
        if told:
            found.append(call.source)
    # Where a mark stood between two words they are joined now.
    text = "\n".join(_NO_WORD.sub("", one) for one in found).casefold()
    bare = _openers().sub(" ", _MARK.sub(" ", raw))
    # Where a dialect unescapes, `\\n` is no word.
    wanted = _words(bare) & _words(_ESCAPE.sub(" ", bare))
    return sorted(
        word
        for word, count in wanted.items()
        if word not in _STRUCTURE and text.count(word) < count
    )


@lru_cache(maxsize=1)
def _openers() -> re.Pattern[str]:
    """Every word that opens something in some dialect."""
    openers = {rule.opener for one in DIALECTS.values() for rule in one.rules}
    worded = sorted((o for o in openers if len(o) > 2), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, worded)))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _values(arguments: str) -> Iterator[str]:
    try:
        yield from _texts(json.loads(arguments))
    except ValueError:
        return


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, item in value.items():
                yield key
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case _:
            yield str(value)
