"""The pages of API keys in Chromium: axe, phones, keyboard, and the copying of a new key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from chat.key_text import SHAPE
from tests.browser.test_shell import PHONE, SMALLEST, findings, overflow

KEYS = "/accounts/keys/"
NEW = "/accounts/keys/new/"


def make(page: Any, name: str) -> None:
    page.goto(NEW)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the key").click()


def look(page: Any, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    if folder := os.environ.get("KEY_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_of_keys_have_no_findings(admin_page: Any, theme: str) -> None:
    page = admin_page
    page.emulate_media(color_scheme=theme)
    page.goto(KEYS)
    assert findings(page) == []
    look(page, f"list-first-{theme}")
    page.goto(NEW)
    assert findings(page) == []
    look(page, f"new-{theme}")
    page.get_by_label("Chat:").uncheck()
    page.get_by_label("Tools:").uncheck()
    page.get_by_label("Only these", exact=True).check()
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("Name the key after what will use it.")).to_be_visible()
    expect(page.get_by_text("Choose at least one thing")).to_be_visible()
    assert findings(page) == []
    look(page, f"wrong-{theme}")
    make(page, "Nightly report")
    expect(page.locator("h1")).to_have_text("Your new API key")
    assert findings(page) == []
    look(page, f"made-{theme}")
    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name="Revoke").first.click()
    expect(page.locator("h1")).to_have_text("Revoke “Nightly report”?")
    assert findings(page) == []
    look(page, f"revoke-{theme}")
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("opens nothing any more")).to_be_visible()
    make(page, "OpenAI client on the build server, with a name that is rather long")
    page.goto(KEYS)
    assert findings(page) == []
    look(page, f"list-{theme}")


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["390", "320"])
def test_nothing_of_keys_scrolls_sideways_on_a_phone(admin_page: Any, size: dict[str, int]) -> None:
    page = admin_page
    page.set_viewport_size(size)
    make(page, "OnePhoneWithoutASpaceInItsVeryVeryLongName")
    assert overflow(page) == 0
    look(page, f"made-{size['width']}")
    for path in (KEYS, NEW):
        page.goto(path)
        assert overflow(page) == 0, path
        look(page, f"{path.strip('/').split('/')[-1]}-{size['width']}")


def test_a_key_is_made_copied_and_left_by_keyboard_alone(admin_page: Any) -> None:
    page = admin_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(NEW)
    page.locator("#id_name").focus()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator("#id_name").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Your new API key")
    page.get_by_role("button", name="Copy the key").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-copy-said]")).to_have_text("Copied.")
    assert SHAPE.fullmatch(page.evaluate("navigator.clipboard.readText()"))
    page.get_by_role("button", name="Copy the command").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Copied the command")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl http://")
    # The fourth box, Read, was ticked on the way.
    page.goto(KEYS)
    expect(page.locator(".key-row", has_text="By keyboard").first).to_contain_text(
        "chat, tools, read"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_admin_makes_and_revokes_keys_without_findings(admin_page: Any, theme: str) -> None:
    page = admin_page
    page.emulate_media(color_scheme=theme)
    page.goto("/admin/chat/apikey/add/")
    assert findings(page) == []
    look(page, f"admin-add-{theme}")
    page.get_by_label("Name").fill("For somebody")
    page.get_by_label("Whose key").select_option(label="admin")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("it is not shown again")).to_be_visible()
    assert findings(page) == []
    look(page, f"admin-made-{theme}")
    page.goto("/admin/chat/apikey/")
    assert findings(page) == []
    look(page, f"admin-list-{theme}")
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("revoke_keys")
    page.locator("button[name=index]").click()
    expect(page.get_by_text("Revoke these API keys?")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Revoke 1 key").click()
    expect(page.get_by_text("1 key opens nothing any more.")).to_be_visible()
