"""`manage.py rotate_keys`."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from chat.encryption import UndecryptableSecret
from chat.models import ModelRoute
from chat.services.routes import save_route


def test_after_rotation_the_first_key_alone_opens_everything(
    route: ModelRoute, lab_route: ModelRoute, settings: Any
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.TOOLBENCH_ENCRYPTION_KEYS = [old]
    save_route(route, "sk-one")
    version = ModelRoute.objects.get(pk=route.pk).updated_at
    settings.TOOLBENCH_ENCRYPTION_KEYS = [new, old]
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert out.getvalue().startswith("1 secret is encrypted")
    assert "sk-one" not in out.getvalue()
    settings.TOOLBENCH_ENCRYPTION_KEYS = [new]
    rotated = ModelRoute.objects.get(pk=route.pk)
    assert rotated.api_key.reveal() == "sk-one"
    assert rotated.updated_at == version
    settings.TOOLBENCH_ENCRYPTION_KEYS = [old]
    with pytest.raises(UndecryptableSecret):
        ModelRoute.objects.get(pk=route.pk).api_key.reveal()


def test_one_unreadable_secret_leaves_all_as_they_were(
    route: ModelRoute, lab_route: ModelRoute, settings: Any
) -> None:
    lost, old, new = (Fernet.generate_key().decode() for _ in range(3))
    settings.TOOLBENCH_ENCRYPTION_KEYS = [old]
    save_route(route, "sk-one")
    settings.TOOLBENCH_ENCRYPTION_KEYS = [lost]
    save_route(lab_route, "sk-two")
    settings.TOOLBENCH_ENCRYPTION_KEYS = [new, old]
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_keys")
    settings.TOOLBENCH_ENCRYPTION_KEYS = [old]
    assert ModelRoute.objects.get(pk=route.pk).api_key.reveal() == "sk-one"
