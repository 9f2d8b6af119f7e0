"""The admin of chat: routes to configure, everything else to read."""

from chat.admin import conversations, routes, stages, users

__all__ = ["conversations", "routes", "stages", "users"]
