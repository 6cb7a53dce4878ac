"""A site that is shared out between two releases: one call by compare-and-set, and the edges are asked whether they go by it."""

from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Gone,
    Level,
    Live,
    Move,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Shift,
    Standing,
    Unfinished,
    Unreadable,
    is_about,
)
from deploy.ports import World
from deploy.rollout import Beside, beside
from deploy.target import Staged
from deploy.targets.s3_cloudfront import KIND, Settings
from deploy.targets.s3_cloudfront.shares import Shares, read_shares, written
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE, upload
from tests.deploy.targets.s3_cloudfront.stage import KEY, KEY_VALUE_STORE, READS_ONLY, Stage
from watcher import command

SECOND = "w_1.9.0"
STORE = "arn:aws:cloudfront::123456789012:key-value-store/0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture
def stage() -> Stage:
    return Stage(KEY_VALUE_STORE, {"traffic": "by_weight"})


def both(stage: Stage, value: str = "v1|v2|5") -> tuple[Release, Release]:
    """Another hand has shared it out so, and every edge knows."""
    stage.point(value)
    stage.goes_on(minutes=1)
    live = stage.live()
    assert live.release is not None
    assert live.in_flight is not None
    return live.release, live.in_flight


def shift(
    stage: Stage, share: float, expect: float, value: str = "v1|v2|5", key: str = KEY
) -> tuple[Shift, Any]:
    old, new = both(stage, value)
    step = Shift("service", old, new, share, expect)
    target: Any = stage.target()
    return step, stage.run(target.shift(step, key))


def shifted(stage: Stage, step: Shift, key: str = KEY) -> Progress | Unreadable:
    target: Any = stage.target()
    found: Progress | Unreadable = stage.run(target.shifted(step, key))
    return found


# ------------------------------------------------------------------------------------------------------------- the value


@pytest.mark.parametrize(
    ("value", "shares"),
    [
        ("v1|v2|25", Shares("v1", "v2", 0.25)),
        ("v1|v2|0.1", Shares("v1", "v2", 0.001)),
        ("v1|v2|0", Shares(None, "v1")),
        ("v1|v2|100", Shares(None, "v2")),
        ("v1|v1|5", Shares(None, "v1")),
        ("v1", None),
        ("v1|v2", None),
        ("v1|v2|101", None),
        ("v1|v2|-5", None),
        ("v1|v2|5|", None),
        ("v1|../v2|5", None),
        ("v1|v2|1e1", None),
    ],
)
def test_a_value_is_a_name_or_two_with_a_weight_and_all_else_is_none(value, shares):
    assert read_shares(value) == shares


@pytest.mark.parametrize("share", [0.001, 0.05, 0.255, 0.3333, 0.999])
def test_what_is_written_is_read_again_as_exactly_as_there_are_buckets(share):
    found = read_shares(written("v1", "v2", share))

    assert found is not None
    assert (found.old, found.new) == ("v1", "v2")
    assert is_about(found.share, share)


def test_all_of_it_is_written_as_one_name():
    assert written("v1", "v2", 1.0) == "v2"
    assert written("v1", "v2", 0.0) == "v1"


# --------------------------------------------------------------------------------------------------------------- looking


def test_two_that_share_are_told_with_their_shares_the_newer_on_its_way(stage):
    old, new = both(stage)
    live = stage.live()

    assert (old.tag, new.tag) == ("v1", "v2")
    assert live.shares == {old.fingerprint: 0.95, new.fingerprint: 0.05}
    assert stage.run(stage.target().resolve({})).tag == "v2"
    assert stage.run(stage.target().resolve({"tag": "v1"})).tag == "v1"


def test_the_older_of_the_two_is_known_by_the_key_where_the_edge_says_nothing(stage):
    both(stage)
    stage.visitor.status = 503

    assert stage.run(stage.target().resolve({"tag": "v1"})).tag == "v1"


def test_without_the_word_a_shared_key_is_no_name_and_the_word_is_said():
    plain = Stage(KEY_VALUE_STORE)
    plain.point("v1|v2|5")
    plain.goes_on(minutes=1)

    found = plain.run(plain.target().observe())

    assert isinstance(found, Unreadable)
    assert "write `traffic: by_weight`" in found.words


