"""The admin in a browser: the strict policy holds, and checks show themselves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import log_in
from tests.replay.builders import whole
from tests.replay.server import MODELS, ReplayServer
from tests.serving import ServerProcess, free_port

PAGES = (
    "/admin/",
    "/admin/chat/modelroute/",
    "/admin/chat/modelroute/add/",
    "/admin/chat/conversation/",
    "/admin/chat/message/",
    "/admin/chat/stage/",
    "/admin/chat/stageevent/",
    "/admin/chat/toolrun/",
    "/admin/auth/user/",
)


def test_admin_pages_break_no_rule_of_the_policy(admin_page: Any) -> None:
    for path in PAGES:
        assert admin_page.goto(path).status == 200
        expect(admin_page.locator("#content h1")).to_be_visible()
        assert admin_page.console_errors == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_admin_pages_have_no_axe_findings(audit_page: Any, scheme: str) -> None:
    audit_page.emulate_media(color_scheme=scheme)
    findings = {}
    for path in PAGES:
        audit_page.goto(path)
        found = Axe().run(audit_page)
        if found.violations_count:
            findings[path] = found.generate_report()
    assert not findings, "\n".join(findings.values())


def test_a_check_shows_its_outcome_by_itself(admin_page: Any) -> None:
    port = free_port()
    admin_page.goto("/admin/chat/modelroute/add/")
    admin_page.fill("[name=display_name]", "Nobody there")
    admin_page.fill("[name=slug]", "nobody-there")
    admin_page.fill("[name=base_url]", f"http://127.0.0.1:{port}/v1")
    admin_page.fill("[name=upstream_model]", "small-1")
    admin_page.click("[name=_save]")
    row = admin_page.locator("tr", has_text="nobody-there").locator(".route-health")
    expect(row).to_have_text(
        f"Refused the connection. Nothing listens at 127.0.0.1:{port}.", timeout=15_000
    )
    expect(row).to_have_attribute("data-status", "offline")
    answer = whole({"object": "list", "data": [{"id": "small-1"}]})
    with ReplayServer(routes={MODELS: answer}, port=port):
        admin_page.locator("tr", has_text="nobody-there").locator("th a").click()
        admin_page.click("text=Check connection")
        health = admin_page.locator(".route-health")
        expect(health).to_have_text("Online: 1 model, small-1.", timeout=15_000)


def test_a_local_server_is_found_and_becomes_a_route(make_server: Any, browser: Any) -> None:
    """Discovery is on here; 11434 and its like belong to the machine, so any answer will do."""
    server: ServerProcess = make_server(TOOLBENCH_DISCOVER="true", OPENAI_API_KEY="sk-canary")
    server.start()
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    log_in(page, server)
    page.goto("/admin/chat/modelroute/")
    expect(page.locator(".found-routes")).to_contain_text("OpenAI key in the environment")
    assert "sk-canary" not in page.content()
    context.close()
    server.stop()
    assert "sk-canary" not in server.log.read_text()


def test_the_first_admin_is_made_on_the_printed_link(make_server: Any, browser: Any) -> None:
    server: ServerProcess = make_server(DJANGO_SUPERUSER_PASSWORD="")
    server.start()
    (link,) = re.findall(r"http://\S+/setup/\S+", server.log.read_text())
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(link)
    page.fill("[name=username]", "first")
    page.fill("[name=password]", "a long pass phrase for tests")
    page.click("text=Make the account and log in")
    page.wait_for_url(f"{server.url}/**")
    assert "/setup/" not in page.url
    assert errors == []
    assert page.goto(link).status == 404
    context.close()
    server.stop()
