"""What a text capture's flags say about how its text is to be read.

The flags are those of llama.cpp: `reasoning_format`, `enable_thinking`, `starts_inside_thinking`,
`is_partial`, `json_schema`, and the chat template's name in `template`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Templates that open the thought themselves unless they are told not to think.
_THINKING_TEMPLATES = ("ling-3", "qwq", "qwen3.5", "deepseek-r1", "minimax-m2", "nemotron-nano-v2")
# What a template has written of the answer already: more than a tag, or a tag that makes one
# which the model writes itself a part of the thought.
_OPENINGS = {"apriel": "Here are my reasoning steps:\n", "qwen3.5": "<think>\n"}
_OPENED = re.compile(r"<think>|<\|START_THINKING\|>|\[THINK\]|<seed:think>|<\|channel")
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?```", re.DOTALL)
_CLOSED = re.compile(r"</think>|<\|END_THINKING\|>|\[/THINK\]|</seed:think>")


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How one text is read."""

    thoughts: bool = True
    """False leaves thought tags in the text."""
    starts_inside_thinking: bool = False
    opening: str = ""
    """What the prompt's template wrote of the answer before the model went on."""
    ended: bool = True
    """False: the stream still runs, and what is shown is what a viewer sees at that moment."""
    json_only: bool = False
    """The answer was asked for as JSON, so a code fence round all of it is no part of it."""

    @classmethod
    def of(cls, flags: Mapping[str, Any], text: str) -> TextSettings:
        """The settings that the flags of a case mean for its text."""
        template = str(flags.get("template") or "")
        form = str(flags.get("reasoning_format") or ("NONE" if template else "AUTO"))
        thoughts = not form.upper().endswith("NONE")
        inside = thoughts and _starts_inside(flags, template, text)
        return cls(
            thoughts=thoughts,
            starts_inside_thinking=inside,
            opening=_opening(flags, template, text) if thoughts else "",
            ended=not _is_on(flags.get("is_partial")),
            json_only=bool(flags.get("json_schema")),
        )

    def visible(self, text: str) -> str:
        """The text as a person would see it."""
        if self.json_only and (fenced := _FENCED.fullmatch(text.strip())):
            return fenced[1]
        return text


def _starts_inside(flags: Mapping[str, Any], template: str, text: str) -> bool:
    if _is_on(flags.get("starts_inside_thinking")):
        return True
    opened, closed = _OPENED.search(text), _CLOSED.search(text)
    if closed is not None and (opened is None or closed.start() < opened.start()):
        # Only a prompt that has opened the thought leaves a tag that closes it.
        return bool(template)
    if opened is not None and not any(name in template.lower() for name in _OPENINGS):
        return False
    return _thinks(flags, template.lower())


def _opening(flags: Mapping[str, Any], template: str, text: str) -> str:
    name = template.lower()
    if not _thinks(flags, name):
        return ""
    if text.lstrip().startswith("<think>"):
        # The template had opened the thought: a second tag is the model's own word.
        return "<think>\n" if any(one in name for one in _THINKING_TEMPLATES) else ""
    return next((words for one, words in _OPENINGS.items() if one in name), "")


def _thinks(flags: Mapping[str, Any], template: str) -> bool:
    """Whether the template was told to let the model think, or does so by itself."""
    thinking = flags.get("enable_thinking")
    if thinking is not None:
        return bool(template) and _is_on(thinking)
    return any(name in template for name in _THINKING_TEMPLATES)


def _is_on(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1"))