@pytest.mark.parametrize("value", ["v1|v2", "v1|v2|150", "v1|v2|5%", "v1|v2|2.555", "v1|v2|5\n", ""])
def test_a_value_that_is_neither_is_moved_by_nobody_and_what_to_write_is_said(stage, value):
    old, new = both(stage)
    stage.point(value)

    found = stage.run(stage.target().observe())
    moved = stage.run(stage.target().begin(Move("service", expect=new, to=old), KEY))

    assert isinstance(found, Unreadable)
    assert "nor OLD|NEW|PERCENT" in found.words
    assert "write `traffic" not in found.words
    assert isinstance(moved, Refused)
    assert stage.changed() == []


def test_a_release_with_a_share_whose_page_is_gone_is_no_empty_site(stage):
    stage.point("v1|v9|5")
    stage.goes_on(minutes=1)

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "v9 has some of the traffic" in found.words
    assert "let the key release say v1 alone" in found.words


class Replacing:
    """AWS, where a pipeline writes the page of ``v2`` anew just after somebody has looked for it."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._aws = stage, stage.aws
        self.act = stage.aws.act

    async def read(self, account: str, service: str, operation: str, **parameters: Any) -> Any:
        told = await self._aws.read(account, service, operation, **parameters)
        if operation == "head_object" and parameters["Key"] == "releases/v2/index.html":
            upload(self._stage.world, "v2", self._stage.clock(), shared=False, text="another")
        return told


def test_a_page_that_is_replaced_while_it_is_read_is_not_told_to_be_missing(stage):
    stage.point("v1|v2|5")
    stage.goes_on(minutes=1)
    stage.aws = Replacing(stage)

    found = stage.run(stage.restarted().target().observe())

    assert found == Unreadable("releases/v2/index.html was replaced while it was read", awaited=True)


def test_a_release_is_known_by_its_page_before_anybody_gets_it(stage):
    found, missing, wrong = (
        stage.run(stage.target().stands_by({"tag": tag})) for tag in ("v2", "v9", "../v2")
    )

    assert isinstance(found, Release)
    assert found.is_same_as(both(stage)[1])
    assert isinstance(missing, Gone)
    assert "upload it first" in missing.words
    assert isinstance(wrong, Gone)
    other = stage.run(stage.target().stands_by({"tag": "v2", "fingerprint": "sha256:of-another-page"}))
    assert isinstance(other, Gone)
    assert "another page is there" in other.words


def test_of_a_store_that_was_lost_the_older_served_and_the_newer_is_to_be_watched(stage):
    both(stage)

    found = stage.run(stage.target().recall(stage.clock()))

    assert [release.tag for release, _ in found.served] == ["v1"]


def test_of_a_store_that_was_lost_the_mark_of_the_newer_is_read_too(stage):
    """It was rolled back before, and somebody gives it to viewers again."""
    _, new = both(stage)
    stage.run(stage.target().mark([Standing(new, "quarantined", stage.clock(), "it failed")]))

    found = stage.run(stage.restarted().target().recall(stage.clock()))

    assert set(found.quarantined) == {new.fingerprint}
    assert [release.tag for release, _ in found.served] == ["v1"]


# ------------------------------------------------------------------------------------------------------------- moving


def test_a_stage_is_one_call_with_the_version_and_serves_once_the_edges_go_by_it(stage):
    step, answer = shift(stage, 0.25, 0.05)

    assert isinstance(answer, Begun)
    assert stage.changed() == ["UpdateKeys"]
    assert stage.points_to() == "v1|v2|25"
    behind = shifted(stage, step)
    assert isinstance(behind, Moving)
    assert "the edge still gives v1 to viewers who are to have v2" in behind.words
    stage.goes_on(seconds=10)
    assert shifted(stage, step) == Serving()


def test_an_edge_that_gives_the_newer_to_more_than_the_key_says_does_not_go_by_it_yet(stage):
    old, new = both(stage, "v1|v2|60")
    stage.point("v1|v2|25")

    found = shifted(stage, Shift("service", old, new, 0.25, 0.05))

    assert isinstance(found, Moving)
    assert "the edge still gives v2 to viewers who are to have v1" in found.words
    stage.goes_on(seconds=10)
    assert shifted(stage, Shift("service", old, new, 0.25, 0.05)) == Serving()


class Meanwhile:
    """AWS, where another hand writes *value* just before each call that changes something."""

    def __init__(self, stage: Stage, value: str) -> None:
        self._stage, self._aws, self._value = stage, stage.aws, value
        self.read = stage.aws.read

    async def act(self, account: str, service: str, operation: str, **parameters: Any) -> Any:
        self._stage.point(self._value)
        return await self._aws.act(account, service, operation, **parameters)


@pytest.mark.parametrize("back", [False, True])
def test_who_writes_to_the_store_between_look_and_call_is_not_written_over(stage, back):
    old, new = both(stage)
    stage.aws = Meanwhile(stage, "v1|v3|5")
    target: Any = stage.restarted().target()

    refused = stage.run(
        target.begin(Move("service", expect=new, to=old), KEY)
        if back
        else target.shift(Shift("service", old, new, 0.25, 0.05), KEY)
    )

    assert isinstance(refused, Refused)
    assert refused.again_in is not None
    assert stage.points_to() == "v1|v3|5"


def test_the_last_stage_is_one_name_and_the_last_bucket_tells_that_the_edges_have_it(stage):
    step, answer = shift(stage, 1.0, 0.75, "v1|v2|75")

    assert isinstance(answer, Begun)
    assert stage.points_to() == "v2"
    assert isinstance(shifted(stage, step), Moving)
    stage.goes_on(seconds=10)
    assert shifted(stage, step) == Serving()


def test_the_way_back_is_one_call_and_waits_for_the_first_bucket(stage):
    old, new = both(stage)
    move = Move("service", expect=new, to=old)

    assert isinstance(stage.run(stage.target().begin(move, KEY)), Begun)

    assert stage.points_to() == "v1"
    assert isinstance(stage.run(stage.target().progress(move, KEY)), Moving)
    stage.goes_on(seconds=10)
    assert stage.run(stage.target().progress(move, KEY)) == Serving()
    assert stage.live().key == KEY


def test_a_step_forward_that_comes_after_the_way_back_changes_nothing(stage):
    old, new = both(stage)
    stage.run(stage.target().begin(Move("service", expect=new, to=old), KEY))

    late = stage.run(stage.target().shift(Shift("service", old, new, 0.25, 0.05), SECOND))

    assert isinstance(late, Refused)
    assert late.third_tag == "v2"
    assert stage.points_to() == "v1"


def test_an_order_that_did_not_arrive_is_sent_again(stage):
    old, new = both(stage)
    move = Move("service", expect=new, to=old)
    stage.world.faults.fail("cloudfront-keyvaluestore", "UpdateKeys", times=1)
    target = stage.target()
    stage.run(target.begin(move, KEY))

    assert isinstance(stage.run(target.progress(move, KEY)), Unfinished)


def test_another_hands_weight_is_a_drift_and_an_order_of_which_nothing_is_seen_has_failed(stage):
    step, _ = shift(stage, 0.25, 0.05)
    target = stage.target()
    assert stage.run(target.shift(step, KEY)) == AlreadyThere()
    stage.point("v1|v2|60")
    assert isinstance(stage.run(target.shifted(step, KEY)), Drifted)
    stage.point("v1|v2|5")
    stage.run(target.shifted(step, KEY))
    stage.clock.time += timedelta(minutes=3)

    assert isinstance(stage.run(target.shifted(step, KEY)), Failed)


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_what_was_written_over_is_given_to_nobody(stage, name):
    old, new = both(stage)
    upload(stage.world, name, stage.clock(), shared=False, text="another")

    refused = stage.run(stage.target().shift(Shift("service", old, new, 0.25, 0.05), KEY))

    assert isinstance(refused, Refused)
    assert stage.changed() == []


@pytest.mark.parametrize("fate", ["written over", "deleted"])
def test_a_release_that_is_not_there_any_more_gets_no_first_viewer(stage, fate):
    target = stage.target()
    old, new = stage.live().release, stage.run(target.stands_by({"tag": "v2"}))
    if fate == "deleted":
        stage.world.s3.delete(BUCKET, "releases/v2/index.html", stage.clock())
    else:
        upload(stage.world, "v2", stage.clock(), shared=False, text="another")

    refused = stage.run(target.shift(Shift("service", old, new, 0.05, 0.0), KEY))

    assert isinstance(refused, Refused)
    assert "releases/v2/index.html" in refused.words
    assert stage.changed() == []


def test_a_release_is_ready_once_its_page_and_the_files_that_it_names_are_there(stage):
    target = stage.target()
    release = stage.run(target.stands_by({"tag": "v2"}))
    assert stage.run(target.unready(release)) == ""
    stage.world.s3.delete(BUCKET, "releases/v2/main-v2.js", stage.clock())

    assert "white screen" in stage.run(target.unready(release))
    stage.world.s3.delete(BUCKET, "releases/v2/index.html", stage.clock())
    assert "releases/v2/index.html is not in" in stage.run(target.unready(release))
    stage.world.faults.fail("s3", times=None)
    assert isinstance(stage.run(target.unready(release)), Unreadable)


def test_two_names_are_not_written_for_a_function_that_knows_one(stage):
    """Every viewer would get an error; and it is said before it is needed."""
    target = stage.target()
    old, new = stage.live().release, stage.run(target.stands_by({"tag": "v2"}))
    stage.world.cloudfront.find(DISTRIBUTION).by_weight = False

    refused = stage.run(target.shift(Shift("service", old, new, 0.05, 0.0), KEY))
    found = [each for each in stage.run(target.examine()) if each.level is Level.FAIL]

    assert isinstance(refused, Refused)
    assert "everybody would get an error" in refused.words
    assert stage.changed() == []
    assert [each.words for each in found] == [refused.words]
    assert "site-by-weight.js" in found[0].remedy


def test_a_site_that_does_not_answer_is_not_taken_for_one_with_such_a_function(stage):
    target = stage.target()
    old, new = stage.live().release, stage.run(target.stands_by({"tag": "v2"}))
    stage.visitor.status = 503

    refused = stage.run(target.shift(Shift("service", old, new, 0.05, 0.0), KEY))

    assert isinstance(refused, Refused)
    assert "HTTP 503" in refused.words
    assert refused.again_in is not None
    assert stage.changed() == []
    (warned,) = [each for each in stage.run(target.examine()) if "HTTP 503" in each.words]
    assert warned.level is Level.WARN


def test_a_rollout_can_be_begun_with_a_release_that_stands_by(stage):
    target = stage.target()
    found = stage.run(beside(target, {"tag": "v2"}))

    assert isinstance(found, Beside)
    assert found.live.release is not None
    step = Shift("service", found.live.release, found.release, 0.05, 0.0)
    assert isinstance(stage.run(target.shift(step, KEY)), Begun)
    assert stage.points_to() == "v1|v2|5"


def test_without_a_role_to_act_nothing_is_tried_and_what_cannot_be_read_is_not_moved(stage):
    old, new = both(stage)
    step = Shift("service", old, new, 0.25, 0.05)
    assert isinstance(stage.run(stage.target(READS_ONLY).shift(step, KEY)), Refused)
    stage.world.faults.fail("cloudfront-keyvaluestore", times=None)

    refused = stage.run(stage.target().shift(step, KEY))

    assert isinstance(refused, Refused)
    assert refused.again_in is not None
    assert isinstance(shifted(stage, step), Unreadable)
    assert stage.changed() == []


def test_where_nobody_may_ask_the_edge_it_is_given_half_a_minute(stage):
    stage.ports = World(command=command.run, now=stage.clock, aws=stage.aws)
    step, _ = shift(stage, 0.25, 0.05)

    assert isinstance(shifted(stage, step), Moving)
    stage.goes_on(seconds=31)
    assert shifted(stage, step) == Serving()


def test_an_edge_that_does_not_answer_is_not_taken_for_one_that_goes_by_it(stage):
    step, _ = shift(stage, 0.25, 0.05)
    stage.goes_on(minutes=1)
    stage.visitor.status = 503

    found = shifted(stage, step)

    assert isinstance(found, Moving)
    assert "HTTP 503" in found.words


# ------------------------------------------------------------------------------------------------------------ settings


def test_stages_are_refused_where_everybody_gets_one_release():
    told = {"bucket": BUCKET, "distribution": DISTRIBUTION, "site": SITE}
    by_key = told | {"layout": "key_value_store", "store": STORE}
    plain, by_name, by_weight = (
        Settings.model_validate(each) for each in (told, by_key, by_key | {"traffic": "by_weight"})
    )

    assert "everybody gets one release" in (KIND.unstaged(plain) or ("",))[0]
    assert "traffic: by_weight" in (KIND.unstaged(by_name) or ("", ""))[1]
    assert KIND.unstaged(by_weight) is None
    assert not isinstance(Stage(KEY_VALUE_STORE).target(), Staged)
    with pytest.raises(ValueError, match="`traffic` belongs to"):
        Settings.model_validate(told | {"traffic": "by_weight"})


def test_live_is_told_of_one_release_as_by_the_other_layouts(stage):
    stage.deployed("v2")
    live = stage.live()

    assert isinstance(live, Live)
    assert (live.release.tag if live.release else None, live.in_flight) == ("v2", None)
