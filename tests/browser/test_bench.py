"""The bench in Chromium: a run watched to its end, the grid from the keyboard, phones, axe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_shell import PHONE, SMALLEST, findings, overflow

PATIENCE = 60_000

SUITE = """\
suite: {name}
cases:
  - id: time_in_paris
    tools: [current_time]
    prompt: What time is it in Paris?
    expect: {{calls: [{{tool: current_time}}]}}
  - id: two_cities
    category: parallel
    tools: [current_time]
    prompt: What time is it in Paris and in Tokyo?
    expect: {{calls: [{{tool: current_time}}, {{tool: current_time}}], parallel: true}}
  - id: never_right
    category: irrelevance
    tools: [current_time]
    prompt: What time is it in Paris?
    expect: {{no_calls: true}}
"""


def write_suite(page: Any, name: str, text: str = SUITE) -> None:
    page.goto("/bench/suites/new/")
    page.get_by_label("Cases").fill(text.format(name=name))
    page.get_by_role("button", name="Keep the suite").click()
    expect(page.get_by_text(f"The suite “{name}” is kept.")).to_be_visible()


def start(page: Any, *, tries: int = 1, mode: str = "Native", route: str = "") -> None:
    if route:
        for box in page.locator(".start-route input:checked").all():
            box.uncheck()
        page.get_by_label(route).check()
    page.get_by_text(mode, exact=True).click()
    page.get_by_label("Tries of each case").fill(str(tries))
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/bench/runs/[0-9a-f-]+/"))


def until_ended(page: Any) -> None:
    expect(page.locator("#run-head:not([data-active])")).to_be_visible(timeout=PATIENCE)


def cell(page: Any, case: str, target: str = "demo") -> Any:
    return page.locator(f'[data-cell][aria-label^="{case} on {target}:"]')


@pytest.fixture(scope="module")
def done_run(browser: Any, live_server_process: Any) -> str:
    """The address of a run that has ended, with a failing case; run once for the module."""
    from tests.browser.conftest import log_in

    context = browser.new_context(base_url=live_server_process.url)
    page = context.new_page()
    log_in(page, live_server_process)
    write_suite(page, "for looking at")
    start(page, tries=2)
    until_ended(page)
    address: str = page.url.removeprefix(live_server_process.url).partition("?")[0]
    context.close()
    return address


def test_a_run_is_started_watched_to_its_end_and_leads_to_a_stage(admin_page: Any) -> None:
    page = admin_page
    write_suite(page, "watched")
    expect(page.locator("[data-estimate]")).to_have_text("About 3 stages, estimated.")
    page.get_by_label("Tries of each case").fill("2")
    expect(page.locator("[data-estimate]")).to_have_text("About 6 stages, estimated.")
    start(page, tries=2)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    # Nothing is reloaded: what the page shows grows by itself.
    page.evaluate("window.isTheSame = true")
    until_ended(page)
    assert page.evaluate("window.isTheSame")
    expect(page.locator("[data-said]")).to_contain_text("The run has ended.")
    expect(cell(page, "two_cities")).to_contain_text("2/2")
    expect(cell(page, "never_right")).to_contain_text("0/2")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    cell(page, "never_right").click()
    expect(page.locator("#cell-title")).to_have_text("never_right")
    expect(page.locator("[data-cell-lead]")).to_contain_text("passed 0 of 2 tries")
    expect(page.locator("[data-said]")).to_contain_text("passed 0 of 2 tries")
    expect(cell(page, "never_right")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Stage of try 2").click()
    page.wait_for_url(re.compile(r"/c/[0-9a-f-]+/\?leaf="))
    stage = page.locator(f"#{page.url.partition('#')[2]}")
    expect(stage).to_be_visible()
    expect(stage.locator("[data-card]")).to_have_attribute("open", "")
    expect(page.get_by_text("it can be read here, not continued")).to_be_visible()


def test_a_run_survives_a_reload_is_stopped_and_gone_on_with(admin_page: Any) -> None:
    page = admin_page
    write_suite(page, "stopped and resumed")
    start(page, tries=2, route="Demo: slow")
    page.reload()
    expect(page.locator("#run-head[data-active]")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("It was stopped by a person.")).to_be_visible()
    until_ended(page)
    page.get_by_role("button", name="Run the rest").click()
    expect(page.locator("#run-head[data-active]")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    until_ended(page)


def test_the_grid_is_walked_with_the_arrows_and_has_one_stop_for_tab(
    admin_page: Any, done_run: str
) -> None:
    page = admin_page
    page.goto(done_run)
    expect(page.locator("html[data-ready]")).to_be_attached()
    assert page.locator("[data-cell][tabindex='0']").count() == 1
    page.locator("[data-cell][tabindex='0']").focus()
    page.keyboard.press("PageUp")
    expect(cell(page, "time_in_paris")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cell(page, "two_cities")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "two_cities")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#cell-title")).to_have_text("two_cities")
    expect(cell(page, "two_cities")).to_be_focused()
    assert page.locator("[data-cell][tabindex='0']").count() == 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#cell-title")).to_have_text("never_right")
    page.reload()
    expect(page.locator("#cell-title")).to_have_text("never_right")


def test_what_the_cells_show_is_chosen_in_place(admin_page: Any, done_run: str) -> None:
    page = admin_page
    page.goto(done_run)
    page.evaluate("window.isTheSame = true")
    page.get_by_role("link", name="Time", exact=True).click()
    expect(page.locator("#grid-title")).to_have_text("Time for a try, in the median")
    expect(cell(page, "two_cities")).to_contain_text("s")
    page.get_by_role("link", name="Repairs", exact=True).click()
    expect(cell(page, "two_cities")).to_have_text("0 repairs")
    assert page.evaluate("window.isTheSame")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")


def test_running_again_compares_with_the_run_before(admin_page: Any, done_run: str) -> None:
    page = admin_page
    page.goto(done_run)
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: done_run not in url)
    until_ended(page)
    page.get_by_role("link", name="Against run").click()
    expect(page.get_by_role("heading", name="Since run")).to_be_visible()
    expect(page.get_by_text("No case passes fewer or more tries")).to_be_visible()


def test_a_conversation_becomes_a_case_and_runs(admin_page: Any) -> None:
    page = admin_page
    page.goto("/")
    expect(page.locator("html[data-ready]")).to_be_attached()
    page.get_by_role("button", name="What time is it in Paris and in Tokyo?").click()
    page.keyboard.press("Enter")
    done = page.locator('article.turn-stage[data-status="done"]').last
    expect(done).to_be_visible(timeout=PATIENCE)
    # A phone has it in the menu of the conversation's row.
    conversation = re.search("/c/[0-9a-f-]+/", page.url)
    assert conversation
    row = page.locator(f'[data-conversation-id="{conversation[0][3:-1]}"]')
    row.hover()
    row.locator("[data-row-menu]").click()
    made_here = conversation[0].replace("/c/", "/bench/from/")
    expect(page.locator("[data-make-case-row]")).to_have_attribute("href", made_here)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Make a test case").click()
    expect(page.get_by_role("heading", name="Make a test case")).to_be_visible()
    expect(page.get_by_label("The case")).to_have_value(re.compile("parallel: true"))
    page.get_by_label("Keep it in").select_option(label="A new suite")
    page.get_by_label("Name of the new suite").fill("Made of conversations")
    page.get_by_role("button", name="Keep and run it").click()
    page.wait_for_url(re.compile("/bench/runs/"))
    until_ended(page)
    expect(page.locator("[data-cell]")).to_contain_text("1/1")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_of_the_bench(
    admin_page: Any, done_run: str, theme: str
) -> None:
    page = admin_page
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    for path in (
        "/bench/",
        "/bench/shipped/starter/",
        "/bench/suites/new/",
        done_run,
        f"{done_run}?show=time",
        f"{done_run}delete/",
    ):
        page.goto(path)
        assert findings(page) == [], path
    page.goto("/bench/suites/new/")
    page.get_by_label("Cases").fill("suite: [")
    page.get_by_role("button", name="Keep the suite").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.console_errors.clear()  # The browser notes the 400.
    assert findings(page) == []


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["390", "320"])
def test_a_phone_scrolls_the_grid_in_its_own_box_only(
    admin_page: Any, done_run: str, size: dict[str, int]
) -> None:
    page = admin_page
    page.set_viewport_size(size)
    work = page.locator("#work")
    for path in ("/bench/", "/bench/shipped/starter/", "/bench/suites/new/", done_run):
        page.goto(path)
        assert overflow(page) == 0, path
        assert work.evaluate("work => work.scrollWidth - work.clientWidth") == 0, path
    cell(page, "never_right").click()
    expect(page.locator("#cell-title")).to_have_text("never_right")
    expect(page.locator("#cell-title")).to_be_in_viewport()
    assert findings(page) == []


def test_without_a_script_the_page_serves_all_the_same(
    browser: Any, live_server_process: Any, done_run: str, admin_page: Any
) -> None:
    state = admin_page.context.storage_state()
    context = browser.new_context(
        base_url=live_server_process.url, storage_state=state, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(done_run)
    cell(page, "two_cities").click()
    expect(page.locator("#cell-title")).to_have_text("two_cities")
    page.get_by_role("link", name="Repairs", exact=True).click()
    expect(cell(page, "two_cities")).to_have_text("0 repairs")
    context.close()
