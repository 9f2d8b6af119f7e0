"""Settings of commands in tests: the site's, with a demo model that is quick, but no instant."""

from __future__ import annotations

from toolbench_site.settings import *  # noqa: F403

TOOLBENCH_DEMO_PIECES_PER_SECOND = 400.0
