"""A stage as one JSON answer: its text, its tools' results, or what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from chat.api.following import Followed, Heartbeat, Unavailable, follow
from chat.api.statuses import UPSTREAM_STATUS, json_response
from chat.api.threads import let_thread_go

STOPPED = {
    "user": "The stage was stopped by its owner before it had ended.",
    "admin": "The stage was stopped by an admin before it had ended.",
    "shutdown": "The stage was stopped because Toolbench is being restarted. Send it again.",
}


class _Whole:
    """What a stage's events come to."""

    def __init__(self, stage_id: UUID) -> None:
        self._stage_id = str(stage_id)
        self._wants_results = False
        self._phase = ""
        self._said: list[str] = []
        self._results: dict[str, str] = {}

    def take(self, item: Followed) -> HttpResponse | None:
        """The next event; the answer where it is the last."""
        data = item.data
        match item.event:
            case "stage_started":
                self._wants_results = data["mode"] == "toolchain" and not data["synthesis"]
            case "chat_completion_chunk" if data.get("content"):
                # The message is the text of the last phase that has any.
                if data["phase"] != self._phase:
                    self._phase, self._said = data["phase"], []
                self._said.append(data["content"])
            case "tool_summary":
                self._results |= data["tool_summary"]
            case "done" if self._wants_results:
                return self._answer("tool_results", tool_results=self._results)
            case "done":
                return self._answer("text", text="".join(self._said))
            case "cancel":
                return self.failure("cancel", STOPPED[data["by"]])
            case "error":
                return self.failure(data["code"], data["message"])
        return None

    def failure(self, code: str, message: str) -> HttpResponse:
        """The stage has no result."""
        status = UPSTREAM_STATUS.get(code, 200)
        answer = self._answer("error", status, code=code, message=message)
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer

    def _answer(self, kind: str, status: int = 200, **more: Any) -> HttpResponse:
        return json_response({"stage_id": self._stage_id, "type": kind, **more}, status)


async def whole_response(
    stage_id: UUID, *, ended: Callable[[], None] = lambda: None
) -> HttpResponse:
    """The answer, once the stage has ended; `ended` is called when it has."""
    let_thread_go()
    whole = _Whole(stage_id)
    async with aclosing(follow(stage_id)) as news:
        async for item in news:
            match item:
                case Followed():
                    answer = whole.take(item)
                    if answer is not None:
                        ended()
                        return answer
                case Unavailable(message=message):
                    return whole.failure("interrupted", message)
                case Heartbeat():
                    pass
    return whole.failure("interrupted", "The stage was deleted before it had ended.")
