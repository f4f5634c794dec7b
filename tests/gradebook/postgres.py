"""A PostgreSQL of the system's packages, for the tests that want one: in a folder of its own, reached by a socket.

    with server() as postgres:
        url = postgres.database()     # postgresql+psycopg://..., empty

It refuses to run as root, so root starts it as another user of the system.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

USERS = ("postgres", "nobody")
PATIENCE_S = 180


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL here."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    return max(found, key=lambda path: float(path.parent.name), default=None)


def why_not() -> str:
    """Why there can be none here; empty where there can."""
    if binaries() is None:
        return "no PostgreSQL in /usr/lib/postgresql"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return "" if os.geteuid() or _other() is not None else "root, and no other user to run PostgreSQL as"


def _other() -> pwd.struct_passwd | None:
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


@dataclass
class Server:
    """One that runs."""

    folder: Path
    process: subprocess.Popen[bytes]
    how: dict
    bin: Path
    _numbers: Iterator[int]

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{next(self._numbers)}"
        self.asked(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://grader@/{name}?host={self.folder}"

    def asked(self, statement: str, database: str = "postgres") -> str:
        """What psql answers."""
        words = ["-h", str(self.folder), "-U", "grader", "-d", database, "-tAc", statement]
        ran = subprocess.run([self.bin / "psql", *words], capture_output=True, text=True, check=True, **self.how)
        return ran.stdout.strip()

    def stop(self, *, is_orderly: bool = True) -> None:
        """In order, with everything written out; or at once, as nobody reads it again."""
        self.process.send_signal(signal.SIGINT if is_orderly else signal.SIGQUIT)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def server() -> Iterator[Server]:
    """Start one, and end it."""
    folder = Path(tempfile.mkdtemp(prefix="gpg", dir="/tmp"))
    how: dict = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}}
    if not os.geteuid():
        user = _other()
        os.chown(folder, user.pw_uid, user.pw_gid)
        how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    place, data = binaries(), folder / "data"
    try:
        made = ["-D", data, "-A", "trust", "-U", "grader", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([place / "initdb", *made], check=True, capture_output=True, **how)
        with (folder / "log").open("wb") as log:
            words = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]
            process = subprocess.Popen([place / "postgres", *words], stdout=log, stderr=log, **how)
        one = Server(folder, process, how, place, count(1))
        try:
            _until_ready(one)
            yield one
        finally:
            one.stop(is_orderly=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_ready(one: Server) -> None:
    end = time.monotonic() + PATIENCE_S
    while subprocess.run([one.bin / "pg_isready", "-q", "-h", one.folder], check=False, **one.how).returncode:
        if one.process.poll() is not None or time.monotonic() > end:
            raise RuntimeError((one.folder / "log").read_text(errors="replace"))
        time.sleep(0.1)
