"""The API's reference in Chromium: axe, copying, contents, nothing sideways."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_shell import PHONE, SMALLEST, findings, overflow

REFERENCE = "/api/"
WINDOW = {"width": 1280, "height": 800}


PART = ":has(#complete_toolchain), :has(#stage-start), :has(#event-tool_call)"
"""Items of each kind."""


def test_the_reference_has_no_findings(audit_page: Any) -> None:
    """All of it, but for contrasts: of thousands of cells these take the better part of a minute,
    and the next test looks at those of each kind."""
    audit_page.goto(REFERENCE)
    options = {"preload": False, "rules": {"color-contrast": {"enabled": False}}}
    found = Axe().run(audit_page, options=options).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WINDOW, PHONE], ids=["window", "phone"])
def test_no_part_of_it_has_findings_in_either_theme(
    admin_page: Any, theme: str, size: dict[str, int]
) -> None:
    admin_page.emulate_media(color_scheme=theme)
    admin_page.set_viewport_size(size)
    admin_page.goto(REFERENCE)
    # Items far from it only cost time.
    admin_page.evaluate(
        """part => document.querySelectorAll(".ref-item").forEach(
            (item) => item.matches(part) || item.remove())""",
        PART,
    )
    assert findings(admin_page) == []


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["390", "320"])
def test_nothing_scrolls_sideways_on_a_phone(admin_page: Any, size: dict[str, int]) -> None:
    admin_page.set_viewport_size(size)
    admin_page.goto(REFERENCE)
    assert overflow(admin_page) == 0
    work = admin_page.locator("#work")
    assert work.evaluate("work => work.scrollWidth - work.clientWidth") == 0


def test_a_link_moves_the_page_and_not_the_shell(admin_page: Any) -> None:
    admin_page.goto(REFERENCE)
    admin_page.locator("#panel").get_by_role("link", name="stage.subscribe").click()
    heading = admin_page.locator("#stage-subscribe")
    expect(heading).to_be_in_viewport()
    expect(heading).to_be_focused()
    expect(admin_page.locator(".top-bar")).to_be_in_viewport()
    assert admin_page.evaluate("document.body.scrollTop") == 0
    current = admin_page.locator("#panel [aria-current]")
    expect(current).to_have_text("stage.subscribe")


def test_on_a_phone_a_choice_closes_the_contents(admin_page: Any) -> None:
    admin_page.set_viewport_size(PHONE)
    admin_page.goto(REFERENCE)
    admin_page.click("[data-drawer-open=panel]")
    admin_page.locator("#panel").get_by_role("link", name="/healthz").click()
    expect(admin_page.locator("#panel")).not_to_be_visible()
    expect(admin_page.locator("#healthz")).to_be_in_viewport()
    expect(admin_page.locator("#healthz")).to_be_focused()


def test_a_sample_is_copied_as_it_stands(admin_page: Any) -> None:
    admin_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin_page.goto(REFERENCE)
    admin_page.get_by_role("button", name="Copy wscat of ping").click()
    expect(admin_page.locator("[data-copy-said]")).to_have_text("Copied.")
    copied = admin_page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("wscat -c ws://127.0.0.1:")
    assert '-x \'{"type": "ping"}\'' in copied


def test_the_reference_is_found_from_everywhere(admin_page: Any) -> None:
    admin_page.goto("/")
    admin_page.click("[data-menu-button=user-menu]")
    admin_page.locator("#user-menu").get_by_role("link", name="API reference").click()
    expect(admin_page.locator("h1")).to_have_text("API reference")
