"""The command line's side of it: the files, the terminal, the exit status."""

import asyncio
import getpass
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import click

from rules.errors import Problem
from watcher.app.ports import Ports
from watcher.commands._client import Misused, Unreachable
from watcher.commands._direct.choosing import Wish
from watcher.commands._direct.diary import Diary, DiaryUnwritten, Who
from watcher.commands._direct.opening import Loaded, load, opened
from watcher.commands._direct.running import Desk, Ended, go_back
from watcher.commands._screen import data, plain, say
from watcher.config import InvalidConfiguration
from watcher.runtime.fleet import Key
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

USAGE, INTERRUPTED = 2, 130
STDERR = 2
SHOWN = 5  # mistakes that do not matter now
AUDIT = "rollbackd-direct.jsonl"  # beside the configuration


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands on the command line.

    Attributes:
        timeout: Seconds.
        audit: ``None``: beside the configuration.
    """

    key: Key
    config: Path
    to: tuple[str, ...]
    reason: str
    timeout: float
    audit: Path | None
    yes: bool
    even_quarantined: bool
    own_credentials: bool
    as_json: bool


def direct(asked: Asked) -> NoReturn:
    """Do it, and end the process with the status that says how it went."""
    redactor, ports = Redactor(), Ports()
    loaded = _loaded(asked, redactor)
    if not asked.yes and not sys.stdin.isatty():
        raise Misused("nobody can be asked: this is no terminal", "say --yes")
    diary = Diary(
        asked.audit or asked.config.absolute().with_name(AUDIT), who(), asked.reason, asked.to, redactor.text
    )
    tell = _telling(redactor)
    for words in passed_over(loaded.aside):
        tell(words)
    desk = Desk(tell, lambda stands: _agrees(tell, stands=stands, yes=asked.yes))
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        ended = _ended(asked, loaded, diary, desk, ports)
    tell(ended.words)
    if asked.as_json:
        data(redactor.clean(ended.as_data()))
    status = ended.status
    raise SystemExit(status)


def _loaded(asked: Asked, redactor: Redactor) -> Loaded:
    try:
        return load(asked.config, asked.key, redactor.learn, own_credentials=asked.own_credentials)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(USAGE) from None


def passed_over(aside: Sequence[Problem]) -> Iterator[str]:
    """What is wrong in the files and does not matter now, and that it is mended before the daemon can start."""
    if aside:
        yield "the configuration has mistakes that are passed over now; the daemon does not start with them:"
        yield from (f"  {each}" for each in aside[:SHOWN])
    if len(aside) > SHOWN:
        yield f"  and {len(aside) - SHOWN} more: rollbackd check"


def _ended(asked: Asked, loaded: Loaded, diary: Diary, desk: Desk, ports: Ports) -> Ended:
    try:
        return asyncio.run(_gone_back(asked, loaded, diary, desk, ports))
    except DiaryUnwritten as unwritten:
        raise Unreachable(str(unwritten), unwritten.remedy) from unwritten
    except KeyboardInterrupt:
        say("interrupted: what was sent goes on by itself; the same command again follows it")
        raise SystemExit(INTERRUPTED) from None


async def _gone_back(asked: Asked, loaded: Loaded, diary: Diary, desk: Desk, ports: Ports) -> Ended:
    async with opened(loaded, ports) as world:
        wish = Wish(asked.to, even_quarantined=asked.even_quarantined)
        return await go_back(world, wish, diary, desk, ports, timedelta(seconds=asked.timeout))


def _telling(redactor: Redactor) -> Callable[[str], None]:
    return lambda words: say(plain(redactor.text(words)))


def _agrees(tell: Callable[[str], None], *, stands: bool, yes: bool) -> bool:
    if yes:
        if stands:
            tell(
                "something stands in the way, and --yes does not answer that: see to it, or ask on a terminal"
            )
        return not stands
    question = "something stands in the way. Do it all the same?" if stands else "do it?"
    return click.confirm(question, default=False, err=True)


def who() -> Who:
    """Whoever runs this, on which machine; behind sudo also who that was."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = f"uid {os.getuid()}"
    before = os.environ.get("SUDO_USER")
    return Who(f"{user} (sudo by {before})" if before else user, socket.gethostname())
