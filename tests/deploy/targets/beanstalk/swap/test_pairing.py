"""What people meet by a name that two environments swap: what serves, what is coming, since when, and whose hand it was."""

from datetime import timedelta

import pytest

from deploy.model import Level, Live, Release, Unreadable
from tests.deploy.targets.beanstalk.stage import KEY
from tests.deploy.targets.beanstalk.swap.pair_stage import BLUE, CNAME, GREEN, PairStage
from tests.fakes.aws.fixtures import NOON


def tags(live: Live) -> tuple[str | None, str | None]:
    return live.release.tag if live.release else None, live.in_flight.tag if live.in_flight else None


def test_what_has_the_name_serves_and_nothing_is_on_its_way(stage):
    live = stage.live()

    assert tags(live) == ("v1", None)
    assert (live.key, live.obstacles, live.broken_off) == (None, (), False)


def test_a_swap_between_two_that_run_the_same_is_no_deployment(stage):
    stage.swaps()

    assert tags(stage.live()) == ("v1", None)


def test_what_is_deployed_where_nobody_comes_is_no_deployment(stage):
    stage.beanstalk.deploy(GREEN, "v2", stage.clock.time)
    stage.goes_on(minutes=10)

    assert tags(stage.live()) == ("v1", None)
    assert isinstance(stage.run(stage.target().resolve({"tag": "v2"})), Unreadable)


def test_after_a_swap_the_old_one_serves_for_as_long_as_answers_of_dns_are_kept(stage):
    stage.deploys("v2")
    swapped = stage.clock.time
    soon = stage.live()
    stage.goes_on(seconds=59)
    still = stage.live()
    stage.goes_on(seconds=2)
    then = stage.live()

    assert [tags(each) for each in (soon, still, then)] == [("v1", "v2"), ("v1", "v2"), ("v2", None)]
    assert {each.since for each in (soon, still, then)} == {swapped}
    assert not any(each.broken_off for each in (soon, still, then))
    assert soon.shares == {}


@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "not stamped"])
def test_a_swap_is_seen_whether_or_not_it_changes_the_environments_and_its_event_is_late(stage, stamps):
    stage.beanstalk.swaps.stamps = stamps
    stage.beanstalk.swaps.told_after = timedelta(seconds=50)
    target = stage.target()
    stage.live(target)
    stage.deploys("v2")
    swapped = stage.clock.time
    stage.goes_on(seconds=10)
    by_sight = stage.live(target)
    stage.goes_on(seconds=45)
    by_event = stage.live(target)

    assert tags(by_sight) == tags(by_event) == ("v1", "v2")
    assert by_sight.since == swapped + timedelta(seconds=10)
    assert by_event.since == swapped


def test_a_swap_to_and_fro_is_seen_where_it_changes_no_date(stage):
    stage.beanstalk.swaps.stamps = False
    target = stage.target()
    for _ in range(3):
        stage.live(target)
        stage.goes_on(minutes=3)
    stage.deploys("v2")
    stage.live(target)
    stage.goes_on(minutes=3)
    stage.live(target)
    stage.swaps()
    swapped = stage.clock.time
    stage.goes_on(seconds=30)

    live = stage.live(target)

    assert (tags(live), live.since) == (("v2", "v1"), swapped)


def test_what_is_deployed_to_the_environment_that_has_the_name_is_watched_as_such(stage):
    stage.beanstalk.deploys_by(BLUE, "Rolling")
    stage.beanstalk.deploy(BLUE, "v2", stage.clock.time)
    stage.goes_on(seconds=80)

    assert tags(stage.live()) == ("v1", "v2")
    assert stage.live().shares[stage.release("v2").fingerprint] > 0


def test_a_release_knows_where_it_runs_for_queries_to_ask_by(stage):
    one, two = (f"app/awseb-{color}/0123456789abcdef" for color in ("blue", "green"))
    stage.deploys("v2")
    target = stage.target(load_balancers=(one, two))

    live = stage.live(target)

    assert {name: live.release.names[name] for name in ("environment", "load_balancer")} == {
        "environment": BLUE,
        "load_balancer": one,
    }
    assert live.in_flight.names["environment"] == GREEN
    assert live.in_flight.names["load_balancer"] == two


def test_without_the_environment_that_served_before_it_is_read_all_the_same(stage):
    stage.deploys("v2")
    stage.beanstalk.terminate(BLUE)

    assert tags(stage.live()) == ("v2", None)
    (finding,) = [each for each in stage.run(stage.target().examine()) if each.level is Level.WARN]
    assert f"only {GREEN} is there" in finding.words


def test_a_name_that_neither_has_is_unreadable_and_says_what_they_have(stage):
    found = stage.run(stage.target(cname="other.eu-central-1.elasticbeanstalk.com").observe())

    assert isinstance(found, Unreadable)
    assert f"{BLUE} has {CNAME}, {GREEN} has shop-next.eu-central-1.elasticbeanstalk.com" in found.words


def test_two_environments_that_are_not_there_are_unreadable(stage):
    for name in (BLUE, GREEN):
        stage.beanstalk.terminate(name)

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert f"has no environment {BLUE} and no environment {GREEN}" in found.words


