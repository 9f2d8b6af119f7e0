"""xLAM: a list, bare or fenced or behind a mark."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, FERN_CALL
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "xlam"

CASES = (
    Case("a bare list", raw=f"[{FERN_CALL}]", calls=(FERN,)),
    Case("fenced", raw=f"```json\n[{FERN_CALL}]\n```", calls=(FERN,)),
    Case(
        "behind Mistral's mark", raw=f"Well. [TOOL_CALLS][{FERN_CALL}]", text="Well.", calls=(FERN,)
    ),
    Case("in tags", raw=f"<tool_call>[{FERN_CALL}]</tool_call>", calls=(FERN,)),
    Case(
        "behind a thought", raw=f"<think>Dry.</think>[{FERN_CALL}]", reasoning="Dry.", calls=(FERN,)
    ),
    Case(
        "fenced after words",
        raw=f"I water it.\n```json\n[{FERN_CALL}]\n```",
        text="I water it.",
        calls=(FERN,),
        auto="text",
    ),
    Case("prose", raw="Twice a week.", text="Twice a week."),
)
