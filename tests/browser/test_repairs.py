"""A sloppy server in Chromium: what was mended is told while it happens and stays to be read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_chat_page import PATIENCE, WORKS, open_chat, send, stage
from tests.browser.test_shell import PHONE, findings, overflow

CODES = {"tool_index_missing", "name_repeated", "args_repaired_json", "done_missing"}


def codes(shown: Any) -> set[str]:
    return set(shown.locator("[data-repair-code]").all_inner_texts())


def test_the_hammer_opens_the_list_live_and_it_is_the_same_after_a_reload(admin_page: Any) -> None:
    open_chat(admin_page, "demo-sloppy")
    send(admin_page, WORKS)
    badge = stage(admin_page).locator("[data-repairs-badge]")
    expect(badge).to_be_visible(timeout=PATIENCE)
    badge.click()
    expect(stage(admin_page).locator("[data-repair]").first).to_be_visible()
    done = stage(admin_page, "done")
    expect(done.locator("[data-answer]")).to_contain_text("391")
    # What was opened while the stage ran is open still.
    expect(done.locator("[data-repair]").first).to_be_visible()
    assert codes(done) >= CODES
    told = done.locator("[data-repairs]").inner_html()
    counted = done.locator("[data-show-repairs]").inner_text()
    assert re.fullmatch(r"\s*[4-9] repairs", counted)
    admin_page.reload()
    again = stage(admin_page, "done")
    again.locator("[data-show-repairs]").click()
    expect(again.locator("[data-repair]").first).to_be_visible()
    assert again.locator("[data-repairs]").inner_html() == told
    raw = again.locator("[data-repair]", has_text="args_repaired_json")
    expect(raw.locator("[data-repair-bytes]")).to_be_hidden()
    raw.locator("summary").click()
    expect(raw.locator("[data-repair-bytes]")).to_have_text("{'expression': '17 * 23'}")


def test_a_mended_argument_says_what_it_was(admin_page: Any) -> None:
    open_chat(admin_page, "demo-sloppy", "tools")
    send(admin_page, WORKS)
    card = stage(admin_page, "done").locator(".tool-card").first
    row = card.locator("[data-argument=expression]")
    expect(row).to_have_attribute("data-check", "mended")
    expect(row.locator(".argument-value")).to_have_text('"17 * 23"')
    expect(row.locator(".argument-check")).to_have_text("was '17 * 23'")
    expect(card.locator("[data-raw-text]")).to_have_text("{'expression': '17 * 23'}")


def test_repairs_of_an_answer_without_tools_can_be_read_too(admin_page: Any) -> None:
    open_chat(admin_page, "demo-sloppy", "chat")
    send(admin_page, "Say hello")
    done = stage(admin_page, "done")
    expect(done.locator("[data-card]")).to_be_hidden()
    done.locator("[data-show-repairs]").click()
    expect(done.locator("[data-repair-code]")).to_have_text("done_missing")
    expect(done.locator("[data-repair-place]")).to_have_text("Completion")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_open_list_has_no_axe_findings_and_fits_a_phone(admin_page: Any, theme: str) -> None:
    admin_page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    open_chat(admin_page, "demo-sloppy")
    send(admin_page, WORKS)
    done = stage(admin_page, "done")
    done.locator("[data-show-repairs]").click()
    done.locator("[data-repair-raw] summary").first.click()
    assert findings(admin_page) == []
    admin_page.set_viewport_size(PHONE)
    assert overflow(admin_page) == 0
    box = admin_page.locator("[data-scroll]")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    assert findings(admin_page) == []
