"""The line that tells what was read in a capture: one shape for all kinds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from chat.engine.completions import RepairDelta
from chat.engine.events import RepairEvent
from chat.engine.repairs import repair
from chat.engine.tool_calls.mending import mend_call
from chat.explain.arguments import argument_fields
from chat.explain.captures import Tools


@dataclass
class Line:
    """What is told of one capture; `usage` and `errors` are the upstream's own objects."""

    id: str
    text: str = ""
    reasoning: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    errors: list[Any] = field(default_factory=list)
    refusal: str | None = None
    repairs: list[dict[str, Any]] = field(default_factory=list)
    content_object: dict[str, Any] | None = None
    """Content that came as an object; told only where it did."""

    def as_record(self) -> dict[str, Any]:
        """The line as JSON."""
        record = asdict(self)
        if self.content_object is None:
            del record["content_object"]
        return record

    def add_call(
        self, call_id: str, tool: str, raw_arguments: str, tools: Tools, *, complete: bool
    ) -> None:
        """A call that a person sees; broken arguments are mended where that is no guess."""
        fields = argument_fields(raw_arguments)
        if not isinstance(fields["arguments"], dict):
            schema = (tools or {}).get(tool, {})
            mended = mend_call(
                raw_arguments, schema, finish_reason=self.finish_reason, complete=complete
            )
            if mended is not None:
                fields = {"arguments": mended.arguments, "arguments_raw": raw_arguments}
                self.add_repair(repair("args_repaired_json", raw_arguments))
        self.tool_calls.append({"id": call_id, "name": tool, **fields})

    def add_repair(self, repair: RepairDelta | RepairEvent) -> None:
        """A repair, told once."""
        entry = {"code": repair.code, "detail": repair.detail}
        if repair.raw:
            entry["raw"] = repair.raw
        if entry not in self.repairs:
            self.repairs.append(entry)


def malformed(what: str) -> dict[str, str]:
    """An error of ours about an answer that is none, beside those that servers report."""
    return {"code": "upstream_malformed", "message": f"This is no chat completion: {what}"}
