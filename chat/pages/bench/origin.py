"""From a conversation of the bench back to the cell of the run that it is a try of."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse

from chat.bench.summary import Target
from chat.models import BenchTrial, Conversation
from chat.pages.bench.addresses import Chosen, target_key
from chat.pages.bench.words import run_title


@dataclass(frozen=True, slots=True)
class BenchOrigin:
    """The run that a conversation belongs to, and where its cell stands."""

    title: str
    url: str


def bench_origin(conversation: Conversation, user: User) -> BenchOrigin | None:
    """The run of a bench conversation; None for all others and where the run is gone."""
    if conversation.source != Conversation.Source.BENCH:
        return None
    trials = BenchTrial.objects.visible_to(user).filter(stage__conversation=conversation)
    trial = trials.select_related("run").defer("findings", "run__cases").first()
    if trial is None:
        return None
    key = target_key(Target(trial.route, trial.tool_mode))
    page = reverse("bench:run", args=[trial.run_id])
    return BenchOrigin(
        run_title(trial.run), f"{page}{Chosen().address(case=trial.case_id, on=key)}"
    )
