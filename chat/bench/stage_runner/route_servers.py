"""The servers behind routes: looked at before a run; the demo model is served where nobody does."""

from __future__ import annotations

import asyncio
import socket
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import uvicorn
from django.core.asgi import get_asgi_application

from chat.bench.stage_runner.endpoint import BadEndpoint, Endpoint
from chat.bench.stage_runner.executor import CannotRun, is_reachable
from chat.database import run_in_pool
from chat.demo import address
from chat.models import ModelRoute

HOST = "127.0.0.1"


@asynccontextmanager
async def reachable_routes(routes: Sequence[str]) -> AsyncIterator[None]:
    """Routes whose servers answer; the demo model is served here where nobody else does.

    Raises CannotRun for a server at which nothing listens.
    """
    async with AsyncExitStack() as stack:
        addresses = await run_in_pool(_addresses_of, routes)
        demo_is_here = False
        for slug, base_url in addresses.items():
            try:
                endpoint = Endpoint.at(base_url)
            except BadEndpoint:
                # The run's own check of routes says it better.
                continue
            if await is_reachable(endpoint):
                continue
            if not base_url.rstrip("/").endswith(address.DEMO_PATH):
                raise CannotRun(
                    f"Nothing answers at {base_url}, where the route {slug} leads. Start its "
                    "server, or choose another route."
                )
            if not demo_is_here:
                await stack.enter_async_context(demo_here())
                demo_is_here = True
        yield


@asynccontextmanager
async def demo_here() -> AsyncIterator[None]:
    """The demo model at a free port of this machine; demo routes lead there meanwhile."""
    before = address._own
    listener = socket.create_server((HOST, 0))
    with warnings.catch_warnings():
        # Static files need not be collected for a model.
        warnings.simplefilter("ignore")
        application = get_asgi_application()
    config = uvicorn.Config(
        application, lifespan="off", log_config=None, access_log=False, ws="none"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name="demo-model")
    try:
        address.serve_at(f"http://{HOST}:{listener.getsockname()[1]}")
        yield
    finally:
        address._own = before
        server.should_exit = True
        await task
        listener.close()


class _Server(uvicorn.Server):
    """Leaves the signals to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None are captured."""
        yield


def _addresses_of(routes: Sequence[str]) -> dict[str, str]:
    found = ModelRoute.objects.filter(slug__in=routes)
    return dict(found.values_list("slug", "base_url"))
