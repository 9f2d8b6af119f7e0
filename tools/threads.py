"""The threads in which blocking tools run, apart from every other pool of the process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

THREADS = 16

Job = tuple[Future[Any], Callable[[], Any]]


class ToolThreads:
    """A bounded pool of daemon threads: a tool that never returns cannot hold up the exit.

    `ThreadPoolExecutor` joins its threads when the interpreter ends, and would wait for it.
    """

    def __init__(self, size: int = THREADS, after_each: Callable[[], None] | None = None) -> None:
        self._size = size
        self._after_each = after_each
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        """Run the function in a thread as soon as one is free."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("The threads for blocking tools are shut down.")
            self._jobs.put((future, function))
            if self._idle:
                self._idle -= 1
            elif len(self._threads) < self._size:
                name = f"tool-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self) -> None:
        """Refuse new jobs, drop those that wait, and let idle threads end; waits for none."""
        with self._lock:
            self._closed = True
            try:
                while True:
                    job = self._jobs.get_nowait()
                    if job is not None:
                        job[0].cancel()
            except queue.Empty:
                pass
            for _ in self._threads:
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, function = job
            if future.set_running_or_notify_cancel():
                self._run(future, function)
            # A thread that finds another job waiting is not idle: it takes that job next.
            del job, future, function
            with self._lock:
                if self._jobs.empty():
                    self._idle += 1

    def _run(self, future: Future[Any], function: Callable[[], Any]) -> None:
        try:
            try:
                result = function()
            finally:
                if self._after_each is not None:
                    self._after_each()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)


_pool: ToolThreads | None = None
_pool_lock = threading.Lock()
_after_each: Callable[[], None] | None = None


def after_each_call(function: Callable[[], None]) -> None:
    """Have the function called in the tool's thread after every blocking call."""
    global _after_each
    _after_each = function


def submit(function: Callable[[], Any]) -> Future[Any]:
    """Run the function in a thread for tools; the threads start when first needed."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ToolThreads(after_each=_after_each)
        return _pool.submit(function)


def shutdown() -> None:
    """End the pool; a later blocking call starts a new one."""
    global _pool
    with _pool_lock:
        if _pool is not None:
            _pool.shutdown()
            _pool = None
