"""Harmony (gpt-oss): messages on channels, calls to `functions.name`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "harmony"

FERN = ("water", {"plant": "fern"})
THOUGHT = "<|channel|>analysis<|message|>The fern is dry.<|end|>"
CALL = (
    "<|start|>assistant<|channel|>commentary to=functions.water <|constrain|>json<|message|>"
    '{"plant": "fern"}<|call|>'
)
FINAL = "<|start|>assistant<|channel|>final<|message|>Done.<|return|>"

CASES = (
    Case("a thought and a call", raw=THOUGHT + CALL, reasoning="The fern is dry.", calls=(FERN,)),
    Case(
        "a thought and an answer", raw=THOUGHT + FINAL, reasoning="The fern is dry.", text="Done."
    ),
    Case(
        "words before the call",
        raw="<|channel|>commentary<|message|>Let me see.<|end|>" + CALL,
        text="Let me see.",
        calls=(FERN,),
    ),
    Case(
        "two texts stand apart",
        raw="<|channel|>commentary<|message|>Let me see.<|end|>" + FINAL,
        text="Let me see.\n\nDone.",
    ),
    Case("two calls", raw=THOUGHT + CALL + CALL, reasoning="The fern is dry.", calls=(FERN, FERN)),
    Case(
        "the recipient before the channel",
        raw=' to=functions.water<|channel|>commentary json<|message|>{"plant": "fern"}',
        calls=(FERN,),
    ),
    Case(
        "the recipient without its namespace",
        raw='<|channel|>commentary to=water<|message|>{"plant": "fern"}<|call|>',
        calls=(FERN,),
    ),
    Case(
        "no end between the messages",
        raw="<|channel|>analysis<|message|>The fern is dry." + CALL,
        reasoning="The fern is dry.",
        calls=(FERN,),
    ),
    Case(
        "no arguments",
        raw="<|channel|>commentary to=functions.list_plants<|message|><|call|>",
        calls=(("list_plants", {}),),
    ),
    Case(
        "its own marks inside an argument",
        raw='<|channel|>commentary to=functions.look_up<|message|>{"query": "<|end|> <|call|>"}',
        calls=(("look_up", {"query": "<|end|> <|call|>"}),),
    ),
    Case(
        "broken JSON ends with the message",
        raw='<|channel|>commentary to=functions.look_up<|message|>{"query": "moss"<|call|>',
        calls=(("look_up", '{"query": "moss"'),),
    ),
    Case(
        "cut off inside an argument",
        raw='<|channel|>commentary to=functions.look_up<|message|>{"query": "fe',
        calls=(("look_up", '{"query": "fe'),),
    ),
    Case(
        "cut off inside a thought", raw="<|channel|>analysis<|message|>The fe", reasoning="The fe"
    ),
    Case(
        "a message to a tool of the model's own is no text",
        raw=THOUGHT + "<|start|>assistant to=browser.open<|channel|>commentary<|message|>moss.org",
        reasoning="The fern is dry.",
    ),
    Case(
        "a call of an unknown tool stays text",
        raw="<|channel|>commentary to=functions.fly<|message|>{}<|call|>",
        text="<|channel|>commentary to=functions.fly<|message|>{}",
    ),
    Case(
        "thoughts that stay in the text",
        raw=THOUGHT + FINAL,
        text=THOUGHT + "Done.",
        thoughts=False,
    ),
    Case(
        "an answer about the marks",
        raw="A message ends with <|end|> or <|return|>, and to=functions.x is its recipient.",
        text="A message ends with <|end|> or <|return|>, and to=functions.x is its recipient.",
    ),
    Case(
        "an answer that shows code",
        raw="<|channel|>final<|message|>So:\n```\n<|channel|>analysis<|message|>Hm<|end|>\n```\nSee?",
        text="So:\n```\n<|channel|>analysis<|message|>Hm<|end|>\n```\nSee?",
    ),
)
