"""What a move would do, before it is made; and whether what it needs will still be there."""

from dataclasses import replace

import pytest

from deploy.model import Level, Move
from deploy.targets.s3_cloudfront.wording import NO_PAGE
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION
from tests.deploy.targets.s3_cloudfront.stage import (
    INDEX_POINTER,
    KEY_VALUE_STORE,
    ORIGIN_PATH,
    READS_ONLY,
    Stage,
)
from tests.fakes.aws.fixtures import NOON


def foretold(stage: Stage, **settings):
    return stage.run(stage.target(READS_ONLY, **settings).foretell(stage.move()))


def obstacles(stage: Stage) -> str:
    return " | ".join(foretold(stage).obstacles)


def test_it_tells_its_calls_in_their_order_and_how_a_person_makes_them(page_stage):
    page_stage.deployed("v2")
    etag = page_stage.world.s3.find(BUCKET).now("index.html").etag.strip('"')

    told = foretold(page_stage)

    assert told.calls == (
        f"s3:CopyObject s3://shop-site/releases/v1/index.html over s3://shop-site/index.html if its ETag is {etag} still",
        "cloudfront:CreateInvalidation E2EXAMPLE1ABC / /index.html",
    )
    assert told.by_hand == (
        "aws s3api copy-object --bucket shop-site --key index.html --copy-source shop-site/releases/v1/index.html"
        f" --if-match {etag} --region eu-central-1"
        " && aws cloudfront create-invalidation --distribution-id E2EXAMPLE1ABC --paths '/' '/index.html'"
    )
    assert told.obstacles == ()


def test_each_layout_says_what_it_does_how_long_it_takes_and_what_becomes_of_open_pages(stage):
    stage.deployed("v2")

    told = foretold(stage)

    assert told.takes
    assert "v1" in told.by_hand
    assert "keeps v2 until they load it anew, for hours" in told.sessions
    assert ("breaks" in told.sessions) == (stage.layout != INDEX_POINTER)
    assert told.obstacles == ()


def test_nothing_is_changed_by_telling(stage):
    stage.deployed("v2")

    foretold(stage)

    assert stage.changed() == []


@pytest.mark.parametrize("name", ["main-v1.js", "styles-v1.css", "chunk-v1.js", "polyfills-v1.js"])
def test_a_file_that_the_page_names_and_that_is_gone_is_a_white_screen(stage, name):
    stage.deployed("v2")
    key = name if stage.layout == INDEX_POINTER else f"releases/v1/{name}"
    stage.world.s3.delete(BUCKET, key, stage.clock())

    assert f"white screen: the page of v1 names {key}, which is not in shop-site" in obstacles(stage)


def test_a_file_is_looked_for_under_the_key_that_its_address_means(stage):
    good = stage.target()
    prefix = "" if stage.layout == INDEX_POINTER else "releases/v1/"
    page = '<script src="caf%C3%A9%20au%20lait.js"></script>'
    stage.world.s3.put(BUCKET, "releases/v1/index.html", page, stage.clock(), metadata={"release": "v1"})
    stage.world.s3.put(BUCKET, f"{prefix}café au lait.js", "//", stage.clock())
    stage.deployed("v1")
    v1 = stage.live(good).release
    stage.deployed("v2")

    move = Move("service", stage.release("v2"), v1)

    assert "white screen" not in " | ".join(stage.run(good.foretell(move)).obstacles)


def test_of_many_files_that_are_gone_some_are_named(page_stage):
    page_stage.deployed("v2")
    for name in ("main-v1.js", "styles-v1.css", "chunk-v1.js", "polyfills-v1.js"):
        page_stage.world.s3.delete(BUCKET, name, page_stage.clock())

    assert "styles-v1.css, chunk-v1.js, polyfills-v1.js and 1 more, which are not in shop-site" in obstacles(
        page_stage
    )


def test_a_release_that_is_gone_stands_in_the_way(stage):
    stage.deployed("v2")
    stage.world.s3.delete(BUCKET, "releases/v1/index.html", stage.clock())

    assert "releases/v1/index.html is not in shop-site" in obstacles(stage)


@pytest.mark.parametrize(
    ("caching", "kept"),
    [
        ("no-cache", False),
        ("no-store", False),
        ("public, max-age=0, must-revalidate", False),
        ("max-age=3600", True),
        ("public, max-age=0, s-maxage=60", True),
        ("", True),
    ],
)
def test_a_page_that_browsers_keep_is_said(page_stage, caching, kept):
    page_stage.deployed("v2")
    bucket = page_stage.world.s3.find(BUCKET)
    there = bucket.now("releases/v1/index.html")
    headers = {"CacheControl": caching} if caching else {}
    page_stage.world.s3.put(
        BUCKET, "releases/v1/index.html", there.body, page_stage.clock(), metadata=there.metadata, **headers
    )

    assert ("browsers may keep it" in obstacles(page_stage)) is kept


def test_a_service_worker_is_a_second_pointer_that_a_copy_does_not_move(stage):
    stage.world.s3.put(BUCKET, "ngsw.json", "{}", stage.clock())
    stage.deployed("v2")

    asks = stage.live().obstacles

    assert ("ngsw.json is a second pointer" in " ".join(asks)) == (stage.layout == INDEX_POINTER)
    assert ("ngsw.json is a second pointer" in obstacles(stage)) == (stage.layout == INDEX_POINTER)


