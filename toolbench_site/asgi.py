"""The site as an ASGI application: HTTP, websockets and lifespan; any ASGI server can run it."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toolbench_site.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter

from chat.api.connections import watched
from chat.lifecycle import lifespan_application
from chat.routing import websocket_application
from toolbench_site.programs import divided

http_application = watched(divided(django_application))

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": websocket_application,
        "lifespan": lifespan_application,
    }
)
