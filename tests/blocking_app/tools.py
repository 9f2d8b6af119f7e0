"""A tool that blocks its thread, for the proofs of Stop."""

from __future__ import annotations

import time
import urllib.request

from django.conf import settings

from tools.registry import tool


@tool(time_limit=10)
def hold_a_thread(seconds: float) -> str:
    """Tell the weather service that this runs, then hold the thread.

    Args:
        seconds: How long to hold it.
    """
    address = f"{settings.TOOLBENCH_OPEN_METEO_URL}/holding"
    urllib.request.urlopen(address, timeout=5).close()
    time.sleep(seconds)
    return f"held for {seconds:g} s"
