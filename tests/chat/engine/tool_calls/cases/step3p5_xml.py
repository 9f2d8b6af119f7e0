"""Step 3.5: the calls of Qwen3-Coder."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases.qwen3_coder import write
from tests.chat.engine.tool_calls.tagged_calls import tagged

DIALECT = "step3p5_xml"
CASES = tagged(write)
