"""The shell and the account pages in Chromium: theme, drawer, menus, axe, nothing sideways."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.serving import ServerProcess

ACCOUNT = "/accounts/"
PAGES = [ACCOUNT, "/accounts/password/change/", "/accounts/logout/", "/accounts/reauthenticate/"]
PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 320, "height": 640}


def findings(page: Any) -> list[tuple[str, list[Any]]]:
    """What axe finds. It may not copy stylesheets into the page (preload), and what its own inline
    styles report under the CSP is taken off the errors.
    """
    before = list(page.console_errors)
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    with page.expect_console_message(lambda message: message.text == "axe is done"):
        page.evaluate("console.info('axe is done')")
    page.console_errors[:] = before
    return [(found["id"], [node["target"] for node in found["nodes"]]) for found in violations]


def overflow(page: Any) -> int:
    """By how many pixels the page could be scrolled sideways."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_log_in_page_has_no_findings(page: Any, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto("/accounts/login/")
    expect(page.locator("h1")).to_have_text("Log in")
    assert findings(page) == []
    page.fill("#id_login", "somebody")
    page.fill("#id_password", "wrong")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    expect(page.locator("#id_login")).to_have_value("somebody")
    expect(page.locator("#id_password")).to_have_value("")
    assert findings(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_account_pages_have_no_findings(admin_page: Any, theme: str) -> None:
    admin_page.emulate_media(color_scheme=theme)
    for path in PAGES:
        admin_page.goto(path)
        assert findings(admin_page) == [], path


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["390", "320"])
def test_nothing_scrolls_sideways_on_a_phone(admin_page: Any, size: dict[str, int]) -> None:
    admin_page.set_viewport_size(size)
    for path in PAGES:
        admin_page.goto(path)
        assert overflow(admin_page) == 0, path


def test_a_chosen_theme_stays_and_the_admin_takes_it_over(admin_page: Any) -> None:
    admin_page.emulate_media(color_scheme="light")
    admin_page.goto(ACCOUNT)
    admin_page.click("[data-menu-button=theme-menu]")
    admin_page.locator("#theme-menu").get_by_text("Dark").click()
    html = admin_page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    admin_page.reload()
    expect(html).to_have_attribute("data-theme", "dark")
    expect(admin_page.locator("#theme-menu [data-theme-choice=dark]")).to_have_attribute(
        "aria-pressed", "true"
    )
    dark = admin_page.evaluate("getComputedStyle(document.body).color")
    admin_page.goto("/admin/")
    expect(html).to_have_attribute("data-theme", "dark")
    assert admin_page.evaluate("getComputedStyle(document.body).color") == dark
    assert findings(admin_page) == []


def test_the_drawer_holds_the_focus_and_gives_it_back(admin_page: Any) -> None:
    admin_page.set_viewport_size(PHONE)
    admin_page.goto(ACCOUNT)
    panel = admin_page.locator("#panel")
    opener = admin_page.locator("[data-drawer-open=panel]")
    expect(panel).not_to_be_visible()
    opener.click()
    expect(panel).to_be_visible()
    expect(admin_page.locator("[data-drawer-close]")).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    assert admin_page.locator("#work").evaluate("work => work.inert")
    assert findings(admin_page) == []
    admin_page.keyboard.press("Escape")
    expect(panel).not_to_be_visible()
    expect(opener).to_be_focused()
    assert not admin_page.locator("#work").evaluate("work => work.inert")


def test_escape_closes_an_open_menu_before_the_drawer(admin_page: Any) -> None:
    admin_page.set_viewport_size(PHONE)
    admin_page.goto(ACCOUNT)
    admin_page.click("[data-drawer-open=panel]")
    admin_page.click("[data-menu-button=user-menu]")
    expect(admin_page.locator("#user-menu")).to_be_visible()
    admin_page.keyboard.press("Escape")
    expect(admin_page.locator("#user-menu")).not_to_be_visible()
    expect(admin_page.locator("#panel")).to_be_visible()


def test_a_menu_opens_inside_the_window_and_is_walked_with_the_arrows(admin_page: Any) -> None:
    admin_page.goto(ACCOUNT)
    admin_page.click("[data-menu-button=theme-menu]")
    menu = admin_page.locator("#theme-menu")
    expect(menu.locator("[data-theme-choice=auto]")).to_be_focused()
    admin_page.keyboard.press("ArrowDown")
    expect(menu.locator("[data-theme-choice=light]")).to_be_focused()
    admin_page.keyboard.press("End")
    expect(menu.locator("[data-theme-choice=dark]")).to_be_focused()
    box, window = menu.bounding_box(), admin_page.viewport_size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= window["width"]
    admin_page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    expect(admin_page.locator("[data-menu-button=theme-menu]")).to_be_focused()


def test_the_user_menu_logs_out(admin_page: Any) -> None:
    admin_page.goto(ACCOUNT)
    admin_page.click("[data-menu-button=user-menu]")
    admin_page.locator("#user-menu").get_by_text("Log out").click()
    expect(admin_page.locator("h1")).to_have_text("Log in")


def test_the_skip_link_is_the_first_stop(admin_page: Any) -> None:
    admin_page.goto(ACCOUNT)
    admin_page.keyboard.press("Tab")
    expect(admin_page.locator(".skip-link")).to_be_focused()
    admin_page.keyboard.press("Enter")
    expect(admin_page.locator("#work")).to_be_focused()


def test_the_pages_serve_for_somebody_without_rights(
    page: Any, live_server_process: ServerProcess
) -> None:
    live_server_process.add_user("plain")
    page.goto("/accounts/login/")
    page.fill("#id_login", "plain@example.org")
    page.fill("#id_password", live_server_process.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    page.goto(ACCOUNT)
    expect(page.locator(".facts")).to_contain_text("none; you see the routes that are open")
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)
