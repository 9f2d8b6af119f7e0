"""The thread that Django keeps for each request under way, let go of by those that take long.

Its middleware needs it for a moment, before the view and after it. A stream, or an answer that
waits for a stage's end, would keep an idle thread for minutes: three hundred streams, three hundred
threads (asgiref.sync.ThreadSensitiveContext).
"""

from __future__ import annotations

from asgiref.sync import SyncToAsync


def let_thread_go() -> None:
    """End the idle thread of this request; where one is needed again, another is started."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None:
        return
    executor = SyncToAsync.context_to_thread_executor.pop(context, None)
    if executor is not None:
        executor.shutdown(wait=False)
