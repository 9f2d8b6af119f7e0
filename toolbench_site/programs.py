"""HTTP for programs: their addresses without the middleware that pages need.

Each of Django's middlewares and signals that knows no async costs two changes of thread per
request, sixteen in all: milliseconds before the model is even asked. What programs call keeps no
session, renders no template and uses no database connection of the request's thread (all its
queries go to our own pool), so what is left is what guards it: the Host, HTTPS and a few headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from csp.middleware import CSPMiddleware
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import set_script_prefix

ADDRESSES = ("/v1/", "/stream/v1/", "/completion/v1/")

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def divided(pages: Application) -> Application:
    """An application that serves programs by itself and leaves all else to `pages`."""
    programs = ProgramsHandler()

    async def served(scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(scope.get("root_path") or "")
        handler = programs if path.startswith(ADDRESSES) else pages
        await handler(scope, receive, send)

    return served


class Guard:
    """What Django's middleware does for programs, none of which waits for anything."""

    def __init__(self, get_response: GetResponse) -> None:
        assert iscoroutinefunction(get_response)
        self._get_response = get_response
        self._security = SecurityMiddleware(_nothing)
        self._csp = CSPMiddleware(_nothing)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The view's response; raises DisallowedHost."""
        request.get_host()
        response: Any = self._security.process_request(request)
        if response is None:
            self._csp.process_request(request)
            response = self._csp.process_response(request, await self._get_response(request))
        return self._security.process_response(request, response)


class ProgramsHandler(ASGIHandler):
    """Django's handler with `Guard` for all middleware, and without its signals."""

    def load_middleware(self, is_async: bool = False) -> None:
        """One middleware around the views."""
        handler: Any = self
        handler._view_middleware = []
        handler._template_response_middleware = []
        handler._exception_middleware = []
        views: Any = convert_exception_to_response(handler._get_response_async)
        handler._middleware_chain = convert_exception_to_response(Guard(views))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; it is cancelled when its client goes away."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            set_script_prefix(get_script_prefix(scope))
            request, refusal = self.create_request(scope, body)
            if refusal is not None:
                await self.send_response(refusal, send)
            else:
                await self._race(request, receive, send)
        finally:
            body.close()

    async def _race(self, request: Any, receive: Any, send: Any) -> None:
        answering = asyncio.create_task(self._answer(request, send), name="answering")
        listening = asyncio.create_task(self.listen_for_disconnect(receive), name="listening")
        try:
            await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            answering.cancel()
            listening.cancel()
            outcomes = await asyncio.gather(answering, listening, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, RequestAborted):
                raise outcome

    async def _answer(self, request: Any, send: Any) -> None:
        response = await self.run_get_response(request)
        try:
            await self.send_response(response, send)
        finally:
            response.close()


def _nothing(request: HttpRequest) -> Any:
    """What the guards would call next, were they called as middleware."""
    raise NotImplementedError
