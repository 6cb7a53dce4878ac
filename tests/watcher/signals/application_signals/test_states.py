"""How the budgets of SLOs stand, since when, and what is asked for it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.model import About
from deploy.ports import AwsAccount
from rules.model import Indicator, Kind
from rules.sample import Invalid, NoData, Reading, State, Unavailable, Who
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from watcher.signals.application_signals import ApplicationSignals, unknown
from watcher.signals.application_signals.query import Query
from watcher.signals.provider import Question, Window
from watcher.signals.unknown import Unknown

ACCOUNT = AwsAccount("shop", "eu-central-1")
MINUTE = timedelta(minutes=1)
ARN = "arn:aws:application-signals:eu-central-1:123456789012:slo/checkout"


class Asking:
    """Someone who asks each minute, as the patrol does: of what is not known yet."""

    def __init__(self) -> None:
        self.now = START + 3 * MINUTE
        self.world = AwsWorld(lambda: self.now)
        self.provider = ApplicationSignals(Direct(self.world), ACCOUNT, lambda: self.now)
        self.world.slos.turn("checkout", "OK", START - timedelta(days=1))

    async def all(self, *queries: Mapping[str, Any], minute: float) -> list[Reading]:
        self.now = START + (minute + 3) * MINUTE
        end = START + minute * MINUTE
        window = Window(end - MINUTE, end, self.now + timedelta(seconds=6))
        names = {"version": "v2"}
        asked = [
            Question(
                str(number),
                Indicator("slo", Kind.STATE, "application_signals", json.dumps(query)),
                names,
                None,
            )
            for number, query in enumerate(queries)
        ]
        readings = await self.provider.read(asked, window)
        return [readings[each.id] for each in asked]

    async def one(self, query: Mapping[str, Any], minute: float) -> Reading:
        return (await self.all(query, minute=minute))[0]


def newest(reading: Reading) -> tuple[datetime, State]:
    assert isinstance(reading, tuple), reading
    bucket = reading[0].buckets[-1]
    assert isinstance(bucket.canary, State)
    return bucket.end, bucket.canary


@pytest.mark.parametrize("slo", ["checkout", ARN])
def test_a_budget_that_turns_is_bad_since_the_minute_before_it_was_seen(slo):
    async def story() -> None:
        ask = Asking()
        ask.world.slos.turn("checkout", "WARNING", START + 4 * MINUTE)
        ask.world.slos.turn("checkout", "BREACHED", START + 7.5 * MINUTE)
        at_first = newest(await ask.one({"slo": slo}, 5))
        found = [newest(await ask.one({"slo": slo}, minute)) for minute in (8, 9, 10)]

        assert at_first == (START + 5 * MINUTE, State("WARNING", of=slo))
        assert found == [
            (START + minute * MINUTE, State("BREACHED", START + 7 * MINUTE, bad=True, of=slo))
            for minute in (8, 9, 10)
        ]

    in_virtual_time(story())


def test_once_it_is_known_since_when_a_minute_is_one_call():
    async def story() -> None:
        ask = Asking()
        ask.world.slos.turn("checkout", "BREACHED", START + 7.5 * MINUTE)
        await ask.one({"slo": "checkout"}, 20)
        first = len(ask.world.calls)
        await ask.one({"slo": "checkout"}, 21)

        assert first == 2 + 6  # as it stands, as it stood an hour ago, and the halves of that hour
        assert len(ask.world.calls) - first == 1

    in_virtual_time(story())


def test_of_what_is_bad_for_longer_than_an_hour_nobody_knows_since_when():
    async def story() -> None:
        ask = Asking()
        ask.world.slos.turn("checkout", "BREACHED", START - 2 * 60 * MINUTE)

        assert newest(await ask.one({"slo": "checkout"}, 5))[1] == State("BREACHED", bad=True, of="checkout")

    in_virtual_time(story())


def test_the_worst_of_several_is_how_they_stand():
    async def story() -> None:
        ask = Asking()
        ask.world.slos.turn("cart", "BREACHED", START + 2 * MINUTE)

        assert newest(await ask.one({"slo": ["checkout", "cart"]}, 5))[1].of == "cart"
        assert not newest(
            await ask.one({"slo": ["checkout", "cart"], "bad": ["WARNING"], "good": ["OK", "BREACHED"]}, 5)
        )[1].bad

    in_virtual_time(story())


def test_without_data_nothing_is_said_of_it():
    async def story() -> None:
        ask = Asking()
        ask.world.slos.turn("checkout", "INSUFFICIENT_DATA", START)
        reading = await ask.one({"slo": "checkout"}, 5)

        assert isinstance(reading, NoData)
        assert "INSUFFICIENT_DATA" in reading.words

    in_virtual_time(story())


def test_one_that_is_not_there_is_the_authors_and_nobody_elses():
    async def story() -> None:
        ask = Asking()
        wrong, well = await ask.all({"slo": "chekcout"}, {"slo": "checkout"}, minute=5)
        words = await unknown(
            Direct(ask.world),
            ACCOUNT,
            Indicator("slo", Kind.STATE, "application_signals", '{"slo":"chekcout"}'),
        )

        assert isinstance(wrong, Invalid)
        assert wrong.who is Who.AUTHOR
        assert newest(well)[1].name == "OK"
        assert words == Unknown(
            About.SLO,
            "no SLO is called chekcout in the account shop (eu-central-1): did you mean checkout?",
        )

    in_virtual_time(story())


def test_fifty_are_one_call_and_those_for_which_there_is_no_time_come_first_in_the_next_round():
    async def story() -> None:
        ask = Asking()
        for number in range(5000):
            ask.world.slos.turn(f"slo-{number}", "OK", START - MINUTE)
        hundred = await ask.all(*({"slo": f"slo-{number}"} for number in range(100)), minute=5)
        assert len(ask.world.calls) == 2
        assert all(isinstance(each, tuple) for each in hundred)

        rest = [{"slo": f"slo-{number}"} for number in range(5000)]
        first, second, third = [await ask.all(*rest, minute=minute) for minute in (6, 7, 8)]

        seen = [
            {place for place, each in enumerate(read) if isinstance(each, tuple)}
            for read in (first, second, third)
        ]
        assert 1500 < len(seen[0]) < 2500
        assert all(isinstance(each, tuple | Unavailable) for each in first)
        assert not seen[0] & seen[1]
        assert seen[0] | seen[1] | seen[2] == set(range(5000))

    in_virtual_time(story())


def test_the_actions_that_are_called_are_those_that_the_documentation_names():
    async def story() -> set[str]:
        ask = Asking()
        await ask.one({"slo": "checkout"}, 5)
        await unknown(
            Direct(ask.world), ACCOUNT, Indicator("slo", Kind.STATE, "application_signals", '{"slo":"x1"}')
        )
        return {call.action for call in ask.world.calls}

    assert in_virtual_time(story()) == {
        "application-signals:BatchGetServiceLevelObjectiveBudgetReport",
        "application-signals:ListServiceLevelObjectives",
    }


@pytest.mark.parametrize(
    "wrong", [{}, {"slo": []}, {"slo": "-x"}, {"slo": "ab", "bad": ["ALARM"]}, {"slo": "ab", "bad": []}]
)
def test_a_query_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        Query.model_validate(wrong)


def test_a_name_of_a_release_may_stand_in_a_name():
    assert Query.model_validate({"slo": "shop-${arm.version}"}).slo == ["shop-${arm.version}"]


class Silent(Direct):
    """Reports come without a status."""

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        answer = await super().read(scope, service, operation, **parameters)
        return {**answer, "Reports": [{"Name": each["Name"]} for each in answer["Reports"]]}


def test_a_report_that_says_no_status_is_blindness_each_time_that_it_is_asked_for():
    async def story() -> None:
        ask = Asking()
        ask.provider = ApplicationSignals(Silent(ask.world), ACCOUNT, lambda: ask.now)

        for _ in range(2):
            assert isinstance(await ask.one({"slo": "checkout"}, 5), Unavailable)

    in_virtual_time(story())


def test_a_budget_that_rolls_turns_with_a_failure_and_back_once_that_is_out_of_it():
    async def story() -> list[str]:
        asking = Asking()
        failure = START + 2.5 * MINUTE
        requests = [START + second * timedelta(seconds=1) for second in range(600)]
        asking.world.slos.follow(
            "rolling", 0.99, ((at, at == failure) for at in requests), rolling=timedelta(seconds=90)
        )
        seen = []
        for minute in range(2, 6):
            end, state = newest(await asking.one({"slo": "rolling"}, minute))
            assert end == START + minute * MINUTE
            seen.append(state.name)
        return seen

    assert in_virtual_time(story()) == ["OK", "BREACHED", "BREACHED", "OK"]
