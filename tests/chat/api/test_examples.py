"""The examples of docs/http.md, run by the shell as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.contract_ground import HttpGround

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SAYS = (
    "event: done",
    '"type":"text"',
    '"type":"tool_results"',
    "event: done",
    '"code":"unknown_route"',
    '"model_servers"',
)

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which("curl") is None, reason="The examples need curl.")
@pytest.mark.parametrize("number", range(len(SAYS)))
def test_the_examples_do_what_the_page_says(ground: HttpGround, number: int) -> None:
    example = [one for one in EXAMPLES if "curl" in one][number]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example],
        env={"PATH": "/usr/bin:/bin", "TOOLBENCH": ground.rig.url, "KEY": ground.keys["all"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert SAYS[number] in done.stdout


def test_every_example_is_run() -> None:
    assert sum("curl" in one for one in EXAMPLES) == len(SAYS)


def test_the_table_names_the_statuses_of_the_code() -> None:
    from chat.api.statuses import STATUS_OF, UPSTREAM_STATUS

    rows = dict(re.findall(r"^\| (\d{3}) \| (.*) \|$", PAGE, re.MULTILINE))
    for code, status in [*STATUS_OF.items(), *UPSTREAM_STATUS.items()]:
        # A conversation of its own is never busy.
        if code != "conversation_busy":
            assert f"`{code}`" in rows[str(status)], code
