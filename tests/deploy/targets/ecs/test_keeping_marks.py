"""Marks on task definitions, and what is recalled by them once the store is lost."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest

from deploy.errors import AwsRefused
from deploy.model import Recalled, Release, Standing, Unreadable
from deploy.ports import Aws
from deploy.target import Keeper
from deploy.targets.aws.marking import Mark, key_of, mark_of, value_of
from tests.deploy.targets.ecs.stage import ACTOR, KEY, LONG_AGO, READS_ONLY, Stage
from tests.fakes.aws.fixtures import NOON

AWS_TAG = r"[\w .:/=+@-]*"
MARK = "rollbackd:checkout.production"


def tags_of(stage, tag):
    arn = stage.world.ecs.definitions.named(tag).arn
    return stage.world.home.tagging.of(arn, stage.clock.time)


def mark(stage, *standings, **settings):
    return stage.run(stage.target(**settings).mark(standings))


def recall(stage):
    found = stage.run(stage.restarted().target().recall(stage.clock.time))
    assert isinstance(found, Recalled), found
    return found


def test_a_target_of_ecs_is_a_keeper(stage):
    assert isinstance(stage.target(), Keeper)


def a_mark(value: str) -> Mark:
    found = mark_of({MARK: value}, MARK)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------------ writing


def test_a_mark_says_grade_time_and_of_which_content(stage):
    release = stage.release("web:1")

    said = mark(stage, Standing(release, "proven", NOON))

    assert said == ""
    assert tags_of(stage, "web:1")[MARK] == f"proven 2026-11-24T12:00:00Z {release.fingerprint[:23]}"


def test_it_is_written_only_where_it_differs_after_one_look(stage):
    standing = Standing(stage.release("web:1"), "proven", NOON)
    target = stage.target()

    stage.run(target.mark([standing]))
    looked = stage.world.count("ecs", "DescribeTaskDefinition")
    stage.run(target.mark([standing]))
    once = stage.world.count("ecs", "DescribeTaskDefinition")
    stage.restarted()
    mark(stage, standing)

    assert once == looked
    assert stage.world.count("ecs", "TagResource") == 1


def test_other_tags_stay(stage):
    stage.world.home.tagging.put(stage.world.ecs.definitions.named("web:1").arn, {"team": "shop"}, LONG_AGO)

    mark(stage, Standing(stage.release("web:1"), "proven", NOON))

    assert tags_of(stage, "web:1")["team"] == "shop"


def test_without_a_role_to_act_nothing_is_written(stage):
    assert mark(stage, Standing(stage.release("web:1"), "proven", NOON), account=READS_ONLY) == ""
    assert stage.world.mutating_calls() == []


def test_what_could_not_be_written_is_said_and_does_not_keep_the_others_back(stage):
    gone = Standing(Release("sha256:gone", "shop:9"), "proven", NOON)

    said = mark(stage, gone, Standing(stage.release("web:1"), "proven", NOON))

    assert "shop:9 could not be marked" in said
    assert MARK in tags_of(stage, "web:1")


def test_a_permission_that_lacks_is_said(stage):
    stage.world.identities.role(ACTOR, {"ecs:UpdateService"})

    assert "ecs:TagResource" in mark(stage, Standing(stage.release("web:1"), "proven", NOON))


@pytest.mark.parametrize(
    "why", ["", "5 % of requests failed", "errors: a=b; <script>\n\x1b[2J", "ü" * 300, "x" * 600]
)
def test_a_value_fits_aws_grammar_and_is_read_again(why):
    standing = Standing(Release(f"sha256:{'a' * 64}", "web:1"), "quarantined", NOON, why)

    value = value_of(standing)
    found = a_mark(value)

    assert len(value) <= 256
    assert re.fullmatch(AWS_TAG, value, re.ASCII)
    assert (found.grade, found.since, found.is_of(standing.release)) == ("quarantined", NOON, True)
    assert not found.is_of(Release(f"sha256:{'b' * 64}", "web:1"))


@pytest.mark.parametrize(
    "value", ["", "proven", "proven yesterday", "proven 2026-13-99T99:00:00Z", "PROVEN 2026-11-24T12:00:00Z"]
)
def test_what_somebody_else_has_written_there_is_no_mark(value):
    assert mark_of({MARK: value}, MARK) is None


def test_a_mark_by_hand_needs_no_fingerprint():
    assert a_mark("proven 2026-11-24T12:00:00Z").is_of(Release("sha256:any", "web:1"))


def test_a_key_fits_a_tag_also_with_long_names():
    one, two = key_of("a" * 63, "b" * 62 + "c"), key_of("a" * 63, "b" * 62 + "d")

    assert len(one) <= 128
    assert one != two
    assert key_of("checkout", "production") == MARK


# ----------------------------------------------------------------------------------------------------------- recalling


def test_what_served_is_recalled_with_its_times_and_marks():
    stage = Stage()
    stage.clock.time = NOON - timedelta(days=10)
    stage.deployed("web:2")
    mark(stage, Standing(stage.release("web:2"), "proven", stage.clock.time))
    stage.clock.time = NOON - timedelta(days=3)
    stage.deployed("web:3")
    stage.clock.time = NOON

    found = recall(stage)

    assert [(release.tag, since.date()) for release, since in found.served] == [
        ("web:1", LONG_AGO.date()),
        ("web:2", (NOON - timedelta(days=10)).date()),
        ("web:3", (NOON - timedelta(days=3)).date()),
    ]
    assert [release for release, _ in found.served] == [
        stage.release(tag) for tag in ("web:1", "web:2", "web:3")
    ]
    assert list(found.proven) == [stage.release("web:2").fingerprint]
    assert found.quarantined == {}
    assert stage.world.mutating_calls() == [
        call for call in stage.world.mutating_calls() if call.operation == "TagResource"
    ]


def test_a_deployment_in_flight_is_not_among_what_served(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)

    assert [release.tag for release, _ in recall(stage).served] == ["web:1"]


def test_a_young_deployment_is_left_to_be_watched(stage):
    stage.deployed("web:2")
    young = recall(stage)
    stage.goes_on(hours=25)

    assert [release.tag for release, _ in young.served] == ["web:1"]
    assert [release.tag for release, _ in recall(stage).served] == ["web:1", "web:2"]


def test_a_young_deployment_that_is_proven_is_recalled(stage):
    stage.deployed("web:2")
    mark(stage, Standing(stage.release("web:2"), "proven", stage.clock.time))

    assert [release.tag for release, _ in recall(stage).served] == ["web:1", "web:2"]


def test_our_own_rollback_is_recalled_and_what_it_left_is_quarantined(stage):
    stage.deployed("web:2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)

    found = recall(stage)

    assert found.served[-1][0] == stage.release("web:1")
    bad = stage.release("web:2").fingerprint
    assert list(found.quarantined) == [bad]
    assert "rolled it back" in found.quarantined[bad][1]


def test_our_own_native_rollback_is_recalled_and_what_it_left_is_quarantined(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)
    at_once = recall(stage)
    stage.deployed("web:3")
    later = recall(stage)

    bad = stage.release("web:2").fingerprint
    assert [release.tag for release, _ in at_once.served] == ["web:1"]
    assert list(at_once.quarantined) == [bad]
    assert [release.tag for release in at_once.others] == ["web:2"]
    assert list(later.quarantined) == [bad]


def test_a_trace_whose_move_was_never_sent_quarantines_nothing(stage):
    stage.deployed("web:2")
    stage.world.faults.throttle("ecs", "UpdateService", times=1)
    stage.run(stage.target().begin(stage.move(), KEY))

    assert recall(stage).quarantined == {}


def test_a_mark_that_came_later_than_our_rollback_says_better(stage):
    stage.deployed("web:2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)
    mark(stage, Standing(stage.release("web:2"), "proven", stage.clock.time))

    assert recall(stage).quarantined == {}


def test_a_quarantine_is_recalled_by_its_mark_with_its_reason(stage):
    stage.deployed("web:2")
    mark(stage, Standing(stage.release("web:2"), "quarantined", NOON, "5 % of requests failed"))
    stage.deployed("web:1")

    found = recall(stage).quarantined[stage.release("web:2").fingerprint]

    assert found == (NOON, "5 of requests failed")


def test_a_mark_of_other_content_under_the_same_number_is_not_taken_for_this_one(stage):
    other = Release(f"sha256:{'f' * 64}", "web:1")
    mark(stage, Standing(other, "proven", NOON))

    assert recall(stage).proven == {}


def test_a_mark_from_the_future_is_none_or_no_bad_ending_would_ever_be_newer(stage):
    mark(stage, Standing(stage.release("web:1"), "proven", stage.clock.time + timedelta(days=1)))

    assert recall(stage).proven == {}


def test_what_ecs_took_back_never_served():
    stage = Stage({"configuration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}})
    stage.behaves("web:2", crashes_after=timedelta(seconds=5))
    stage.deployed("web:2")
    stage.goes_on(minutes=10)

    assert [release.tag for release, _ in recall(stage).served] == ["web:1"]


def test_a_service_older_than_what_ecs_remembers_is_recalled_by_what_serves():
    stage = Stage()
    stage.clock.time = NOON + timedelta(days=100)

    assert [(release.tag, since) for release, since in recall(stage).served] == [("web:1", LONG_AGO)]


def test_a_service_of_another_controller_is_recalled_by_what_serves():
    stage = Stage({"controller": "CODE_DEPLOY"})

    assert [release.tag for release, _ in recall(stage).served] == ["web:1"]


def test_fifty_deployments_are_few_calls_and_the_newest_of_them():
    stage = Stage()
    stage.clock.time = NOON - timedelta(days=20)
    for number in range(60):
        stage.deployed(f"web:{2 + number % 2}")
        stage.goes_on(hours=1)
    stage.clock.time = NOON
    before = len(stage.world.calls)

    found = recall(stage)

    assert len(found.served) == 50
    assert len(stage.world.calls) - before < 20


def test_what_cannot_be_read_is_unreadable_and_not_an_empty_ledger(stage):
    stage.world.faults.throttle("ecs", "ListServiceDeployments")

    assert isinstance(stage.run(stage.target().recall(stage.clock.time)), Unreadable)


def test_a_service_that_cannot_be_read_is_not_recalled(stage):
    stage.world.faults.throttle("ecs", "DescribeServices")

    assert isinstance(stage.run(stage.target().recall(stage.clock.time)), Unreadable)


def test_a_definition_that_was_deleted_is_left_out_and_the_others_stay(stage):
    stage.clock.time = NOON - timedelta(days=10)
    stage.deployed("web:2")
    stage.clock.time = NOON - timedelta(days=5)
    stage.deployed("web:3")
    stage.clock.time = NOON
    stage.aws = Deleted(stage.aws, "web:2")

    assert [release.tag for release, _ in recall(stage).served] == ["web:1", "web:3"]


def test_marks_that_take_too_long_are_said(stage):
    stage.world.faults.slow("ecs", "DescribeTaskDefinition", seconds=5, times=None)
    many = [Standing(Release(f"sha256:{n}", f"shop:{n}"), "served", NOON) for n in range(10)]

    assert "not all marks were written" in mark(stage, *many)


@dataclass
class Deleted:
    """AWS, in which a task definition has been deleted."""

    aws: Aws
    tag: str

    @property
    def act(self):
        return self.aws.act

    @property
    def poll(self):
        return self.aws.poll

    async def read(self, scope, service, operation, /, **parameters):
        if parameters.get("taskDefinition", "").endswith(self.tag):
            words = "Unable to describe task definition."
            raise AwsRefused(operation, "ClientException", words, may_have_happened=False)
        return await self.aws.read(scope, service, operation, **parameters)
