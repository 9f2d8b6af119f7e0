"""Settings of the site: the environment first, then what holds for every installation."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from toolbench_site.backing import cache, channel_layer, database
from toolbench_site.environment import BASE_DIR, Environment, split_list, stored_secret

env = Environment()

DATA_DIR = env.data_dir.absolute()
DEBUG = False
HTTPS = env.https if env.https is not None else not env.on_loopback

# --- Secrets: made on first start in the data directory; off loopback they must be given. -------
_secrets_given = bool(env.secret_key and env.encryption_keys)
if not env.on_loopback and not (_secrets_given and env.allowed_hosts):
    missing = [
        name
        for name, value in (
            ("SECRET_KEY", env.secret_key),
            ("TOOLBENCH_ENCRYPTION_KEYS", env.encryption_keys),
            ("ALLOWED_HOSTS", env.allowed_hosts),
        )
        if not value
    ]
    raise ImproperlyConfigured(
        f"HOST={env.host} can be reached from other machines, so these must be set in the "
        f"environment: {', '.join(missing)}. docs/production.md says how to make them."
    )
SECRET_KEY = env.secret_key or stored_secret(DATA_DIR / "secret_key", "secret")
# The first key encrypts, all of them decrypt; `manage.py rotate_keys` re-encrypts with the first.
TOOLBENCH_ENCRYPTION_KEYS = split_list(env.encryption_keys) or split_list(
    stored_secret(DATA_DIR / "encryption_keys", "fernet").replace("\n", ",")
)

ALLOWED_HOSTS = split_list(env.allowed_hosts) or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = split_list(env.csrf_trusted_origins)

# --- Toolbench ------------------------------------------------------------------------------------
TOOLBENCH_HOST = env.host
TOOLBENCH_PORT = env.port
TOOLBENCH_SERVER = env.server
TOOLBENCH_DEMO = env.demo if env.demo is not None else env.on_loopback
TOOLBENCH_DISCOVER = env.discover
TOOLBENCH_USER_STAGES = env.user_stages
TOOLBENCH_USER_SOCKETS = env.user_sockets
TOOLBENCH_COMMANDS_PER_SECOND = env.commands_per_second
TOOLBENCH_KEY_REQUESTS_PER_MINUTE = env.key_requests_per_minute
TOOLBENCH_USER_REQUESTS_PER_MINUTE = env.user_requests_per_minute
TOOLBENCH_KEY_FAILURES_PER_MINUTE = env.key_failures_per_minute
TOOLBENCH_HEARTBEAT_SECONDS = env.heartbeat_seconds
TOOLBENCH_GRACE_SECONDS = env.grace_seconds
TOOLBENCH_JOURNAL_RETRY_SECONDS = env.journal_retry_seconds
TOOLBENCH_OPEN_METEO_URL = env.open_meteo_url
TOOLBENCH_GEOCODING_URL = env.geocoding_url
TOOLBENCH_ISS_URL = env.iss_url

# --- Django ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "toolbench_site.apps.ToolbenchAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "lucide",
    "tools",
    "chat",
    "toolbench_site.apps.ToolbenchSiteConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "toolbench_site.assets.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "toolbench_site.urls"
ASGI_APPLICATION = "toolbench_site.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": database(
        env.database_url,
        sqlite_path=DATA_DIR / "toolbench.sqlite3",
        connections=env.database_connections,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Empty: one process alone, which counts requests in its own memory.
TOOLBENCH_REDIS_URL = env.redis_url
# Layers between processes carry hints only (docs/architecture.md).
CHANNEL_LAYERS = {"default": channel_layer(env.redis_url)}
CACHES = {"default": cache(env.redis_url)}
# Whether other processes may serve the same database: then a stage may run elsewhere.
TOOLBENCH_SEVERAL = bool(env.redis_url or env.database_url)

# --- People ---------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "toolbench_site.passwords.NotLikeYou"},
    {"NAME": "toolbench_site.passwords.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "toolbench_site.passwords.NotCommon"},
    {"NAME": "toolbench_site.passwords.NotOnlyDigits"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "toolbench_site.accounts.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = None

# --- Text and time --------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = env.time_zone
USE_I18N = True
USE_TZ = True

# --- Static files ---------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [path for path in (BASE_DIR / "build" / "assets",) if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "toolbench_site.assets.ManifestStorage"},
}

# --- Security -------------------------------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SILENCED_SYSTEM_CHECKS: list[str] = []
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Or the proxy is the one address whose log-ins are limited, and anybody locks out everybody.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^demo/v1/"]
else:
    # Plain HTTP is for loopback, where there is no TLS to insist on: HSTS, the redirect to HTTPS
    # and Secure cookies would only shut the person out of their own machine.
    SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# --- Logs: no key, prompt or result above DEBUG ---------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "toolbench_site.logs.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "chat": {"level": env.log_level},
        "tools": {"level": env.log_level},
        "toolbench_site": {"level": env.log_level},
    },
}
