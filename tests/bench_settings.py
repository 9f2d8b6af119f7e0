"""Settings of the servers that proofs run: the site's, with a blocking tool and quick log-ins."""

from __future__ import annotations

from toolbench_site.settings import *  # noqa: F403
from toolbench_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.blocking_app"]
# Logging in is not what the proofs measure.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
