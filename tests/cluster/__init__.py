"""PostgreSQL, Redis, nginx and several serving processes as real parts on loopback."""

from tests.cluster.cluster import Cluster
from tests.cluster.nginx import Nginx
from tests.cluster.postgres import PostgresServer
from tests.cluster.programs import ProgramMissing
from tests.cluster.redis import RedisServer

__all__ = ["Cluster", "Nginx", "PostgresServer", "ProgramMissing", "RedisServer"]
