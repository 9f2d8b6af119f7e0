"""The doctor's page in a browser: it fills by itself, from the keyboard, on a phone too."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

DEMO = "/admin/chat/modelroute/"
LONG_MS = 60_000


def open_doctor(page: Any, slug: str) -> None:
    page.goto(DEMO)
    page.get_by_role("link", name=slug, exact=True).click()
    page.get_by_role("link", name="Doctor", exact=True).click()
    expect(page.get_by_role("heading", name="Route doctor")).to_be_visible()


def test_findings_come_by_themselves_and_stay(admin_page: Any) -> None:
    open_doctor(admin_page, "demo-sloppy")
    examine = admin_page.get_by_role("button", name="Examine")
    examine.focus()
    admin_page.keyboard.press("Enter")
    expect(admin_page.get_by_role("button", name="Stop")).to_be_visible()
    expect(admin_page.locator("#probe-whole[data-outcome=works]")).to_be_visible(timeout=LONG_MS)
    admin_page.locator("#probe-whole summary").focus()
    admin_page.keyboard.press("Enter")
    expect(admin_page.get_by_role("button", name="Examine again")).to_be_visible(timeout=LONG_MS)
    # What was opened meanwhile is still open, and still has the focus.
    expect(admin_page.locator("#probe-whole details[open]")).to_have_count(1)
    expect(admin_page.locator("#probe-whole summary")).to_be_focused()
    expect(admin_page.locator("#probe-parallel[data-outcome=repaired]")).to_be_visible()
    expect(admin_page.get_by_role("status")).to_contain_text("mended")
    expect(admin_page.get_by_role("button", name="Copy the report")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_axe_findings(audit_page: Any, scheme: str) -> None:
    audit_page.emulate_media(color_scheme=scheme)
    open_doctor(audit_page, "demo-sloppy")
    found = Axe().run(audit_page)
    assert not found.violations_count, found.generate_report()


def test_a_phone_scrolls_down_only(admin_page: Any) -> None:
    admin_page.set_viewport_size({"width": 390, "height": 844})
    open_doctor(admin_page, "demo-sloppy")
    width = admin_page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
