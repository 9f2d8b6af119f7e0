import pytest
from typing import Any
from django.contrib.auth.models import User
from chat.bench.cases import read_suite
from chat.bench.here import run_here
from chat.bench.summary import summarise
from chat.database import run_in_pool
from chat.services.bench import create_run
from chat.bench.suites import __path__ as P
from chat.bench.cases import load_suite
from pathlib import Path

@pytest.mark.parametrize("mode", ["native","text"])
async def test_it(demo: str, mode) -> None:
    owner = await run_in_pool(User.objects.create_user, "o", "o@example.org", "x")
    suite = load_suite((Path(P[0])/"starter.yaml").read_text())
    run = await run_in_pool(create_run, owner, suite, [("demo", mode)], tries=1, in_process=True, at_once=4)
    got=[]
    async def heard(e, r):
        got.append(r); print(e.case_id, r.passed, r.failed, r.code, r.message[:150])
    run = await run_here(run, heard)
    print(run.status, run.problem)
    s = await run_in_pool(summarise, run)
    print(s.targets)
