"""Addresses in a model's text: which may become a link, and what a person is told of them."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

SHOWN_LIMIT = 120

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")
_MAIL = re.compile(r"[A-Za-z0-9.!#$&'*+/=^_`{|}~-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")


@dataclass(frozen=True)
class Destination:
    """Where a permitted link leads: its address and the host that is shown beside it."""

    href: str
    host: str

    def is_told_by(self, words: str) -> bool:
        """Say whether the link's own words already are its address or its host."""
        bare = self.href.partition("://")[2] or self.href.removeprefix("mailto:")
        return words.strip() in {self.host, self.href, bare, bare.rstrip("/")}


def destination(href: str) -> Destination | None:
    """Return the destination of an absolute http, https or mailto address, else None.

    Stricter than the URL standard where browsers and Python read an address differently, and for
    names before an @, which only serve to pass one host off as another.
    """
    try:
        parts = urlsplit(href)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if any(character <= " " or character in '<>"\\' for character in href):
        return None
    if parts.scheme == "mailto":
        mail = _MAIL.fullmatch(parts.path)
        return Destination(href, mail[1]) if mail and not parts.netloc else None
    shown = f"[{host}]" if ":" in host else host
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not _HOST.fullmatch(shown):
        return None
    return Destination(href, f"{shown}:{port}" if port else shown)


def shortened(address: str) -> str:
    """Return an address as it is shown: cut at its end when it is long."""
    return address if len(address) <= SHOWN_LIMIT else address[:SHOWN_LIMIT] + "…"
