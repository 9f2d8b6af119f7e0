"""The pictures of a bench run, taken anew: `python -m bench.bench_pictures [FOLDER]`.

Twelve cases of the starter suite on five demo routes, five tries each, really run: light, dark and
390 px wide.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.serving import ServerProcess, free_port

CASES = (
    "simple_weather_paris",
    "simple_time_tokyo",
    "simple_time_offset",
    "simple_error_told_honestly",
    "multiple_time_and_weather",
    "multiple_find_then_weather",
    "parallel_two_cities",
    "parallel_three_sums",
    "irrelevance_small_talk",
    "irrelevance_weather_of_the_past",
    "irrelevance_farewell",
    "turns_sum_weather_thanks",
)
ROUTES = ("demo", "demo-json-text", "demo-merged-index", "demo-sloppy", "demo-fails")
SHOWN = "irrelevance_weather_of_the_past"
TRIES = 5
LONG_MS = 590_000

START = """
from django.contrib.auth.models import User
from chat.bench.stage_runner.case_files import SHIPPED, read_case_file
from chat.services.bench import create_run
run = create_run(
    User.objects.get(username={user!r}),
    read_case_file(SHIPPED / "starter.yaml"),
    [(route, "native") for route in {routes!r}],
    tries={tries},
    case_ids={cases!r},
)
print(run.pk)
"""


def main() -> None:
    """Serve, run, take the pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="toolbench-pictures-"))
    server = ServerProcess(data, free_port(), username="ada")
    server.manage("migrate", "-v", "0")
    server.manage("collectstatic", "--noinput", "-v", "0")
    server.start()
    try:
        code = START.format(user=server.username, routes=ROUTES, tries=TRIES, cases=CASES)
        run_id = server.manage("shell", "-v", "0", "-c", code).strip().splitlines()[-1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            take_pictures(browser, server, folder, f"/bench/runs/{run_id}/")
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(data)


def take_pictures(browser: Browser, server: ServerProcess, folder: Path, address: str) -> None:
    """Watch the run to its end, then show it in each guise."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", server.username)
    page.fill("input[name=password]", server.password)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    page.goto(address)
    expect(page.locator("#run-head:not([data-active])")).to_be_visible(timeout=LONG_MS)
    state = context.storage_state()
    for name, width, scheme in (
        ("light", 1440, "light"),
        ("dark", 1440, "dark"),
        ("phone", 390, "light"),
    ):
        shown = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=state,
        ).new_page()
        shown.goto(f"{address}?case={SHOWN}&on=demo")
        expect(shown.locator("#cell-title")).to_have_text(SHOWN)
        grow(shown, width)
        shown.screenshot(path=folder / f"bench-{name}.png")


def grow(page: Page, width: int) -> None:
    """A window as high as the page; a phone shows the grid and the chosen cell."""
    height = page.evaluate("document.querySelector('#work').scrollHeight + 48")
    if width < 500:
        height = page.locator("#run-cell").evaluate("cell => cell.getBoundingClientRect().bottom")
    page.set_viewport_size({"width": width, "height": int(height) + 16})
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    main()
