"""Puts the whole together: the world, the users, the daemon, the acts in their order, and what is told at the end."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from watcher.clock import now
from watcher.demo.claims import claims
from watcher.demo.picture.screen import Backstage, Screen
from watcher.demo.picture.words import IS
from watcher.demo.play.acts import CALM_BEFORE, Company, a_bad_release, a_good_release, in_shadow
from watcher.demo.play.channel import Channel
from watcher.demo.play.daemon import Daemon, Door
from watcher.demo.play.house import FIRST, HOST, House, tag
from watcher.demo.play.processes import Child
from watcher.demo.play.waiting import until
from watcher.demo.record import Record
from watcher.demo.story import BAD, Act, Claim, Story
from watcher.demo.traffic import RATE, Users

WORLD_STARTS = 30.0  # seconds


@dataclass
class Theatre:
    """A world with users, and everything to play in it."""

    company: Company
    story: Story
    calm: tuple[float, float] = (0.0, 0.0)
    _number: int = FIRST

    async def open(self, mode: str) -> None:
        """Start the daemon in *mode*, and see how users fare when nothing is wrong."""
        house, began = self.company.house, now().timestamp()
        house.configure(mode, house.files.running(), self.company.channel.port)
        await self.company.daemon.start()
        await self.company.daemon.until_knows(mode, tag(FIRST))
        self.company.screen.say(f"the daemon runs (process {self.company.daemon.pid}) in mode {mode}")
        await until(lambda: now().timestamp() >= began + CALM_BEFORE, 60, "some calm")
        self.calm = (began, now().timestamp())
        self.story.configuration, self.story.rules = house.configuration.read_text(), house.rules.read_text()

    async def turn_to(self, mode: str) -> None:
        """Let the daemon read the same configuration with another mode (SIGHUP)."""
        house = self.company.house
        house.configure(mode, house.files.running(), self.company.channel.port)
        self.company.daemon.reload()
        await self.company.daemon.until_knows(mode, self._serving)
        self.story.configuration = house.configuration.read_text()

    async def whole_play(self) -> None:
        """What USERS.md calls the first 90 seconds."""
        say = self.company.screen.say
        await self.open("shadow")
        say("Act 1 of 3 · shadow: all but the last call", "head")
        await in_shadow(self.company, self._act("errors", "shadow"))
        await self.turn_to("auto")
        say("Act 2 of 3 · auto: a good release, and a hiccup of both", "head")
        await a_good_release(self.company, self._act("good", "auto"), hiccup=True)
        say(
            "Act 3 of 3 · auto: a bad release, and kill -9 of the daemon",
            "head",
        )
        await a_bad_release(self.company, self._act("errors", "auto"), kill=True)

    async def single(self, kind: str) -> None:
        """One release alone, in auto."""
        await self.open("auto")
        self.company.screen.say(
            f"One release, in auto: {IS[kind].format(tag(FIRST + 1), tag(FIRST))}", "head"
        )
        act = self._act(kind, "auto")
        if kind in BAD:
            await a_bad_release(self.company, act, kill=False)
        else:
            await a_good_release(self.company, act, hiccup=kind == "good")

    def claims(self) -> list[Claim]:
        """What is claimed of all acts."""
        return [claim for act in self.story.acts for claim in claims(act, self.company.record)]

    @property
    def _serving(self) -> str:
        """The newest release that passed."""
        return next((act.new for act in reversed(self.story.acts) if act.state == "passed"), tag(FIRST))

    def _act(self, kind: str, mode: str) -> Act:
        """The next release, of *kind*, beside the one that serves."""
        self._number += 1
        new = self.company.house.publish(self._number, kind)
        act = Act(kind, mode, old=self._serving, new=new, start=now().timestamp(), calm=self.calm)
        self.story.acts.append(act)
        return act


@contextlib.asynccontextmanager
async def opened(root: Path, seed: int, screen_for: Callable[[Backstage], Screen]) -> AsyncIterator[Theatre]:
    """A theatre in *root*: the world and its users are there, the daemon is not started yet. All of it ends with the context."""
    house, record = House.built(root, seed), Record()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        door, channel = Door(house, session), Channel(house.token)
        await stack.enter_async_context(channel.open())
        daemon = Daemon(house, door)
        stack.push_async_callback(daemon.stop)
        screen = screen_for(_backstage(house, record, daemon))
        await _start_world(house, seed, stack)
        url = f"http://{HOST}:{house.files.running().balancer}/"
        await stack.enter_async_context(
            _meanwhile_come(Users(url, record, random.Random(seed).randrange(2**32)))
        )
        story = Story(seed, now().timestamp(), RATE)
        screen.say(
            f"a web service of six instances behind a balancer ({url}), {RATE:.0f} requests/s of real HTTP"
        )
        yield Theatre(Company(house, daemon, door, channel, record, screen), story)


def _backstage(house: House, record: Record, daemon: Daemon) -> Backstage:
    return Backstage(
        record,
        daemon=lambda: f"process {daemon.pid}" if daemon.pid else "dead",
        instances=lambda: [(slot.tag, slot.serving) for slot in house.files.running().slots],
    )


async def _start_world(house: House, seed: int, stack: contextlib.AsyncExitStack) -> None:
    argv = (sys.executable, "-m", "watcher.demo.world.town", str(house.files.root), str(seed))
    world = Child("the world", argv, house.root / "world.log", {})
    stack.push_async_callback(world.dismiss)
    await world.start()

    def look() -> bool:
        world.check()
        return bool(house.files.running().balancer)

    await until(look, WORLD_STARTS, "the world is there", f"the end of {house.root / 'world.log'} says why")


@contextlib.asynccontextmanager
async def _meanwhile_come(users: Users) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        coming = group.create_task(users.come())
        try:
            yield
        finally:
            coming.cancel()
