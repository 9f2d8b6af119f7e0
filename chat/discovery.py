"""Model servers that run on this machine, looked for in the background and offered as routes.

What was found lives in this process's memory. The serving process calls `prepare` at its start and
`run_due_looks` every second or so; pages ask for another look with `request_look`. The key in
OPENAI_API_KEY goes to OpenAI's own address only, and only once a person looks at the offers.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.utils.text import slugify

from chat.model_list import Listing, ask_for_models
from chat.models import ModelRoute
from chat.models.routes import url_origin
from chat.services.routes import free_slug, save_route
from chat.turns import take_turn

USUAL_PORTS = (11434, 1234, 8000, 8001, 8080)
LOOK_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 10.0
OPENAI_URL = "https://api.openai.com/v1"
OPENAI = "OpenAI"
# Offered where the list of models cannot be had; the name can be changed on the route.
OPENAI_MODEL = "gpt-4.1-mini"
_OPENAI_CHAT = re.compile(r"^(gpt-|o\d|chatgpt-)")
_OPENAI_OTHER = re.compile(
    r"audio|realtime|image|tts|transcribe|search|instruct|embedding|moderation|-\d{4}(-\d\d|$)"
)

READY = "ready"
REFUSED = "refused"

# A server with more models than this gets a route for each of the first ones only.
ROUTES_AT_ONCE = 20


@dataclass(frozen=True)
class FoundServer:
    """A model server that was found, with the models it offers; what a person may tick."""

    kind: str
    base_url: str
    models: tuple[str, ...]
    state: str
    checked: bool = True

    @property
    def value(self) -> str:
        """What a form sends for the whole server."""
        return self.base_url

    @property
    def title(self) -> str:
        """Its name for people."""
        if self.kind == OPENAI:
            return "OpenAI key in the environment"
        return f"{self.kind}, {_models(len(self.models))}"

    @property
    def detail(self) -> str:
        """Where it is and what it has, for people."""
        if self.kind != OPENAI:
            return f"{self.base_url.split('/')[2]}: {', '.join(self.models)}"
        if self.state == REFUSED:
            return "OPENAI_API_KEY was refused"
        if self.checked:
            return f"OPENAI_API_KEY, checked, {_models(len(self.models))}"
        return "OPENAI_API_KEY, not checked"

    @property
    def ticked(self) -> bool:
        """Whether it is chosen unless the person says otherwise: what runs here costs nothing."""
        return self.kind != OPENAI

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """What a form sends for each single model, and the model's name."""
        return tuple((f"{self.base_url} {name}", name) for name in self.models)

    def chosen_models(self, values: Collection[str]) -> list[str]:
        """Those of its models that a form's values stand for."""
        if self.value in values:
            if self.kind == OPENAI:
                preferred = OPENAI_MODEL if OPENAI_MODEL in self.models else None
                return [preferred] if preferred else list(self.models[:1])
            return list(self.models[:ROUTES_AT_ONCE])
        return [name for value, name in self.choices if value in values]


@dataclass
class _Memory:
    own_port: int | None = None
    ports: Sequence[int] = ()
    wanted: bool = False
    openai_wanted: bool = False
    looking: bool = False
    looked_at: float | None = None
    local: tuple[FoundServer, ...] = ()
    openai: FoundServer | None = None
    openai_looked: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_memory = _Memory()


def prepare(own_port: int, ports: Sequence[int] = USUAL_PORTS) -> None:
    """Have the first look made; `own_port` is where this process serves and is left out."""
    global _memory
    _memory = _Memory(
        own_port=own_port, ports=ports, wanted=True, openai=_openai_from_environment()
    )


def forget_everything() -> None:
    """As in a process that never looked."""
    global _memory
    _memory = _Memory()


def request_look() -> None:
    """A person looks at the offers: look again soon, unless that was done just now."""
    if _memory.own_port is None:
        return
    if _memory.looked_at is None or time.monotonic() - _memory.looked_at > LOOK_AGAIN_SECONDS:
        _memory.wanted = True
    if _memory.openai is not None and not _memory.openai_looked:
        _memory.openai_wanted = True


def found() -> list[FoundServer]:
    """What the last look found, local servers first."""
    openai = [_memory.openai] if _memory.openai is not None else []
    return [*_memory.local, *openai]


def is_looking() -> bool:
    """Whether a look is under way or wanted."""
    return _memory.looking or _memory.wanted or _memory.openai_wanted


