"""The chat page in Chromium: talking to the demo routes, and what each end looks like."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

PATIENCE = 20_000
WORKS = "What is 17 * 23, and the square root of 2?"


def open_chat(page: Any, route: str = "demo", mode: str = "synthesis") -> None:
    """An empty conversation with these choices."""
    page.goto("/")
    choices = json.dumps({"route": route, "mode": mode, "used": []})
    page.evaluate("choices => localStorage.setItem('toolbench.choices', choices)", choices)
    page.goto("/")
    expect(page.locator("[data-connection] .long")).to_have_text("Connected, events live")


def send(page: Any, text: str) -> None:
    """Type and send as a person does."""
    page.locator("[data-draft]").fill(text)
    page.locator("[data-draft]").press("Enter")


def stage(page: Any, status: str = "", number: int = -1) -> Any:
    """A stage on the page, by default the last; with a status once it has it."""
    found = page.locator("[data-transcript] [data-stage-id]").nth(number)
    if status:
        expect(found).to_have_attribute("data-status", status, timeout=PATIENCE)
        # The server's own drawing has taken the place of the live one.
        expect(found.locator("[data-show-card]")).to_have_count(1, timeout=PATIENCE)
    return found


def test_a_chat_is_answered_and_gets_an_address_and_a_title(admin_page: Any) -> None:
    open_chat(admin_page, mode="chat")
    send(admin_page, "Count to 5, for the title")
    expect(admin_page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/$"))
    expect(admin_page.locator(".chat-title")).to_have_text("Count to 5, for the title")
    done = stage(admin_page, "done")
    expect(done.locator("[data-answer]")).to_contain_text("5")
    expect(done.locator("[data-usage]")).to_contain_text("total")
    expect(admin_page.locator("[data-draft]")).to_have_value("")
    row = admin_page.locator("[data-list=people] [aria-current=page]")
    expect(row).to_contain_text("Count to 5, for the title")


def test_tools_and_synthesis_show_phases_cards_and_the_answer(admin_page: Any) -> None:
    open_chat(admin_page)
    admin_page.locator("[data-suggest]", has_text="17 * 23").click()
    expect(admin_page.locator("[data-draft]")).to_have_value(WORKS)
    admin_page.locator("[data-draft]").press("Enter")
    done = stage(admin_page, "done")
    expect(done.locator("[data-answer]")).to_contain_text("391")
    cards = done.locator("[data-call-id]")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("Done")
    expect(cards.first.locator(".argument-value")).to_have_text('"17 * 23"')
    rows = done.locator(".timeline-row[data-phase]:not(.timeline-call)")
    expect(rows).to_have_count(6)
    expect(rows.nth(5)).to_contain_text("Synthesis")
    expect(rows.nth(5).locator(".timeline-time")).not_to_have_text("–")


def test_a_reload_folds_the_card_and_opening_it_draws_the_phases_again(admin_page: Any) -> None:
    open_chat(admin_page)
    send(admin_page, WORKS)
    answer = stage(admin_page, "done").locator("[data-answer]").inner_text()
    drawn = stage(admin_page).locator(".timeline-time").all_inner_texts()
    admin_page.reload()
    again = stage(admin_page, "done")
    expect(again.locator("[data-answer]")).to_have_text(answer, use_inner_text=True)
    assert again.locator("[data-card]").get_attribute("open") is None
    again.locator("summary.stage-head").click()
    expect(again.locator(".timeline-time")).to_have_text(drawn)
    admin_page.reload()
    expect(stage(admin_page, "done").locator("[data-card]")).to_have_attribute("open", "")


def test_tools_without_synthesis_keep_their_results_in_sight(admin_page: Any) -> None:
    open_chat(admin_page, mode="tools")
    send(admin_page, "What is 6 * 7?")
    stage(admin_page, "done")
    admin_page.reload()
    expect(stage(admin_page, "done").locator("[data-result-text]")).to_contain_text("42")


def test_escape_stops_a_stage_and_leaves_a_receipt(admin_page: Any) -> None:
    open_chat(admin_page, "demo-endless", "chat")
    send(admin_page, "Tell a long story")
    expect(stage(admin_page).locator("[data-answer]")).not_to_be_empty(timeout=PATIENCE)
    admin_page.keyboard.press("Escape")
    stopped = stage(admin_page, "cancel")
    expect(stopped.locator("[data-receipt]")).to_contain_text("Stopped by you")
    expect(stopped.locator("[data-receipt]")).to_contain_text("after Stop")
    expect(admin_page.locator("[data-stop]")).to_be_hidden()
    expect(stopped.locator("[data-continue]")).to_be_visible()


def test_a_failed_stage_is_tried_again_on_another_route(admin_page: Any) -> None:
    open_chat(admin_page, "demo-fails", "chat")
    send(admin_page, "Count to 5")
    failed = stage(admin_page, "error")
    expect(failed.locator("[data-stage-banner]")).to_contain_text("upstream_failed")
    failed.locator("[data-other-route]").click()
    done = stage(admin_page, "done")
    expect(done.locator(".versions-place")).to_have_text("2 of 2")
    expect(admin_page.locator("[data-stage-id]")).to_have_count(1)
    done.get_by_role("link", name="Previous version").click()
    expect(stage(admin_page).locator("[data-stage-banner]")).to_be_visible()


def test_a_message_sent_meanwhile_waits_and_is_sent_at_the_end(admin_page: Any) -> None:
    open_chat(admin_page)
    send(admin_page, WORKS)
    expect(admin_page.locator("[data-stop]")).to_be_visible()
    send(admin_page, "What is 6 * 7?")
    expect(admin_page.locator("[data-queued]")).to_contain_text("What is 6 * 7?")
    expect(admin_page.locator("[data-stage-id]")).to_have_count(2, timeout=PATIENCE)
    expect(stage(admin_page, "done").locator("[data-answer]")).to_contain_text("42")
    expect(admin_page.locator("[data-queued]")).to_be_hidden()
    expect(admin_page.locator("[data-message-id]")).to_have_count(2)


def test_the_choices_are_remembered_and_sent(admin_page: Any) -> None:
    open_chat(admin_page, mode="chat")
    admin_page.locator(".route-button").click()
    admin_page.locator("[data-route-search]").fill("calls as text")
    admin_page.locator("[data-route-search]").press("Enter")
    expect(admin_page.locator(".route-button [data-route-name]")).to_contain_text("calls as text")
    admin_page.locator(".modes").get_by_text("Tools", exact=True).click()
    admin_page.locator(".tools-button").click()
    admin_page.locator("#tools-menu").get_by_text("iss_tracker").click()
    admin_page.keyboard.press("Escape")
    expect(admin_page.locator("[data-tools-words]")).to_have_text(re.compile(r"^(\d+) of (?!\1)"))
    admin_page.locator(".parameters-button").click()
    admin_page.locator("[data-parameter=temperature0]").fill("0.4")
    admin_page.keyboard.press("Escape")
    admin_page.reload()
    expect(admin_page.locator("[data-parameters-words]")).to_have_text("0.4")
    expect(admin_page.locator("[name=mode][value=tools]")).to_be_checked()
    send(admin_page, "What is 6 * 7?")
    done = stage(admin_page, "done")
    expect(done.locator("[data-route-name]")).to_contain_text("calls as text")
    expect(done.locator("[data-result-text]")).to_contain_text("42")


def test_a_conversation_is_renamed_in_place_and_deleted_after_a_question(admin_page: Any) -> None:
    open_chat(admin_page)
    send(admin_page, "What is 6 * 7, to be renamed?")
    stage(admin_page, "done")
    admin_page.get_by_role("button", name="Rename this conversation").click()
    admin_page.get_by_label("Title of the conversation").fill("Six by seven")
    admin_page.keyboard.press("Enter")
    row = admin_page.locator("[data-list=people] .conversation", has_text="Six by seven")
    expect(row).to_have_count(1)
    row.hover()
    row.get_by_role("button", name="Rename or delete").click()
    admin_page.locator("#conversation-menu [data-delete]").click()
    dialog = admin_page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete this conversation?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    dialog.get_by_role("button", name="Delete it").click()
    expect(admin_page).to_have_url(re.compile(r"/$"))
    expect(row).to_have_count(0)


@pytest.mark.parametrize("key", ["n", "N"])
def test_keys_lead_to_a_new_conversation_and_to_the_filter(admin_page: Any, key: str) -> None:
    open_chat(admin_page, mode="chat")
    send(admin_page, "Count to 3")
    stage(admin_page, "done")
    admin_page.locator("[data-scroll]").focus()
    admin_page.keyboard.press("/")
    expect(admin_page.locator("[data-filter]")).to_be_focused()
    admin_page.locator("[data-filter]").fill("no such title")
    expect(admin_page.locator("[data-no-match]")).to_contain_text("No title holds")
    admin_page.locator("[data-scroll]").focus()
    admin_page.keyboard.press(key)
    expect(admin_page.locator("[data-empty]")).to_be_visible()
