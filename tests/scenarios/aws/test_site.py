"""The whole way of a static site: its page is heard of, judged by the sessions that began on it, and put back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE, upload
from tests.deploy.targets.s3_cloudfront.stage import Visitor
from tests.fakes.aws import AwsWorld
from tests.scenarios.aws.stage import ACCOUNT, ACT, MONTH_AGO, QUEUE, READ, UNHURRIED, AwsStage, on_aws
from tests.scenarios.stage import EPOCH
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

CONFIGURATION = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}
connections:
  room: {{webhook: {{url: "https://room.example/hook", secret: {{env: ROOM_SECRET}}}}}}
teams:
  shop: {{tell: [room]}}
sources:
  queue: {{sqs: {{account: shop, url: "https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/{QUEUE}"}}}}
defaults:
  team: shop
  account: shop
  bake: {{at_least: 15m, at_most: 2h}}
services:
  web:
    production:
      mode: auto
      runs_on: [{{s3_cloudfront: {{bucket: {BUCKET}, distribution: {DISTRIBUTION}, site: "{SITE}"}}}}]
      rules: [{{file: web.yaml}}]
"""

RULES = """\
version: 1
indicators:
  sessions:
    ratio:
      cloudwatch:
        namespace: Shop/Browser
        dimensions: {release: "${arm.version}"}
        bad: {sum: [CrashedSessions]}
        total: {sum: [Sessions]}
rules:
  - {name: sessions do not crash, indicator: sessions, judge: {slo: {objective: 99.9%, burn_rate: 10}}, on_breach: rollback}
"""


@dataclass
class Browsers:
    """Who opens the site: a session begins on the release that the edge serves then, and keeps it."""

    world: AwsWorld
    rate: float = 20.0  # sessions a second
    fails: dict[str, float] = field(default_factory=dict)
    _came: float = 0.0  # seconds, less than one, of which nothing was counted yet

    def __post_init__(self) -> None:
        self.page = Visitor(self.world)

    def come(self, start: datetime, span: float) -> None:
        """Those who open it in the span that begins at *start*."""
        self._came += span
        if self._came < 1:
            return
        span, self._came = self._came, 0.0
        release = self.world.cloudfront.answer(DISTRIBUTION, "/", start).headers["x-amz-meta-release"]
        count = self.rate * span
        bad = count * self.fails.get(release, 0.0002)
        for metric, value in (("Sessions", count), ("CrashedSessions", bad)):
            self.world.cloudwatch.put(
                "Shop/Browser", metric, {"release": release}, start, [1.0], counts=[value]
            )


def a_site(world: AwsWorld) -> Browsers:
    """``v1`` is live; ``v2`` and ``v3`` are uploaded. Edges keep the page until they are told to forget it."""
    world.s3.create_bucket(BUCKET)
    for release in ("v1", "v2", "v3"):
        upload(world, release, MONTH_AGO)
    world.s3.copy(BUCKET, "releases/v1/index.html", "index.html", MONTH_AGO)
    world.cloudfront.create(DISTRIBUTION, BUCKET, MONTH_AGO)
    world.carry(QUEUE, ["Object Created"])
    return Browsers(world)


Story = Callable[[AwsStage], Awaitable[None]]


