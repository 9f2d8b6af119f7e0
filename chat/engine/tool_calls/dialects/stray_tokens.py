"""Marks of chat formats that leak into an answer, at its start or end: no text for a person."""

from __future__ import annotations

from functools import partial

from chat.engine.tool_calls.grammar import Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_CODE = "stray_token"
# A model that writes nothing else any more is to be seen.
_MARKS_LIMIT = 32

# What stands before an answer; the longest that fits is left out.
_BEFORE = (
    "<|CHATBOT_TOKEN|>",
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    "<|im_start|>assistant",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<|start_of_role|>assistant<|end_of_role|>",
    "<|begin_of_text|>",
    "<|assistant|>",
    "<start_of_turn>model",
    "<|turn>model",
    "<｜begin▁of▁sentence｜>",
    "<｜Assistant｜>",
    "<role>ASSISTANT</role>",
    "[|assistant|]",
    "<bos>",
)
# What stands behind it, and only there: a text that goes on speaks about the mark.
_BEHIND = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|eot|>",
    "<|eom|>",
    "<|eos|>",
    "<|end|>",
    "<|call|>",
    "<|return|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end_of_turn|>",
    "<|end_of_role|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|role_end|>",
    "<|user|>",
    "<|observation|>",
    "<|endofturn|>",
    "<|endofassistant|>",
    "<end_of_turn>",
    "<turn|>",
    "<eos>",
    "</s>",
    "<seed:eos>",
    "<｜end▁of▁sentence｜>",
    "[|endofturn|]",
    "[e~[",
)


def _before(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.one_of(_BEFORE)
    writer.note(_CODE)


def _behind(source: Source, writer: Writer, *, mark: str) -> Waiting[None]:
    yield from source.literal(mark)
    marks = 1
    while not (yield from _is_over(source)):
        yield from source.one_of(_BEHIND)
        marks += 1
        if marks > _MARKS_LIMIT:
            raise Disproved
    writer.note(_CODE)


def _is_over(source: Source) -> Waiting[bool]:
    yield from source.skip()
    return (yield from source.is_over())


STRAY_TOKENS: tuple[Rule, ...] = (
    *(Rule(mark, _before, place="start", is_call=False) for mark in _BEFORE),
    *(Rule(mark, partial(_behind, mark=mark), is_call=False) for mark in _BEHIND),
)
