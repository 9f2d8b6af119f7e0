"""The doctor's page of a route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from chat.doctor.findings import ProbeResult
from chat.doctor.probes import PROBES
from chat.doctor.profile import build_profile
from chat.models import ModelRoute, RouteCheckup

KEY = "sk-canary-0123456789"


@pytest.fixture
def site(client_of: Callable[[User | None], Client], admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def url(route: ModelRoute) -> str:
    return reverse("admin:chat_modelroute_doctor", args=[route.pk])


def works(code: str, **facts: Any) -> ProbeResult:
    return ProbeResult(code, "works", f"{code} is fine.", milliseconds=12, raw="{}", facts=facts)


LIMIT = works("token_limit", obeyed=["options.num_predict"], verdicts={"max_tokens": "ignored"})
FINDINGS = [
    works("models", models=["small-1"]),
    works("whole"),
    works("stream", first_token_ms=140),
    LIMIT,
    ProbeResult(
        "single",
        "repaired",
        "Mended.",
        ("tool_id_missing",),
        5,
        "data: <b>raw</b>",
        {"origin": "native", "calls": 1},
    ),
    ProbeResult("parallel", "fails", "It fails."),
]


def ended(route: ModelRoute, results: list[ProbeResult]) -> RouteCheckup:
    present = {"token_limit_fields": route.token_limit_fields}
    return RouteCheckup.objects.create(
        route=route,
        status="done",
        results=[result.as_json() for result in results],
        profile=build_profile(results, present).as_json(),
        model="small-1",
        host="127.0.0.1:9",
        started_at=timezone.now(),
        ended_at=timezone.now(),
    )


def test_the_routes_page_leads_there(site: Client, route: ModelRoute, url: str) -> None:
    page = site.get(reverse("admin:chat_modelroute_change", args=[route.pk])).content.decode()
    assert f'href="{url}"' in page


def test_an_empty_page_says_what_will_be_asked(site: Client, url: str) -> None:
    page = site.get(url).content.decode()
    assert "Examine this route" in page
    assert "It asks the server 21 small things" in page
    assert all(escape(probe.asks) in page for probe in PROBES)


def test_asking_writes_a_row_and_waits_for_nothing(
    site: Client, admin: User, route: ModelRoute, url: str
) -> None:
    assert site.post(url, {"do": "examine"})["Location"] == url
    checkup = RouteCheckup.objects.get()
    assert (checkup.status, checkup.started_by, checkup.route) == ("waiting", admin, route)
    page = site.get(url).content.decode()
    assert "Waits for its turn." in page
    assert 'http-equiv="refresh"' in page
    site.post(url, {"do": "examine"})
    assert RouteCheckup.objects.count() == 1


def test_a_running_one_shows_what_is_there_and_what_is_asked(
    site: Client, route: ModelRoute, url: str
) -> None:
    RouteCheckup.objects.create(
        route=route, status="running", asking="whole", results=[FINDINGS[0].as_json()]
    )
    page = site.get(url, {"part": "1"}).content.decode()
    assert "<html" not in page
    assert "1 of 21 questions answered" in page
    assert "models is fine." in page
    assert 'id="probe-whole" data-part data-outcome="asking"' in page
    assert 'id="probe-stream" data-part data-outcome="waiting"' in page
    site.post(url, {"do": "stop"})
    assert RouteCheckup.objects.get().status == "stopped"
    assert "It was stopped by a person." in site.get(url).content.decode()


def test_an_ended_one_shows_findings_profile_and_raw_bytes(
    site: Client, route: ModelRoute, url: str
) -> None:
    ended(route, FINDINGS)
    page = site.get(url).content.decode()
    assert "Good for chat and for tools." in page
    assert "tool_id_missing" in page
    assert "data: &lt;b&gt;raw&lt;/b&gt;" in page
    assert "1 broken" in page
    assert 'http-equiv="refresh"' not in page


def test_a_suggestion_is_applied_with_one_click_and_logged(
    site: Client, route: ModelRoute, url: str
) -> None:
    ended(route, FINDINGS)
    assert 'value="token_limit_fields"' in site.get(url).content.decode()
    site.post(url, {"do": "apply", "field": "token_limit_fields"})
    route.refresh_from_db()
    assert route.token_limit_fields == ["options.num_predict"]
    entry = LogEntry.objects.get()
    assert "from max_tokens to options.num_predict" in entry.change_message
    page = site.get(url).content.decode()
    assert "Applied" in page
    assert 'value="token_limit_fields"' not in page
    site.post(url, {"do": "apply", "field": "token_limit_fields"})
    assert LogEntry.objects.count() == 1


def test_all_suggestions_are_applied_with_one_click(
    site: Client, route: ModelRoute, url: str
) -> None:
    checkup = ended(route, FINDINGS)
    other = {"field": "stream_usage", "present": True, "suggested": False, "why": "Refused."}
    checkup.profile["suggestions"].append(other)
    checkup.save()
    assert "Apply all 2" in site.get(url).content.decode()
    site.post(url, {"do": "apply", "field": "all"})
    route.refresh_from_db()
    assert (route.token_limit_fields, route.stream_usage) == (["options.num_predict"], False)
    assert "Apply all" not in site.get(url).content.decode()


def test_only_what_was_suggested_can_be_applied(site: Client, route: ModelRoute, url: str) -> None:
    ended(route, FINDINGS)
    site.post(url, {"do": "apply", "field": ["base_url", "system_prompt"], "base_url": "http://x/"})
    route.refresh_from_db()
    assert route.base_url == "http://127.0.0.1:9/v1"
    assert "Nothing was changed" in site.get(url).content.decode()


def test_a_suggestion_that_would_make_the_route_invalid_is_refused(
    site: Client, route: ModelRoute, url: str
) -> None:
    checkup = ended(route, FINDINGS)
    checkup.profile["suggestions"][0]["suggested"] = ["no..name"]
    checkup.save()
    site.post(url, {"do": "apply", "field": "token_limit_fields"})
    route.refresh_from_db()
    assert route.token_limit_fields == ["max_tokens"]
    assert "Write a list of field names" in site.get(url).content.decode()


def test_what_changed_stands_beside_the_findings(site: Client, route: ModelRoute, url: str) -> None:
    ended(route, FINDINGS)
    ended(route, [*FINDINGS[:-1], works("parallel", calls=2)])
    page = site.get(url).content.decode()
    assert "Changed since the last time" in page
    assert "Two calls at once" in page
    assert "Earlier examinations" in page


def test_while_a_new_one_runs_the_last_profile_stays(
    site: Client, route: ModelRoute, url: str
) -> None:
    ended(route, FINDINGS)
    site.post(url, {"do": "examine"})
    page = site.get(url).content.decode()
    assert "the last examination that came to its end" in page
    assert "Good for chat and for tools." in page


def test_who_may_only_view_routes_may_not_examine_them(
    client_of: Callable[[User | None], Client], stranger: User, url: str
) -> None:
    stranger.is_staff = True
    stranger.save()
    stranger.user_permissions.add(Permission.objects.get(codename="view_modelroute"))
    client = client_of(User.objects.get(pk=stranger.pk))
    for answer in (client.get(url), client.post(url, {"do": "examine"})):
        assert answer.status_code == 403
    assert not RouteCheckup.objects.exists()
    page = client.get(url.replace("doctor/", "change/")).content.decode()
    assert url not in page


def test_a_route_that_does_not_exist_has_no_page(site: Client, db: None) -> None:
    assert site.get(reverse("admin:chat_modelroute_doctor", args=[99])).status_code == 404
    assert site.post(reverse("admin:chat_modelroute_doctor", args=[99])).status_code == 404
