"""What the guide's commands need of the machine."""

from __future__ import annotations

import shutil

import pytest


def need(*programs: str) -> None:
    """Skip where the guide's programs are not on this machine."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"cluster: the guide's {', '.join(missing)} is not on this machine.")