async def run_due_looks() -> None:
    """Look where that was asked for; takes about a second then, and nothing otherwise."""
    memory = _memory
    if not (memory.wanted or memory.openai_wanted) or memory.lock.locked():
        return
    async with memory.lock:
        memory.looking = True
        local, openai = memory.wanted, memory.openai_wanted
        memory.wanted = memory.openai_wanted = False
        try:
            if local:
                memory.local = await look(p for p in memory.ports if p != memory.own_port)
                memory.looked_at = time.monotonic()
            if openai:
                memory.openai = await _look_at_openai(memory.openai)
                memory.openai_looked = True
        finally:
            memory.looking = False


async def look(ports: Iterable[int]) -> tuple[FoundServer, ...]:
    """The model servers on ports of 127.0.0.1, all asked at once."""

    async def ask(port: int) -> FoundServer | None:
        url = f"http://127.0.0.1:{port}/v1"
        listing = await ask_for_models(
            url, connect_seconds=LOOK_SECONDS, total_seconds=LOOK_SECONDS
        )
        if not listing.models:
            return None
        return FoundServer(recognise(listing, port), url, listing.models, READY)

    answers = await asyncio.gather(*(ask(port) for port in ports))
    return tuple(server for server in answers if server is not None)


def recognise(listing: Listing, port: int) -> str:
    """Which software a list of models came from."""
    owner = listing.owner.lower()
    if owner == "library" or port == 11434:
        return "Ollama"
    if owner == "organization_owner" or port == 1234:
        return "LM Studio"
    if owner == "vllm":
        return "vLLM"
    if owner == "llamacpp" or "llama.cpp" in listing.software.lower():
        return "llama.cpp"
    return "A model server"


def not_yet_routes(servers: Iterable[FoundServer]) -> list[FoundServer]:
    """The servers, each with those of its models only that no route leads to."""
    taken = {
        (*url_origin(url), model)
        for url, model in ModelRoute.objects.values_list("base_url", "upstream_model")
    }
    left = []
    for server in servers:
        models = tuple(
            model for model in server.models if (*url_origin(server.base_url), model) not in taken
        )
        if models or server.state == REFUSED:
            left.append(replace(server, models=models))
    return left


@transaction.atomic
def add_routes(chosen: Iterable[str]) -> list[ModelRoute]:
    """Make routes for what a form sent; values that were not offered are left out."""
    take_turn(ModelRoute)
    values = set(chosen)
    return [
        _make_route(server, model)
        for server in not_yet_routes(found())
        for model in server.chosen_models(values)
    ]


def _make_route(server: FoundServer, model: str) -> ModelRoute:
    route = ModelRoute(
        slug=free_slug(slugify(model.replace(":", "-").replace("/", "-")) or "model"),
        display_name=f"{model} ({server.kind})"[:120],
        upstream_model=model,
        base_url=server.base_url,
        token_limit_fields=_limit_fields(server.kind),
    )
    key = ""
    if server.kind == OPENAI:
        key = os.environ.get("OPENAI_API_KEY", "")
        # OpenAI's reasoning models refuse any temperature but their own.
        route.tool_temperature = route.synthesis_temperature = None
    save_route(route, key)
    return route


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _limit_fields(kind: str) -> list[str]:
    if kind == "Ollama":
        return ["max_tokens", "options.num_predict"]
    if kind == OPENAI:
        return ["max_completion_tokens"]
    return ["max_tokens"]


def _openai_from_environment() -> FoundServer | None:
    if not os.environ.get("OPENAI_API_KEY"):
        return None
    return FoundServer(OPENAI, OPENAI_URL, (OPENAI_MODEL,), READY, checked=False)


async def _look_at_openai(offered: FoundServer | None) -> FoundServer | None:
    key = os.environ.get("OPENAI_API_KEY", "")
    if offered is None or not key:
        return offered
    listing = await ask_for_models(OPENAI_URL, key)
    if listing.models is None:
        refused = "refused" in listing.problem and "key" in listing.problem
        return FoundServer(OPENAI, OPENAI_URL, (), REFUSED) if refused else offered
    chat_models = sorted(
        name
        for name in listing.models
        if _OPENAI_CHAT.match(name) and not _OPENAI_OTHER.search(name)
    )
    return FoundServer(OPENAI, OPENAI_URL, tuple(chat_models) or (OPENAI_MODEL,), READY)
