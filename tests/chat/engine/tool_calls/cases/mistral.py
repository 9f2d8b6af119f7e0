"""Mistral: `[TOOL_CALLS]` before a list, or before a name and its arguments."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "mistral"
FERN_CALL = '[TOOL_CALLS]water[ARGS]{"plant": "fern"}'

CASES = (
    *announced("[TOOL_CALLS]", "", is_list=True),
    Case("a name and arguments", raw=FERN_CALL, calls=(FERN,)),
    Case("no mark before the arguments", raw='[TOOL_CALLS]water{"plant": "fern"}', calls=(FERN,)),
    Case("words before", raw=f"Let me see. {FERN_CALL}", text="Let me see.", calls=(FERN,)),
    Case("words behind", raw=f"{FERN_CALL} Done.", text="Done.", calls=(FERN,)),
    Case(
        "two, each with its mark",
        raw=f"{FERN_CALL}[TOOL_CALLS]list_plants[ARGS]{{}}",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "two behind one mark",
        raw=f"{FERN_CALL}, list_plants[ARGS]{{}}",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "a comma that goes on in words",
        raw=f"{FERN_CALL}, look",
        text=", look",
        calls=(FERN,),
    ),
    Case(
        "ids",
        raw='[TOOL_CALLS]water[CALL_ID]a1b2c3d4e[ARGS]{"plant": "fern"}'
        "[TOOL_CALLS]list_plants[CALL_ID]f5[ARGS]{}",
        calls=(FERN, ("list_plants", {})),
        ids=("a1b2c3d4e", "f5"),
    ),
    Case(
        "a name of which another is the beginning",
        raw="[TOOL_CALLS]list[ARGS]{}[TOOL_CALLS]list_plants[ARGS]{}",
        calls=(("list", {}), ("list_plants", {})),
        tools={"list": {}, "list_plants": {}},
    ),
    Case(
        "an unknown name",
        raw="[TOOL_CALLS]fly[ARGS]{}",
        text="[TOOL_CALLS]fly[ARGS]{}",
    ),
    Case(
        "a call within a thought is thought",
        raw=f"[THINK]I could say {FERN_CALL} now.[/THINK]{FERN_CALL}",
        reasoning=f"I could say {FERN_CALL} now.",
        calls=(FERN,),
    ),
    Case(
        "thoughts left in the text",
        raw="[THINK]Dry.[/THINK]Yes.",
        text="[THINK]Dry.[/THINK]Yes.",
        thoughts=False,
    ),
    Case(
        "cut off in the arguments",
        raw='[TOOL_CALLS]water[ARGS]{"plant": "fe',
        calls=(("water", '{"plant": "fe'),),
    ),
    Case("cut off in the name", raw="[TOOL_CALLS]wat", text="[TOOL_CALLS]wat"),
)
