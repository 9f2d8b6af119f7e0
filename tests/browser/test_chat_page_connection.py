"""The chat page when things break off: reload, lost connection, second tab, unsent words."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.test_chat_page import PATIENCE, WORKS, open_chat, send, stage


def log_in_beside(page: Any) -> Any:
    """A second tab of the same browser."""
    second = page.context.new_page()
    second.goto(page.url)
    return second


def test_a_reload_in_mid_stream_goes_on_with_the_same_text(admin_page: Any) -> None:
    open_chat(admin_page, "demo-endless", "chat")
    send(admin_page, "Tell a long story")
    text = stage(admin_page).locator("[data-answer]")
    heading = text.get_by_role("heading", name="Part 1", exact=True)
    expect(heading).to_be_visible(timeout=PATIENCE)
    seen = text.inner_text()
    admin_page.reload()
    expect(stage(admin_page)).to_have_attribute("data-status", "running")
    expect(text).to_contain_text("Part 2", timeout=PATIENCE)
    assert text.inner_text().startswith(seen[: len(seen) // 2])
    admin_page.locator("[data-stop]").click()
    stage(admin_page, "cancel")
    kept = text.inner_text()
    admin_page.reload()
    expect(stage(admin_page, "cancel").locator("[data-answer]")).to_have_text(
        kept, use_inner_text=True
    )


def test_a_lost_connection_is_told_and_mended_without_a_trace(admin_page: Any) -> None:
    sockets: list[Any] = []

    def through(socket: Any) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    admin_page.route_web_socket("**/ws/", through)
    open_chat(admin_page, "demo-slow")
    words = admin_page.locator("[data-connection] .long")
    send(admin_page, WORKS)
    expect(stage(admin_page).locator("[data-call-id]")).not_to_have_count(0, timeout=PATIENCE)
    sockets[-1].close(code=1011, reason="cut for the test")
    expect(words).to_have_text("Reconnecting, 1st try")
    expect(words).to_have_text("Connected, events live", timeout=PATIENCE)
    done = stage(admin_page, "done")
    expect(done.locator("[data-answer]")).to_contain_text("391")
    expect(done.locator("[data-call-id]")).to_have_count(2)


def test_a_message_sent_while_offline_goes_out_once_when_the_connection_is_back(
    admin_page: Any,
) -> None:
    sockets: list[Any] = []
    lost = False

    def through(socket: Any) -> None:
        if lost:
            socket.close(code=1011, reason="still cut")
        else:
            socket.connect_to_server()
            sockets.append(socket)

    admin_page.route_web_socket("**/ws/", through)
    open_chat(admin_page)
    lost = True
    sockets[-1].close(code=1011, reason="cut for the test")
    bar = admin_page.locator("[data-connection-bar]")
    expect(bar).to_contain_text("Connection lost.", timeout=PATIENCE)
    expect(bar).to_be_visible(timeout=PATIENCE)
    send(admin_page, "What is 6 * 7?")
    expect(admin_page.locator("[data-draft]")).to_have_value("What is 6 * 7?")
    expect(admin_page.locator("[data-draft-state]")).to_contain_text("when the connection is back")
    lost = False
    bar.get_by_role("button", name="Try now").click()
    expect(stage(admin_page, "done").locator("[data-answer]")).to_contain_text("42")
    expect(admin_page.locator("[data-message-id]")).to_have_count(1)
    expect(admin_page.locator("[data-draft]")).to_have_value("")
    expect(bar).to_be_hidden()


def test_a_second_tab_keeps_step(admin_page: Any) -> None:
    open_chat(admin_page)
    send(admin_page, "What is 6 * 7?")
    stage(admin_page, "done")
    second = log_in_beside(admin_page)
    stage(second, "done")
    send(admin_page, WORKS)
    expect(second.locator("[data-stage-id]")).to_have_count(2, timeout=PATIENCE)
    expect(second.locator("[data-message-id]").last).to_contain_text(WORKS)
    expect(stage(second, "done").locator("[data-answer]")).to_contain_text("391")
    stage(admin_page, "done")
    both = [page.locator("[data-transcript]").inner_text() for page in (admin_page, second)]
    # Cards that were open in one tab only differ; what was said does not.
    said = [page.locator("[data-answer]").all_inner_texts() for page in (admin_page, second)]
    assert said[0] == said[1]
    assert all("391" in text for text in both)


def test_a_draft_outlives_the_page(admin_page: Any) -> None:
    open_chat(admin_page)
    admin_page.locator("[data-draft]").fill("Half a thought")
    expect(admin_page.locator("[data-draft-state]")).to_have_text("Draft saved.")
    admin_page.reload()
    expect(admin_page.locator("[data-draft]")).to_have_value("Half a thought")


def test_a_refused_message_stays_in_the_box_with_the_reason(admin_page: Any) -> None:
    open_chat(admin_page, mode="tools")
    admin_page.locator(".tools-button").click()
    admin_page.locator("[data-no-tools]").click()
    admin_page.keyboard.press("Escape")
    send(admin_page, "What is 6 * 7?")
    expect(admin_page.locator("[data-refusal]")).to_contain_text("Choose at least one tool")
    expect(admin_page.locator("[data-draft]")).to_have_value("What is 6 * 7?")
    expect(admin_page.locator("[data-draft]")).to_be_editable()


def test_the_page_follows_the_end_only_while_the_reader_is_there(admin_page: Any) -> None:
    admin_page.set_viewport_size({"width": 1000, "height": 600})
    open_chat(admin_page, "demo-endless", "chat")
    send(admin_page, "Tell a long story")
    answer = stage(admin_page).locator("[data-answer]")
    expect(answer).to_contain_text("Part 3", timeout=PATIENCE)
    distance = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
    box = admin_page.locator("[data-scroll]")
    assert box.evaluate(distance) < 60
    box.evaluate("box => { box.scrollTop = 0; }")
    expect(admin_page.locator("[data-jump]")).to_be_visible()
    expect(answer).to_contain_text("Part 4", timeout=PATIENCE)
    assert box.evaluate("box => box.scrollTop") == 0
    admin_page.locator("[data-jump]").click()
    expect(admin_page.locator("[data-jump]")).to_be_hidden()
    assert box.evaluate(distance) < 60
    admin_page.keyboard.press("Escape")
    stage(admin_page, "cancel")
