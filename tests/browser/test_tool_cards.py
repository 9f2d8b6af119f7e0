"""Tool cards in Chromium: arguments that are being written, and many calls of one round."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.test_chat_page import PATIENCE, open_chat, send, stage


def test_arguments_are_rows_while_they_are_written(admin_page: Any) -> None:
    open_chat(admin_page, "demo-slow", "tools")
    send(admin_page, 'Use current_time {"time_zone": "Europe/Paris"}')
    row = stage(admin_page).locator("[data-argument=time_zone]")
    expect(row).to_have_attribute("data-check", "shaping", timeout=PATIENCE)
    expect(stage(admin_page).locator("[data-raw-words]")).to_contain_text("so far")
    done = stage(admin_page, "done")
    expect(done.locator("[data-argument=time_zone]")).to_have_attribute("data-check", "ok")
    expect(done.locator("[data-raw-arguments]")).to_be_hidden()


def test_over_six_calls_are_a_list_whose_cards_open(admin_page: Any) -> None:
    open_chat(admin_page, mode="tools")
    send(admin_page, "What is 1+1, 2+2, 3+3, 4+4, 5+5, 6+6 and 7+7?")
    done = stage(admin_page, "done")
    cards = done.locator(".tool-card")
    expect(cards).to_have_count(7)
    expect(cards.nth(2).locator("[data-result-text]")).to_be_hidden()
    opener = cards.nth(2).get_by_role("button", name="Show this call")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(cards.nth(2).locator("[data-result-text]")).to_contain_text("6")
    expect(cards.nth(3).locator("[data-result-text]")).to_be_hidden()
    opener.click()
    expect(cards.nth(2).locator("[data-result-text]")).to_be_hidden()


def test_partial_json_is_read_field_by_field(admin_page: Any) -> None:
    open_chat(admin_page)
    read = """async (raws) => {
        const name = [...document.querySelectorAll("script[type=module][src]")].map((s) => s.src)
          .find((src) => src.includes("/chat/js/page"));
        const source = await (await fetch(name)).text();
        const card = source.match(/[^"']*transcript[^"']*[.]js/)[0];
        const inner = await (await fetch(new URL(card, name))).text();
        const tool = new URL(inner.match(/[^"']*toolcard[^"']*[.]js/)[0], new URL(card, name));
        const last = await (await fetch(tool)).text();
        const at = new URL(last.match(/[^"']*partialjson[^"']*[.]js/)[0], tool);
        const { partialFields } = await import(at);
        return raws.map((raw) => partialFields(raw).map((f) => [f.name, f.text, f.whole]));
    }"""
    cases = {
        "": [],
        "[1, 2": [],
        '{"a': [],
        '{"a": ': [["a", "", False]],
        '{"a": "x, }': [["a", '"x, }', False]],
        '{"a": {"b": [1, 2]}, "c\\"d": 4': [["a", '{"b": [1, 2]}', True], ['c"d', "4", False]],
        '{"a": 1, "b": "\\""}': [["a", "1", True], ["b", '"\\""', True]],
    }
    assert admin_page.evaluate(read, list(cases)) == list(cases.values())
