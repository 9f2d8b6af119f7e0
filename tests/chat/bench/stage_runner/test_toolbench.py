"""The stage runner against Toolbench's own endpoints, served for real, with an API key."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.serving import ROOT, ServerProcess, free_port

SETTINGS = {
    "TOOLBENCH_DEMO": "true",
    "DJANGO_SETTINGS_MODULE": "tests.chat.bench.stage_runner.quick_demo",
}


def case(case_id: str, strategy: str, **changes: Any) -> dict[str, Any]:
    stage = {
        "system_prompt": "Be brief.",
        "user_prompt": "What time is it in Tokyo?",
        "model_container": "demo",
        "prompt_tool_spec": {"strategy": strategy},
    }
    return {"id": case_id, "stage_a": stage | changes}


CASES = [
    case("chat", "chat_completion"),
    case("chat-streamed", "chat_completion", stream=True),
    case("tools", "tool_call"),
    case("tools-streamed", "tool_call", stream=True),
    case("synthesis", "tool_call", synthesis=True),
    case("synthesis-streamed", "tool_call", synthesis=True, stream=True),
    case("nobody", "tool_call", model_container="nobody"),
    case("fails", "chat_completion", model_container="demo-fails"),
]


@pytest.mark.slow
def test_all_six_modes_work_over_toolbenchs_own_endpoints(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", free_port(), SETTINGS)
    server.data_dir.mkdir()
    server.manage("migrate")
    server.start()
    try:
        made = server.manage("create_api_key", "admin", "--name", "bench")
        key = re.search(r"tb_[\w-]{20,}", made)
        assert key is not None
        cases, report = tmp_path / "cases.yaml", tmp_path / "report.json"
        cases.write_text(yaml.safe_dump(CASES))
        done = subprocess.run(
            [sys.executable, "manage.py", "bench", str(cases), "--json", str(report)],
            cwd=ROOT,
            env={
                **server.environment(),
                "TOOLBENCH_ENDPOINT": server.url,
                "TOOLBENCH_API_KEY": key.group(),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        server.stop()
    assert done.returncode == 1, done.stderr
    assert key.group() not in done.stdout + done.stderr + report.read_text()
    trials = {trial["case_id"]: trial for trial in json.loads(report.read_text())["trials"]}
    passed = [case_id for case_id, trial in trials.items() if trial["passed"]]
    assert passed == [one["id"] for one in CASES[:6]]
    types = [trials[case_id]["output"]["type"] for case_id in passed]
    assert types == ["text", "stream", "tool_results", "stream", "text", "stream"]
    (call,) = trials["synthesis-streamed"]["output"]["calls"]
    assert (call["tool"], json.loads(call["arguments"])) == (
        "current_time",
        {"time_zone": "Asia/Tokyo"},
    )
    assert call["call_id"] in trials["synthesis-streamed"]["output"]["summary"]
    assert (trials["nobody"]["http_status"], trials["fails"]["http_status"]) == (400, 502)
