"""What the environment says: every variable Toolbench reads, typed and with its default."""

from __future__ import annotations

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Literal

from cryptography.fernet import Fernet
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """The variables of the environment; those without a prefix are the field's usual names."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", alias="HOST")
    port: int = Field(8000, alias="PORT", ge=0, le=65535)
    data_dir: Path = Field(BASE_DIR / "var", alias="TOOLBENCH_DATA_DIR")
    server: Literal["daphne", "uvicorn"] = Field("daphne", alias="TOOLBENCH_SERVER")
    database_url: str = Field("", alias="DATABASE_URL")
    database_connections: int = Field(20, alias="TOOLBENCH_DATABASE_CONNECTIONS", ge=8)
    redis_url: str = Field("", alias="REDIS_URL")
    secret_key: str = Field("", alias="SECRET_KEY")
    encryption_keys: str = Field("", alias="TOOLBENCH_ENCRYPTION_KEYS")
    allowed_hosts: str = Field("", alias="ALLOWED_HOSTS")
    csrf_trusted_origins: str = Field("", alias="CSRF_TRUSTED_ORIGINS")
    https: bool | None = Field(None, alias="TOOLBENCH_HTTPS")
    demo: bool | None = Field(None, alias="TOOLBENCH_DEMO")
    discover: bool = Field(True, alias="TOOLBENCH_DISCOVER")
    user_stages: int = Field(8, alias="TOOLBENCH_USER_STAGES", ge=1)
    user_sockets: int = Field(32, alias="TOOLBENCH_USER_SOCKETS", ge=1)
    commands_per_second: int = Field(50, alias="TOOLBENCH_COMMANDS_PER_SECOND", ge=1)
    key_requests_per_minute: int = Field(600, alias="TOOLBENCH_KEY_REQUESTS_PER_MINUTE", ge=1)
    user_requests_per_minute: int = Field(1200, alias="TOOLBENCH_USER_REQUESTS_PER_MINUTE", ge=1)
    key_failures_per_minute: int = Field(30, alias="TOOLBENCH_KEY_FAILURES_PER_MINUTE", ge=1)
    heartbeat_seconds: float = Field(15.0, alias="TOOLBENCH_HEARTBEAT_SECONDS", gt=0)
    grace_seconds: float = Field(5.0, alias="TOOLBENCH_GRACE_SECONDS", ge=0)
    journal_retry_seconds: float = Field(30.0, alias="TOOLBENCH_JOURNAL_RETRY_SECONDS", ge=0)
    log_level: str = Field("INFO", alias="TOOLBENCH_LOG_LEVEL")
    time_zone: str = Field("UTC", alias="TZ_NAME")
    open_meteo_url: str = Field("https://api.open-meteo.com", alias="TOOLBENCH_OPEN_METEO_URL")
    geocoding_url: str = Field(
        "https://geocoding-api.open-meteo.com", alias="TOOLBENCH_GEOCODING_URL"
    )
    iss_url: str = Field("https://api.wheretheiss.at", alias="TOOLBENCH_ISS_URL")

    @property
    def on_loopback(self) -> bool:
        """Whether `HOST` can be reached from this machine only."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address stands for this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def split_list(text: str) -> list[str]:
    """The parts of a comma-separated variable."""
    return [part.strip() for part in text.split(",") if part.strip()]


def stored_secret(path: Path, make: str) -> str:
    """The secret in `path`, made on first use and readable by its owner alone (0600).

    `make` names the kind: "secret" for Django's SECRET_KEY, "fernet" for an encryption key. Two
    processes that start at once agree: the file is created exclusively, the loser reads it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    value = Fernet.generate_key().decode() if make == "fernet" else secrets.token_urlsafe(50)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    return value
