"""Fixtures of the browser tests: the real server as a process of its own, and Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import ServerProcess, free_port

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies here is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def make_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., ServerProcess]]:
    """Servers with a prepared data directory, not started; stopped at the end of the package."""
    made: list[ServerProcess] = []

    def make(**extra_environment: str) -> ServerProcess:
        server = ServerProcess(tmp_path_factory.mktemp("data"), free_port(), extra_environment)
        server.manage("migrate", "-v", "0")
        server.manage("collectstatic", "--noinput", "-v", "0")
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="package")
def live_server_process(make_server: Callable[..., ServerProcess]) -> ServerProcess:
    """The server that browser tests share."""
    server = make_server()
    server.start()
    return server


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium from PATH. Package scope: Playwright's loop may not live on into async tests."""
    executable = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if executable is None:
        pytest.skip(f"browser: no Chromium on PATH ({', '.join(CHROMIUM_NAMES)}).")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, live_server_process: ServerProcess) -> Iterator[Any]:
    """A fresh browser page on the shared server; fails the test on any console error."""
    context = browser.new_context(base_url=live_server_process.url)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.console_errors = errors
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def admin_page(page: Any, live_server_process: ServerProcess) -> Any:
    """The page, logged in as the superuser."""
    log_in(page, live_server_process)
    return page


@pytest.fixture
def audit_page(browser: Any, live_server_process: ServerProcess) -> Iterator[Any]:
    """Logged in, and without the policy: axe tries inline styles, which the policy refuses."""
    context = browser.new_context(base_url=live_server_process.url, bypass_csp=True)
    page = context.new_page()
    log_in(page, live_server_process)
    yield page
    context.close()


def log_in(page: Any, server: ServerProcess) -> None:
    """Log in as the superuser, wherever that leads."""
    page.goto(f"{server.url}/accounts/login/")
    page.fill("input[name=login]", server.username)
    page.fill("input[name=password]", server.password)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
