"""What a rollback would do: the call, what is cold, what stands in its way, and what does not follow the alias."""

import shlex

import pytest

from deploy.model import Release
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders"


@pytest.fixture
def bad(stage):
    stage.points("2")
    return stage


def foretold(stage, move=None, **settings):
    return stage.run(stage.target(**settings).foretell(move or stage.move()))


def test_the_one_call_is_told_with_all_that_it_is_given(bad):
    told = foretold(bad)

    revision = bad.functions.alias("checkout", "live").revision
    (call,) = told.calls
    assert call == (
        "lambda:UpdateAlias FunctionName=checkout Name=live FunctionVersion=1"
        f" RoutingConfig={{'AdditionalVersionWeights': {{}}}} RevisionId={revision}"
    )
    assert told.obstacles == ()
    assert bad.changed() == []


def test_it_says_how_long_invocations_of_the_bad_version_may_still_run(bad):
    assert "within 10 s" in foretold(bad).takes


def test_a_person_can_do_it_by_hand(bad):
    words = shlex.split(foretold(bad).by_hand)

    assert words[:3] == ["aws", "lambda", "update-alias"]
    assert words[words.index("--function-version") + 1] == "1"
    assert words[words.index("--routing-config") + 1] == '{"AdditionalVersionWeights": {}}'


def test_a_version_that_was_deleted_stands_in_the_way(bad):
    move = bad.move()
    bad.functions.delete_version("checkout", "1")

    assert "version 1 of checkout was deleted" in foretold(bad, move).obstacles[0]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"State": "Inactive", "StateReason": "idle"}, "version 1 is Inactive: idle: its first calls fail"),
        ({"State": "Failed", "StateReason": "no image"}, "version 1 is Failed: no image"),
    ],
)
def test_a_version_that_is_not_ready_stands_in_the_way_as_it_is_now(bad, state, words):
    target, move = bad.target(), bad.move()
    bad.run(target.foretell(move))
    bad.functions.becomes("checkout", "1", NOON, **state)

    (said,) = bad.run(target.foretell(move)).obstacles

    assert said.startswith(words)


# ----------------------------------------------------------------------------------------------------------- what is cold


def test_where_nothing_is_kept_warm_the_first_calls_wait(bad):
    assert "nothing is kept warm" in foretold(bad).capacity


def test_what_the_alias_keeps_warm_is_prepared_anew(bad):
    bad.functions.keep_warm("checkout", "live", 50, NOON)

    capacity = foretold(bad).capacity

    assert "the 50 warm environments of the alias are prepared anew for version 1" in capacity
    assert "a minute or two" in capacity


def test_a_version_that_has_its_own_is_warm_once_they_are_ready(bad):
    bad.functions.keep_warm("checkout", "1", 20, NOON)

    assert "0 of 20 warm environments are ready (IN_PROGRESS)" in foretold(bad).capacity
    bad.goes_on(minutes=2)
    assert foretold(bad).capacity == "version 1 has 20 environments that are kept warm"


def test_that_only_the_bad_version_is_warm_is_said(bad):
    bad.functions.keep_warm("checkout", "2", 20, NOON)

    assert "version 2 has 20 warm environments and version 1 has none" in foretold(bad).capacity


def test_warm_environments_that_could_not_be_had_stand_in_the_way(bad):
    bad.functions.keep_warm("checkout", "1", 20, NOON, fails="no capacity")

    assert "could not be given its warm environments: no capacity" in foretold(bad).obstacles[0]


# --------------------------------------------------------------------------------------------- what does not follow the alias


@pytest.mark.parametrize("lists_qualified", [False, True])
@pytest.mark.parametrize(("qualifier", "calls"), [("2", "version 2 itself"), ("", "$LATEST")])
def test_a_queue_that_does_not_call_the_alias_is_not_reached_by_a_rollback(
    bad, qualifier, calls, lists_qualified
):
    named = bad.functions.map("checkout", qualifier, QUEUE, NOON)
    bad.functions.lists_qualified = lists_qualified

    (words,) = foretold(bad).obstacles

    assert words.startswith(f"{QUEUE} calls {calls}, and not the alias (event source mapping {named})")
    assert "let it call checkout:live" in words


@pytest.mark.parametrize("lists_qualified", [False, True])
@pytest.mark.parametrize("qualifier", ["live", "1", "3", "other"])
def test_a_queue_that_follows_the_alias_or_is_of_no_concern_is_not_told(bad, qualifier, lists_qualified):
    bad.functions.lists_qualified = lists_qualified
    bad.functions.map("checkout", qualifier, QUEUE, NOON)

    assert foretold(bad).obstacles == ()


def test_in_flight_a_queue_that_calls_the_good_version_is_not_told(stage):
    stage.points("1", v2=0.1)
    stage.functions.lists_qualified = True
    stage.functions.map("checkout", "1", QUEUE, NOON)
    stage.functions.map("checkout", "live", QUEUE, NOON)

    assert foretold(stage).obstacles == ()


def test_all_pages_of_them_are_read(bad):
    for number in range(101):
        bad.functions.map("checkout", "2", f"{QUEUE}{number}", NOON)

    assert len(foretold(bad).obstacles) == 101


# ------------------------------------------------------------------------------------------------------ what is not known


def test_what_cannot_be_read_is_said_and_the_way_by_hand_stays(bad):
    bad.world.faults.fail(
        "lambda",
        "GetProvisionedConcurrencyConfig",
        error=AwsError("AccessDeniedException", "not you"),
        times=None,
    )

    told = foretold(bad)

    assert "what is kept warm is not known" in told.capacity
    assert told.unread
    assert told.calls
    assert told.by_hand


def test_without_a_look_at_the_alias_the_call_is_still_told(bad):
    bad.world.faults.fail("lambda", times=None)

    told = foretold(bad)

    assert "FunctionVersion=1" in told.calls[0]
    assert "--function-version 1" in told.by_hand
    assert "InternalFailure" in told.obstacles[0]
    assert told.unread


def test_of_latest_nothing_can_be_foretold_but_why(bad):
    told = foretold(bad, alias=None)

    assert told.calls == ()
    assert len(told.obstacles) == 1
    assert "no version to go back to" in told.obstacles[0]


# --------------------------------------------------------------------------------------------- before its first calls


def unready(stage, version="2"):
    return stage.run(stage.target().unready(Release.of_tag(version)))


def test_a_version_of_which_nothing_is_kept_warm_is_ready_once_lambda_has_prepared_it(stage):
    assert unready(stage) == ""
    assert unready(stage, "9") == "checkout has no version 9 any more"


def test_one_that_has_environments_of_its_own_is_ready_once_they_are(stage):
    stage.functions.keep_warm("checkout", "2", 10, NOON)
    preparing = unready(stage)
    stage.goes_on(minutes=5)

    assert preparing == "0 of 10 warm environments of version 2 are ready (IN_PROGRESS)"
    assert unready(stage) == ""


def test_one_that_could_not_be_given_its_environments_is_not_ready_and_lambda_says_why(stage):
    stage.functions.keep_warm("checkout", "2", 10, NOON, fails="no capacity")

    assert unready(stage).endswith("are ready (FAILED): no capacity")
