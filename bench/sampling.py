"""Where a serving process spends its CPU: each thread's stack, every few ms of its own CPU time.

A timer on each thread's CPU clock signals the main thread, whose handler looks at that thread's
stack. So a sample stands for CPU that was used, never for waiting, and nothing is traced in
between. Linux only; resolution is the kernel's tick (1–4 ms).
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections import Counter
from types import FrameType

INTERVAL_NS = 1_000_000
SIGEV_THREAD_ID = 4
DEPTH = 60

_libc = ctypes.CDLL(None, use_errno=True)


class _Event(ctypes.Structure):
    _fields_ = [
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread_id", ctypes.c_int),
        ("padding", ctypes.c_int * 11),
    ]


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Timer(ctypes.Structure):
    _fields_ = [("interval", _Time), ("value", _Time)]


class Sampler:
    """Counts stacks by thread; threads that appear later are found by `look_for_threads`."""

    def __init__(self) -> None:
        self.stacks: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._threads: dict[int, tuple[int, str]] = {}
        self._timers: dict[int, ctypes.c_void_p] = {}
        self._free = list(range(signal.SIGRTMIN + 1, signal.SIGRTMAX))

    def look_for_threads(self) -> None:
        """Set a timer on every thread that has none; called in the main thread."""
        alive = {thread.ident: thread.name for thread in threading.enumerate()}
        for gone in self._timers.keys() - alive.keys():
            _libc.timer_delete(self._timers.pop(gone))
        known = {ident for ident, _ in self._threads.values()}
        for ident, name in alive.items():
            if ident is not None and ident not in known and self._free:
                self._watch(ident, name)

    def stop(self) -> None:
        """Take all timers away, so that none signals a process that is ending."""
        for timer in self._timers.values():
            _libc.timer_delete(timer)
        self._timers.clear()
        for number in self._threads:
            signal.signal(number, signal.SIG_IGN)

    def as_lines(self) -> list[list[object]]:
        """Samples as JSON takes them: thread, innermost place first, count."""
        return [[name, list(stack), count] for (name, stack), count in self.stacks.items()]

    def _watch(self, ident: int, name: str) -> None:
        number = self._free.pop()
        event = _Event(None, number, SIGEV_THREAD_ID, threading.get_native_id())
        timer = ctypes.c_void_p()
        clock = time.pthread_getcpuclockid(ident)
        self._threads[number] = (ident, name)
        signal.signal(number, self._sample)
        if _libc.timer_create(ctypes.c_int(clock), ctypes.byref(event), ctypes.byref(timer)):
            raise OSError(ctypes.get_errno(), "timer_create")
        every = _Time(0, INTERVAL_NS)
        if _libc.timer_settime(timer, 0, ctypes.byref(_Timer(every, every)), None):
            raise OSError(ctypes.get_errno(), "timer_settime")
        self._timers[ident] = timer

    def _sample(self, number: int, frame: FrameType | None) -> None:
        ident, name = self._threads[number]
        if ident != threading.main_thread().ident:
            frame = sys._current_frames().get(ident)
        stack: list[str] = []
        while frame is not None and len(stack) < DEPTH:
            code = frame.f_code
            stack.append(f"{code.co_filename}:{code.co_name}")
            frame = frame.f_back
        self.stacks[name, tuple(stack)] += 1
