"""A real PgBouncer that pools by transaction, before a server. ``scripts/get_pgbouncer.sh`` fetches it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.watcher.store.postgresql.server import PASSWORD, Server, as_nobody, free_port
from watcher.clock import monotonic

TOOLS = Path(os.environ.get("TOOLS") or Path(__file__).parents[4] / ".tools")
FOLDER = TOOLS / "pgbouncer"

# https://www.pgbouncer.org/config.html
SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 2
max_client_conn = 100
logfile = {folder}/log
"""


@contextmanager
def a_pooler(server: Server) -> Iterator[int]:
    """The port of a PgBouncer before *server*, with two connections to it for all who come."""
    program = FOLDER / "usr" / "sbin" / "pgbouncer"
    if not program.exists():
        pytest.skip("PgBouncer is not here: scripts/get_pgbouncer.sh fetches it")
    folder, port = server.folder / "pooler", free_port()
    folder.mkdir(mode=0o755)
    folder.joinpath("users").write_text(f'"postgres" "{PASSWORD}"\n')
    folder.joinpath("settings").write_text(SETTINGS.format(server=server.port, port=port, folder=folder))
    folder.joinpath("log").touch(0o666)
    folder.joinpath("log").chmod(0o666)
    libraries = next(FOLDER.glob("usr/lib/*"))
    running = subprocess.Popen(
        [str(program), str(folder / "settings")],
        env={"LD_LIBRARY_PATH": str(libraries), "PATH": os.defpath},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_nobody(),
    )
    try:
        _wait_for(server, port)
        yield port
    finally:
        running.kill()
        running.wait()
        shutil.rmtree(folder)


def _wait_for(server: Server, port: int) -> None:
    until = monotonic() + 60
    while True:
        try:
            psycopg.connect(server.dsn().replace(f":{server.port}/", f":{port}/")).close()
        except psycopg.OperationalError:
            assert monotonic() < until
        else:
            return
