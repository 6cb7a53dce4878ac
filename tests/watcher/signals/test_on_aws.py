"""All providers ask AWS together: after a refusal one goes first, and the others wait for a moment or hear when."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Unavailable, Who
from tests.fakes.serve import http_to_loopback
from tests.scenarios.virtual import in_virtual_time
from watcher.signals.gate import PATIENT
from watcher.signals.on_aws import CLOSING, NotAsked, OnAws, Throttled, on_aws
from watcher.signals.provider import Opening

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class Limited:
    """AWS, which takes so many calls more, and then none until it is told to; an answer *takes* so many seconds."""

    left: int = 0
    skew: timedelta | None = None
    code: str = "ThrottlingException"
    takes: float = 0.1
    calls: list[tuple[float, str, str, str]] = field(default_factory=list)

    async def read(
        self, scope: str, service: str, operation: str, /, **_parameters: Any
    ) -> Mapping[str, Any]:
        self.calls.append((round(asyncio.get_running_loop().time(), 3), scope, service, operation))
        may, self.left = self.left > 0, self.left - 1
        await asyncio.sleep(self.takes)
        if may:
            return {"all": "well"}
        raise AwsRefused(operation, self.code, "Rate exceeded", may_have_happened=False)

    act = poll = read

    @property
    def when(self) -> list[float]:
        return [at for at, *_ in self.calls]


def asking(aws: Limited) -> OnAws:
    return OnAws(cast("Aws", aws), lambda: NOON + timedelta(seconds=asyncio.get_running_loop().time()))


async def asked(ours: OnAws, scope: str = "shop", operation: str = "list_tasks") -> str:
    try:
        return str((await ours.read(scope, "ecs", operation))["all"])
    except NotAsked as refused:
        return refused.words
    except AwsRefused as refused:
        return refused.code


async def many(ours: OnAws, number: int) -> list[str]:
    return list(await asyncio.gather(*(asked(ours) for _ in range(number))))


def told(story: Callable[[], Any]) -> Any:
    return in_virtual_time(story())


def test_who_comes_after_a_refusal_waits_for_one_that_goes_first_and_is_answered():
    async def story() -> tuple[list[str], list[float]]:
        aws = Limited()
        ours = asking(aws)
        assert await asked(ours) == "ThrottlingException"
        aws.left = 100
        return await many(ours, 20), aws.when

    words, when = told(story)

    assert set(words) == {"well"}
    assert when == [0.0, 1.1, *[1.2] * 19]


def test_in_a_storm_each_refusal_closes_for_longer_and_nobody_waits_for_that():
    async def story() -> tuple[list[list[str]], list[float]]:
        aws = Limited()
        ours = asking(aws)
        looks = []
        for _ in range(6):
            looks.append(await many(ours, 50))
            await asyncio.sleep(30)
        return looks, aws.when

    looks, when = told(story)

    assert looks[0] == ["ThrottlingException"] * 50  # all were under way before anybody knew
    assert [at // 30 for at in when[50:]] == [1, 2, 3, 4, 5]  # and from then on one a look
    refused = "AWS throttles ecs list_tasks in the account shop: not asked again before 12:00:34 UTC"
    assert looks[1] == ["ThrottlingException", *[refused] * 49]


def test_who_is_refused_is_told_when_the_next_one_goes_as_those_are_that_wait():
    async def story() -> tuple[datetime, Unavailable, str]:
        ours = asking(Limited())
        with pytest.raises(Throttled, match="Rate exceeded") as first:
            await ours.read("shop", "ecs", "list_tasks")
        await asyncio.sleep(2)
        with pytest.raises(Throttled):
            await ours.read("shop", "ecs", "list_tasks")
        with pytest.raises(NotAsked) as waits:
            await ours.read("shop", "ecs", "list_tasks")
        return first.value.retry_at, waits.value.trouble, first.value.code

    at, trouble, code = told(story)

    assert at == NOON + timedelta(seconds=0.1 + CLOSING.first)
    assert trouble.retry_at == NOON + timedelta(seconds=2.2 + CLOSING.first * CLOSING.times)
    assert code == "ThrottlingException"


def test_another_operation_and_another_account_are_not_held_up():
    async def story() -> list[str]:
        aws = Limited()
        ours = asking(aws)
        await many(ours, 2)
        aws.left = 2
        return [await asked(ours, operation="describe_tasks"), await asked(ours, scope="other")]

    assert told(story) == ["well", "well"]


def test_whatever_else_is_refused_closes_nothing():
    async def story() -> list[float]:
        aws = Limited(code="AccessDeniedException")
        ours = asking(aws)
        for _ in range(3):
            await asked(ours)
        return aws.when

    assert told(story) == [0.0, 0.1, 0.2]


def test_who_has_given_up_holds_up_nobody():
    async def story() -> list[str]:
        aws = Limited()
        ours = asking(aws)
        await asked(ours)
        first = asyncio.create_task(asked(ours))
        await asyncio.sleep(0.5)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        aws.left = 5
        return await many(ours, 5)

    assert told(story) == ["well"] * 5


def test_an_answer_among_refusals_opens_and_the_next_refusal_closes_again():
    """AWS takes some and refuses others: what came last counts, though the time of the first refusal is not over."""

    async def story() -> list[float]:
        aws = Limited()
        ours = asking(aws)
        under_way = []
        for aws.left, aws.takes in ((0, 0.1), (1, 0.2), (0, 0.3)):
            under_way.append(asyncio.create_task(asked(ours)))
            await asyncio.sleep(0)
        assert await asyncio.gather(*under_way) == ["ThrottlingException", "well", "ThrottlingException"]
        await asked(ours)
        return aws.when

    assert told(story) == [0.0, 0.0, 0.0, 1.3]


@pytest.mark.parametrize("code", ["Timeout", "Unreachable"])
def test_who_hears_nothing_does_not_take_the_storm_for_over(code):
    async def story() -> tuple[list[str], list[float]]:
        aws = Limited()
        ours = asking(aws)
        await asked(ours)
        aws.code, aws.takes = code, 1.5
        await asked(ours)
        return await many(ours, 20), aws.when

    words, when = told(story)

    assert when == [0.0, 1.1, 2.6, 4.1]
    assert words[:2] == [code, code]
    assert all(each.startswith("AWS throttles ecs list_tasks") for each in words[2:])


def test_nobody_waits_for_a_first_one_that_hangs():
    async def story() -> tuple[list[str], float]:
        aws = Limited()
        ours = asking(aws)
        await asked(ours)
        await asyncio.sleep(2)
        aws.takes = 600
        hangs = asyncio.create_task(asked(ours))
        await asyncio.sleep(0)
        words = await many(ours, 10)
        took = asyncio.get_running_loop().time() - 2.1
        hangs.cancel()
        await asyncio.gather(hangs, return_exceptions=True)
        aws.left, aws.takes = 2, 0.1
        return [*words, await asked(ours), await asked(ours)], took

    words, took = told(story)

    assert took == pytest.approx(PATIENT)
    assert all(each.startswith("AWS throttles ecs list_tasks") for each in words[:10])
    assert words[10:] == ["well", "well"]


def test_without_keys_nothing_was_asked_that_would_tell_the_time():
    async def story() -> str:
        return await asked(asking(Limited(code="NoCredentials", skew=timedelta(minutes=10))))

    assert told(story) == "NoCredentials"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (30, "well"),
        (
            31,
            "this machine's clock is 31 s ahead of that of AWS, so that no bucket is what it seems: set it by NTP",
        ),
        (
            -31,
            "this machine's clock is 31 s behind that of AWS, so that no bucket is what it seems: set it by NTP",
        ),
    ],
)
def test_what_is_read_by_a_clock_that_is_wrong_is_not_believed(seconds, words):
    async def story() -> str:
        return await asked(asking(Limited(left=1, skew=timedelta(seconds=seconds))))

    assert told(story) == words


def test_a_refusal_for_want_of_a_permission_says_more_than_the_clock():
    async def story() -> str:
        return await asked(asking(Limited(code="AccessDeniedException", skew=timedelta(minutes=1))))

    assert told(story) == "AccessDeniedException"


def test_that_the_clock_is_wrong_is_the_operators_to_mend():
    async def story() -> NotAsked:
        with pytest.raises(NotAsked) as refused:
            await asking(Limited(left=1, skew=timedelta(minutes=10))).read("shop", "ecs", "list_tasks")
        return refused.value

    assert told(story).trouble.who is Who.OPERATOR


async def test_all_providers_of_one_daemon_ask_together():
    async with http_to_loopback(lambda: NOON) as http:
        opening = Opening(http, lambda: NOON, lambda: 0.0, aws=cast("Aws", Limited()))

        assert on_aws(opening) is on_aws(opening)
        assert on_aws(Opening(http, lambda: NOON, lambda: 0.0)) is None
