"""The probes, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chat.doctor import answers, calls, manners
from chat.doctor.findings import Finding
from chat.doctor.patient import Patient


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to ask a server; `asks` is a sentence for people."""

    code: str
    title: str
    asks: str
    run: Callable[[Patient], Awaitable[Finding]]


PROBES: tuple[Probe, ...] = (
    Probe(
        "models",
        "List of models",
        "Asks for the list of models and looks for the route's among them.",
        manners.models,
    ),
    Probe(
        "whole",
        "Whole answer",
        "Asks for one short sentence in one piece, without a stream.",
        answers.whole,
    ),
    Probe(
        "stream",
        "Streamed answer",
        "Asks for a few numbers as a stream and looks whether they come one after another.",
        answers.stream,
    ),
    Probe(
        "usage",
        "Token counts in the stream",
        "Looks for the token counts that the stream before was asked to end with.",
        answers.usage,
    ),
    Probe(
        "token_limit",
        "Token limit",
        "Asks for a hundred numbers in at most 8 tokens, under each name that the limit may have.",
        answers.token_limit,
    ),
    Probe(
        "system",
        "System message",
        "Sends a system message that allows one word, and a question.",
        answers.system,
    ),
    Probe(
        "single",
        "One tool call",
        "Offers one tool and asks for what it does.",
        calls.single,
    ),
    Probe(
        "parallel",
        "Two calls at once",
        "Asks for two things that the same tool does.",
        calls.parallel,
    ),
    Probe(
        "no_arguments",
        "Call without arguments",
        "Asks for a call of a tool that takes nothing.",
        calls.no_arguments,
    ),
    Probe(
        "nested",
        "Nested arguments",
        "Asks for a call whose arguments are an object and a list of objects.",
        calls.nested,
    ),
    Probe(
        "unicode",
        "Letters of every script",
        "Asks for a call with umlauts, kanji, an emoji, quotes and a backslash in its argument.",
        calls.unicode,
    ),
    Probe(
        "choice_none",
        "tool_choice none",
        "Asks for a call and forbids it.",
        calls.choice_none,
    ),
    Probe(
        "choice_required",
        "tool_choice required",
        "Asks for a greeting and demands a call.",
        calls.choice_required,
    ),
    Probe(
        "choice_named",
        "tool_choice with a name",
        "Asks for a greeting and demands a call of one of two tools by its name.",
        calls.choice_named,
    ),
    Probe(
        "result",
        "Tool result",
        "Sends a call with its result and asks for the answer.",
        calls.result,
    ),
    Probe(
        "long_line",
        "Long line",
        "Asks for a call with a long text as its argument.",
        calls.long_line,
    ),
    Probe(
        "text_dialect",
        "Calls written as text",
        "Looks how the calls before were written. Where none came, describes a tool in words.",
        calls.text_dialect,
    ),
    Probe(
        "reasoning",
        "Reasoning",
        "Asks for thinking and looks where the thoughts stand.",
        answers.reasoning,
    ),
    Probe(
        "stop_before",
        "Stop before the first token",
        "Closes a long answer before it begins, then asks again.",
        manners.stop_before,
    ),
    Probe(
        "stop_after",
        "Stop after the first token",
        "Closes a long answer at its first token, then asks again.",
        manners.stop_after,
    ),
    Probe(
        "errors",
        "Refusals",
        "Names a model that does not exist, and sends messages that are none.",
        manners.errors,
    ),
)
BY_CODE = {probe.code: probe for probe in PROBES}
