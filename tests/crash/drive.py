"""One story: v2 is deployed and announced, and is bad; the daemon is ended where the story says, and started again."""

import asyncio
import contextlib
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.crash.hurried import Hurried
from tests.crash.outside import Outside, a_world
from tests.crash.patience import LOOKS, PATIENCE, until
from tests.crash.seams import Death
from tests.crash.ward import Life, Ward

ACKNOWLEDGED = "the answer to the announcement"
IN_THE_CALL = {"before": "in move, before it was taken", "after": "in move, after it was taken"}
BY_OTHERS = frozenset({ACKNOWLEDGED, *IN_THE_CALL.values()})  # seams at which it is not the proxy that kills

ANNOUNCEMENT = {"service": "web", "environment": "production", "tag": "v2"}


@dataclass
class Story:
    """What was planned, and what came of it.

    Attributes:
        deaths: One a life; the last life ends when all is at rest.
        told_id: Under which id the announcement was acknowledged.
        skipped: Seams of the first life that lie before the deployment.
    """

    outside: Outside
    deaths: Sequence[Death]
    lives: list[Life] = field(default_factory=list)
    told_id: str = ""
    skipped: int = 0

    def seams(self, life: int) -> list[str]:
        """Where this life could have ended."""
        passed = self.lives[life].seams
        return passed[self.skipped :] if life == 0 else passed

    def death_in(self, life: int) -> Death | None:
        return self.deaths[life] if life < len(self.deaths) else None

    @property
    def came_to_pass(self) -> bool:
        """Whether every planned death came."""
        return len(self.lives) > len(self.deaths)

    @property
    def is_cut_in_the_call(self) -> bool:
        """Somebody died in the middle of a move, so that nobody knows whether it was made."""
        return any(death.at in IN_THE_CALL.values() for death in self.deaths)


@contextlib.asynccontextmanager
async def a_story(
    ward: Ward, time: Hurried, root: Path, before: Path, deaths: Sequence[Death]
) -> AsyncIterator[Story]:
    """The story with *deaths*, told to its end. *before*: the store of a daemon that knows v1."""
    async with a_world(root, time) as outside, asyncio.timeout(PATIENCE):
        shutil.copyfile(before, outside.database)
        story = Story(outside, deaths)
        if story.is_cut_in_the_call:
            outside.remember_keys()
        try:
            await _tell(ward, story)
            yield story
        finally:
            for life in story.lives:
                await ward.signal(life, signal.SIGKILL)


async def _tell(ward: Ward, story: Story) -> None:
    first = await _bear(ward, story)
    await looked(first)
    story.skipped = len(first.seams)
    story.outside.deploy("v2")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_announce(ward, story))
        tasks.create_task(_keep_alive(ward, story))


async def _bear(ward: Ward, story: Story) -> Life:
    number = len(story.lives)
    death = story.death_in(number)
    for when, seam in IN_THE_CALL.items():
        if death and death.at == seam:
            story.outside.kill_who_moves(when)
    by_proxy = None if death is None or death.at in BY_OTHERS else death
    story.lives.append(await ward.bear(story.outside.configuration, number, by_proxy))
    return story.lives[-1]


async def heard(life: Life) -> str | None:
    """The address of a life, once it has one; ``None`` if it is over."""
    await until(lambda: was_ended(life) or life.address is not None)
    return None if was_ended(life) else f"http://{life.address}"


async def looked(life: Life) -> None:
    """It has looked at what is live, as it does when it starts; the next time is in ten minutes."""
    await until(lambda: was_ended(life) or (life.address is not None and "live #1" in life.seams))


async def _announce(ward: Ward, story: Story) -> None:
    """Say it again and again until it is acknowledged, as a pipeline does."""
    async with aiohttp.ClientSession() as session:
        while not story.told_id:
            with contextlib.suppress(aiohttp.ClientError):
                story.told_id = await announced(session, await heard(story.lives[-1]))
            await asyncio.sleep(0 if story.told_id else LOOKS)
    death = story.death_in(len(story.lives) - 1)
    if death and death.at == ACKNOWLEDGED:
        await ward.signal(story.lives[-1], signal.SIGKILL)


async def announced(session: aiohttp.ClientSession, url: str | None, run: str = "run-4711") -> str:
    """Announce v2; the id that the daemon answers. Nothing, if it is not to be had just now."""
    async with session.post(f"{url}/v1/deployments", json=ANNOUNCEMENT | {"id": run}) as answer:
        if answer.status >= 500:
            return ""
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["announcement"])


async def _keep_alive(ward: Ward, story: Story) -> None:
    """Start the daemon again whenever it has ended, until everything is at rest."""
    while True:
        life = story.lives[-1]
        over, rest = was_ended(life), bool(story.told_id) and at_rest(story.outside.database)
        if over and rest:
            return
        if over:
            await _bear(ward, story)
        elif rest and life.address:
            if not _was_told_to_end(story, life):
                await ward.signal(life, signal.SIGTERM)
            await life.ended
        else:
            await asyncio.sleep(LOOKS)


def _was_told_to_end(story: Story, life: Life) -> bool:
    """A second SIGTERM may come when the first has been obeyed, and nobody is there any more to take it."""
    death = story.death_in(len(story.lives) - 1)
    if death is None or death.by != signal.SIGTERM:
        return False
    return death.at in life.seams if isinstance(death.at, str) else len(life.seams) >= death.at


def was_ended(life: Life) -> bool:
    """Whether it is over: killed, or because it was told so. Nothing else may end it."""
    if not life.ended.done():
        return False
    status = life.ended.result()
    assert status in {0, -signal.SIGKILL}, f"it ended with {status}:\n{life.log.read_text()[-4000:]}"
    return True


# The watch is final, every announcement is closed, and whoever is to be told was told.
AT_REST = """
SELECT (SELECT COUNT(*) FROM watches WHERE final = 1) > 0
    AND NOT EXISTS (SELECT 1 FROM watches WHERE final = 0)
    AND NOT EXISTS (SELECT 1 FROM inbox WHERE closed_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM messages WHERE due_at IS NOT NULL)
"""


def at_rest(database: Path) -> bool:
    """Whether nothing more will happen."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute(AT_REST).fetchone()[0])
    except sqlite3.OperationalError:  # nobody has it open just now, so that its log cannot be read
        return False


async def the_store_before(ward: Ward, time: Hurried, root: Path) -> Path:
    """A store in which v1 was found live, and adopted."""
    async with a_world(root / "before", time) as outside, asyncio.timeout(PATIENCE):
        life = await ward.bear(outside.configuration, 0)
        await until(lambda: was_ended(life) or "adopt #1" in life.seams)
        await ward.signal(life, signal.SIGTERM)
        assert await life.ended == 0
        return Path(shutil.copyfile(outside.database, root / "before.db"))
