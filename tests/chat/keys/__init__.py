"""API keys: text, services, access, sockets, limits."""
