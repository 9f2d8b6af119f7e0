"""The admin of model routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.forms import model_to_dict
from django.test import Client
from django.urls import reverse

from chat import discovery
from chat.discovery import FoundServer
from chat.models import Conversation, Message, ModelRoute, Stage
from chat.services.routes import save_route

KEY = "sk-canary-0123456789"
LIST = "/admin/chat/modelroute/"
OLLAMA = FoundServer("Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b",), "ready")


@pytest.fixture
def site(client_of: Callable[[User | None], Client], admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def keyed(route: ModelRoute) -> ModelRoute:
    save_route(route, KEY)
    return route


@pytest.fixture
def used(route: ModelRoute, owner: User) -> ModelRoute:
    make_stage(route, owner)
    return route


def make_stage(route: ModelRoute, owner: User) -> Stage:
    conversation = Conversation.objects.create(owner=owner, title="Weather")
    prompt = Message.objects.create(conversation=conversation, role="user", content="Hello")
    return Stage.objects.create(
        conversation=conversation,
        owner=owner,
        request_id=conversation.pk,
        request_digest="",
        mode="chat",
        route=route,
        model="small-1",
        prompt_message=prompt,
    )


def page_of(route: ModelRoute) -> str:
    return f"{LIST}{route.pk}/change/"


def form_data(route: ModelRoute, **changes: Any) -> dict[str, Any]:
    """What a browser would send for a route, with changes; False and None leave a field out."""
    values = {
        **model_to_dict(route),
        "token_limit_fields": '["max_tokens"]',
        "extra_body": "{}",
        "groups": [],
        "new_key": "",
        **changes,
    }
    return {
        name: "" if value is None else value for name, value in values.items() if value is not False
    }


def told(site: Client) -> str:
    """The messages that the next page shows."""
    return site.get(LIST).content.decode()


def test_a_key_can_be_written_and_never_read(site: Client, route: ModelRoute) -> None:
    page = site.get(page_of(route)).content.decode()
    assert "No key is stored." in page
    assert site.post(page_of(route), form_data(route, new_key=KEY)).status_code == 302
    page = site.get(page_of(route)).content.decode()
    assert "Key stored. Leave empty to keep it." in page
    stored = ModelRoute.objects.get(pk=route.pk).api_key
    assert stored.reveal() == KEY
    assert KEY not in page
    assert stored.token not in page


def test_saving_something_else_keeps_the_key(site: Client, keyed: ModelRoute) -> None:
    site.post(page_of(keyed), form_data(keyed, display_name="Other"))
    stored = ModelRoute.objects.get(pk=keyed.pk)
    assert (stored.display_name, stored.api_key.reveal()) == ("Other", KEY)


def test_another_port_clears_the_key_and_says_so(site: Client, keyed: ModelRoute) -> None:
    site.post(page_of(keyed), form_data(keyed, base_url="http://127.0.0.1:10/v1"))
    assert ModelRoute.objects.get(pk=keyed.pk).api_key is None
    assert "The stored API key was cleared" in told(site)


def test_the_stored_key_can_be_forgotten(site: Client, keyed: ModelRoute) -> None:
    site.post(page_of(keyed), form_data(keyed, forget_key="on"))
    assert ModelRoute.objects.get(pk=keyed.pk).api_key is None
    assert "was cleared" not in told(site)


def test_a_refused_form_does_not_show_the_key(site: Client, route: ModelRoute) -> None:
    answer = site.post(page_of(route), form_data(route, new_key=KEY, base_url="http:/10.0.4.12/v1"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Write the address with two slashes: http://10.0.4.12/v1" in page
    assert KEY not in page


def test_what_is_not_json_is_named(site: Client, route: ModelRoute) -> None:
    page = site.post(page_of(route), form_data(route, extra_body="[1]")).content.decode()
    assert "Write a JSON object" in page


def test_the_form_says_what_the_only_default_does(site: Client, route: ModelRoute) -> None:
    site.post(page_of(route), form_data(route, is_default=False))
    assert ModelRoute.objects.get(pk=route.pk).is_default
    assert "stays the default" in told(site)


def test_a_new_default_is_set_in_one_save(
    site: Client, route: ModelRoute, lab_route: ModelRoute
) -> None:
    answer = site.post(page_of(lab_route), form_data(lab_route, is_default="on"))
    assert answer.status_code == 302
    assert list(ModelRoute.objects.filter(is_default=True)) == [lab_route]


def test_a_route_is_added(site: Client, db: None) -> None:
    blank = ModelRoute(slug="new", display_name="New", base_url="http://127.0.0.1:9/v1")
    answer = site.post(f"{LIST}add/", form_data(blank, new_key=KEY, check_text=False))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = ModelRoute.objects.get(slug="new")
    assert (made.api_key.reveal(), made.check_status, made.is_default) == (KEY, "checking", True)


def test_a_used_route_cannot_be_deleted(site: Client, used: ModelRoute) -> None:
    page = site.get(f"{LIST}{used.pk}/delete/").content.decode()
    assert "1 stage on Small. A used route is never deleted: untick Enabled on its page" in page
    site.post(f"{LIST}{used.pk}/delete/", {"post": "yes"})
    site.post(LIST, {"action": "delete_selected", "_selected_action": [used.pk], "post": "yes"})
    assert ModelRoute.objects.filter(pk=used.pk).exists()


def test_an_unused_route_can_be_deleted(site: Client, lab_route: ModelRoute) -> None:
    site.post(f"{LIST}{lab_route.pk}/delete/", {"post": "yes"})
    assert not ModelRoute.objects.filter(pk=lab_route.pk).exists()


def test_the_list_says_health_in_words(
    site: Client, route: ModelRoute, django_assert_max_num_queries: Any
) -> None:
    ModelRoute.objects.update(check_status="online", check_text="Online: 1 model, small-1.")
    for number in range(20):
        ModelRoute.objects.create(slug=f"r{number}", display_name=f"R{number}")
    with django_assert_max_num_queries(8):
        page = site.get(LIST).content.decode()
    assert "Online: 1 model, small-1." in page
    assert "127.0.0.1:9" in page
    assert "Not configured yet" in page


def test_checks_are_asked_for_and_nothing_waits(site: Client, route: ModelRoute) -> None:
    site.post(LIST, {"action": "check_connection", "_selected_action": [route.pk]})
    assert ModelRoute.objects.get(pk=route.pk).check_status == "checking"
    ModelRoute.objects.update(check_status="offline", check_text="Refused the connection.")
    checks = site.get(reverse("admin:chat_modelroute_checks")).json()
    assert checks["routes"][str(route.pk)]["text"] == "Refused the connection."
    url = reverse("admin:chat_modelroute_check", args=[route.pk])
    assert site.get(url).status_code == 302
    assert ModelRoute.objects.get(pk=route.pk).check_status == "offline"
    site.post(url)
    checks = site.get(reverse("admin:chat_modelroute_checks")).json()
    assert checks["routes"][str(route.pk)]["text"] == "Being checked."
    assert site.post(reverse("admin:chat_modelroute_check", args=[99])).status_code == 404


@pytest.fixture
def _found() -> Iterator[None]:
    discovery.prepare(0, [])
    discovery._memory.local = (OLLAMA,)
    yield
    discovery.forget_everything()


@pytest.mark.usefixtures("_found")
def test_found_servers_are_offered_and_added(site: Client, route: ModelRoute) -> None:
    page = site.get(LIST).content.decode()
    assert "Found on this machine" in page
    (value,) = re.findall(r'name="add" value="([^"]+)"', page)
    assert site.post(reverse("admin:chat_modelroute_found"), {"add": [value]}).status_code == 302
    assert ModelRoute.objects.filter(upstream_model="qwen3:8b").exists()
    page = told(site)
    assert "1 route was added" in page
    assert "Found on this machine" not in page


@pytest.mark.usefixtures("_found")
def test_nothing_ticked_says_so(site: Client, route: ModelRoute) -> None:
    site.post(reverse("admin:chat_modelroute_found"), {})
    assert "Tick at least one model." in told(site)


OF_A_ROUTE = ("{pk}/change/", "{pk}/check/", "{pk}/delete/", "{pk}/doctor/")
ADDRESSES = ("", "add/", "checks/", "found/", *OF_A_ROUTE)


@pytest.mark.parametrize("address", ADDRESSES)
def test_only_admins_reach_routes(
    address: str,
    client_of: Callable[[User | None], Client],
    route: ModelRoute,
    owner: User,
    stranger: User,
    colleague: User,
    reviewer: User,
) -> None:
    for person in (None, owner, stranger, colleague, reviewer):
        client = client_of(person)
        for method in (client.get, client.post):
            answer = method(LIST + address.format(pk=route.pk))
            assert answer.status_code == 302
            login = client.get(answer["Location"])
            assert login.status_code == (302 if person is None else 403)


def test_staff_who_may_only_view_change_nothing(
    client_of: Callable[[User | None], Client], stranger: User, keyed: ModelRoute
) -> None:
    stranger.is_staff = True
    stranger.save()
    client = client_of(stranger)
    assert client.get(LIST).status_code == 403
    assert client.get(reverse("admin:chat_modelroute_checks")).status_code == 403
    assert client.post(reverse("admin:chat_modelroute_found"), {"add": ["x"]}).status_code == 403
    stranger.user_permissions.add(Permission.objects.get(codename="view_modelroute"))
    client = client_of(User.objects.get(pk=stranger.pk))
    assert client.get(LIST).status_code == 200
    page = client.get(page_of(keyed))
    assert page.status_code == 200
    assert KEY not in page.content.decode()
    client.post(page_of(keyed), form_data(keyed, display_name="Taken over"))
    assert ModelRoute.objects.get(pk=keyed.pk).display_name == "Small"
