"""The site's settings with SQLite's synchronous=NORMAL: what FULL costs is measured against it."""

from __future__ import annotations

from toolbench_site.settings import *  # noqa: F403
from toolbench_site.settings import DATABASES

DATABASES["default"]["OPTIONS"]["init_command"] = DATABASES["default"]["OPTIONS"][
    "init_command"
].replace("synchronous=FULL", "synchronous=NORMAL")
