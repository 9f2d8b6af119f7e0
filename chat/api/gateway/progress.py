"""What a stage's events mean to a client of the Chat Completions API, one after the other."""

from __future__ import annotations

import json
from typing import Any, Literal

import orjson

from chat.api.gateway.errors import ApiProblem, of_cancel, of_failure
from chat.engine.tool_round import CUT_OFF, mended_text

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Delta = dict[str, Any]

BETWEEN_TURNS = "\n\n"


class Progress:
    """The events of one stage taken in; `take` gives what each adds to the message."""

    def __init__(self, *, hands_over: bool) -> None:
        self.is_over = False
        self.problem: ApiProblem | None = None
        """Why there is no answer, or no whole one."""
        self.finish_reason: FinishReason = "stop"
        self.calls: list[dict[str, Any]] = []
        """Handed over, as OpenAI's tool_calls."""
        self.executed: dict[str, dict[str, Any]] = {}
        """By call id, those that were executed here."""
        self.repairs: list[str] = []
        """Codes of what was mended, each once."""
        self._hands_over = hands_over
        self._is_cut_short = False
        self._usage: dict[str, int] | None = None
        self._turns: dict[str, tuple[str, int]] = {}

    @property
    def usage(self) -> dict[str, Any] | None:
        """Token counts of all requests to the model server; None where it told none."""
        if self._usage is None:
            return None
        usage: dict[str, Any] = dict(self._usage)
        reasoning = usage.pop("reasoning_tokens")
        return {**usage, "completion_tokens_details": {"reasoning_tokens": reasoning}}

    def take(self, event: str, data: dict[str, Any]) -> Delta | None:
        """What the event adds to the message."""
        match event:
            case "chat_completion_chunk":
                return self._said(data)
            case "tool_call" if self._hands_over:
                return self._handed_over(data)
            case "tool_call":
                self.executed[data["call_id"]] = {
                    "tool": data["tool"],
                    "arguments": data["arguments"],
                    "status": "",
                    "result": "",
                }
            case "tool_result":
                if (run := self.executed.get(data["call_id"])) is not None:
                    run["status"], run["result"] = data["status"], data["content"]
            case "usage":
                self._count(data)
            case "repair":
                if data["code"] not in self.repairs:
                    self.repairs.append(data["code"])
            case "done":
                self.is_over = True
                self.finish_reason = self._finish(data["finish_reason"])
            case "error":
                self.is_over = True
                self.problem = of_failure(data)
            case "cancel":
                self.is_over = True
                self.problem = of_cancel(data["by"])
        return None

    def _said(self, data: dict[str, Any]) -> Delta:
        delta = {}
        if reasoning := data.get("reasoning"):
            delta["reasoning_content"] = self._parted("reasoning", data, reasoning)
        if content := data.get("content"):
            delta["content"] = self._parted("content", data, content)
        return delta

    def _parted(self, kind: str, data: dict[str, Any], text: str) -> str:
        """The text, after a blank line where it begins another turn."""
        turn = (data["phase"], data["round"])
        before = self._turns.get(kind)
        if turn == before:
            return text
        self._turns[kind] = turn
        return text if before is None else BETWEEN_TURNS + text

    def _handed_over(self, data: dict[str, Any]) -> Delta | None:
        if CUT_OFF in data["errors"] or _is_half(data):
            # Half a call is none; that the answer is cut short its finish_reason says, though
            # some servers would have it that the model had ended.
            self._is_cut_short = True
            return None
        call = {
            "id": data["call_id"],
            "type": "function",
            "function": {"name": data["tool"], "arguments": _arguments(data)},
        }
        self.calls.append(call)
        return {"tool_calls": [{"index": len(self.calls) - 1, **call}]}

    def _count(self, data: dict[str, Any]) -> None:
        if self._usage is None:
            self._usage = dict.fromkeys(
                ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"), 0
            )
        self._usage["prompt_tokens"] += data["input_tokens"]
        self._usage["completion_tokens"] += data["output_tokens"]
        self._usage["total_tokens"] += data["total_tokens"]
        self._usage["reasoning_tokens"] += data.get("reasoning_tokens") or 0

    def _finish(self, reason: str | None) -> FinishReason:
        """The four reasons that clients know, whatever the model server said."""
        match reason:
            case "length" | "content_filter":
                return reason
        if self._is_cut_short:
            return "length"
        return "tool_calls" if self.calls else "stop"


def _is_half(data: dict[str, Any]) -> bool:
    """Whether the argument text of a call ends before its JSON does."""
    if data["arguments"] is not None:
        return False
    raw: str = data["raw_arguments"].rstrip()
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        return error.pos >= len(raw) or error.msg.startswith("Unterminated string")
    except RecursionError:
        pass
    return False


def _arguments(data: dict[str, Any]) -> str:
    """A call's arguments as JSON text: the model's own where it is JSON, else as it was mended.

    Where it could not be mended the caller gets what the model wrote, as from OpenAI.
    """
    raw: str = data["raw_arguments"]
    arguments = data["arguments"]
    if arguments is None:
        return raw
    try:
        if orjson.loads(raw) == arguments:
            return raw
    except orjson.JSONDecodeError:
        pass
    return mended_text(arguments)
