"""The team's installation of docs/production.md, made once for all tests of the guide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.cluster import PostgresServer, ProgramMissing, RedisServer
from tests.production.certificate import write_certificate
from tests.production.installation import Installation
from tests.production.needs import need
from tests.production.proxies import GuideCaddy, GuideNginx, proxy_of


@pytest.fixture(scope="session")
def team(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """The team's installation, made by the guide's commands; two processes serve."""
    need("psql", "pg_dump", "redis-cli", "curl", "make")
    with ExitStack() as stack:
        try:
            postgres = stack.enter_context(PostgresServer(fsync=False))
            redis = stack.enter_context(RedisServer())
        except ProgramMissing as missing:
            pytest.skip(f"cluster: {missing}")
        rights_as_in_debian(postgres)
        installation = stack.enter_context(Installation(postgres.port, redis.port))
        write_certificate(installation.root / "certificate.pem")
        installation.run("install")
        installation.run("set-up")
        unit_file = installation.units_directory / "toolbench@.service"
        unit_file.write_text(installation.fill("unit"))
        installation.run("start")
        for port in installation.ports:
            installation.wait_until_ready(port)
        yield installation
        if request.session.testsfailed:
            print(installation.logs())


@pytest.fixture(scope="session", params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, team: Installation) -> Iterator[GuideNginx | GuideCaddy]:
    """Each proxy of the guide in front of the two processes."""
    with proxy_of(request.param, team) as proxy:
        yield proxy
        if request.session.testsfailed:
            print(f"--- {proxy.name}\n{proxy.log.read_text(errors='replace')[-4000:]}")


def rights_as_in_debian(postgres: PostgresServer) -> None:
    """The superuser is called postgres, and everybody else needs a password."""
    postgres.execute("CREATE ROLE postgres SUPERUSER LOGIN")
    address = f"postgres://postgres@127.0.0.1:{postgres.port}/postgres"
    (postgres.data / "pg_hba.conf").write_text(
        "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("ALTER ROLE toolbench RENAME TO bootstrap")
        connection.execute("SELECT pg_reload_conf()")
