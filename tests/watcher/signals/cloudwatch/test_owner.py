"""Metrics of another account, by the one that monitors it."""

import pytest
from pydantic import ValidationError

from rules.sample import Counts, NoData, Unavailable, Who
from tests.watcher.signals.cloudwatch.balancer import (
    BALANCER,
    ELB,
    GREEN,
    RATIO,
    Balancer,
    an_indicator,
    buckets_of,
    noon,
)
from watcher.signals.cloudwatch.query import Query

OTHER = "999900001111"
OWNED = {**RATIO, "owner": OTHER}


@pytest.fixture
def balancer():
    """The other account serves ten requests a minute, one's own serves none."""
    balancer = Balancer(noon(6))
    other = balancer.aws.place(OTHER, "eu-central-1").cloudwatch
    for minute in range(3):
        of = {"LoadBalancer": BALANCER, "TargetGroup": GREEN}
        other.put(ELB, "RequestCount", of, noon(minute), 1.0, counts=[10])
        other.put(ELB, "HTTPCode_Target_5XX_Count", of, noon(minute), 1.0)
    yield balancer
    assert balancer.aws.bugs == []


async def test_metrics_of_a_monitored_account_are_counted_and_never_mixed_with_ones_own(balancer):
    balancer.aws.cloudwatch.link(balancer.aws.place(OTHER, "eu-central-1").cloudwatch)

    readings = await balancer.read(an_indicator(OWNED, name="theirs"), an_indicator(RATIO, name="own"))

    assert [each.canary for each in buckets_of(readings["theirs"])] == [Counts(1.0, 10.0)] * 3
    assert isinstance(readings["own"], NoData)
    assert balancer.aws.count("cloudwatch", "GetMetricData") == 1


async def test_an_account_that_is_not_linked_is_the_operators_to_mend(balancer):
    reading = (await balancer.read(an_indicator(OWNED)))["errors"]

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert f"of the account {OTHER} is not allowed" in reading.words


@pytest.mark.parametrize("wrong", [{**RATIO, "owner": "shop"}, {"alarms": ["a"], "owner": OTHER}])
def test_an_owner_is_an_id_and_alarms_have_none(wrong):
    with pytest.raises(ValidationError):
        Query.model_validate(wrong)
