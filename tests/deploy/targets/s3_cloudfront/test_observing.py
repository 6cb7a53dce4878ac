"""What is live and what is on its way; and which release an announcement means."""

from datetime import timedelta

import pytest

from deploy.model import Gone, Live, Release, Unreadable
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE, page, upload
from tests.deploy.targets.s3_cloudfront.stage import INDEX_POINTER, KEY, KEY_VALUE_STORE, ORIGIN_PATH, Stage
from tests.fakes.aws.fixtures import NOON


def test_what_is_live_is_known_by_its_content_and_called_by_its_name(stage):
    live = stage.live()

    assert live.release is not None
    assert live.release.tag == "v1"
    assert live.release.fingerprint.startswith("sha256:")
    assert live.release.names == {"version": "v1", "bundle": "main-v1.js"}
    assert (live.in_flight, live.key, live.obstacles) == (None, None, ())


def test_a_release_that_edges_do_not_serve_yet_is_on_its_way(stage):
    stage.point("v2")
    stage.goes_on(seconds=1)

    live = stage.live()

    assert live.release is not None
    assert live.in_flight is not None
    assert (live.release.tag, live.in_flight.tag) == ("v1", "v2")
    assert live.since == NOON
    assert live.shares == {live.release.fingerprint: 1.0, live.in_flight.fingerprint: 0.0}


def test_a_release_that_edges_serve_has_arrived(stage):
    stage.deployed("v2")

    live = stage.live()

    assert live.release is not None
    assert live.release.tag == "v2"
    assert live.in_flight is None


def test_the_same_content_under_another_name_is_the_same_release(page_stage):
    before = page_stage.live().release
    bucket = page_stage.world.s3.find(BUCKET)
    found = bucket.now("releases/v1/index.html")
    page_stage.world.s3.put(
        BUCKET, "index.html", found.body, page_stage.clock(), metadata={"release": "v1-again"}
    )

    after = page_stage.live().release

    assert before is not None
    assert after is not None
    assert after.tag == "v1-again"
    assert after.is_same_as(before)


def test_where_nothing_is_live_it_says_so(page_stage):
    page_stage.world.s3.delete(BUCKET, "index.html", page_stage.clock())

    assert page_stage.live() == Live(None)


