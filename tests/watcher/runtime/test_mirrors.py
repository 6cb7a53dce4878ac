"""Mirrors say the known-good release: written where they differ, never in shadow, and what cannot be written is told once."""

import asyncio
from dataclasses import dataclass, field

from structlog.testing import capture_logs

from tests.builders import NOON, a_policy, a_release, a_service, hours, minutes
from tests.watcher.runtime.at_work import PLACE, at_work, now, virtual
from watcher.core.service import Mode
from watcher.runtime.fleet import Fleet
from watcher.runtime.mirrors import Mirrors


@dataclass
class AMirror:
    """Says what it was told, unless *words* stand against it."""

    name: str = "ssm /rollbackd/checkout/production/known-good"
    words: str = ""
    hangs: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def write(self, known_good):
        self.asked.append((known_good.release.tag, known_good.grade))
        if self.hangs:
            await asyncio.Event().wait()
        return self.words


def mirrored(work, *mirrors, **changes):
    """The loop, of a service with these mirrors."""
    service = a_service(**changes)
    fleet = Fleet({service.key: service}, {service.key: work.targets}, {service.key: {"service": mirrors}})
    work.current.swap(fleet)
    return Mirrors(work.store, work.current, work.bells, work.boundary, now, work.new_id)


async def rounds(loop, many=1):
    for _ in range(many):
        await loop.go_round()
        await asyncio.sleep(60)


async def served(work, tag="v42"):
    await work.store.adopt(*PLACE, a_release(tag), NOON - hours(99), adopted=True)


@virtual
async def test_a_mirror_is_written_once_and_again_when_another_release_is_known_good():
    mirror = AMirror()
    async with at_work() as work:
        await served(work)
        loop = mirrored(work, mirror)
        await rounds(loop, 3)
        await work.store.adopt(*PLACE, a_release("v43"), now(), adopted=False)
        await rounds(loop, 2)
        after_a_minute = list(mirror.asked)
        await asyncio.sleep(hours(200).total_seconds())
        await rounds(loop, 2)

        assert after_a_minute == [("v42", "served")]  # v43 is not known to be good yet
        assert mirror.asked[-1] == ("v43", "served")
        assert len(mirror.asked) == 2


@virtual
async def test_where_nothing_is_known_to_be_good_nothing_is_written():
    mirror = AMirror()
    async with at_work() as work:
        await rounds(mirrored(work, mirror))

        assert mirror.asked == []


@virtual
async def test_in_shadow_nothing_is_written():
    mirror = AMirror()
    async with at_work() as work:
        await served(work)
        await rounds(mirrored(work, mirror, policy=a_policy(mode=Mode.SHADOW)))

        assert mirror.asked == []


@virtual
async def test_what_cannot_be_written_is_told_once_and_tried_again_more_and_more_seldom():
    ill, well = (
        AMirror(words="the parameter is another's: give the mirror a name of its own"),
        AMirror("ecr shop:x"),
    )
    async with at_work() as work:
        await served(work)
        loop = mirrored(work, ill, well)

        with capture_logs() as log:
            await rounds(loop, 40)
        claimed = await work.store.claim_messages(now(), 9, "test", minutes(1))

        assert [line["mirror"] for line in log if line["event"] == "mirror.unwritten"] == [ill.name]
        (told,) = claimed
        assert "give the mirror a name of its own" in told.message.notice.headline
        assert len(ill.asked) == 6  # after 1, 2, 4, 8 and 16 minutes
        assert len(well.asked) == 1

        ill.words = ""
        await rounds(loop, 40)
        assert len(ill.asked) == 7


@virtual
async def test_a_mirror_that_hangs_keeps_no_other_from_being_written():
    ill, well = AMirror(hangs=True), AMirror("ecr shop:x")
    async with at_work() as work:
        await served(work)
        await rounds(mirrored(work, ill, well))

        assert well.asked == [("v42", "served")]


@virtual
async def test_what_can_be_written_at_the_next_try_is_told_to_nobody():
    busy = AMirror(words="put_parameter: ThrottlingException: Rate exceeded")
    async with at_work() as work:
        await served(work)
        loop = mirrored(work, busy)

        await rounds(loop, 2)
        busy.words = ""
        await rounds(loop, 40)

        assert len(busy.asked) == 3
        assert await work.store.claim_messages(now(), 9, "test", minutes(1)) == []
