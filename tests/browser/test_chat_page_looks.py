"""The chat page for everyone: axe, phones, the keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_chat_page import PATIENCE, WORKS, open_chat, send, stage
from tests.browser.test_shell import PHONE, SMALLEST, findings, overflow


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_empty_live_and_done(admin_page: Any, theme: str) -> None:
    admin_page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    open_chat(admin_page, "demo-slow")
    assert findings(admin_page) == []
    send(admin_page, WORKS)
    expect(stage(admin_page).locator("[data-call-id]")).not_to_have_count(0, timeout=PATIENCE)
    assert findings(admin_page) == []
    admin_page.keyboard.press("Escape")
    stage(admin_page, "cancel")
    assert findings(admin_page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_an_answer_an_error_and_the_menus(admin_page: Any, theme: str) -> None:
    admin_page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    open_chat(admin_page)
    send(admin_page, WORKS)
    stage(admin_page, "done")
    assert findings(admin_page) == []
    for button in (".route-button", ".tools-button", ".parameters-button"):
        admin_page.locator(button).click()
        assert findings(admin_page) == [], button
        admin_page.keyboard.press("Escape")
    open_chat(admin_page, "demo-fails", "chat")
    send(admin_page, "Count to 5")
    stage(admin_page, "error")
    assert findings(admin_page) == []


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["390", "320"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    admin_page: Any, size: dict[str, int]
) -> None:
    admin_page.emulate_media(reduced_motion="reduce")
    admin_page.set_viewport_size(size)
    open_chat(admin_page)
    assert overflow(admin_page) == 0
    send(admin_page, "What time is it in Paris and in Tokyo?")
    expect(admin_page.locator("[data-stop]")).to_be_in_viewport()
    assert overflow(admin_page) == 0
    stage(admin_page, "done")
    assert overflow(admin_page) == 0
    box = admin_page.locator("[data-scroll]")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    assert findings(admin_page) == []
    admin_page.locator(".parameters-button").click()
    expect(
        admin_page.locator("#parameters-menu").get_by_text("calculate", exact=True)
    ).to_be_visible()
    assert findings(admin_page) == []


def test_the_keyboard_alone_is_enough(admin_page: Any) -> None:
    open_chat(admin_page)
    admin_page.locator("[data-draft]").focus()
    admin_page.keyboard.type("What is 6 * 7?")
    admin_page.keyboard.press("Shift+Enter")
    admin_page.keyboard.type("And 2 ** 10?")
    expect(admin_page.locator("[data-draft]")).to_have_value("What is 6 * 7?\nAnd 2 ** 10?")
    admin_page.keyboard.press("Enter")
    done = stage(admin_page, "done")
    expect(admin_page.locator("[data-draft]")).to_be_focused()
    done.locator("summary.stage-head").focus()
    admin_page.keyboard.press("Enter")
    expect(done.locator("[data-card]")).not_to_have_attribute("open", "")


def test_states_are_announced_and_tokens_are_not(admin_page: Any) -> None:
    open_chat(admin_page)
    admin_page.evaluate(
        """() => {
          window.heard = [];
          const place = document.querySelector("[data-announcer]");
          new MutationObserver(() => window.heard.push(place.textContent))
            .observe(place, { childList: true, characterData: true, subtree: true });
        }"""
    )
    send(admin_page, WORKS)
    stage(admin_page, "done")
    expect(admin_page.locator("[data-announcer]")).to_contain_text("Done.")
    heard = admin_page.evaluate("window.heard")
    assert "Calls calculate." in " ".join(heard)
    assert len(heard) < 10
