"""ministack (``scripts/get_ministack.sh``): a process of its own, since it needs another botocore than the locked one.

What it says otherwise than AWS, by the class and the test that shows it. Each entry is held to: it fails once ministack does as AWS does,
and is to be taken out then.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.emulators.tapped import App

PROGRAM = Path(__file__).resolve().parents[3] / ".tools" / "ministack" / "bin" / "ministack"
SERVICES = "appconfig,codedeploy,ecs,elasticbeanstalk,elbv2,ec2,iam,lambda,s3,sts"
HEALTH = "/_ministack/health"
LOOKS, BETWEEN_LOOKS = 1200, 0.05  # seconds: it is ready after one where the machine is free
ANSWERED = 30.0  # seconds
_OF_THE_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


_NO_TIME = "ministack knows no time there: what is written is read at once, and nothing is ever on its way"

# By target and test.
DISAGREEING: Mapping[str, Mapping[str, str]] = {
    "appconfig": {
        "test_a_move_on_its_way_is_moving_until_it_serves": "what is reverted is so at once; AppConfig says REVERTING for a while"
    },
    "lambda": {
        "test_a_move_on_its_way_is_moving_until_it_serves": _NO_TIME,
        "test_a_shift_on_its_way_is_moving": _NO_TIME,
    },
    "flagd": {"test_a_move_on_its_way_is_moving_until_it_serves": _NO_TIME},
}

# By target: the service, of which it has nothing at all.
NOT_THERE: Mapping[str, str] = {"beanstalk": "elasticbeanstalk", "codedeploy": "codedeploy"}

# Targets whose calls it has, and what it answers otherwise than AWS.
UNANSWERED: Mapping[str, str] = {
    "ecs": "a service has no deployments to list, after whatever was deployed",
    "load_balancer": "the groups and weights of a rule are not kept",
    "s3_cloudfront": "there is no edge: nothing serves the page, which is what the target asks for",
}


@contextmanager
def running(folder: Path) -> Iterator[App]:
    """ministack, which keeps what it writes in *folder*; without it the test is skipped, which on CI is a failure."""
    if not PROGRAM.exists():
        pytest.skip("ministack is not here: scripts/get_ministack.sh fetches it")
    port = _free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "HOME": str(folder),
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": "123456789012",
        "PATH": os.environ["PATH"],
        "SERVICES": SERVICES,
        "TMPDIR": str(folder),
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([PROGRAM], stdout=log, stderr=log, env=environment, cwd=folder) as server,
    ):
        try:
            _wait_for(port, server, folder / "log")
            yield _passing_on(port)
        finally:
            server.send_signal(signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(LOOKS):
        try:
            if _asked(port, "GET", HEALTH)[0] == http.client.OK:
                return
        except OSError:
            if server.poll() is not None:
                break
        time.sleep(BETWEEN_LOOKS)
    raise AssertionError(f"ministack is not ready: {log.read_text(errors='replace')[-2000:]}")


def _asked(
    port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, str, list[tuple[str, str]], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED)
    try:
        line.request(method, path, body, dict(headers or {}))
        answer = line.getresponse()
        return answer.status, answer.reason, answer.getheaders(), answer.read()
    finally:
        line.close()


def _passing_on(port: int) -> App:
    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        body = environ["wsgi.input"].read()
        status, reason, told, said = _asked(
            port, environ["REQUEST_METHOD"], environ["RAW_URI"], body, headers
        )
        kept = [(name, value) for name, value in told if name.lower() not in _OF_THE_HOP]
        start(f"{status} {reason or '-'}", [*kept, ("Content-Length", str(len(said)))])
        return [said]

    return app
