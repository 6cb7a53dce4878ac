"""Marks on the pages of releases, and what is remembered where a store was lost."""

from datetime import timedelta

import pytest

from deploy.model import Recalled, Standing
from tests.deploy.targets.s3_cloudfront.pages import BUCKET
from tests.deploy.targets.s3_cloudfront.stage import INDEX_POINTER, KEY, MONTH_AGO, READS_ONLY, Stage
from tests.fakes.aws.fixtures import NOON

MARK = "rollbackd:web.production"


def tags(stage: Stage, release: str) -> dict[str, str]:
    bucket = stage.world.s3.find(BUCKET)
    found = bucket.now(f"releases/{release}/index.html")
    assert found is not None
    return dict(bucket.tags_of(f"releases/{release}/index.html", found))


def mark(stage: Stage, release: str, grade: str, *, why: str = "", at=NOON, account=None) -> str:
    standing = Standing(stage.release(release), grade, at, why)
    target = stage.target() if account is None else stage.target(account)
    return stage.run(target.mark([standing]))


def recalled(stage: Stage) -> Recalled:
    found = stage.run(stage.restarted().target(READS_ONLY).recall(stage.clock()))
    assert isinstance(found, Recalled)
    return found


def test_how_a_release_stands_is_written_beside_the_tags_of_others(stage):
    bucket = stage.world.s3.find(BUCKET)
    there = bucket.now("releases/v1/index.html")
    bucket.tag("releases/v1/index.html", there.id, {"team": "shop"}, NOON)

    assert mark(stage, "v1", "proven") == ""

    written = tags(stage, "v1")
    assert written.pop(MARK).startswith("proven 2026-11-24T12:00:00Z sha256:")
    assert written == {"team": "shop"}


def test_what_is_written_already_is_not_written_again(stage):
    mark(stage, "v1", "proven")
    stage.restarted()
    mark(stage, "v1", "proven")

    assert stage.changed() == ["PutObjectTagging"]


def test_in_shadow_nothing_is_written(stage):
    assert mark(stage, "v1", "proven", account=READS_ONLY) == ""
    assert stage.world.calls == []


def test_where_there_is_no_room_for_a_tag_it_is_said_and_none_of_others_is_lost(stage):
    bucket = stage.world.s3.find(BUCKET)
    there = bucket.now("releases/v1/index.html")
    full = {f"tag{number}": "x" for number in range(10)}
    bucket.tag("releases/v1/index.html", there.id, full, NOON)

    assert "10 tags already" in mark(stage, "v1", "proven")
    assert tags(stage, "v1") == full


@pytest.mark.parametrize("operation", ["GetObjectTagging", "PutObjectTagging"])
def test_what_cannot_be_written_is_said(stage, operation):
    stage.world.faults.fail("s3", operation, times=None)

    assert "v1 could not be marked" in mark(stage, "v1", "proven")


def test_a_page_remembers_which_releases_it_was(page_stage):
    page_stage.deployed("v2")
    page_stage.goes_on(hours=20)
    page_stage.deployed("v3")
    page_stage.goes_on(hours=25)

    found = recalled(page_stage)

    assert [(release.tag, since) for release, since in found.served] == [
        ("v1", MONTH_AGO),
        ("v2", NOON),
        ("v3", NOON + timedelta(hours=20, minutes=15)),
    ]


def test_what_may_still_be_watched_is_not_among_what_served(page_stage):
    page_stage.deployed("v2")

    assert [release.tag for release, _ in recalled(page_stage).served] == ["v1"]


def test_what_is_young_and_proven_has_served(page_stage):
    page_stage.deployed("v2")
    mark(page_stage, "v2", "proven", at=page_stage.clock())

    assert [release.tag for release, _ in recalled(page_stage).served] == ["v1", "v2"]


def test_marks_say_which_releases_are_proven_and_which_are_quarantined(page_stage):
    page_stage.deployed("v2")
    page_stage.goes_on(hours=30)
    page_stage.deployed("v3")
    page_stage.goes_on(hours=30)
    mark(page_stage, "v1", "proven")
    mark(page_stage, "v2", "quarantined", why="errors of 5 percent")

    found = recalled(page_stage)

    assert found.proven == {page_stage.release("v1").fingerprint: NOON}
    assert found.quarantined == {page_stage.release("v2").fingerprint: (NOON, "errors of 5 percent")}


def test_a_mark_from_the_future_is_none(page_stage):
    page_stage.goes_on(hours=30)
    mark(page_stage, "v1", "proven", at=page_stage.clock() + timedelta(hours=1))

    assert recalled(page_stage).proven == {}


@pytest.mark.parametrize(("of", "proven"), [("sha256:0123456789abcdef", 0), ("", 1)])
def test_a_mark_of_another_content_of_that_name_is_none(page_stage, of, proven):
    bucket = page_stage.world.s3.find(BUCKET)
    there = bucket.now("releases/v1/index.html")
    assert there is not None
    value = f"proven 2026-11-24T12:00:00Z {of}".strip()
    bucket.tag("releases/v1/index.html", there.id, {MARK: value}, NOON)

    assert len(recalled(page_stage).proven) == proven


def test_what_our_own_rollback_left_is_quarantined_though_nobody_wrote_a_mark(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.run(stage.target().begin(move, KEY))
    stage.goes_on(minutes=1)

    found = recalled(stage)

    (quarantined,) = found.quarantined
    assert stage.layout != INDEX_POINTER or quarantined == move.expect.fingerprint
    assert found.served[-1][0].tag == "v1"


def test_other_layouts_remember_what_is_live_and_no_more(stage):
    stage.goes_on(hours=30)

    assert [release.tag for release, _ in recalled(stage).served] == ["v1"]


def test_a_bucket_without_versions_remembers_no_more_either():
    stage = Stage(INDEX_POINTER)
    stage.world.s3.find(BUCKET).versioned = False
    stage.deployed("v2")
    stage.goes_on(hours=30)

    assert [release.tag for release, _ in recalled(stage).served] == ["v2"]


def test_a_page_of_before_that_says_nothing_is_left_out(page_stage):
    page_stage.world.s3.put(BUCKET, "index.html", "<html>who am I", page_stage.clock())
    page_stage.goes_on(hours=1)
    page_stage.deployed("v2")
    page_stage.goes_on(hours=30)

    assert [release.tag for release, _ in recalled(page_stage).served] == ["v1", "v2"]


def test_where_there_is_no_page_nothing_is_remembered(page_stage):
    page_stage.world.s3.delete(BUCKET, "index.html", page_stage.clock())

    assert recalled(page_stage) == Recalled()