def told(folder: Path, story: Story, configuration: str = CONFIGURATION, **settings: Any) -> None:
    """*story*, on its stage, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, configuration, RULES, a_site, **settings) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def deploys(stage: AwsStage, release: str, fails: float = 0.0002) -> None:
    """A pipeline copies the page of *release* over the live one, and has it fetched anew."""
    assert isinstance(stage.crowd, Browsers)
    stage.crowd.fails[release] = fails
    stage.world.s3.copy(BUCKET, f"releases/{release}/index.html", "index.html", stage.now())
    stage.world.cloudfront.clear(DISTRIBUTION, stage.now(), "/", "/index.html")


def served(stage: AwsStage) -> str:
    """The release that people get."""
    return stage.world.cloudfront.answer(DISTRIBUTION, "/", stage.now()).headers["x-amz-meta-release"]


def moves(stage: AwsStage) -> list[str]:
    """What was sent to move the site, in order."""
    return [
        call.parameters["CopySource"].split("/")[2]
        for call in stage.calls("CopyObject")
        if call.refused is None
    ]


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def test_a_bad_release_is_heard_of_judged_and_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(30))

        watch = await the_watch(stage)
        assert watch.deployment.source == "queue"
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_what_edges_do_not_serve_yet_has_no_traffic(tmp_path):
    async def story(stage: AwsStage) -> None:
        deployed = stage.now()
        deploys(stage, "v2")
        await stage.goes_on(minutes(10))

        watch = await the_watch(stage)
        assert watch.traffic_at is not None
        assert watch.traffic_at - deployed >= seconds(75)  # so long this fake takes to clear its caches

    told(tmp_path, story)


def test_it_is_called_done_only_when_the_edge_serves_the_good_release(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        moved, before = stage.now(), ""
        while (await the_watch(stage)).state is State.ROLLING_BACK:
            before = served(stage)
            await stage.goes_on(seconds(stage.time() + 1))
        assert stage.now() - moved >= seconds(70)
        assert before == "v1"

    told(tmp_path, story)


def test_a_good_release_passes_and_its_page_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []
        bucket = stage.world.s3.find(BUCKET)
        page = bucket.now("releases/v2/index.html")
        assert page is not None
        assert bucket.tags_of("releases/v2/index.html", page)["rollbackd:web.production"].startswith(
            "proven "
        )

    told(tmp_path, story)


def test_in_shadow_nothing_is_ever_tried_that_would_change_the_site(tmp_path):
    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")

    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.KEPT
        changed = {call.operation for call in stage.world.mutating_calls()}
        assert changed <= {"DeleteMessage", "DeleteMessageBatch"}
        assert {call.by for call in stage.world.calls} == {READ}

    told(tmp_path, story, shadow)


def test_only_what_changes_something_is_done_with_the_role_to_act(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(30))

        acted = {call.operation for call in stage.world.calls if call.by == ACT}
        assert acted == {"CopyObject", "CreateInvalidation", "PutObjectTagging"}

    told(tmp_path, story)


A_CALL = 0.02  # seconds: so that there is a moment between two of them


async def is_moved(stage: AwsStage, at: float) -> None:
    """``v2`` is live and bad, every call takes a moment, and the story is where it was *at* so many seconds."""
    stage.world.faults.slow("*", seconds=A_CALL, times=None)
    deploys(stage, "v2", fails=0.2)
    await stage.goes_on(seconds(at))


@pytest.fixture(scope="module")
def first_move(tmp_path_factory) -> float:
    """When the page is put back, in seconds, to a call or two."""
    found: list[float] = []

    async def story(stage: AwsStage) -> None:
        await is_moved(stage, 300)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        (copied,) = stage.calls("CopyObject")
        found.append((copied.at - EPOCH).total_seconds())

    told(tmp_path_factory.mktemp("site"), story)
    return found[0]


@pytest.mark.parametrize("calls", range(-6, 12))
def test_killed_between_any_two_calls_of_a_rollback_it_is_one_move_and_one_invalidation(
    tmp_path, first_move, calls
):
    async def story(stage: AwsStage) -> None:
        await is_moved(stage, first_move + calls * A_CALL + A_CALL / 2)
        done = moves(stage)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(seconds(stage.time()) + minutes(20))

        assert done == (["v1"] if calls >= 0 else [])
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"
        every = stage.world.cloudfront.find(DISTRIBUTION).invalidations
        assert len([each for each in every if each.reference.startswith("w_")]) == 1

    told(tmp_path, story)


@pytest.mark.parametrize("operation", ["CopyObject", "CreateInvalidation"])
def test_an_order_whose_answer_is_lost_is_not_made_twice(tmp_path, operation):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("s3" if operation == "CopyObject" else "cloudfront", operation)
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"

    told(tmp_path, story)


def test_a_person_who_deploys_while_we_go_back_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        deploys(stage, "v3")
        await stage.goes_on(minutes(50))

        assert moves(stage) == ["v1"]
        assert served(stage) == "v3"
        assert [(each.tag, each.state) for each in await stage.watches()] == [
            ("v2", State.SUPERSEDED),
            ("v3", State.PASSED),
        ]

    told(tmp_path, story)


def test_a_page_that_nobody_told_of_is_found_by_reading(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.s3.find(BUCKET).tells = False
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(30))

        watch = await the_watch(stage)
        assert watch.deployment.source != "queue"
        assert watch.state is State.ROLLED_BACK
        assert served(stage) == "v1"

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_move_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        await stage.loses_its_store()
        await stage.goes_on(minutes(50))

        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"
        ledger = await stage.ledger()
        bad = next(each for each in ledger.entries if each.release.tag == "v2")
        assert bad.quarantined is not None

    told(tmp_path, story)


def test_what_was_proven_is_still_proven_after_the_store_is_lost(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await stage.goes_on(minutes(35))
        await stage.loses_its_store()
        deploys(stage, "v3", fails=0.2)
        await stage.goes_on(minutes(70))

        assert moves(stage) == ["v2"]
        assert served(stage) == "v2"

    told(tmp_path, story)


def test_a_role_that_may_not_act_is_said_to_people_with_the_way_by_hand(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(ACT, {"s3:GetObject"})
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(20))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "s3:PutObject" in said
        assert "aws s3api copy-object" in said

    told(tmp_path, story)


def test_an_invalidation_that_never_completes_needs_a_person_and_it_is_done_when_it_does_after_all(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(5))
        distribution = stage.world.cloudfront.find(DISTRIBUTION)
        distribution.clears_in = minutes(55)
        await stage.goes_on(minutes(50), step=10)

        assert (await the_watch(stage)).state is State.STUCK
        assert moves(stage) == ["v1"]
        assert served(stage) == "v2"  # the page is put back, and the edge keeps what it had
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        (cleared,) = [each for each in distribution.invalidations if each.by > stage.now()]
        words = f"service: v1 is live in the bucket; CloudFront fetches it ({cleared.id})"
        assert f"not serving after 30 min: {words}" in " ".join(map(str, stuck.lines))

        await stage.goes_on(minutes(85), step=10)
        assert served(stage) == "v1"
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert [call.by for call in stage.calls("CreateInvalidation")].count(ACT) == 1

    told(tmp_path, story)


def test_a_bad_release_whose_invalidation_does_not_complete_needs_a_person_soon_where_that_is_wanted(
    tmp_path,
):
    """The same within half an hour."""

    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(5), step=10)
        stage.world.cloudfront.find(DISTRIBUTION).clears_in = minutes(14)
        await stage.goes_on(minutes(17), step=20)

        assert (await the_watch(stage)).state is State.STUCK
        assert moves(stage) == ["v1"]
        assert served(stage) == "v2"
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        assert (
            "not serving after 5 min: service: v1 is live in the bucket; CloudFront fetches it"
            in " ".join(map(str, stuck.lines))
        )

        await stage.goes_on(minutes(32), step=20)
        assert served(stage) == "v1"
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert [call.by for call in stage.calls("CreateInvalidation")].count(ACT) == 1

    soon = CONFIGURATION.replace("      mode: auto\n", "      mode: auto\n      move_timeout: 5m\n")
    told(tmp_path, story, soon, pace=UNHURRIED)


# --------------------------------------------------------------------------------------------------- the other layouts


LATER = minutes(5)  # than the pointer was moved: all edges know it by then


@dataclass
class Pointed(Browsers):
    """A site whose releases are trees of their own."""

    store: str = ""

    def deploys(self, release: str, at: datetime, then: timedelta = LATER) -> None:
        """A pipeline moves the pointer, and clears the caches once all edges know: so long after."""
        if self.store:
            self.world.cloudfront.stores.put(self.store, "release", release, at)
        else:
            self.world.cloudfront.point(DISTRIBUTION, f"/releases/{release}", at)
            self.world.cloudfront.clear(DISTRIBUTION, at + then, "/*")


def trees(world: AwsWorld, *, store: bool) -> Pointed:
    """``v1`` is live, by a path or by a key of a store; ``v2`` and ``v3`` are uploaded."""
    world.s3.create_bucket(BUCKET)
    for release in ("v1", "v2", "v3"):
        upload(world, release, MONTH_AGO, shared=False)
    arn = world.cloudfront.stores.create(MONTH_AGO, release="v1").arn if store else None
    path = "" if store else "/releases/v1"
    world.cloudfront.create(DISTRIBUTION, BUCKET, MONTH_AGO, path=path, store=arn)
    return Pointed(world, store=arn or "")


def told_by(layout: str, folder: Path, story: Callable[[AwsStage], Awaitable[None]]) -> None:
    """*story*, on a stage where ``v1`` has been well for a day by *layout*, in virtual time."""
    has_store = layout == "key_value_store"
    # The id of a store is drawn: the same in every run, so a world of its own tells it.
    drawn = trees(AwsWorld(lambda: EPOCH, ACCOUNT, "eu-central-1"), store=has_store).store
    more = f", layout: {layout}" + (f', store: "{drawn}"' if drawn else "")
    configuration = CONFIGURATION.replace(f'site: "{SITE}"', f'site: "{SITE}"{more}')

    async def staged() -> None:
        async with on_aws(folder, configuration, RULES, partial(trees, store=has_store)) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def points(stage: AwsStage, release: str, fails: float = 0.0002) -> None:
    """Another hand makes *release*, of which that share fails, live there, and nobody tells of it."""
    assert isinstance(stage.crowd, Pointed)
    stage.crowd.fails[release] = fails
    stage.crowd.deploys(release, stage.now())


def sent(stage: AwsStage) -> list[str]:
    """What we have sent there, in order."""
    calls = stage.calls("UpdateDistribution", "UpdateKeys", "CreateInvalidation")
    return [call.operation for call in calls if call.by == ACT]


@pytest.mark.parametrize(("layout", "calls"), [("origin_path", 2), ("key_value_store", 1)])
def test_by_whatever_layout_a_bad_release_is_found_by_reading_and_undone_once(tmp_path, layout, calls):
    async def story(stage: AwsStage) -> None:
        points(stage, "v2", 0.2)
        await stage.goes_on(minutes(50))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert served(stage) == "v1"
        assert len(sent(stage)) == calls

    told_by(layout, tmp_path, story)


@pytest.mark.parametrize("layout", ["origin_path", "key_value_store"])
def test_by_whatever_layout_a_good_release_passes_and_is_left_alone(tmp_path, layout):
    async def story(stage: AwsStage) -> None:
        points(stage, "v2", 0.0)
        await stage.goes_on(minutes(50))

        assert (await the_watch(stage)).state is State.PASSED
        assert served(stage) == "v2"
        assert sent(stage) == []

    told_by(layout, tmp_path, story)
