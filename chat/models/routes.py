"""ModelRoute: an admin-configured way to a model."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from chat.engine.completions import RouteSettings
from chat.engine.tool_calls.dialects import DIALECT_NAMES
from chat.models.fields import SecretField
from chat.policy import FULL, AnyUser, Grant, is_known

PROTOCOL_OPENAI = "openai"


def validate_base_url(value: str) -> None:
    """A base URL is http or https, with a host, without user name, query or fragment."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https"):
        raise ValidationError(
            "Start the address with http:// or https://, for example http://10.0.4.12:8001/v1."
        )
    if not parts.hostname:
        path = value.split(":", 1)[1].lstrip("/")
        raise ValidationError(f"Write the address with two slashes: {parts.scheme}://{path}")
    try:
        _ = parts.port
    except ValueError:
        raise ValidationError(
            "Write the port as a number from 1 to 65535, for example http://10.0.4.12:8001/v1."
        ) from None
    if parts.username or parts.password:
        raise ValidationError("Leave user name and password out; the key has a field of its own.")
    if parts.query or parts.fragment:
        raise ValidationError("Leave out what comes after ? or #; the address ends with its path.")


def validate_limit_fields(value: Any) -> None:
    """A list of dotted paths such as max_tokens or options.num_predict."""
    if not isinstance(value, list) or not all(
        isinstance(path, str) and path and all(path.split(".")) for path in value
    ):
        raise ValidationError(
            'Write a list of field names, for example ["max_tokens", "options.num_predict"].'
        )


def validate_object(value: Any) -> None:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValidationError('Write a JSON object, for example {"top_p": 0.9}.')


def text_dialects() -> list[tuple[str, str]]:
    """The choices of text_dialect; a function, so that a new dialect needs no migration."""
    return [(name, name) for name in DIALECT_NAMES]


def default_limit_fields() -> list[str]:
    """The field nearly every server reads."""
    return ["max_tokens"]


class ModelRouteQuerySet(models.QuerySet["ModelRoute"]):
    """Routes, by who may use them."""

    def visible_to(self, user: AnyUser, grant: Grant = FULL) -> ModelRouteQuerySet:
        """Those a person may know of: admins all, others those open to all or to their groups.

        A key that is for certain routes knows of no others.
        """
        if not is_known(user):
            return self.none()
        rows = self if grant.route_ids is None else self.filter(pk__in=grant.route_ids)
        if user.is_superuser:
            return rows
        return rows.filter(Q(groups__isnull=True) | Q(groups__user=user)).distinct()

    def usable_by(self, user: AnyUser, grant: Grant = FULL) -> ModelRouteQuerySet:
        """Those a person may start a stage on."""
        return self.visible_to(user, grant).filter(enabled=True)


