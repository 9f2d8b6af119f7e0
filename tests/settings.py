"""Settings of the test run: a data directory and a database of its own, plain static names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tests import backing

_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_data = Path(tempfile.mkdtemp(prefix=f"toolbench-tests-{_worker}-"))
os.environ["TOOLBENCH_DATA_DIR"] = str(_data)
os.environ["TOOLBENCH_DISCOVER"] = "false"
# Never what this shell's variables lead to.
os.environ["DATABASE_URL"] = backing.database_url("tests") if backing.is_cluster() else ""
os.environ["REDIS_URL"] = backing.redis_url(f"pytest-{_worker}") if backing.is_cluster() else ""

from toolbench_site.settings import *  # noqa: E402, F403
from toolbench_site.settings import CHANNEL_LAYERS, DATABASES, STORAGES  # noqa: E402

if backing.is_cluster():
    DATABASES["default"]["TEST"] = {"NAME": "pytest", "TEMPLATE": backing.template()}
    # Redis has one set of channels, whatever the number of the database.
    CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"pytest-{_worker}"
else:
    # A file in WAL mode, as in production: the in-memory database locks tables between threads.
    DATABASES["default"]["TEST"] = {"NAME": str(_data / "test.sqlite3")}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
