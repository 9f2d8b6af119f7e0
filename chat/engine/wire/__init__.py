"""Bytes of a model server to typed deltas; every server's quirk lives here."""
