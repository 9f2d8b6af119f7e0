"""The text of an API key: made, recognised, and brought to what is stored of it.

`tb_<prefix>_<secret><checksum>`: scanners of repositories and logs find it by its shape, and a
mistyped one is told from a wrong one without asking the database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass

PREFIX_ALPHABET = string.ascii_lowercase + string.digits
PREFIX_LENGTH = 10
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_BITS = 256
# 62 ** 43 is the first power of 62 above 2 ** 256.
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6

SHAPE = re.compile(
    rf"tb_(?P<prefix>[a-z0-9]{{{PREFIX_LENGTH}}})_"
    rf"[0-9A-Za-z]{{{SECRET_LENGTH}}}(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as it is made: the text for its holder, prefix and digest for the database."""

    text: str
    prefix: str
    digest: str

    def __repr__(self) -> str:
        return f"KeyText(tb_{self.prefix}_…)"


def make_key_text() -> KeyText:
    """A new key with 256 random bits."""
    return key_text_with("".join(secrets.choice(PREFIX_ALPHABET) for _ in range(PREFIX_LENGTH)))


def key_text_with(prefix: str) -> KeyText:
    """A key with a prefix that was chosen, and a secret of its own."""
    body = f"tb_{prefix}_{_digits(secrets.randbits(SECRET_BITS), SECRET_LENGTH)}"
    text = body + _checksum(body)
    return KeyText(text, prefix, digest_of(text))


def prefix_of(text: str) -> str | None:
    """The prefix of what may be a key of Toolbench; None for anything else and for typos."""
    found = SHAPE.fullmatch(text)
    if found is None or _checksum(text[:-CHECKSUM_LENGTH]) != found["checksum"]:
        return None
    return found["prefix"]


def hide_keys(text: str) -> str:
    """The text with no more of the keys in it than their prefixes."""
    return SHAPE.sub(r"tb_\g<prefix>_…", text) if "tb_" in text else text


def digest_of(text: str) -> str:
    """What is stored of a key, in hexadecimal digits: its SHA-256 (see ApiKey for why no more)."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _digits(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _digits(number: int, length: int) -> str:
    found = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        found.append(ALPHABET[digit])
    return "".join(reversed(found))
