"""What every provider on AWS must do: it is asked about what was, and answers from what AWS tells.

The same sentences as in `provider_contract`, for those that do not look themselves. A member is a class that begins with
``Test`` and inherits `AwsProviderContract`; it says how its service came to be as it is. See ``test_aws_providers.py``.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from deploy.ports import AwsAccount
from rules.model import Indicator
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Unavailable, Who
from tests.contract.replayed import recorded
from tests.fakes.aws import AwsError, AwsWorld, Direct
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.registry import PROVIDERS

ACCOUNT = AwsAccount("shop", "eu-central-1")
PATIENCE = timedelta(seconds=6)
ATTEMPTS = 3  # of a read, by boto3: a call that is throttled is sent so often
AT_ONCE = 5  # calls that are under way when a storm begins


class AwsProviderContract:
    """The contract. Attributes and the methods that raise `NotImplementedError` are the member's to fill in."""

    kind: ClassVar[str]
    canary: ClassVar[Mapping[str, str]]
    baseline: ClassVar[Mapping[str, str]]
    service: ClassVar[str]  # of AWS, as botocore names it
    missing: ClassVar[str]  # a name that a release may lack
    operations: ClassVar[Sequence[str]]  # of the service, that a reading needs

    def world(self, clock: "Clock") -> AwsWorld:
        """Half an hour in which the new release does worse than the one beside it; at `START` it begins."""
        raise NotImplementedError

    def indicator(self, name: str = "errors") -> Indicator:
        """It tells both releases apart."""
        raise NotImplementedError

    def misspelt(self) -> Indicator:
        """It asks for something that is not there."""
        raise NotImplementedError

    def many(self) -> Sequence[Indicator]:
        """So much beside `indicator` that a reading of it all is several calls."""
        raise NotImplementedError

    def calls(self) -> int:
        """How many calls one round of questions about one service may cost."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------ the sentences

    def test_both_releases_are_counted_and_the_worse_one_is_seen(self):
        async def story() -> None:
            async with self.living() as life:
                found = _buckets(await life.ask(self.indicator()))

                mine = [each.canary for each in found if isinstance(each.canary, Counts)]
                others = [each.baseline for each in found if isinstance(each.baseline, Counts)]
                assert sum(each.bad for each in mine) > sum(each.bad for each in others)
                assert all(0 <= each.bad <= each.total for each in (*mine, *others))

        in_virtual_time(story())

    def test_what_was_said_once_is_never_taken_back(self):
        async def story() -> None:
            async with self.living() as life:
                said: dict[datetime, Bucket] = {}
                for minute in range(10, 30):
                    life.turn(minute)
                    for bucket in _buckets(await life.ask(self.indicator())):
                        assert said.setdefault(bucket.end, bucket) == bucket

                assert said

        in_virtual_time(story())

    def test_one_that_has_just_come_says_what_one_says_that_was_always_there(self):
        async def story() -> None:
            async with self.living() as life:
                for minute in range(10, 29):
                    life.turn(minute)
                    await life.ask(self.indicator())
                before = await life.ask(self.indicator())
                async with self.opened(life) as fresh:
                    assert await fresh.ask(self.indicator()) == before

        in_virtual_time(story())

    def test_no_bucket_ends_after_the_window_or_before_what_is_known(self):
        async def story() -> None:
            async with self.living() as life:
                since, end = START + timedelta(minutes=5), START + timedelta(minutes=10)
                for bucket in _buckets(await life.ask(self.indicator(), since=since, end=end)):
                    assert since < bucket.end <= end

        in_virtual_time(story())

    def test_silence_wrong_names_and_an_end_that_is_down_are_different_answers(self):
        async def story() -> None:
            async with self.living() as life:
                counted, wrong = await life.ask(self.indicator()), await life.ask(self.misspelt())
                life.world.faults.fail(self.service, times=None)
                life.turn(29)
                down = await life.ask(self.indicator())

            assert isinstance(counted, tuple)
            assert isinstance(wrong, NoData | Invalid)
            assert isinstance(down, Unavailable)

        in_virtual_time(story())

    def test_a_wrong_question_is_nobody_elses_trouble(self):
        async def story() -> None:
            async with self.living() as life:
                alone = await life.ask(self.indicator())
                both = await life.ask_all([self.indicator(), replace(self.misspelt(), id="wrong")])

            assert both["errors"] == alone
            assert not isinstance(both["wrong"], tuple)

        in_virtual_time(story())

    @pytest.mark.parametrize(
        "code",
        [
            "AccessDeniedException",
            "ExpiredTokenException",
            "ThrottlingException",
            "InternalFailure",
            "lost",
            "slow",
        ],
    )
    def test_a_fault_is_blindness_and_never_good_counts(self, code: str):
        async def story() -> Reading:
            async with self.living() as life:
                faults = life.world.faults
                if code == "lost":
                    faults.lose_answer(self.service, times=None)
                elif code == "slow":
                    faults.slow(self.service, seconds=60, times=None)
                else:
                    faults.fail(self.service, error=AwsError(self.spelt(code), "no"), times=None)
                return await life.ask(self.indicator())

        reading = in_virtual_time(story())

        assert isinstance(reading, Unavailable)
        assert reading.words
        assert (reading.who is Who.OPERATOR) == (code in {"AccessDeniedException", "ExpiredTokenException"})

    def test_in_a_storm_of_throttling_one_call_goes_first_and_afterwards_it_counts_again(self):
        """Whoever asks together is refused together; what AWS calls throttling is no news of anybody's release."""

        async def look(life: "Life", minute: int) -> tuple[int, Mapping[str, Reading]]:
            life.turn(minute)
            life.world.calls.clear()
            readings = await life.ask_all([self.indicator(), *self.many()])
            await asyncio.sleep(60)
            return len(life.world.calls), readings

        async def story() -> None:
            async with self.living() as life:
                usual, _ = await look(life, 28)
                storm = life.world.faults.throttle(self.service)
                broke, _ = await look(life, 29)
                within = [await look(life, minute) for minute in (30, 31)]
                life.world.faults.lift(storm)
                _, again = await look(life, 32)

            assert usual >= len(self.operations)
            assert broke <= (AT_ONCE + 1) * ATTEMPTS
            for calls, readings in within:
                assert calls == ATTEMPTS
                assert {type(reading) for reading in readings.values()} == {Unavailable}
                said = [reading for reading in readings.values() if isinstance(reading, Unavailable)]
                assert [
                    each for each in said if not re.search("throttl|too many", each.words, re.IGNORECASE)
                ] == []
                assert any(each.retry_at for each in said)
            assert not any(isinstance(reading, Unavailable) for reading in again.values())
            assert isinstance(again["errors"], tuple)

        in_virtual_time(story())

    def test_what_was_read_is_judged_alike_when_it_is_read_again(self):
        async def story() -> None:
            async with self.living() as life:
                kind, what = PROVIDERS[self.kind], self.indicator()
                async with recorded(what, (kind.bucket(what), kind.settle_of(what)), START) as watch:
                    for minute in range(5, 30):
                        life.turn(minute)
                        await watch.takes(life.clock.now, await life.ask(what, since=watch.since))

                    assert await watch.is_judged_alike_again()

        in_virtual_time(story())

    @pytest.mark.parametrize("minutes", [10, -10])
    def test_a_clock_that_is_ten_minutes_off_invents_nothing(self, minutes: int):
        """Ahead, it asks for what is to come, which is no silence; behind, for what was."""

        async def story() -> tuple[Reading, Reading]:
            async with self.living() as life:
                right = await life.ask(self.indicator())
                wrong = life.window(START + timedelta(minutes=28 + minutes))
                asked = Question("errors", self.indicator(), self.canary, self.baseline)
                return right, (await life.provider.read([asked], replace(wrong)))["errors"]

        right, wrong = in_virtual_time(story())

        known = {bucket.end: (bucket.canary, bucket.baseline) for bucket in _buckets(right)}
        for bucket in _buckets(wrong) if isinstance(wrong, tuple) else ():
            assert bucket.end not in known or (bucket.canary, bucket.baseline) == known[bucket.end]
            assert bucket.end in known or not _says_anything(bucket) or bucket.incomplete

    def spelt(self, code: str) -> str:
        """*code* as the service spells it."""
        return code

    def test_all_questions_of_all_watches_are_asked_together(self):
        async def story() -> int:
            async with self.living() as life:
                life.world.calls.clear()
                await life.ask_all([self.indicator(f"errors{number}") for number in range(20)])
                return len(life.world.calls)

        assert in_virtual_time(story()) <= self.calls()

    def test_a_release_without_the_name_that_is_asked_for_is_the_authors_to_mend(self):
        async def story() -> Reading:
            async with self.living() as life:
                nameless = Question("errors", self.indicator(), {"version": "v2"}, {"version": "v1"})
                return (await life.provider.read([nameless], life.window()))["errors"]

        reading = in_virtual_time(story())

        assert isinstance(reading, Invalid)
        assert reading.who is Who.AUTHOR
        assert self.missing in reading.words

    def test_nothing_is_ever_tried_that_could_change_anything(self):
        async def story() -> AwsWorld:
            async with self.living() as life:
                for minute in range(10, 30, 5):
                    life.turn(minute)
                    await life.ask_all([self.indicator(), replace(self.misspelt(), id="wrong")])
                return life.world

        world = in_virtual_time(story())

        assert world.calls
        assert world.mutating_calls() == []
        assert world.bugs == []

    # ------------------------------------------------------------------------------------------------------ the life

    @asynccontextmanager
    async def living(self) -> AsyncIterator["Life"]:
        """The provider, twenty-eight minutes after the start."""
        clock = Clock()
        life = Life(self.world(clock), clock, self)
        life.turn(28)
        async with self.opened(life) as opened:
            yield opened

    @asynccontextmanager
    async def opened(self, life: "Life") -> AsyncIterator["Life"]:
        """Another provider in the same world."""
        kind = PROVIDERS[self.kind]
        async with http_to_loopback(lambda: life.clock.now) as http:
            passes = asyncio.get_running_loop().time
            opening = Opening(http, lambda: life.clock.now, passes, aws=Direct(life.world), account=ACCOUNT)
            async with kind.open(None, opening) as provider:
                another = Life(life.world, life.clock, self)
                another.provider = provider
                yield another


