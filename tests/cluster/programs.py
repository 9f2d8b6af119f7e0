"""Where the programs of a cluster are, as whom they run, and which Debian package brings them."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

PACKAGES = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "caddy": "caddy",
    "curl": "curl",
    "redis-cli": "redis-tools",
    "sqlite3": "sqlite3",
}
APT_SECONDS = 420
# Debian keeps these off the PATH of ordinary people.
FURTHER_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


class ProgramMissing(RuntimeError):
    """A program is not on this machine; the text says which package brings it."""

    def __init__(self, *names: str) -> None:
        packages = " ".join(sorted({PACKAGES[name] for name in names}))
        super().__init__(
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not on this machine. "
            f"On Debian, as root: apt-get install --no-install-recommends {packages}"
        )


def program(name: str) -> str:
    """The path of a program; raises ProgramMissing."""
    path = find(name)
    if path is None:
        raise ProgramMissing(name)
    return path


def find(name: str) -> str | None:
    """The path of a program; PostgreSQL's newest version where there are several."""
    if PACKAGES[name] == "postgresql":
        versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=_version)
        if versions:
            return str(versions[-1])
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(FURTHER_FOLDERS))


def missing(*names: str) -> list[str]:
    """Those of the programs that are not on this machine."""
    return [name for name in names if find(name) is None]


def install_missing(*names: str, say: Callable[[str], object] = print) -> list[str]:
    """Have Debian install what is missing where this is root; what is still missing afterwards."""
    wanted = missing(*names)
    if not wanted or os.geteuid() != 0 or not shutil.which("apt-get"):
        return wanted
    packages = sorted({PACKAGES[name] for name in wanted})
    say(f"Installing {', '.join(packages)} …")
    try:
        apt_get("update", "-q")
        # Debian's own cluster and services would only take ports that people want.
        apt_get("install", "-y", "-q", "--no-install-recommends", *packages)
    except (subprocess.SubprocessError, OSError) as error:
        say(f"They could not be installed ({error}).")
    return missing(*names)


def apt_get(*arguments: str) -> None:
    """Run apt-get without questions; raises where it fails."""
    subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=APT_SECONDS,
        check=True,
    )


def unprivileged(command: list[str], user: str) -> list[str]:
    """The command as `user` where this is root, since some programs refuse to be root."""
    if os.geteuid() != 0:
        return command
    account = pwd.getpwnam(user)
    switch = [
        f"--reuid={account.pw_uid}",
        f"--regid={account.pw_gid}",
        "--clear-groups",
        "--inh-caps=-all",
    ]
    return [shutil.which("setpriv") or "/usr/bin/setpriv", *switch, "--", *command]


def give_to(path: Path, user: str) -> None:
    """Make `user` the owner of a new directory where this is root."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", path.parent.parent.name))
