"""Asking a site to move: each decision, and each way in which the answer may fail to come."""

from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Move,
    Moving,
    Refused,
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
)
from deploy.rollback import Done, Going, Outcome, Stopped, Unknown, roll_back
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, upload
from tests.deploy.targets.s3_cloudfront.stage import (
    INDEX_POINTER,
    KEY,
    KEY_VALUE_STORE,
    ORIGIN_PATH,
    READS_ONLY,
    Stage,
)
from tests.fakes.aws import AwsError

MOVES = {
    INDEX_POINTER: ("s3", "CopyObject"),
    ORIGIN_PATH: ("cloudfront", "UpdateDistribution"),
    KEY_VALUE_STORE: ("cloudfront-keyvaluestore", "UpdateKeys"),
}
CALLS = {
    INDEX_POINTER: ["CopyObject", "CreateInvalidation"],
    ORIGIN_PATH: ["TagResource", "UpdateDistribution", "CreateInvalidation"],
    KEY_VALUE_STORE: ["UpdateKeys"],
}


async def intend(_: Move) -> bool:
    return True


class Performer:
    """What the performer does with the outcomes, and no more."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.move = stage.move()
        self.targets = {"service": stage.target()}
        self.sent = 0

    def calls(self, times: int = 1, **span: float) -> Outcome:
        """So many rounds, with *span* after each."""
        plan = RollbackPlan("web", "production", (self.move,))
        while True:
            outcome = self.stage.run(roll_back(plan, self.targets, KEY, sent=self.sent, intend=intend))
            times -= 1
            if not isinstance(outcome, Going | Unknown):
                return outcome
            self.sent = outcome.sent
            self.stage.goes_on(**(span or {"seconds": 5}))
            if not times:
                return outcome

    def restarts(self, *, knows: bool) -> None:
        """``kill -9``, and another life; *knows*: what came of the last call was written down."""
        self.stage.restarted()
        self.targets = {"service": self.stage.target()}
        self.sent = self.sent if knows else 0


def test_a_bad_release_is_undone_by_as_few_calls_as_it_takes_and_people_get_the_good_one(stage):
    stage.deployed("v2")
    performer = Performer(stage)

    outcome = performer.calls(100)

    assert outcome == Done()
    assert stage.changed() == CALLS[stage.layout]
    assert (stage.points_to(), stage.visits()) == ("v1", "v1")


def test_it_is_done_only_once_the_edge_serves_it(stage):
    stage.deployed("v2")
    performer = Performer(stage)
    performer.calls(seconds=1)
    seen = [(stage.points_to(), stage.visits())]

    while performer.calls(seconds=1) != Done():
        seen.append((stage.points_to(), stage.visits()))

    assert seen[0] == ("v1", "v2")
    assert seen[-1][1] == "v1" or len(seen) == 1
    assert stage.visits() == "v1"


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("after", range(1, 6))
def test_killed_between_any_two_calls_it_is_still_one_move(stage, after, knows):
    stage.deployed("v2")
    performer = Performer(stage)
    performer.calls(after)
    performer.restarts(knows=knows)

    assert performer.calls(100) == Done()
    moves = [call for call in stage.changed() if call == MOVES[stage.layout][1]]
    assert moves == [MOVES[stage.layout][1]]
    assert stage.visits() == "v1"
    assert len(stage.world.cloudfront.find(DISTRIBUTION).invalidations) <= 2  # the other hand's, and ours


def test_a_third_release_is_never_undone(stage):
    move = stage.move()
    stage.deployed("v3")

    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(answer, Refused)
    assert answer.third_tag == "v3"
    assert stage.changed() == []


def test_who_deploys_between_our_look_and_our_move_is_never_undone(stage):
    """Compare-and-set: what we looked at is not what is there any more."""
    stage.deployed("v2")
    performer = Performer(stage)
    service, operation = MOVES[stage.layout]
    act = stage.aws.act

    async def overtaken(scope, called, name, /, **parameters):
        if (called, name) == (
            service,
            {
                "CopyObject": "copy_object",
                "UpdateDistribution": "update_distribution",
                "UpdateKeys": "update_keys",
            }[operation],
        ):
            stage.point("v3")
        return await act(scope, called, name, **parameters)

    performer.targets["service"]._aws = type(
        "Aws", (), {"read": stage.aws.read, "act": staticmethod(overtaken)}
    )()
    first = performer.calls()
    performer.targets = {"service": stage.target()}

    assert isinstance(first, Going)
    assert isinstance(performer.calls(3), Stopped)
    assert stage.points_to() == "v3"


def test_who_puts_the_bad_release_back_after_our_move_is_not_undone_a_second_time(stage):
    stage.deployed("v2")
    performer = Performer(stage)
    performer.calls()
    stage.goes_on(minutes=5)
    stage.deployed("v2")

    outcome = performer.calls(3)

    assert isinstance(outcome, Stopped)
    assert stage.points_to() == "v2"


def test_what_is_there_already_is_not_moved(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.deployed("v1")

    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(answer, AlreadyThere | Begun)
    assert MOVES[stage.layout][1] not in stage.changed()


def test_whose_caches_nobody_cleared_are_cleared_though_another_hand_moved_the_pointer(page_stage):
    page_stage.deployed("v2")
    move = page_stage.move()
    page_stage.point("v1")

    page_stage.run(page_stage.target().begin(move, KEY))
    page_stage.goes_on(minutes=3)

    assert page_stage.changed() == ["CreateInvalidation"]
    assert page_stage.visits() == "v1"


@pytest.mark.parametrize("calls", [1, 2])
def test_a_move_begun_again_with_its_key_changes_nothing_more(page_stage, calls):
    page_stage.deployed("v2")
    move, target = page_stage.move(), page_stage.target()
    page_stage.run(target.begin(move, KEY))

    for _ in range(calls):
        assert isinstance(page_stage.run(target.begin(move, KEY)), AlreadyThere)
    assert page_stage.changed() == ["CopyObject", "CreateInvalidation"]


# ------------------------------------------------------------------------------------------------- what is put back


def test_a_page_that_was_written_over_is_not_put_back(stage):
    stage.deployed("v2")
    move = stage.move()
    upload(stage.world, "v1", stage.clock(), shared=stage.layout == INDEX_POINTER, text="something else")

    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(answer, Refused)
    assert "releases/v1/index.html is not what served as v1" in answer.words
    assert stage.changed() == []


def test_a_release_that_was_deleted_is_not_put_back(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.world.s3.delete(BUCKET, "releases/v1/index.html", stage.clock())

    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(answer, Refused)
    assert "releases/v1/index.html is not in shop-site" in answer.words


def test_where_there_is_no_page_nothing_is_moved(page_stage):
    move = page_stage.move()
    page_stage.world.s3.delete(BUCKET, "index.html", page_stage.clock())

    answer = page_stage.run(page_stage.target().begin(move, KEY))

    assert isinstance(answer, Refused)
    assert "there is no page" in answer.words


def test_the_copy_keeps_what_the_page_says_of_itself_and_the_tags_of_others(page_stage):
    bucket = page_stage.world.s3.find(BUCKET)
    there = bucket.now("releases/v1/index.html")
    bucket.tag("releases/v1/index.html", there.id, {"team": "shop & co"}, page_stage.clock())
    page_stage.deployed("v2")

    page_stage.run(page_stage.target().begin(page_stage.move(), KEY))

    live = bucket.now("index.html")
    assert live.metadata == {"release": "v1"}
    assert live.headers == {"CacheControl": "no-cache", "ContentType": "text/html"}
    tags = dict(bucket.tags_of("index.html", live))
    assert tags.pop("rollbackd:move") == f"{KEY} {page_stage.clock().timestamp():.0f} v2 v1"
    assert tags == {"team": "shop & co"}


@pytest.mark.parametrize("name", ["1.4.2+build.5", "pr:17", "shop@1.4.2"])
def test_a_release_of_any_name_is_put_back(stage, name):
    upload(stage.world, name, stage.clock(), shared=stage.layout == INDEX_POINTER)
    stage.deployed(name)
    good = stage.live().release
    stage.deployed("v2")

    answer = stage.run(stage.target().begin(Move("service", stage.release("v2"), good), KEY))

    assert isinstance(answer, Begun)
    assert stage.points_to() == name


def test_of_the_settings_of_a_distribution_only_the_path_is_changed():
    stage = Stage(ORIGIN_PATH)
    stage.deployed("v2")
    before = stage.world.cloudfront.find(DISTRIBUTION).config.document
    stage.run(stage.target().begin(stage.move(), KEY))
    after = stage.world.cloudfront.find(DISTRIBUTION).config.document

    assert after["Origins"]["Items"][0].pop("OriginPath") == "/releases/v1"
    assert before["Origins"]["Items"][0].pop("OriginPath") == "/releases/v2"
    assert after == before


def test_with_a_path_the_caches_are_cleared_only_once_all_edges_know_it():
    """An edge that does not know it would fetch the old page again."""
    stage = Stage(ORIGIN_PATH)
    stage.deployed("v2")
    performer = Performer(stage)
    performer.calls(3)
    early = stage.changed()
    stage.goes_on(minutes=4)
    performer.calls(2)

    assert "CreateInvalidation" not in early
    assert stage.changed()[-1] == "CreateInvalidation"


# ---------------------------------------------------------------------------------------------------- what goes wrong


def test_a_lost_answer_is_unclear_and_the_order_is_not_made_twice(stage):
    stage.deployed("v2")
    performer = Performer(stage)
    stage.world.faults.lose_answer(*MOVES[stage.layout])

    performer.calls()

    assert performer.calls(100) == Done()
    assert stage.changed().count(MOVES[stage.layout][1]) == 1


def test_an_order_that_did_not_arrive_is_made_again(stage):
    """By compare-and-set it cannot happen twice."""
    stage.deployed("v2")
    performer = Performer(stage)
    error = AwsError(
        "InternalError" if stage.layout == INDEX_POINTER else "InternalFailure", "we are sorry", 500
    )
    stage.world.faults.fail(*MOVES[stage.layout], error=error)

    first = performer.calls()

    assert not isinstance(first, Done)
    assert performer.calls(100) == Done()
    assert stage.visits() == "v1"


def test_after_a_restart_an_order_that_did_not_arrive_is_left_to_a_person(stage):
    stage.deployed("v2")
    move = stage.move()

    found = stage.run(stage.target().progress(move, KEY))

    assert isinstance(found, Moving)
    assert "v2 is still live" in found.words


@pytest.mark.parametrize("fault", ["throttle", "fail", "lose_answer"])
def test_caches_that_cannot_be_cleared_now_do_not_keep_the_page_from_being_moved(page_stage, fault):
    page_stage.deployed("v2")
    performer = Performer(page_stage)
    getattr(page_stage.world.faults, fault)("cloudfront", "CreateInvalidation", times=2)

    first = performer.calls()

    assert isinstance(first, Going)
    assert page_stage.points_to() == "v1"
    assert performer.calls(100) == Done()
    ours = [
        each for each in page_stage.world.cloudfront.find(DISTRIBUTION).invalidations if each.reference == KEY
    ]
    assert len(ours) == 1


def test_where_too_much_is_being_cleared_already_it_waits_for_its_turn(page_stage):
    page_stage.deployed("v2")
    performer = Performer(page_stage)
    for number in range(1500):
        page_stage.world.cloudfront.clear(DISTRIBUTION, page_stage.clock(), f"/a{number}", f"/b{number}")

    first = performer.calls()

    assert isinstance(first, Going)
    assert "TooManyInvalidationsInProgress" in first.words
    assert page_stage.points_to() == "v1"
    assert performer.calls(100) == Done()


def test_what_cannot_be_read_is_not_moved(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.world.faults.throttle("s3", times=None)
    stage.world.faults.throttle("cloudfront", times=None)

    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.changed() == []


def test_a_refusal_is_told_in_awss_words_and_says_what_to_do(page_stage):
    page_stage.deployed("v2")
    page_stage.world.identities.role("arn:aws:iam::123456789012:role/rollbackd-act", {"s3:GetObject"})

    answer = page_stage.run(page_stage.target().begin(page_stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert "s3:PutObject" in answer.words
    assert "rollbackd doctor" in answer.words
    assert answer.again_in is None


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409)]
)
def test_who_is_overtaken_reads_again(page_stage, code, status):
    page_stage.deployed("v2")
    page_stage.world.faults.fail(
        "s3", "CopyObject", error=AwsError(code, "somebody else was quicker", status)
    )

    answer = page_stage.run(page_stage.target().begin(page_stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in == timedelta(seconds=5)


def test_in_shadow_nothing_is_tried(stage):
    stage.deployed("v2")

    answer = stage.run(stage.target(READS_ONLY).begin(stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert "no role to act" in answer.words
    assert stage.changed() == []


# ------------------------------------------------------------------------------------------------------ how far it is


def test_a_page_that_was_written_over_where_it_is_live_is_drift_or_failure(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.deployed("v3")

    found = stage.run(stage.target().progress(move, KEY))

    assert isinstance(found, Drifted)
    assert found.tag == "v3"


def test_while_the_caches_are_not_told_the_move_is_unfinished(page_stage):
    page_stage.deployed("v2")
    move = page_stage.move()
    page_stage.point("v1")

    assert isinstance(page_stage.run(page_stage.target().progress(move, KEY)), Unfinished)


def test_the_old_page_at_the_edge_is_no_health_though_everything_else_is_done(page_stage):
    page_stage.deployed("v2")
    move, target = page_stage.move(), page_stage.target()
    page_stage.run(target.begin(move, KEY))
    page_stage.goes_on(minutes=3)
    page_stage.visitor.behind = timedelta(minutes=4)

    found = page_stage.run(target.progress(move, KEY))

    assert found == Moving("v1 is live in the bucket; the edge still serves v2")


@pytest.mark.parametrize(("what", "words"), [("away", "the site cannot be asked"), ("status", "HTTP 403")])
def test_a_site_that_does_not_answer_is_no_health(page_stage, what, words):
    page_stage.deployed("v2")
    move, target = page_stage.move(), page_stage.target()
    page_stage.run(target.begin(move, KEY))
    page_stage.goes_on(minutes=3)
    setattr(page_stage.visitor, what, "no route" if what == "away" else 403)

    found = page_stage.run(target.progress(move, KEY))

    assert isinstance(found, Moving)
    assert words in found.words


def test_a_page_that_is_rewritten_on_its_way_is_known_by_its_name(page_stage):
    page_stage.deployed("v2")
    move, target = page_stage.move(), page_stage.target()
    page_stage.visitor.rewrites = ("</body>", "<!-- served with love --></body>")
    page_stage.run(target.begin(move, KEY))
    page_stage.goes_on(minutes=3)

    assert page_stage.run(target.progress(move, KEY)) == Serving()


def test_an_answer_that_is_lost_is_unclear(page_stage):
    page_stage.deployed("v2")
    page_stage.world.faults.lose_answer("s3", "CopyObject")

    assert isinstance(page_stage.run(page_stage.target().begin(page_stage.move(), KEY)), Unclear)


# ----------------------------------------------------------------------------------------------------------- in between


def test_a_page_that_is_written_over_between_our_look_and_our_copy_is_not_put_back(page_stage):
    page_stage.deployed("v2")
    target, act = page_stage.target(), page_stage.aws.act

    async def overtaken(scope, service, name, /, **parameters):
        upload(page_stage.world, "v1", page_stage.clock(), text="something else")
        return await act(scope, service, name, **parameters)

    target._aws = type("Aws", (), {"read": page_stage.aws.read, "act": staticmethod(overtaken)})()
    answer = page_stage.run(target.begin(page_stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert page_stage.points_to() == "v2"


def test_of_several_origins_only_the_pointer_is_changed():
    stage = Stage(ORIGIN_PATH, {"origin": "site"})
    origins = stage.world.cloudfront.find(DISTRIBUTION).config.document["Origins"]
    origins["Items"].append({**origins["Items"][0], "Id": "media", "OriginPath": "/media"})
    origins["Quantity"] = 2
    stage.deployed("v2")

    stage.run(stage.target().begin(stage.move(), KEY))

    after = stage.world.cloudfront.find(DISTRIBUTION).config.document["Origins"]["Items"]
    assert {each["Id"]: each["OriginPath"] for each in after} == {"site": "/releases/v1", "media": "/media"}


def test_while_cloudfront_tells_its_edges_the_move_is_on_its_way_and_nothing_is_sent():
    stage = Stage(ORIGIN_PATH)
    stage.deployed("v2")
    move, target = stage.move(), stage.target()
    stage.run(target.begin(move, KEY))
    sent = stage.changed()

    found = stage.run(target.progress(move, KEY))
    again = stage.run(target.begin(move, KEY))

    assert isinstance(found, Moving)
    assert isinstance(again, Begun)
    assert stage.changed() == sent


def test_an_invalidation_is_found_though_the_clocks_of_aws_differ_by_seconds(page_stage):
    page_stage.deployed("v2")
    move = page_stage.move()
    page_stage.run(page_stage.target().begin(move, KEY))
    ours = page_stage.world.cloudfront.find(DISTRIBUTION).invalidations
    ours[-1] = replace(ours[-1], at=ours[-1].at - timedelta(seconds=20))
    page_stage.goes_on(minutes=3)

    assert page_stage.run(page_stage.restarted().target().progress(move, KEY)) == Serving()


def test_an_edge_that_is_quick_does_not_speak_for_those_that_still_keep_the_old_page():
    stage = Stage(INDEX_POINTER, keeps=False)
    stage.deployed("v2")
    move, target = stage.move(), stage.target()
    stage.run(target.begin(move, KEY))
    visits = stage.visits()

    found = stage.run(target.progress(move, KEY))

    assert visits == "v1"
    assert isinstance(found, Moving)
    assert "CloudFront fetches it (I" in found.words


def test_a_page_of_the_wanted_name_with_another_content_is_a_failure_and_no_success(page_stage):
    page_stage.deployed("v2")
    move = page_stage.move()
    upload(page_stage.world, "v1", page_stage.clock(), text="something else")
    page_stage.point("v1")

    found = page_stage.run(page_stage.target().progress(move, KEY))

    assert isinstance(found, Failed)
    assert "not as it was" in found.words
