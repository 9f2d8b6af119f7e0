"""Less known marks round JSON."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, FERN_CALL, announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "marked_json"

CASES = (
    *announced("<|tool_calls|>", "<|/tool_calls|>", is_list=True),
    *(
        Case(f"between {opener} and {closer}", raw=f"{opener}{FERN_CALL}{closer}", calls=(FERN,))
        for opener, closer in (
            ("<tool>", "</tool>"),
            ("<longcat_tool_call>", "</longcat_tool_call>"),
            ("<tool_code>\n", "\n</tool_code>"),
            ("<function_calls>[", "]</function_calls>"),
            ("[TOOL_CALL] ", " [/TOOL_CALL]"),
            ("[unused11][", "][unused12]"),
            ("function call<|role_sep|>\n", "</s>"),
        )
    ),
    Case("the words", raw="A function call is text.", text="A function call is text."),
    Case("HTML", raw="<tool>hammer</tool>", text="<tool>hammer</tool>"),
)
