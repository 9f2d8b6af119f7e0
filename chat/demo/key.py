"""The demo model's own API key, made from the site's secret and never stored in the clear."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

LABEL = b"toolbench demo model"


def demo_key() -> str:
    """The key that a request to the demo model must carry."""
    digest = hmac.new(settings.SECRET_KEY.encode(), LABEL, hashlib.sha256)
    return f"demo-{digest.hexdigest()}"


def is_demo_key(given: str) -> bool:
    """Whether this is the key, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), demo_key().encode())
