"""A real daemon in a process of its own: started, waited for, weighed, stopped. And any other command, timed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from watcher.clock import monotonic

ROLLBACKD = Path(sys.executable).with_name("rollbackd")
STARTS_WITHIN = 60.0  # seconds: the first start compiles everything, on a machine that may be busy
STOPS_WITHIN = 15.0
OK = 200
MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Weight:
    """Memory of a process in MiB: what is resident, and what is left of it when shared pages are divided by who shares them."""

    resident: float
    proportional: float


@dataclass(frozen=True, slots=True)
class Daemon:
    """One that runs. *started*: seconds from its exec to the first 200 of ``/readyz``; *started_cpu*: CPU seconds of that."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    started: float
    started_cpu: float

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def weight(self) -> Weight:
        """What it weighs now."""
        return weight(self.process.pid)

    def cpu(self) -> float:
        """CPU seconds that it has used."""
        return _cpu(self.process.pid)

    def events(self, name: str) -> int:
        """How many lines of its log are of the event *name*."""
        return self.log.read_text(encoding="utf-8").count(f'"event": "{name}"')


@contextmanager
def running(folder: Path, port: int) -> Iterator[Daemon]:
    """A daemon on ``folder/rollbackd.yaml``, ready; stopped afterwards. Its log is ``folder/log``.

    Raises:
        RuntimeError: It ended, or did not get ready; with its last words.
    """
    log = folder / "log"
    with log.open("ab") as out:
        began = monotonic()
        argv = [str(ROLLBACKD), "run", "--config", str(folder / "rollbackd.yaml")]
        process = subprocess.Popen(argv, stdout=out, stderr=out, env=environment(folder))
        try:
            _wait(process, port, log)
            yield Daemon(process, port, log, monotonic() - began, _cpu(process.pid))
        finally:
            _stop(process)


def timed(folder: Path, argv: Sequence[str]) -> float:
    """Seconds that ``rollbackd ARGV`` takes."""
    began = monotonic()
    subprocess.run([str(ROLLBACKD), *argv], check=True, stdout=subprocess.DEVNULL, env=environment(folder))
    return monotonic() - began


def environment(folder: Path) -> Mapping[str, str]:
    """Ours, but what was compiled once is kept (below *folder*), as in an image, whatever the shell says."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return ours | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def weight(pid: int | str = "self") -> Weight:
    """What a process weighs now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    kib = {line.partition(":")[0]: float(line.split()[1]) for line in lines[1:]}
    return Weight(kib["Rss"] / 1024, kib["Pss"] / 1024)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS  # utime and stime: proc(5)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = monotonic() + STARTS_WITHIN
    while not _is_ready(port):
        if process.poll() is not None or monotonic() > until:
            raise RuntimeError(f"the daemon did not get ready:\n{log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.002)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
