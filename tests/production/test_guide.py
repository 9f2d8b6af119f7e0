"""docs/production.md as a page, and its small commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from tests.production.document import BLOCKS, GUIDE
from tests.production.installation import Installation
from tests.serving import ROOT

pytestmark = pytest.mark.slow


def test_every_block_of_the_guide_is_used_or_says_why_not() -> None:
    here = Path(__file__).parent
    used = "".join(file.read_text(encoding="utf-8") for file in here.glob("*.py"))
    for block in BLOCKS:
        if block.language == "sh":
            assert block.name or block.not_run, block.text
        if block.name:
            assert f'"{block.name}"' in used, block.name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd: it is not here.")
@pytest.mark.parametrize(
    ("block", "file"), [("unit", "toolbench@8001.service"), ("unit-sqlite", "toolbench.service")]
)
def test_systemd_has_nothing_to_say_against_the_units(
    tmp_path: Path, block: str, file: str
) -> None:
    with Installation() as place:
        (tmp_path / file).write_text(place.fill(block))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / file)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_log_lines_worth_an_alarm_are_those_of_the_code() -> None:
    (said,) = re.findall(r"^- \*\*Logs:\*\*.*", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    lines = re.findall(r"`([A-Z][a-z]+ [a-z ]+)`", said)
    assert len(lines) == 3
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "chat").glob("*.py"))
    assert [line for line in lines if line not in code] == []


def test_the_grace_ends_before_systemd_loses_patience(team: Installation) -> None:
    (patience,) = team.unit(team.ports[0]).service("TimeoutStopSec")
    assert float(patience) >= float(team.settings["TOOLBENCH_GRACE_SECONDS"]) + 60


def test_the_environment_is_for_root_alone_and_holds_fresh_keys(team: Installation) -> None:
    assert (team.root / "etc" / "toolbench.env").stat().st_mode & 0o777 == 0o600
    assert len(team.settings["SECRET_KEY"]) >= 50
    Fernet(team.settings["TOOLBENCH_ENCRYPTION_KEYS"].partition(",")[0])


def test_the_figures_to_watch_can_be_asked_for(team: Installation) -> None:
    assert "idle" in team.run("connections")
    assert re.search(r"lost *\n-+\n +0\n", team.run("watch"))
    team.run("pgbouncer")
    with psycopg.connect(team.database_url) as connection:
        assert connection.execute("SHOW lock_timeout").fetchone() == ("20s",)


def test_redis_takes_its_lines(team: Installation) -> None:
    for line in team.fill("redis").splitlines():
        name, value = line.split(" ", 1)
        address = team.settings["REDIS_URL"]
        done = team.shell(f"redis-cli -u {address} CONFIG SET {name} {value}")
        assert done.strip() == "OK", line