def test_in_steady_state_both_are_one_call_and_nothing_else(stage):
    target = stage.target()
    stage.deploys("v2")
    for _ in range(7):
        stage.live(target)
        stage.goes_on(seconds=30)
    before = len(stage.world.calls)
    for _ in range(5):
        stage.live(target)
        stage.goes_on(seconds=30)

    assert [call.operation for call in stage.world.calls[before:]] == ["DescribeEnvironments"] * 5


def test_while_a_rollback_looks_every_5_s_events_are_asked_every_15_s(stage):
    target = stage.target()
    stage.deploys("v2")
    before = stage.asked("DescribeEvents")
    for _ in range(12):
        stage.live(target)
        stage.goes_on(seconds=5)

    assert stage.asked("DescribeEvents") - before == 2 * 4  # of both environments
    assert tags(stage.live(target)) == ("v2", None)


# ----------------------------------------------------------------------------------------------------------- our own


@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "not stamped"])
def test_our_own_swap_is_known_by_its_trace_and_another_one_long_after_is_not_ours(stage, stamps):
    stage.beanstalk.swaps.stamps = stamps
    target = stage.target()
    stage.live(target)
    stage.deployed("v2")
    stage.live(target)
    stage.run(target.begin(stage.move(), KEY))
    stage.goes_on(seconds=10)
    ours = stage.live(target)
    stage.deployed("v3")
    theirs = stage.live(target)
    stage.swaps()
    back = stage.live(target)

    assert ours.key == KEY
    assert theirs.key is None
    assert (tags(back), back.key) == (("v3", "v1"), None)


def test_a_store_that_is_lost_is_told_what_our_swap_has_undone(stage):
    stage.deployed("v2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=3)

    recalled = stage.run(stage.restarted().target().recall(stage.clock.time))

    assert [release.tag for release, _ in recalled.served] == ["v1"]
    assert list(recalled.quarantined) == [Release.of_tag("v2").fingerprint]


def test_what_was_swapped_in_within_a_day_is_watched_and_not_remembered(stage):
    stage.deployed("v2")
    stage.goes_on(hours=5)

    assert stage.run(stage.target().recall(stage.clock.time)).served == ()


# ------------------------------------------------------------------------------------------------------ before it is needed


def test_a_plan_says_the_calls_the_time_of_dns_and_what_becomes_of_sessions(stage):
    stage.deployed("v2")

    plan = stage.foretold()

    assert [call.split(" ")[0] for call in plan.calls] == [
        "elasticbeanstalk:UpdateTagsForResource",
        "elasticbeanstalk:SwapEnvironmentCNAMEs",
    ]
    assert "a second swap undoes the first" in plan.calls[1]
    assert f"up to 60 s until resolvers ask for {CNAME} again" in plan.takes
    assert (
        f"what {GREEN} keeps of a session in its own memory, and the sticky cookies of its balancer"
        in plan.sessions
    )
    assert plan.capacity == f"{BLUE}: 4 of 4 instances run v1; {GREEN}: 4 of 4 instances run v2"
    assert plan.by_hand.startswith(
        f"aws elasticbeanstalk swap-environment-cnames --source-environment-name {GREEN} --destination-environment-name {BLUE}"
    )
    assert (plan.obstacles, plan.gone, plan.unread) == ((), (), False)


def test_a_plan_says_that_the_other_environment_was_scaled_down(stage):
    stage.deployed("v2")
    blue = stage.beanstalk.find(BLUE)
    state = blue.states.latest
    blue.put(
        type(state)(state.label, "Ready", stage.clock.time, state.instances[:1], cname=state.cname),
        stage.clock.time,
    )

    assert stage.foretold().obstacles == (
        f"{BLUE} has 1 instances, and 4 bear the traffic now: scale it up first",
    )


def test_basic_health_on_either_side_forbids_that_the_machine_moves_it(stage):
    stage.deployed("v2")
    stage.beanstalk.find(BLUE).enhanced = False

    stage.goes_on(minutes=2)
    told, (words,) = stage.foretold().obstacles, stage.live().obstacles

    assert told == (words,)
    assert f"the health reporting of {BLUE} is basic" in words


def test_while_nothing_can_be_read_a_plan_says_so_and_that_nothing_is_known_to_be_gone(stage):
    move = stage.move()
    stage.world.faults.fail("elasticbeanstalk", times=None)

    plan = stage.foretold(move)

    assert (plan.calls, plan.gone, plan.unread) == ((), (), True)
    assert plan.obstacles


@pytest.mark.parametrize("fault", ["throttle", "fail", "lose_answer"])
@pytest.mark.parametrize(
    "operation", ["DescribeEnvironments", "DescribeEvents", "SwapEnvironmentCNAMEs", "UpdateTagsForResource"]
)
def test_whatever_is_refused_each_operation_answers_with_a_value(operation, fault):
    stage = PairStage()
    stage.deployed("v2")
    getattr(stage.world.faults, fault)("elasticbeanstalk", operation, times=None)
    target, move = stage.target(), stage.move()

    for asked in (target.observe(), target.resolve({}), target.foretell(move), target.begin(move, KEY)):
        assert stage.run(asked) is not None
    assert stage.progress(move, target=target) is not None
    assert stage.run(target.examine())
    assert stage.run(target.recall(NOON)) is not None
    assert stage.changed().count("SwapEnvironmentCNAMEs") <= 1
