"""The daemon as a process that can be killed: ``python -m tests.crash.victim``, driven by lines of JSON on stdin.

It imports the daemon once and forks for each life: reading the code takes a second or more, and a hundred lives are lived
here. A life is a process of its own, built by the same `watcher.app` as ever, with `Seams` around its ports.

    {"start": {"config": …, "log": …, "trace": …, "death": [AT, BY], "factor": …, "began": …}}  →  {"started": PID}
    {"signal": 15, "to": PID}
                                                                 when one ended:  {"ended": PID, "status": …}

When stdin ends, and when this process dies, all lives end.
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Any

import coverage

from tests.crash.hurried import Hurried, Policy
from tests.crash.seams import Death, Seams
from watcher.app import Ports, run

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html


def live(told: dict[str, Any]) -> int:
    """One life of the daemon; its exit status, if it comes to that."""
    seams = Seams(Path(told["trace"]), Death(*told["death"]) if told["death"] else None)
    time = Hurried(told["factor"], told["began"])
    asyncio.set_event_loop_policy(Policy(time.factor))
    ports = Ports(
        now=time.now,
        monotonic=time.monotonic,
        command=seams.command,
        around_store=seams.around_store,
        around_notifiers=seams.around_notifiers,
    )
    return run(Path(told["config"]), ports)


def fork(told: dict[str, Any]) -> int:
    """Begin a life; its process."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing, log = (
            os.open(os.devnull, os.O_RDONLY),
            os.open(told["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        )
        for fd, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(fd, target)
        os.closerange(3, 100)
        status = live(told)
        if (measuring := coverage.Coverage.current()) is not None:
            measuring.save()
    except BaseException:  # noqa: BLE001 - whatever it is: the child must not go on as its parent
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


class Nurse:
    """Starts lives, passes signals on, and says how each ended."""

    def __init__(self) -> None:
        self._alive: set[int] = set()
        self._rest = b""

    def serve(self) -> None:
        """Until stdin ends."""
        woken, wake = os.pipe()
        for fd in (woken, wake):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            hears = True
            while hears:
                ready = {key.fd for key, _ in selector.select()}
                if woken in ready:
                    os.read(woken, 4096)
                    self._bury()
                if 0 in ready:
                    hears = self._hear()
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)

    def _hear(self) -> bool:
        heard = os.read(0, 65536)
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(heard)

    def _obey(self, order: dict[str, Any]) -> None:
        if "start" in order:
            pid = fork(order["start"])
            self._alive.add(pid)
            _say(started=pid)
        elif order["to"] in self._alive:
            os.kill(order["to"], order["signal"])

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._alive.discard(ended[0])
                _say(ended=ended[0], status=os.waitstatus_to_exitcode(ended[1]))


def _say(**what: int) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    gc.freeze()  # or the collector of each life would go through all that was imported, and each page that it touches be copied
    Nurse().serve()