def test_our_own_move_is_known_by_its_key_also_after_the_daemon_started_anew(stage):
    stage.deployed("v2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=1)
    stage.restarted()

    assert stage.live().key == KEY


def test_our_own_move_is_known_by_its_key_to_whoever_looked_before(stage):
    stage.deployed("v2")
    target = stage.target()
    before = stage.live(target).key
    stage.run(target.begin(stage.move(), KEY))

    assert (before, stage.live(target).key) == (None, KEY)


def test_what_another_hand_put_there_since_is_not_ours(stage):
    stage.deployed("v2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)
    stage.deployed("v3")

    assert stage.live().key is None


def test_a_trace_is_not_believed_for_a_page_that_was_put_there_much_later(page_stage):
    """Whoever copies the live page copies its tags."""
    page_stage.deployed("v2")
    page_stage.run(page_stage.target().begin(page_stage.move(), KEY))
    page_stage.goes_on(hours=1)
    page_stage.world.s3.copy(BUCKET, "index.html", "index.html", page_stage.clock())

    assert page_stage.live().key is None


def test_in_steady_state_it_asks_little(stage):
    target = stage.target()
    stage.live(target)
    before = len(stage.world.calls)

    stage.live(target)

    asked = [call.operation for call in stage.world.calls[before:]]
    assert (
        asked
        == {
            INDEX_POINTER: ["HeadObject"],
            ORIGIN_PATH: ["GetDistribution", "HeadObject"],
            KEY_VALUE_STORE: ["DescribeKeyValueStore", "GetKey", "HeadObject", "GetKey"],
        }[stage.layout]
    )


def test_a_site_that_cannot_be_asked_does_not_hide_what_is_live(stage):
    stage.deployed("v2")
    stage.visitor.away = "no route to it"

    live = stage.live()

    assert live.release is not None
    assert live.release.tag == "v2"
    assert live.in_flight is None


def test_while_cloudfront_tells_its_edges_a_release_is_on_its_way_whatever_the_nearest_one_serves():
    stage = Stage(ORIGIN_PATH)
    stage.point("v2")
    stage.visitor.away = "no route to it"

    live = stage.live()

    assert live.in_flight is not None
    assert live.in_flight.tag == "v2"


def test_a_page_that_nobody_knows_at_the_edge_is_not_taken_for_a_release(page_stage):
    page_stage.visitor.rewrites = ("<app-root>", "<app-root>maintenance")
    page_stage.visitor.status = 503

    live = page_stage.live()

    assert live.release is not None
    assert live.release.tag == "v1"


# ---------------------------------------------------------------------------------------------------- what is not told


def test_a_page_that_does_not_say_its_release_is_unreadable_with_the_remedy(page_stage):
    page_stage.world.s3.put(BUCKET, "index.html", page("v9"), page_stage.clock())

    found = page_stage.run(page_stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "--metadata release=NAME" in found.words
    assert "releases/NAME/index.html" in found.words


def test_a_meta_element_says_it_too(page_stage):
    text = page("v9").replace("<head>", '<head><meta name="release" content="v9">')
    page_stage.world.s3.put(BUCKET, "index.html", text, page_stage.clock())

    found = page_stage.run(page_stage.target().resolve({}))

    assert isinstance(found, Release)
    assert found.tag == "v9"


@pytest.mark.parametrize("name", ["../../secrets", "a/b", "-rf", "x" * 129, "v1 v2"])
def test_a_name_that_is_none_is_not_taken(page_stage, name):
    page_stage.world.s3.put(BUCKET, "index.html", page("v9"), page_stage.clock(), metadata={"release": name})

    assert isinstance(page_stage.run(page_stage.target().observe()), Unreadable)


@pytest.mark.parametrize("path", ["", "/", "/releases", "/releases/", "/releases/a/b", "/elsewhere/v1"])
def test_a_path_that_leads_to_no_release_is_unreadable_with_the_remedy(path):
    stage = Stage(ORIGIN_PATH)
    stage.world.cloudfront.point(DISTRIBUTION, path, stage.clock())

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "set it to /releases/NAME" in found.words


def test_of_several_origins_that_are_the_bucket_one_has_to_be_named():
    stage = Stage(ORIGIN_PATH)
    origins = stage.world.cloudfront.find(DISTRIBUTION).config.document["Origins"]
    origins["Items"].append({**origins["Items"][0], "Id": "api"})
    origins["Quantity"] = 2

    unnamed = stage.run(stage.target().observe())
    named = stage.run(stage.target(origin="site").observe())

    assert isinstance(unnamed, Unreadable)
    assert "site, api" in unnamed.words
    assert isinstance(named, Live)


def test_a_key_that_is_not_there_means_that_nothing_is_live():
    stage = Stage(KEY_VALUE_STORE)
    stage.world.cloudfront.stores.put(stage.settings["store"], "release", None, stage.clock())

    assert stage.live() == Live(None)


@pytest.mark.parametrize("fault", ["throttle", "fail", "lose_answer"])
@pytest.mark.parametrize("operation", ["HeadObject", "GetObject", "GetObjectTagging"])
def test_what_s3_refuses_is_a_value_and_never_an_empty_site(page_stage, operation, fault):
    getattr(page_stage.world.faults, fault)("s3", operation, times=None)

    found = page_stage.run(page_stage.target().observe())

    assert isinstance(found, Unreadable)
    assert found.words


def test_whoever_may_not_read_is_told_what_to_do(page_stage):
    page_stage.world.identities.role("arn:aws:iam::123456789012:role/rollbackd-read", {"sts:*"})

    found = page_stage.run(page_stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "head_object: 403" in found.words
    assert "rollbackd doctor" in found.words


# ------------------------------------------------------------------------------------------------------ what is meant


def test_the_page_of_an_event_is_meant_while_it_is_there_and_is_gone_once_another_is(page_stage):
    target = page_stage.target()
    page_stage.point("v2")
    etag = page_stage.world.s3.find(BUCKET).now("index.html").etag.strip('"')
    first = page_stage.run(target.resolve({"deployment": etag}))
    page_stage.point("v3")

    assert isinstance(first, Release)
    assert first.tag == "v2"
    assert isinstance(page_stage.run(target.resolve({"deployment": etag})), Gone)


@pytest.mark.parametrize("hints", [{"tag": "v2"}, {"version": "v2"}, {}, {"tag": "v2", "sentry": "shop@2"}])
def test_what_is_on_its_way_is_found_by_its_names(stage, hints):
    stage.point("v2")

    found = stage.run(stage.target().resolve(hints))

    assert isinstance(found, Release)
    assert found.tag == "v2"
    assert found.names.get("sentry") == hints.get("sentry")


def test_what_still_serves_is_found_too(stage):
    stage.point("v2")
    stage.goes_on(seconds=1)

    found = stage.run(stage.target().resolve({"tag": "v1"}))

    assert isinstance(found, Release)
    assert found.is_same_as(stage.release("v1"))


@pytest.mark.parametrize("hints", [{"tag": "v3"}, {"version": "v3"}, {"fingerprint": "sha256:0"}])
def test_what_is_neither_is_awaited(stage, hints):
    assert isinstance(stage.run(stage.target().resolve(hints)), Unreadable)


def test_what_cannot_be_undone_is_a_floor(stage):
    found = stage.run(stage.target().resolve({"tag": "v1", "reversible": "false"}))

    assert isinstance(found, Release)
    assert not found.reversible


def test_the_site_is_asked_at_the_address_at_which_people_open_it(page_stage):
    page_stage.live()

    assert page_stage.visitor.asked == [f"{SITE}/"]


def test_a_page_that_is_replaced_while_it_is_read_is_read_in_a_moment(page_stage):
    read = page_stage.aws.read

    async def late(scope, service, operation, /, **parameters):
        if operation == "get_object":
            upload(page_stage.world, "v1", page_stage.clock() + timedelta(seconds=1), text="other")
            page_stage.point("v2")
        return await read(scope, service, operation, **parameters)

    page_stage.aws.read = late
    found = page_stage.run(page_stage.target().observe())

    assert found == Unreadable("index.html was replaced while it was read", awaited=True)


def test_a_page_that_says_nothing_is_known_at_the_edge_by_having_been_live():
    """With a path, the name of a release is that of its prefix: its page need not say it."""
    stage = Stage(ORIGIN_PATH)
    for release in ("v1", "v2"):
        stage.world.s3.put(BUCKET, f"releases/{release}/index.html", page(release), stage.clock())
    stage.world.cloudfront.clear(DISTRIBUTION, stage.clock(), "/*")
    stage.goes_on(minutes=5)
    target = stage.target()
    before = stage.live(target).release
    stage.point("v2")

    live = stage.live(target)

    assert before is not None
    assert live.release == before
    assert live.in_flight is not None
    assert (before.tag, live.in_flight.tag) == ("v1", "v2")


def test_the_same_release_that_another_hand_puts_into_the_store_much_later_is_not_our_move():
    stage = Stage(KEY_VALUE_STORE)
    stage.deployed("v2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(hours=1)
    stage.deployed("v2")
    stage.point("v1")

    live = stage.live()

    assert (live.key, live.since) == (None, stage.clock())
