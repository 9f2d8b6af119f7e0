"""The README's pictures, taken anew: `python -m bench.pictures [FOLDER]`.

A finished tools + synthesis conversation on the demo route: light, dark and 390 px wide.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.serving import PASSWORD, ServerProcess, free_port

PROMPT = "What time is it in Paris and in Tokyo?"


def main() -> None:
    """Serve, converse, take the pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="toolbench-pictures-"))
    server = ServerProcess(data, free_port(), username="ada")
    server.manage("migrate", "-v", "0")
    server.manage("collectstatic", "--noinput", "-v", "0")
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            take_pictures(browser, server, folder)
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(data)


def take_pictures(browser: Browser, server: ServerProcess, folder: Path) -> None:
    """Hold the conversation once, then show it in each guise."""
    context = browser.new_context(
        base_url=server.url, viewport={"width": 1440, "height": 900}, color_scheme="light"
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", server.username)
    page.fill("input[name=password]", server.password or PASSWORD)
    page.click("form button[type=submit]")
    expect(page.get_by_text("Connected, events live")).to_be_visible()
    box = page.locator("textarea").first
    box.fill(PROMPT)
    box.press("Enter")
    expect(page.locator("em", has_text="it only tells what")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    address, state = page.url, context.storage_state()
    for name, width, height, scheme in (
        ("light", 1440, 1060, "light"),
        ("dark", 1440, 1060, "dark"),
        ("phone", 390, 844, "light"),
    ):
        shown = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=state,
        ).new_page()
        shown.goto(address)
        expect(shown.locator("em", has_text="it only tells what")).to_be_visible()
        shown.locator("details summary, [aria-expanded=false]").filter(has_text="Round 1").click()
        expect(shown.get_by_text("current_time").first).to_be_visible()
        shown.wait_for_load_state("networkidle")
        shown.screenshot(path=folder / f"conversation-{name}.png")


if __name__ == "__main__":
    main()
