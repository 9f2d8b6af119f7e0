#!/usr/bin/env python3
"""Toolbench's command line: `manage.py serve` serves, `manage.py help` lists the rest."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toolbench_site.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed here. `make run` makes .venv/ and installs everything; then "
            "use `.venv/bin/python manage.py`."
        ) from error
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        raise SystemExit(f"Toolbench cannot start. {error}") from None


if __name__ == "__main__":
    main()
