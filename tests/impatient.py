"""Settings of a server that gives up readers after a second instead of thirty."""

from __future__ import annotations

from django.apps import AppConfig

from tests.bench_settings import *  # noqa: F403
from tests.bench_settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.impatient.Impatient"]


class Impatient(AppConfig):
    """Shortens the server's patience once the code it belongs to can be imported."""

    name = "tests.impatient"
    label = "impatient"

    def ready(self) -> None:
        """The apps are loaded."""
        from chat import delivery

        delivery.SLOW_SECONDS = 1.0
