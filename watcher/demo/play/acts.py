"""The acts: what a pipeline, a broken dependency and a ``kill -9`` do, and waiting for what the daemon makes of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from watcher.clock import now
from watcher.demo.peers import POINT, alarms
from watcher.demo.picture.screen import Screen
from watcher.demo.play.channel import Channel
from watcher.demo.play.daemon import Daemon, Door
from watcher.demo.play.house import ENVIRONMENT, SERVICE, House
from watcher.demo.play.observer import Observer
from watcher.demo.play.processes import Ran, run
from watcher.demo.play.waiting import DemoError, until
from watcher.demo.record import Record
from watcher.demo.story import Act
from watcher.demo.world import shop
from watcher.demo.world.behaviour import HICCUP

CANARIES = 2
ROLLOUT = 30.0  # seconds that a deadline gives to what takes two
DECISION = 60.0  # to what takes ten
COMMAND = 30.0  # to one command
CALM_BEFORE = 3.0  # seconds of ordinary traffic
CALM_AFTER = 3.0
HICCUP_AFTER = 3.0  # seconds after the deployment
HICCUP_LASTS = 12.0  # five whole points of the peers, so that the most patient of them has its five failures
UNDER_WAY = 0.5  # seconds from the move to the kill: the first instance is out of service, the second still fails users
WITHOUT_DAEMON = 1.0  # seconds between its death and its restart


@dataclass
class Company:
    """Who plays."""

    house: House
    daemon: Daemon
    door: Door
    channel: Channel
    record: Record
    screen: Screen


class CommandFailed(DemoError):
    """A command of the daemon did not do what it should."""

    def __init__(self, command: str, ran: Ran) -> None:
        said = (ran.stderr or ran.stdout).strip().splitlines()
        super().__init__(
            f"`rollbackd {command}` exited with {ran.status}: {said[-1] if said else 'it said nothing'}",
            remedy="run it again with the environment that `make sandbox` prints",
        )


async def in_shadow(company: Company, act: Act) -> None:
    """A bad release in shadow: the daemon says what it would have done, a person does it."""
    async with _deployed(company, act):
        await until(lambda: act.would_have, DECISION, f"{act.new} would have been taken back")
        company.screen.say(f"shadow: nothing was touched. A person takes {act.new} back", "note")
        shop.promote(company.house.files, act.old)
        await until(_serves_alone(company, act.old), ROLLOUT, f"{act.old} serves alone again")
        act.served = company.record.last(act.new)
    company.screen.say(f"{act.old} serves alone again")


async def a_good_release(company: Company, act: Act, *, hiccup: bool) -> None:
    """A release that should pass; in the middle a dependency of both releases may fail for a while."""
    files = company.house.files
    async with _deployed(company, act) as announcement, _waited_for(company, act, announcement):
        if hiccup:
            await asyncio.sleep(HICCUP_AFTER)
            company.screen.say("a dependency of BOTH releases fails for some seconds", "note")
            shop.break_(files, None, HICCUP)
            began = now().timestamp()
            await asyncio.sleep(HICCUP_LASTS)
            shop.heal(files)
            act.hiccup = (began, now().timestamp())
            _say_what_others_would(company, act)
        await until(lambda: act.state, DECISION, f"the watch of {act.new} ends")
    if act.state == "passed":
        shop.promote(files, act.new)
        await until(_serves_alone(company, act.new), ROLLOUT, f"{act.new} serves alone")
        company.screen.say(f"the pipeline goes on: {act.new} on all instances", "good")


def _say_what_others_would(company: Company, act: Act) -> None:
    points = company.record.tallies(act.deployed, now().timestamp(), POINT.total_seconds(), act.new)
    *others, last = [each.peer.name for each in alarms(points) if each.at is not None] or [
        "no fixed threshold"
    ]
    wrong = f"{', '.join(others)} and {last}" if others else last
    company.screen.say(
        f"{wrong} would have rolled {act.new} back here. Both releases fail alike: it is not the release",
        "note",
    )


async def a_bad_release(company: Company, act: Act, *, kill: bool) -> None:
    """A release that should go back; the daemon may be killed as soon as it has moved."""
    async with _deployed(company, act) as announcement, _waited_for(company, act, announcement):
        await until(lambda: act.calls, DECISION, f"{act.new} is taken back")
        company.screen.say(
            f"the daemon has asked the platform for {act.old}; instances are replaced one by one", "note"
        )
        if kill:
            await _kill(company, act)
        await until(lambda: act.state, DECISION, f"the watch of {act.new} ends")
        act.served = company.record.last(act.new)
    company.screen.say(f"{act.old} serves alone again", "good")
    await asyncio.sleep(CALM_AFTER)


async def _kill(company: Company, act: Act) -> None:
    await asyncio.sleep(UNDER_WAY)
    pid = company.daemon.pid
    await company.daemon.kill()
    act.killed = now().timestamp()
    company.screen.say(f"kill -9 {pid}: the daemon is dead, in the middle of its rollback", "bad")
    await asyncio.sleep(WITHOUT_DAEMON)
    await company.daemon.start()
    act.restarted = now().timestamp()
    company.screen.say("the daemon is started again, and looks before it acts", "note")


@contextlib.asynccontextmanager
async def _deployed(company: Company, act: Act) -> AsyncIterator[str]:
    """Bring the act's release out on two instances, as a pipeline does, and follow what the daemon says of it.

    Gives the announcement's id.
    """
    company.screen.turn_to(act)
    observer = Observer(
        act, company.door, company.channel, company.house.files, Commentary(act, company.screen)
    )
    shop.deploy(company.house.files, act.new, CANARIES)
    await until(_canaries_serve(company, act.new), ROLLOUT, f"{act.new} serves on {CANARIES} instances")
    act.deployed = await until(lambda: company.record.first(act.new), ROLLOUT, f"{act.new} answers")
    company.screen.say(f"the pipeline has put {act.new} on {CANARIES} of 6 instances, beside {act.old}")
    announcement = await _announce(company, act)
    async with _meanwhile(observer.follow()):
        yield announcement
        await observer.look()
    act.end = now().timestamp()


@contextlib.asynccontextmanager
async def _waited_for(company: Company, act: Act, announcement: str) -> AsyncIterator[None]:
    """``rollbackd wait``, as the pipeline runs it: its exit status is the verdict."""
    waiting = asyncio.create_task(run(("wait", announcement), company.house.environment, DECISION * 2))
    try:
        yield
        act.exit = (await waiting).status
    finally:
        waiting.cancel()


async def _announce(company: Company, act: Act) -> str:
    """``rollbackd deployed``, as the pipeline runs it; the announcement's id."""
    ran = await run(("deployed", SERVICE, ENVIRONMENT, act.new), company.house.environment, COMMAND)
    if ran.status:
        raise CommandFailed("deployed", ran)
    return ran.stdout.strip()


@contextlib.asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do *work* for as long as the context lasts; if it fails, so does the context."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()


def _canaries_serve(company: Company, tag: str) -> Callable[[], bool]:
    def look() -> bool:
        slots = company.house.files.running().slots
        return sum(slot.serving and slot.tag == tag for slot in slots) >= CANARIES

    return look


def _serves_alone(company: Company, tag: str) -> Callable[[], bool]:
    return lambda: all(slot.serving and slot.tag == tag for slot in company.house.files.running().slots)


class Commentary:
    """Says what is new of an act, in the daemon's own words."""

    def __init__(self, act: Act, screen: Screen) -> None:
        self._act = act
        self._screen = screen
        self._said = 0

    def __call__(self) -> None:
        """Say what came since the last call."""
        for said in self._act.said[self._said :]:
            words = said.headline.removeprefix(f"{SERVICE} · {ENVIRONMENT}: ")
            self._screen.say(f"rollbackd: {words}", "bad" if said.loud else "daemon")
        self._said = len(self._act.said)