def test_what_cannot_be_read_is_said_and_the_way_by_hand_all_the_same(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.world.faults.throttle("s3", times=None)

    told = stage.run(stage.target().foretell(move))

    assert "Rate exceeded" in told.obstacles[0] or "503" in told.obstacles[0] or "400" in told.obstacles[0]
    assert "v1" in told.by_hand


def test_where_there_is_no_page_it_says_so(page_stage):
    move = page_stage.move()
    page_stage.world.s3.delete(BUCKET, "index.html", page_stage.clock())

    assert page_stage.run(page_stage.target().foretell(move)).obstacles == (NO_PAGE,)


# --------------------------------------------------------------------------------------------- before it is needed


def examined(stage: Stage, **settings):
    return stage.run(stage.target(READS_ONLY, **settings).examine())


def test_a_site_of_which_nothing_is_to_be_said_is_well(stage):
    (found,) = examined(stage)

    assert found.level is Level.OK


@pytest.mark.parametrize("prefix", ["", "releases/", "releases/v1/"])
def test_a_rule_that_deletes_releases_fails(stage, prefix):
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 30}}
    stage.world.s3.find(BUCKET).rules = [rule]

    (found,) = examined(stage)

    assert found.level is Level.FAIL
    assert "'tidy' deletes what is older than 30 days" in found.words
    assert "white screen" in found.words


@pytest.mark.parametrize(
    "rule",
    [
        {"Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}},
        {
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
        {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
        {
            "Status": "Enabled",
            "Filter": {"Tag": {"Key": "unused", "Value": "yes"}},
            "Expiration": {"Days": 1},
        },
    ],
)
def test_a_rule_that_deletes_nothing_that_is_live_is_none(stage, rule):
    stage.world.s3.find(BUCKET).rules = [rule]

    assert [each.level for each in examined(stage)] == [Level.OK]


def test_a_rule_that_deletes_on_a_day_is_one_too(stage):
    rule = {"ID": "end", "Status": "Enabled", "Filter": {}, "Expiration": {"Date": NOON}}
    stage.world.s3.find(BUCKET).rules = [rule]

    assert "there on 2026-11-24" in examined(stage)[0].words


@pytest.mark.parametrize(("prefix", "level"), [("logs/", Level.WARN), ("ma", Level.FAIL)])
def test_a_rule_for_other_prefixes_fails_only_where_it_takes_files_that_the_page_names(stage, prefix, level):
    rule = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 30}}
    stage.world.s3.find(BUCKET).rules = [rule]

    levels = [each.level for each in examined(stage)]

    assert levels == ([level] if stage.layout == INDEX_POINTER else [Level.OK])


def test_a_rule_for_what_has_a_certain_size_is_no_failure(stage):
    size = {"ObjectSizeGreaterThan": 1 << 30}
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": size, "Expiration": {"Days": 30}}
    stage.world.s3.find(BUCKET).rules = [rule]

    (found,) = examined(stage)

    assert found.level is Level.WARN
    assert "older than 30 days and larger than 1073741824 bytes" in found.words


def test_a_bucket_that_forgets_and_is_silent_is_said(page_stage):
    bucket = page_stage.world.s3.find(BUCKET)
    bucket.versioned, bucket.tells = False, False

    words = " | ".join(each.words for each in examined(page_stage))

    assert "keeps no versions" in words
    assert "does not tell EventBridge" in words


@pytest.mark.parametrize(
    ("seconds", "settings", "said"), [(300, {}, True), (10, {}, False), (300, {"invalidate": ["/*"]}, False)]
)
def test_error_pages_that_edges_keep_for_long_are_said(seconds, settings, said):
    """Whoever opens a single-page site at one of its pages gets the page that stands for a missing file."""
    stage = Stage(ORIGIN_PATH)
    page = {
        "ErrorCode": 404,
        "ResponsePagePath": "/index.html",
        "ResponseCode": "200",
        "ErrorCachingMinTTL": seconds,
    }
    document = stage.world.cloudfront.find(DISTRIBUTION).config.document
    assert isinstance(document, dict)
    document["CustomErrorResponses"] = {"Quantity": 1, "Items": [page]}

    assert any("HTTP 404 for 300 s" in each.words for each in examined(stage, **settings)) is said


def test_a_page_that_is_public_by_itself_would_not_be_after_a_move(page_stage):
    bucket = page_stage.world.s3.find(BUCKET)
    there = bucket.now("index.html")
    assert there is not None
    bucket.put("index.html", replace(there, public=True, at=page_stage.clock()), {})

    (asks,) = page_stage.live().obstacles

    assert "public by its own ACL, which no copy keeps" in asks


def test_what_stands_against_a_move_is_looked_for_once_for_each_page(page_stage):
    target = page_stage.target()
    page_stage.live(target)
    page_stage.world.s3.put(BUCKET, "ngsw.json", "{}", page_stage.clock())
    before = page_stage.live(target).obstacles
    page_stage.deployed("v2")

    assert before == ()
    assert len(page_stage.live(target).obstacles) == 1


def test_whoever_may_not_look_is_told_so(stage):
    stage.world.identities.role("arn:aws:iam::123456789012:role/rollbackd-read", {"s3:GetObject*"})

    found = examined(stage)

    assert {each.level for each in found} == {Level.WARN}
    assert "s3:GetLifecycleConfiguration" in found[0].words
    assert "cloudfront:GetDistribution" in found[-1].words


def test_what_may_not_be_looked_at_hides_nothing_else(stage):
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 30}}
    stage.world.s3.find(BUCKET).rules = [rule]
    stage.world.identities.role("arn:aws:iam::123456789012:role/rollbackd-read", {"s3:*"})

    kept, unseen = examined(stage)

    assert kept.level is Level.FAIL
    assert unseen.level is Level.WARN
    assert "allow cloudfront:GetDistribution to" in unseen.words


def test_a_key_value_store_is_told_of_no_invalidation():
    stage = Stage(KEY_VALUE_STORE)
    stage.deployed("v2")

    assert not any("Invalidation" in call for call in foretold(stage).calls)
