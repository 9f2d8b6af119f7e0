"""Functionary v2: sender, recipient and content, each behind a token."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "functionary_v2"

FERN = ("water", {"plant": "fern"})
CALL = '<|from|>assistant\n<|recipient|>water\n<|content|>{"plant": "fern"}'

CASES = (
    Case("a call alone", raw=CALL + "<|stop|>", calls=(FERN,)),
    Case("two calls", raw=f"{CALL}\n{CALL}<|stop|>", calls=(FERN, FERN)),
    Case(
        "text, then a call",
        raw=f"<|from|>assistant\n<|recipient|>all\n<|content|>Let me see.\n{CALL}",
        text="Let me see.",
        calls=(FERN,),
    ),
    Case(
        "the prompt has written the first mark, then text",
        raw="all\n<|content|>Let me see.",
        text="Let me see.",
        auto="open",
    ),
    Case(
        "the prompt has written the first mark, then a call",
        raw='water\n<|content|>{"plant": "fern"}<|stop|>',
        calls=(FERN,),
        auto="open",
    ),
    Case(
        "an unknown tool stays text",
        raw="<|from|>assistant\n<|recipient|>fly\n<|content|>{}",
        text="<|from|>assistant\n<|recipient|>fly\n<|content|>{}",
    ),
    Case(
        "text that begins like a header", raw="all the ferns are wet", text="all the ferns are wet"
    ),
)
