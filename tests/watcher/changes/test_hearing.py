"""What is no deployment is kept as the change that it is, once, and as whose it is."""

from datetime import timedelta

import pytest

from tests.builders import a_service
from tests.watcher.changes.said import NOON, aside_of, of
from watcher.changes import Hearing
from watcher.core.change import MOST_NAME, MOST_WORDS, Change, ChangeKind
from watcher.core.service import Around
from watcher.errors import StoreUnavailable

EXACTLY, ANYWHERE = "ecs:us-west-2:123456789012:main/checkout", "ecs:us-west-2:*:main/checkout"


class Kept:
    """What was kept, and when."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.at: list[object] = []

    async def __call__(self, change, now):
        self.changes.append(change)
        self.at.append(now)
        return True


async def hear(said, *services, now=NOON):
    kept = Kept()
    word = await Hearing(lambda: services, kept)(aside_of(said), now)
    return word, kept.changes


def runs_at(*addresses, **more):
    return a_service(around=Around(addresses=frozenset(addresses)), **more)


async def test_a_change_is_kept_with_where_when_and_by_what_it_is_known_again():
    said = of("aws.ssm/Update")
    word, changes = await hear(said)

    assert word == "Parameter Store Change of aws.ssm: kept as a change (parameter)"
    assert changes == [
        Change(
            at=NOON - timedelta(minutes=2),
            what="parameter `/checkout/limits`, changed",
            kind=ChangeKind.PARAMETER,
            name="/checkout/limits",
            account="123456789012",
            region="us-west-2",
            key=f"123456789012:aws.ssm:{said['id']}",
        )
    ]


async def test_the_word_is_the_same_for_all_of_a_kind():
    other = of("aws.ssm/Update") | {"id": "another"}
    other["detail"]["name"] = "/another"

    assert (await hear(of("aws.ssm/Update")))[0] == (await hear(other))[0]


async def test_what_tells_of_no_change_is_left_to_others():
    assert await hear(of("aws.rds/RDS-EVENT-0001")) == (None, [])


async def test_it_moved_when_its_system_says_so_and_not_when_the_event_was_sent():
    _, (change,) = await hear(of("aws.rds/RDS-EVENT-0073"))

    assert change.at == NOON - timedelta(minutes=4, seconds=39, microseconds=253000)


async def test_what_has_no_time_moved_now():
    said = of("aws.ssm/Update") | {"time": "soon"}

    assert (await hear(said))[1][0].at == NOON


@pytest.mark.parametrize("address", [EXACTLY, ANYWHERE])
async def test_what_runs_at_the_address_of_a_service_is_that_services(address):
    _, (change,) = await hear(
        of("aws.ecs/desired count"), runs_at("elsewhere", name="cart"), runs_at(address)
    )

    assert (change.service, change.environment) == ("checkout", "production")


async def test_the_account_that_is_told_wins():
    anywhere, exactly = runs_at(ANYWHERE, name="anywhere"), runs_at(EXACTLY, name="exactly")
    _, (change,) = await hear(of("aws.ecs/desired count"), anywhere, exactly)

    assert change.service == "exactly"


async def test_what_runs_at_no_address_of_ours_is_nobodys():
    _, (change,) = await hear(of("aws.ecs/desired count"), runs_at("elsewhere"))

    assert (change.service, change.environment, change.name) == (None, None, "main/checkout")


@pytest.mark.parametrize(
    "function",
    [
        "thumbnails",
        "123456789012:function:thumbnails",
        "arn:aws:lambda:us-west-2:123456789012:function:thumbnails:staging",
    ],
)
@pytest.mark.parametrize(
    "call",
    ["UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2", "UpdateAlias20150331"],
)
@pytest.mark.parametrize("account", ["123456789012", "*"])
async def test_a_step_of_a_release_of_ours_is_no_change_elsewhere(function, call, account):
    said = of("aws.lambda/UpdateFunctionCode20150331v2")
    said["detail"]["eventName"] = call
    said["detail"]["requestParameters"] = {"functionName": function, "name": "staging"}

    ours, others = (runs_at(f"lambda:us-west-2:{account}:{each}:live") for each in ("thumbnails", "thumb"))
    assert await hear(said, ours) == (None, [])
    assert len((await hear(said, others))[1]) == 1


async def test_what_is_everywhere_is_in_no_region():
    said = of("aws.health/issue")
    said["detail"]["eventRegion"] = "global"

    assert (await hear(said))[1][0].region is None


async def test_two_events_of_one_issue_are_known_by_the_issue():
    first, second = of("aws.health/issue"), of("aws.health/issue") | {"id": "another"}

    assert (await hear(first))[1][0].key == (await hear(second))[1][0].key


async def test_what_is_kept_is_bounded():
    said = of("aws.appconfig/On Deployment Start")
    for part in ("Application", "Environment", "ConfigurationProfile"):
        said["detail"][part] = {"Name": "x" * 5000}
    _, (change,) = await hear(said)

    assert (len(change.what), len(change.name)) == (MOST_WORDS, MOST_NAME)


async def test_a_store_that_is_away_is_said():
    async def away(_change, _now):
        raise StoreUnavailable("the disk is full", remedy="free some space")

    with pytest.raises(StoreUnavailable):
        await Hearing(tuple, away)(aside_of(of("aws.ssm/Update")), NOON)
