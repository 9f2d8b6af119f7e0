"""Encryption of what must not lie in the database in the clear: Fernet with a list of keys."""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UndecryptableSecret(Exception):
    """None of the configured keys opens a stored secret."""


class Secret:
    """A stored secret that shows itself only when asked by name."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def of(cls, plain: str) -> Secret:
        """The secret that hides `plain`."""
        return cls(encrypt(plain))

    @property
    def token(self) -> str:
        """The encrypted text as it is stored."""
        return self._token

    def reveal(self) -> str:
        """The plain text; raises UndecryptableSecret if no configured key opens it."""
        return decrypt(self._token)

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._token == self._token

    def __hash__(self) -> int:
        return hash(self._token)


def encrypt(plain: str) -> str:
    """`plain` encrypted with the first key."""
    return _fernet(tuple(settings.TOOLBENCH_ENCRYPTION_KEYS)).encrypt(plain.encode()).decode()


def decrypt(token: str) -> str:
    """The plain text of `token`; raises UndecryptableSecret if no configured key opens it."""
    try:
        return _fernet(tuple(settings.TOOLBENCH_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise UndecryptableSecret(
            "None of the keys in TOOLBENCH_ENCRYPTION_KEYS opens this secret. Add the key it was "
            "stored with, or store the secret again."
        ) from None


def rotate(token: str) -> str:
    """The same secret encrypted with the first key."""
    try:
        return _fernet(tuple(settings.TOOLBENCH_ENCRYPTION_KEYS)).rotate(token.encode()).decode()
    except InvalidToken:
        raise UndecryptableSecret("None of the configured keys opens this secret.") from None


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
