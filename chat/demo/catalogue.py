"""The demo models: what each is called and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chat.demo.misbehaviour import Behaviour


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A demo model; `shows` is a sentence for people."""

    upstream_model: str
    slug: str
    display_name: str
    shows: str
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def misbehaves(self) -> bool:
        """Whether it does something wrong on purpose."""
        return self.behaviour != Behaviour()


DEMO_MODELS = (
    DemoModel(
        "demo",
        "demo",
        "Demo (no AI)",
        "A built-in model without AI: it streams Markdown, calls tools and answers from results.",
    ),
    DemoModel(
        "demo-slow",
        "demo-slow",
        "Demo: slow",
        "Waits 3 seconds before its first word, then says 4 words a second.",
        Behaviour(first_token_seconds=3.0, pieces_per_second=4.0),
    ),
    DemoModel(
        "demo-fails",
        "demo-fails",
        "Demo: fails mid-answer",
        "Sends an error in the middle of its answer, as an overloaded server does.",
        Behaviour(fails_after=12),
    ),
    DemoModel(
        "demo-breaks-off",
        "demo-breaks-off",
        "Demo: breaks off",
        "Stops in the middle of its answer without saying that it has ended.",
        Behaviour(breaks_off_after=12),
    ),
    DemoModel(
        "demo-json-text",
        "demo-json-text",
        "Demo: calls as text",
        "Writes its tool calls as JSON in the answer's text, as small models do.",
        Behaviour(calls_as_text=True),
    ),
    DemoModel(
        "demo-merged-index",
        "demo-merged-index",
        "Demo: merged calls",
        "Gives all its parallel tool calls the same index, as some servers do.",
        Behaviour(merges_indexes=True),
    ),
    DemoModel(
        "demo-sloppy",
        "demo-sloppy",
        "Demo: sloppy",
        "Breaks the rules of the API in small ways, all of which are mended: arguments as Python, "
        "no index, names said twice, no end mark.",
        Behaviour(omits_indexes=True, repeats_names=True, writes_python=True, omits_done=True),
    ),
    DemoModel(
        "demo-endless",
        "demo-endless",
        "Demo: never ends",
        "Goes on answering until it is stopped or reaches its token limit.",
        Behaviour(never_ends=True),
    ),
)


def demo_model(upstream_model: str) -> DemoModel | None:
    """The demo model of that name."""
    return next((m for m in DEMO_MODELS if m.upstream_model == upstream_model), None)


def demo_routes() -> Iterator[dict[str, Any]]:
    """What model routes to the demo models are made of; all but `shows` are their fields."""
    for model in DEMO_MODELS:
        yield {
            "slug": model.slug,
            "display_name": model.display_name,
            "upstream_model": model.upstream_model,
            "protocol": "openai",
            "shows": model.shows,
        }
