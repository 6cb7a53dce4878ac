"""Many stories at once, and what was broken in them."""

import asyncio
import itertools
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.drive import Story, a_story
from tests.crash.hurried import Hurried
from tests.crash.promises import broken
from tests.crash.seams import Death
from tests.crash.ward import Ward

AT_ONCE = 4  # stories, on two processors: they mostly wait, and other tests run beside them

Deaths = Sequence[Death]


@dataclass(frozen=True)
class Told:
    """A story that came to its end. *seams*: those of each life."""

    deaths: Deaths
    seams: tuple[tuple[str, ...], ...]
    came_to_pass: bool
    broken: tuple[str, ...]


class Teller:
    """Tells stories, each in a world of its own."""

    def __init__(self, ward: Ward, time: Hurried, root: Path, before: Path) -> None:
        self._ward = ward
        self._time = time
        self._root = root
        self._before = before
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._number = itertools.count()

    async def tell(self, deaths: Deaths) -> Told:
        """One story. Whatever fails in it is a promise that was broken."""
        async with self._gate:
            root = self._root / str(next(self._number))
            try:
                async with a_story(self._ward, self._time, root, self._before, deaths) as story:
                    return _told(story, await broken(story))
            except Exception as error:  # noqa: BLE001 - one story must not end the others
                return Told(deaths, (), came_to_pass=True, broken=tuple(traceback.format_exception(error)))

    async def tell_all(self, stories: Iterable[Deaths]) -> list[Told]:
        """All of them, side by side."""
        async with asyncio.TaskGroup() as tasks:
            telling = [tasks.create_task(self.tell(deaths)) for deaths in stories]
        return [task.result() for task in telling]


def _told(story: Story, wrong: Sequence[str]) -> Told:
    seams = tuple(tuple(story.seams(life)) for life in range(len(story.lives)))
    return Told(story.deaths, seams, story.came_to_pass, tuple(wrong))


def report(stories: Iterable[Told]) -> str:
    """What was broken, for people; empty if nothing was."""
    return "\n".join(
        f"{', then '.join(map(str, told.deaths)) or 'nobody died'}: {'; '.join(told.broken)}"
        for told in stories
        if told.broken
    )
