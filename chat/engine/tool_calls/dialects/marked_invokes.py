"""Less known marks round `<invoke name="NAME">`, each tried wherever no dialect is named."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags
from chat.engine.tool_calls.grammar import Dialect

_TAGS = (
    # Dots.
    invoke_tags("", "dots_function_call"),
    # GigaChat 3.5.
    invoke_tags("｜GCML｜", "｜GCML｜function_calls", trims=False),
    invoke_tags("｜GCML｜", "｜GCML｜tool_calls", trims=False),
    # DeepSeek V4.1 puts a blank before its words.
    invoke_tags("｜DSML｜ ", "｜DSML｜ calls", trims=False),
    # Step's research models.
    invoke_tags("steptml:", "steptml:toolcall"),
)

DIALECT = Dialect("marked_invokes", tuple(rule for tags in _TAGS for rule in tags.rules[:1]))
