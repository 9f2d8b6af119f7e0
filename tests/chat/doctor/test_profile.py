"""The profile of results, and what is told to have changed."""

from __future__ import annotations

from typing import Any

import pytest

from chat.doctor.findings import ProbeResult
from chat.doctor.profile import Profile, build_profile, difference


def works(code: str, **facts: Any) -> ProbeResult:
    return ProbeResult(code, "works", "It works.", facts=facts)


def changes(before: list[ProbeResult], after: list[ProbeResult]) -> list[tuple[str, str, str]]:
    profiles = [build_profile(results, {}) for results in (before, after)]
    found = difference((before, profiles[0]), (after, profiles[1]))
    return [(one.title, one.before, one.after) for one in found]


def test_nothing_changed_where_only_times_did() -> None:
    before = works("stream", first_token_ms=100, per_second=20.0, usage=True)
    after = works("stream", first_token_ms=900, per_second=2.0, usage=True)
    assert changes([before], [after]) == []


def test_another_outcome_and_other_repairs_are_changes() -> None:
    before = [works("single", origin="native", calls=1), works("parallel", calls=2)]
    after = [
        ProbeResult("single", "repaired", "Mended.", ("tool_id_missing",), facts=before[0].facts),
        before[1],
    ]
    assert changes(before, after) == [("One tool call", "fine", "mended (tool_id_missing)")]


def test_a_probe_that_was_not_asked_is_no_change() -> None:
    skipped = ProbeResult("single", "skipped", "No time.")
    assert changes([works("single")], [skipped]) == []


def test_a_capability_that_differs_is_a_change() -> None:
    before = works("token_limit", obeyed=["max_tokens"], verdicts={})
    after = works("token_limit", obeyed=["options.num_predict"], verdicts={})
    assert changes([before], [after]) == [("Token limit", "max_tokens", "options.num_predict")]


@pytest.mark.parametrize(
    ("budget", "suggested"), [(24_000, [7168]), (7168, []), (4_000, []), (None, [])]
)
def test_a_budget_over_the_servers_window_is_lowered(
    budget: int | None, suggested: list[int]
) -> None:
    profile = build_profile([works("models", window=8192)], {"context_budget": budget})
    assert [one.suggested for one in profile.suggestions] == suggested


def test_the_only_model_of_a_server_is_suggested() -> None:
    result = ProbeResult("models", "unclear", "Not there.", facts={"models": ["big"]})
    profile = build_profile([result], {"upstream_model": "small"})
    assert [(one.field, one.suggested) for one in profile.suggestions] == [
        ("upstream_model", "big")
    ]


def test_results_and_profiles_survive_storing() -> None:
    result = ProbeResult("single", "repaired", "Mended.", ("a", "b"), 12, "raw", {"calls": 1})
    assert ProbeResult.from_json({**result.as_json(), "newer": 1}) == result
    profile = build_profile([result], {"text_dialect": "auto"})
    assert Profile.from_json(profile.as_json()) == profile
