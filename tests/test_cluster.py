"""The parts of a cluster: what a kill leaves, whom nginx passes over, and that nothing stays."""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, Nginx, PostgresServer, RedisServer
from tests.cluster.cluster import collected_static
from tests.cluster.part import lives
from tests.cluster.postgres import new_data
from tests.cluster.programs import PACKAGES, ProgramMissing, missing
from tests.serving import ELSEWHERE, PASSWORD, ROOT, free_port
from tests.sockets import SocketClient, log_in

pytestmark = pytest.mark.slow

SECONDS = 60
HELD = """
import sys, time
from tests.cluster import Cluster
with Cluster(1, nginx=True) as cluster:
    parts = (cluster.postgres, cluster.redis, cluster.nginx, cluster.servers[0])
    print(*(part.process.pid for part in parts), flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True, scope="module")
def _programs() -> None:
    if wanting := missing(*PACKAGES):
        pytest.skip(f"cluster: {ProgramMissing(*wanting)}")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory that other users may enter."""
    with tempfile.TemporaryDirectory(prefix="toolbench-scratch-") as name:
        os.chmod(name, 0o1777)
        yield Path(name)


def environment(**more: str) -> dict[str, str]:
    """This shell's variables, without what would point elsewhere."""
    foreign = ("TOOLBENCH_", "DJANGO_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and name not in ELSEWHERE
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def test_a_kill_of_postgresql_loses_nothing_that_was_committed() -> None:
    with PostgresServer() as postgres:
        postgres.create_database("kept")
        postgres.execute("CREATE TABLE things (n int)", "kept")
        postgres.execute("INSERT INTO things SELECT generate_series(1, 1000)", "kept")
        postgres.kill()
        assert not postgres.is_running
        postgres.start()
        assert postgres.execute("SELECT count(*) FROM things", "kept") == [(1000,)]
        postgres.restart()
        postgres.create_database("copy", "kept")
        assert postgres.execute("SELECT max(n) FROM things", "copy") == [(1000,)]
        directory = postgres.directory
    assert not directory.exists()


def test_redis_comes_back_empty_on_the_same_port() -> None:
    with RedisServer() as redis, socket.create_connection(("127.0.0.1", redis.port)) as client:
        client.sendall(b"SET a 1\r\n")
        assert client.recv(16) == b"+OK\r\n"
        redis.kill()
        assert client.recv(16) == b""
        redis.start()
        with socket.create_connection(("127.0.0.1", redis.port)) as again:
            again.sendall(b"GET a\r\n")
            assert again.recv(16) == b"$-1\r\n"


def test_nginx_passes_over_a_process_that_is_dead_or_going_down() -> None:
    with answering(200) as well, answering(503) as draining:
        with Nginx([well, draining, free_port()]) as nginx:
            for _ in range(30):
                with urllib.request.urlopen(nginx.url, timeout=5) as answer:
                    assert answer.status == 200


@contextlib.contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server that answers everything so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_cluster_that_is_told_to_stop_leaves_nothing(
    scratch: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HELD],
        cwd=ROOT,
        env=environment(TMPDIR=str(scratch)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        pids = [int(pid) for pid in output.readline().split()]
        assert len(pids) == 4
        assert all(map(lives, pids))
        process.send_signal(number)
        assert process.wait(SECONDS) != 0
    assert not any(map(lives, pids))
    assert list(scratch.iterdir()) == []


def test_a_cluster_that_fails_on_the_way_up_leaves_nothing(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is made once per process must outlive this test.
    collected_static()
    new_data()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    cluster = Cluster(1, environment={"TOOLBENCH_SERVER": "neither"})
    with pytest.raises(RuntimeError, match="ended early"):
        cluster.__enter__()
    assert not cluster.postgres.is_running
    assert not cluster.redis.is_running
    # What is kept for the next cluster of this process goes with the process.
    kept = {"toolbench-initdb", "toolbench-collected"}
    assert {path.name.rpartition("-")[0] for path in scratch.iterdir()} <= kept


async def test_make_cluster_serves_through_nginx_keeps_its_data_and_ends_in_order(
    scratch: Path,
) -> None:
    for asks_for_an_admin in (True, False):
        with developing(scratch / "data") as console:
            told = console.until("Ctrl-C stops it")
            assert "/setup/" not in told
            url = re.search(r"http://127.0.0.1:\d+", told)
            assert url is not None
            if asks_for_an_admin:
                assert "Nobody has an account yet" in console.until("/setup/")
                console.make_admin(url[0])
            cookie = log_in(url[0], "ada", PASSWORD)
            async with SocketClient(url[0], cookie) as client:
                folded = await client.run("Hello", model_route="demo")
            assert folded.names[-1] == "done"
            end = console.stop()
        assert end.index("the serving processes drain") < end.index("All parts have stopped")
        assert console.text.count("/setup/") == int(asks_for_an_admin)


def test_make_cluster_says_in_words_what_stops_it(scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tests.cluster"],
            cwd=ROOT,
            env=environment(PORT=str(port), TOOLBENCH_DATA_DIR=str(scratch / "data")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {port} on 127.0.0.1 is taken by another program. Pick another: "
        f"PORT={port + 1} make cluster\n"
    )


class Console:
    """What `python -m tests.cluster` says."""

    def __init__(self, process: subprocess.Popen[str], data: Path) -> None:
        self._process = process
        self._data = data
        self.text = ""

    def until(self, words: str) -> str:
        """The lines up to the one that holds these words."""
        assert self._process.stdout is not None
        lines = ""
        while words not in lines:
            line = self._process.stdout.readline()
            assert line, f"it ended before it said {words!r}:\n{self.text}"
            lines += line
            self.text += line
        return lines

    def make_admin(self, url: str) -> None:
        """Fill the form behind the link that was printed."""
        link = re.search(rf"{url}/setup/\S+", self.text)
        assert link is not None
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        page = opener.open(link[0], timeout=10).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = f"csrfmiddlewaretoken={token[1]}&username=ada&password={PASSWORD}&add=demo"
        opener.open(link[0], form.replace(" ", "+").encode(), timeout=10)

    def stop(self) -> str:
        """Ctrl-C; what is said then."""
        self._process.send_signal(signal.SIGINT)
        end = self.until("All parts have stopped")
        assert self._process.wait(SECONDS) == 0
        assert not processes_in(self._data)
        return end


@contextlib.contextmanager
def developing(data: Path) -> Iterator[Console]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster"],
        cwd=ROOT,
        env=environment(
            PORT=str(free_port()), TOOLBENCH_DATA_DIR=str(data), TOOLBENCH_DISCOVER="false"
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield Console(process, data)
        finally:
            process.terminate()
            process.wait(SECONDS)


def processes_in(data: Path) -> list[str]:
    """The command lines of processes that have to do with a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            if str(data).encode() in told and path.name != str(os.getpid()):
                found.append(f"{path.name} {(path / 'cmdline').read_bytes()!r}")
    return found
