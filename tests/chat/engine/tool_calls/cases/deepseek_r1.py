"""DeepSeek R1 and its distillates, which spell the tokens in several ways."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "deepseek_r1"

FERN = ("water", {"plant": "fern"})
SPELLINGS = ("｜tool▁{}｜", "｜tool_{}｜", "｜tool {}｜", "｜tool\\_{}｜", "|tool▁{}|")


def spelled(form: str) -> str:
    joint = form[form.index("tool") + 4 : form.index("{")]

    def token(*words: str) -> str:
        return f"<{form.format(joint.join(words))}>"

    return (
        f"{token('calls', 'begin')}{token('call', 'begin')}function{token('sep')}water\n"
        f'```json\n{{"plant": "fern"}}\n```{token("call", "end")}{token("calls", "end")}'
    )


CASES = (
    *(
        Case(
            f"the tokens as {form}",
            raw=f"It is dry.\n</think>\n\nLet me see. {spelled(form)}",
            reasoning="It is dry.",
            text="Let me see.",
            calls=(FERN,),
            starts_inside_thinking=True,
        )
        for form in SPELLINGS
    ),
    Case(
        "a call where the thought was not closed",
        raw=f"It is dry. {spelled(SPELLINGS[0])}",
        reasoning="It is dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case(
        "a thought alone",
        raw="Is it dry?\n</think>\nNo, it is wet.",
        reasoning="Is it dry?",
        text="No, it is wet.",
        starts_inside_thinking=True,
    ),
    Case(
        "thoughts that stay in the text",
        raw="<think>Dry?</think>No.",
        text="<think>Dry?</think>No.",
        thoughts=False,
    ),
)
