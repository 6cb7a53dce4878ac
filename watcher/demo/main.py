"""``rollbackd demo``: plays it, tells it, writes the report. Exit status 0 only if everything that is claimed happened."""

import asyncio
import contextlib
import functools
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import click

from watcher.clock import now
from watcher.demo.picture import report
from watcher.demo.picture.screen import Backstage, Plain, Screen, Spectacle, line, shown
from watcher.demo.play.director import Theatre, opened
from watcher.demo.play.ending import ending
from watcher.demo.play.sandbox import sandbox
from watcher.demo.play.waiting import DemoError

NOT_ALL, INTERRUPTED = 1, 130


def main(*, release: str | None, in_sandbox: bool, seed: int, out: Path | None, plain: bool) -> int:
    """Play, in the directory *out* (a new one under the system's, if it is None). The exit status."""
    root = (out or Path(tempfile.mkdtemp(prefix="rollbackd-demo-"))).resolve()
    lines = plain or in_sandbox or not sys.stdout.isatty()
    try:
        return asyncio.run(_played(root, release, seed, in_sandbox=in_sandbox, lines=lines))
    except (DemoError, BaseExceptionGroup) as raised:
        error = first_of(raised)
        click.echo(f"✗ {error}\n  try: {error.remedy}\n  all of it lies in {root}", err=True)
        return NOT_ALL
    except (asyncio.CancelledError, KeyboardInterrupt):
        click.echo("interrupted; everything that was started has been ended", err=True)
        return 0 if in_sandbox else INTERRUPTED


def first_of(raised: BaseException) -> DemoError:
    """What did not happen, out of the groups of tasks that it came through; raises all else again."""
    found: BaseException = raised
    while isinstance(found, BaseExceptionGroup) and len(found.exceptions) == 1:
        found = found.exceptions[0]
    if not isinstance(found, DemoError):
        raise raised
    return found


async def _played(root: Path, release: str | None, seed: int, *, in_sandbox: bool, lines: bool) -> int:
    _end_on_signals()
    started = now().timestamp()
    screens: list[Screen] = []

    def screen_for(backstage: Backstage) -> Screen:
        screens.append(Plain(started) if lines else Spectacle(started, backstage))
        return screens[-1]

    async with opened(root, seed, screen_for) as theatre:
        async with _seen(screens[0]):
            await _play(theatre, release, in_sandbox=in_sandbox)
        theatre.story.ended = now().timestamp()
    return _told(theatre, root)


async def _play(theatre: Theatre, release: str | None, *, in_sandbox: bool) -> None:
    if in_sandbox:
        await sandbox(theatre)
    elif release is None:
        await theatre.whole_play()
    else:
        await theatre.single(release)


def _told(theatre: Theatre, root: Path) -> int:
    """Say how it ended, and write the report."""
    company, story = theatre.company, theatre.story
    claims, page = theatre.claims(), root / "report.html"
    report.write(page, story, company.record, claims)
    for each in ending(story, company.record, claims, page):
        click.echo(each)
    return 0 if claims and all(claim.held for claim in claims) else NOT_ALL


@contextlib.asynccontextmanager
async def _seen(screen: Screen) -> AsyncIterator[None]:
    if not isinstance(screen, Spectacle):
        yield
        return
    async with shown(screen):
        yield
    for at, words, style in screen.lines:
        click.echo(line(at - screen.started, words, style))


def _end_on_signals() -> None:
    """Ctrl-C, a lost terminal, a stop: all of them end the play, and the play ends what it started."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(each, functools.partial(task.cancel))
