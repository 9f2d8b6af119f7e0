"""Settings of the test run: a data directory of its own, a file database, plain static names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_data = Path(tempfile.mkdtemp(prefix=f"toolbench-tests-{_worker}-"))
os.environ["TOOLBENCH_DATA_DIR"] = str(_data)
os.environ["TOOLBENCH_DISCOVER"] = "false"

from toolbench_site.settings import *  # noqa: E402, F403
from toolbench_site.settings import DATABASES, STORAGES  # noqa: E402

# A file in WAL mode, as in production: the in-memory database locks tables between threads.
DATABASES["default"]["TEST"] = {"NAME": str(_data / "test.sqlite3")}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