class Clock:
    """AWS's, and ours."""

    def __init__(self) -> None:
        self.now = START


class Life:
    """A provider that is open, in a world."""

    provider: Provider

    def __init__(self, world: AwsWorld, clock: Clock, member: AwsProviderContract) -> None:
        self.world = world
        self.clock = clock
        self._member = member

    def turn(self, minutes: float) -> None:
        """Go on to *minutes* after the start."""
        self.clock.now = START + timedelta(minutes=minutes)
        self.world.advance()

    def window(self, end: datetime | None = None) -> Window:
        """All that is final, as the patrol asks for it."""
        kind, what = PROVIDERS[self._member.kind], self._member.indicator()
        bucket = kind.bucket(what)
        final = START + (self.clock.now - kind.settle_of(what) - START) // bucket * bucket
        return Window(START, end or final, self.clock.now + PATIENCE)

    async def ask(
        self, indicator: Indicator, since: datetime | None = None, end: datetime | None = None
    ) -> Reading:
        """The reading of *indicator*."""
        return (await self.ask_all([indicator], since, end))[indicator.id]

    async def ask_all(
        self, indicators: Sequence[Indicator], since: datetime | None = None, end: datetime | None = None
    ) -> Mapping[str, Reading]:
        """The readings of all of them, by their ids."""
        names: Mapping[str, Any] = {"canary": self._member.canary, "baseline": self._member.baseline}
        questions = [Question(each.id, each, **names, since=since) for each in indicators]
        return await self.provider.read(questions, self.window(end))


def _says_anything(bucket: Bucket) -> bool:
    return any(isinstance(each, Counts) for each in (bucket.canary, bucket.baseline))


def _buckets(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets
