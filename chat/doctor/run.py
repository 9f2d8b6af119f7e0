"""An examination: the probes one after another, each within its time, all within theirs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from chat.doctor.findings import Finding, ProbeResult
from chat.doctor.patient import Log, Patient
from chat.doctor.probes import PROBES, Probe
from chat.engine.errors import UpstreamError

PROBE_SECONDS = 25.0
TOTAL_SECONDS = 100.0
# The first answer may wait for a model that is still to be loaded.
FIRST_SECONDS = 60.0
RATE_LIMIT_SECONDS = 5.0
# Where neither of the two plain questions is answered, the others would say nothing more.
PLAIN = ("whole", "stream")

Progress = Callable[[Probe, ProbeResult | None], Awaitable[None]]

logger = logging.getLogger(__name__)


async def examine(
    patient: Patient,
    progress: Progress,
    *,
    probes: Sequence[Probe] = PROBES,
    total_seconds: float = TOTAL_SECONDS,
) -> list[ProbeResult]:
    """Every probe's result, those not asked as skipped.

    `progress` hears of each probe as it begins (without a result) and as it ends. Cancelling
    closes what is open.
    """
    ends = time.monotonic() + total_seconds
    results: list[ProbeResult] = []
    why_not = ""
    for probe in probes:
        left = ends - time.monotonic()
        if not why_not and left < 1:
            why_not = f"Not asked: the examination ends after {_seconds(total_seconds)}."
        if why_not:
            result = ProbeResult(probe.code, "skipped", why_not)
        else:
            await progress(probe, None)
            longest = PROBE_SECONDS if patient.has_answered else FIRST_SECONDS
            result, log = await _ask(probe, patient, min(left, longest))
            if log.timed_out and left < longest:
                words = (
                    f"Not asked to its end: the examination ends after {_seconds(total_seconds)}."
                )
                result = replace(result, outcome="skipped", words=words)
            why_not = _why_stop(patient, probe, log)
        patient.results[probe.code] = result
        results.append(result)
        await progress(probe, result)
    return results


async def _ask(probe: Probe, patient: Patient, seconds: float) -> tuple[ProbeResult, Log]:
    """One probe; once more, a little later, where the server asked for fewer requests."""
    started = time.monotonic()
    patient.take_log()
    finding = await _finding(probe, patient, seconds)
    log = patient.take_log()
    left = seconds - (time.monotonic() - started)
    if log.rate_limited and left > 2 * RATE_LIMIT_SECONDS:
        await asyncio.sleep(RATE_LIMIT_SECONDS)
        finding = await _finding(probe, patient, left - RATE_LIMIT_SECONDS)
        log = patient.take_log()
    if log.rate_limited:
        finding = Finding(
            "unclear", "The server asked for fewer requests (429). Examine it again later."
        )
    mended = finding.outcome == "works" and bool(log.repairs)
    return ProbeResult(
        code=probe.code,
        outcome="repaired" if mended else finding.outcome,
        words=finding.words,
        repairs=tuple(log.repairs),
        milliseconds=round((time.monotonic() - started) * 1000),
        raw=log.raw,
        facts=finding.facts,
    ), log


async def _finding(probe: Probe, patient: Patient, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            return await probe.run(patient)
    except UpstreamError as error:
        return Finding("fails", error.message)
    except TimeoutError:
        patient.log.timed_out = True
        return Finding("fails", f"There was no whole answer within {_seconds(seconds)}.")
    except Exception as error:
        # A bug of ours is no finding about the server.
        logger.exception("The probe %s failed.", probe.code)
        return Finding("unclear", f"The probe itself failed ({type(error).__name__}).")


def _why_stop(patient: Patient, probe: Probe, log: Log) -> str:
    if log.unreachable:
        return "Not asked: the server cannot be reached."
    if probe.code == PLAIN[-1] and not patient.has_answered:
        return "Not asked: the server gave no answer to the plain questions before."
    return ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}\u2009s"
