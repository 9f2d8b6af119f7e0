"""The tools of all installed apps, and which of them a person's request may use."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import ValidationError

from tools.base import OUTPUT_CAP, TIME_LIMIT, Tool, ToolError, Toolset
from tools.schema import Signature, read_signature

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

F = TypeVar("F", bound=Callable[..., Any])

# What the OpenAI API takes as a function name.
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class UnknownTools(Exception):
    """A request names tools that are not there for this person."""

    def __init__(self, names: Sequence[str], available: Sequence[str]) -> None:
        self.names = tuple(names)
        self.available = tuple(available)
        asked = ", ".join(f"“{name}”" for name in names)
        have = f"You can use: {', '.join(available)}." if available else "You can use no tool."
        noun = "This tool is" if len(names) == 1 else "These tools are"
        super().__init__(f"{noun} not available to you: {asked}. {have}")


class Registry:
    """Tools by name, in the order in which they were registered."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._sources: dict[str, str] = {}

    @overload
    def tool(self, function: F, /) -> F: ...

    @overload
    def tool(
        self,
        function: None = None,
        /,
        *,
        name: str = ...,
        title: str = ...,
        system_prompt: str = ...,
        time_limit: float = ...,
        output_cap: int = ...,
        read_only: bool = ...,
    ) -> Callable[[F], F]: ...

    def tool(
        self,
        function: F | None = None,
        /,
        *,
        name: str = "",
        title: str = "",
        system_prompt: str = "",
        time_limit: float = TIME_LIMIT,
        output_cap: int = OUTPUT_CAP,
        read_only: bool = True,
    ) -> F | Callable[[F], F]:
        """Make a typed, documented function a tool; the function itself stays as it is.

        `time_limit` is in seconds, `output_cap` in characters. Raises TypeError for a function
        that cannot be described to a model, ValueError for a name that is taken or not allowed.
        """

        def register(function: F) -> F:
            signature = read_signature(function)
            is_async = inspect.iscoroutinefunction(function)
            own_name = name or function.__name__
            entry = Tool(
                name=own_name,
                description=signature.description,
                input_schema=signature.input_schema,
                function=_reading(signature, function, is_async),
                is_async=is_async,
                system_prompt=system_prompt.strip(),
                time_limit=time_limit,
                output_cap=output_cap,
                read_only_hint=read_only,
                title=title or own_name.replace("_", " ").capitalize(),
            )
            self._add(entry, f"{function.__module__}.{function.__qualname__}")
            return function

        return register if function is None else register(function)

    def tools(self) -> list[Tool]:
        """All tools, in the order in which they were registered."""
        return list(self._tools.values())

    def _add(self, tool: Tool, source: str) -> None:
        if not _NAME.fullmatch(tool.name):
            raise ValueError(
                f"“{tool.name}” ({source}) cannot be a tool's name: "
                "use 1 to 64 letters, digits, _ or -."
            )
        if tool.time_limit <= 0 or tool.output_cap <= 0:
            raise ValueError(f"The limits of the tool {tool.name} ({source}) must be positive.")
        # The same function again is its module loaded anew, and replaces itself.
        if tool.name in self._tools and self._sources[tool.name] != source:
            raise ValueError(
                f"Two tools are named “{tool.name}”: {self._sources[tool.name]} and {source}. "
                "Give one of them another name with @tool(name=…)."
            )
        self._tools[tool.name] = tool
        self._sources[tool.name] = source


registry = Registry()
tool = registry.tool


def registered_tools() -> list[Tool]:
    """All tools in the code, whatever their settings."""
    return registry.tools()


def available_tools(user: User | AnonymousUser) -> list[Tool]:
    """The enabled tools this person may use, with the limits their settings give them."""
    # Imported here, so that @tool can be used before Django's apps are loaded.
    from tools.models import ToolSetting

    if not user.is_authenticated or not user.is_active:
        return []
    rules = {rule.name: rule for rule in ToolSetting.objects.rules_for(user)}
    available: list[Tool] = []
    for entry in registered_tools():
        rule = rules.get(entry.name)
        if rule is None:  # A tool new in the code has no row yet; it starts with the defaults.
            available.append(entry)
        elif rule.usable:
            available.append(
                replace(
                    entry,
                    time_limit=rule.time_limit or entry.time_limit,
                    output_cap=rule.output_cap or entry.output_cap,
                )
            )
    return available


def choose_toolset(user: User | AnonymousUser, names: Sequence[str] | None) -> Toolset:
    """The tools to offer for this person's request: those named, or all when `names` is None.

    Raises UnknownTools when a name is not among the tools this person may use.
    """
    toolset = Toolset(available_tools(user))
    if names is None:
        return toolset
    unknown = [name for name in dict.fromkeys(names) if name not in toolset]
    if unknown:
        raise UnknownTools(unknown, toolset.names())
    return Toolset(entry for entry in toolset if entry.name in names)


def _reading(
    signature: Signature, function: Callable[..., Any], is_async: bool
) -> Callable[..., Any]:
    """The function taking JSON values by name instead of the types it is annotated with."""

    def values(given: dict[str, Any]) -> dict[str, Any]:
        try:
            return signature.values(given)
        except ValidationError as error:
            problems = [
                f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            ]
            raise ToolError(f"The arguments do not fit. {'; '.join(problems[:8])}.") from error

    if is_async:

        async def call_async(**given: Any) -> Any:
            return await function(**values(given))

        return call_async

    def call(**given: Any) -> Any:
        return function(**values(given))

    return call