class ModelRoute(models.Model):
    """An admin-configured way to a model; requests name it by its slug."""

    class CheckStatus(models.TextChoices):
        """What the last connection check found."""

        UNKNOWN = "unknown", "not checked yet"
        CHECKING = "checking", "being checked"
        ONLINE = "online", "online"
        OFFLINE = "offline", "offline"

    slug = models.SlugField(unique=True, help_text="What requests call model_route.")
    display_name = models.CharField(max_length=120)
    upstream_model = models.CharField(
        max_length=200,
        blank=True,
        help_text="The model's name on its server, for example qwen3:8b.",
    )
    base_url = models.CharField(
        "base URL",
        max_length=500,
        blank=True,
        validators=[validate_base_url],
        help_text="For example http://127.0.0.1:11434/v1. A new scheme, host or port clears the "
        "key.",
    )
    protocol = models.CharField(
        max_length=20,
        default=PROTOCOL_OPENAI,
        help_text="openai is the one spoken today; a stage on any other is refused.",
    )
    api_key = SecretField(
        "API key", null=True, blank=True, editable=False, help_text="Encrypted; never shown again."
    )
    enabled = models.BooleanField(default=True)
    is_default = models.BooleanField("default", default=False)
    groups = models.ManyToManyField(
        Group, blank=True, help_text="Who may use it; none means everybody."
    )
    system_prompt = models.TextField("default system prompt", blank=True)
    tool_temperature = models.FloatField(
        null=True,
        blank=True,
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="For chat and the tool phase. Empty: not sent.",
    )
    synthesis_temperature = models.FloatField(
        null=True,
        blank=True,
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="Empty: not sent.",
    )
    tool_max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=1024,
        validators=[MinValueValidator(1)],
        help_text="For chat and the tool phase. Empty: no limit is sent.",
    )
    synthesis_max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=1024,
        validators=[MinValueValidator(1)],
        help_text="Empty: no limit is sent.",
    )
    token_limit_fields = models.JSONField(
        default=default_limit_fields,
        blank=True,
        validators=[validate_limit_fields],
        help_text="Each is set to the phase's limit: max_tokens, max_completion_tokens, "
        "options.num_predict.",
    )
    extra_body = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_object],
        help_text="Merged into every request's body.",
    )
    context_budget = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=24_000,
        validators=[MinValueValidator(1)],
        help_text="In tokens, estimated. Older turns are left out above it. Empty: none are.",
    )
    max_tool_rounds = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(32)]
    )
    connect_seconds = models.FloatField(default=10.0, validators=[MinValueValidator(0.1)])
    first_token_seconds = models.FloatField(default=300.0, validators=[MinValueValidator(0.1)])
    between_tokens_seconds = models.FloatField(default=60.0, validators=[MinValueValidator(0.1)])
    total_seconds = models.FloatField(default=1800.0, validators=[MinValueValidator(0.1)])
    text_dialect = models.CharField(
        max_length=40,
        default="auto",
        choices=text_dialects,
        help_text="How calls written as text are read: auto finds the dialect by itself.",
    )
    starts_inside_thinking = models.BooleanField(
        "the prompt template opens the thought",
        default=False,
        help_text="The model's text begins inside a thought and only closes it.",
    )
    stream_usage = models.BooleanField(
        "ask for token counts in streams",
        default=True,
        help_text="Sends stream_options.include_usage; some servers refuse it.",
    )
    price_input = models.DecimalField(
        "price of input",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Per million tokens. Empty: the bench shows no cost.",
    )
    price_output = models.DecimalField(
        "price of output",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Per million tokens.",
    )
    currency = models.CharField(
        max_length=8, blank=True, default="USD", help_text="Of both prices, for example USD."
    )
    check_status = models.CharField(
        max_length=10, choices=CheckStatus, default=CheckStatus.UNKNOWN, editable=False
    )
    check_text = models.TextField(blank=True, editable=False)
    check_models = models.JSONField(default=list, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ModelRouteQuerySet.as_manager()

    class Meta:
        ordering = ("-is_default", "display_name", "slug")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=Q(is_default=True), name="one_default_route"
            ),
            models.CheckConstraint(
                condition=Q(max_tool_rounds__gte=1), name="route_has_a_tool_round"
            ),
            models.CheckConstraint(
                condition=Q(connect_seconds__gt=0)
                & Q(first_token_seconds__gt=0)
                & Q(between_tokens_seconds__gt=0)
                & Q(total_seconds__gt=0),
                name="route_time_limits_positive",
            ),
        )

    def __str__(self) -> str:
        return self.display_name or self.slug

    @property
    def is_configured(self) -> bool:
        """Whether it says which model and where."""
        return bool(self.base_url and self.upstream_model)

    @property
    def host(self) -> str:
        """Host and port of the base URL."""
        return urlsplit(self.base_url).netloc

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host and port: what a key belongs to."""
        return url_origin(self.base_url)

    def as_settings(self) -> RouteSettings:
        """What the engine needs of it, the key in the clear."""
        return RouteSettings(
            slug=self.slug,
            base_url=self.base_url.rstrip("/"),
            model=self.upstream_model,
            api_key=self.api_key.reveal() if self.api_key else "",
            token_limit_fields=tuple(self.token_limit_fields),
            extra_body=self.extra_body,
            connect_seconds=self.connect_seconds,
            first_token_seconds=self.first_token_seconds,
            between_tokens_seconds=self.between_tokens_seconds,
            total_seconds=self.total_seconds,
            text_dialect=self.text_dialect,
            starts_inside_thinking=self.starts_inside_thinking,
            stream_usage=self.stream_usage,
            version=self.updated_at.isoformat(),
        )


def url_origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL, the port made explicit."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default
