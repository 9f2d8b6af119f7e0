"""The admin of chat: routes to configure, keys to make and revoke, everything else to read."""

from chat.admin import conversations, keys, routes, stages, users

__all__ = ["conversations", "keys", "routes", "stages", "users"]
