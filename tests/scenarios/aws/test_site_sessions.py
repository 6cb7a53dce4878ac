"""A single-page application whose sessions Sentry hears of: a bad release goes back, and the pages that people have open go on crashing.

Whether it is well again is judged by the sessions that began after the switch. Counted when they crash, as a rate of all sessions is, they would say
for as long as those pages are open that it did not help.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.builders import minutes, seconds
from tests.deploy.targets.s3_cloudfront.pages import DISTRIBUTION
from tests.fakes.aws import AwsWorld
from tests.fakes.sentry import TOKEN, Line, Shop
from tests.fakes.world import Happened
from tests.fakes.world import World as Sessions
from tests.scenarios.aws.stage import UNHURRIED, AwsStage, on_aws
from tests.scenarios.aws.test_site import (
    CONFIGURATION,
    Browsers,
    a_site,
    deploys,
    moves,
    served,
    the_watch,
)
from tests.scenarios.stage import EPOCH
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
OPEN = timedelta(minutes=30)  # so long a page stays open, and may crash
SECRETS = {"SENTRY_TOKEN": TOKEN, "ROOM_SECRET": "of the room, and long enough for it"}
BY_SENTRY = CONFIGURATION.replace(
    "connections:\n",
    "connections:\n  errors: {sentry: {organization: shop, token: {env: SENTRY_TOKEN}}}\n",
).replace(
    "      rules: [{file: web.yaml}]\n",
    '      names: {sentry: "checkout@${version}"}\n'
    "      rules: [{pack: sentry-releases, with: {project: checkout, environment: production}}]\n",
)
ALL_SESSIONS = """\
version: 1
indicators:
  crashes:
    ratio:
      cloudwatch:
        namespace: Shop/Browser
        bad: {sum: [Crashes]}
        total: {sum: [Sessions]}
rules:
  - {name: nothing crashes, indicator: crashes, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


@dataclass
class People(Browsers):
    """Who opens the site. Of a bad release a share of the sessions crash, at some time while they are open.

    Attributes:
        rate: Sessions in a second.
        navigates: How often who has a page open goes to another of its views, where the SDK begins a session then; ``None``: it does not.
        sessions: All that happens, as Sentry is told of it when it does.
    """

    rate: float = 0.5
    navigates: timedelta | None = None
    sessions: Sessions = field(default_factory=Sessions)
    _chance: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shop = Shop(self.sessions, time=self.world.now)
        self.signals = Line(self.shop)

    def come(self, start: datetime, span: float) -> None:
        """Those who open it in the span that begins at *start*. What was long ago is not told."""
        if start < EPOCH - minutes(10):
            return
        release = self.world.cloudfront.answer(DISTRIBUTION, "/", start).headers["x-amz-meta-release"]
        self._came += span * self.rate
        begun, self._came = int(self._came), self._came % 1
        for number in range(begun):
            at = start + timedelta(seconds=span * number / begun)
            again = self.navigates or OPEN
            for view in range(OPEN // again):
                self._begins(release, at + view * again, again)
        end = start + timedelta(seconds=span)
        crashed = sum(start <= each.at < end for each in self.sessions.log if each.status == 500)
        for metric, count in (("Sessions", begun), ("Crashes", crashed)):
            self.world.cloudwatch.put("Shop/Browser", metric, {}, start, [1.0], counts=[float(count)])

    def _begins(self, release: str, at: datetime, lasts: timedelta) -> None:
        session = f"s{len(self.sessions.log)}"
        self.sessions.log.append(Happened(at, release, 200, 0.1, session=session))
        if self._chance.random() < self.fails.get(release, 0.0):
            crashes = at + self._chance.random() * lasts
            self.sessions.log.append(Happened(crashes, release, 500, 0.1, session=session))


def people(world: AwsWorld) -> People:
    """As `a_site`."""
    return People(a_site(world).world)


def told(folder: Path, story: Story, configuration: str = BY_SENTRY) -> None:
    async def staged() -> None:
        settings: dict[str, Any] = {"make": people, "secret": SECRETS, "pace": UNHURRIED}
        async with on_aws(folder, configuration, ALL_SESSIONS, **settings) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def crashed(stage: AwsStage, since: datetime, until: datetime, *, begun_since: datetime | None = None) -> int:
    """How many sessions did in that span, of all or of those that began since then."""
    assert isinstance(stage.crowd, People)
    begun = {each.session: each.at for each in stage.crowd.sessions.log if each.status == 200}
    return sum(
        each.status == 500
        and since <= each.at < until
        and (begun_since is None or begun[each.session] >= begun_since)
        for each in stage.crowd.sessions.log
    )


async def goes_back(stage: AwsStage) -> datetime:
    """``v2`` crashes half of its sessions, and is taken back. Gives when everybody who opened the site got ``v1`` again."""
    deploys(stage, "v2", fails=0.5)
    await stage.goes_on(minutes(5), step=10)
    assert served(stage) == "v2"
    while served(stage) == "v2":
        assert stage.time() < 3600
        await stage.goes_on(seconds(stage.time() + 10), step=10)
    return stage.now()


def test_a_bad_release_is_called_well_again_by_the_sessions_that_began_after_the_switch(tmp_path):
    async def story(stage: AwsStage) -> None:
        switched = await goes_back(stage)
        await stage.goes_on(seconds(stage.time()) + minutes(14), step=20)

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert watch.ended_at is not None
        assert moves(stage) == ["v1"]
        assert crashed(stage, switched, watch.ended_at) > 20  # pages that were open already
        assert crashed(stage, switched, watch.ended_at, begun_since=switched) == 0

    told(tmp_path, story)


def test_a_session_that_begins_on_a_bad_page_of_before_is_no_session_of_what_people_are_given_since(tmp_path):
    """The SDK's usual way: each view of the application is a session, also where the page is an old one."""

    async def story(stage: AwsStage) -> None:
        assert isinstance(stage.crowd, People)
        stage.crowd.navigates, stage.crowd.rate = minutes(5), 0.3
        switched = await goes_back(stage)
        await stage.goes_on(seconds(stage.time()) + minutes(14), step=20)

        watch = await the_watch(stage)
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert watch.ended_at is not None
        assert crashed(stage, switched, watch.ended_at, begun_since=switched) > 10
        # A new issue asks at once, and the sessions that crash do not wait for the answer.
        assert [notice.event for _, notice in stage.told][:2] == ["watch.asked", "watch.rolling_back"]

    told(tmp_path, story)


def test_judged_by_all_sessions_the_same_way_back_would_be_said_not_to_have_helped(tmp_path):
    async def story(stage: AwsStage) -> None:
        await goes_back(stage)
        await stage.goes_on(seconds(stage.time()) + minutes(14), step=20)

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is False

    told(tmp_path, story, CONFIGURATION)


def test_a_good_release_whose_sessions_do_not_crash_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await stage.goes_on(minutes(40), step=20)

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []

    told(tmp_path, story, BY_SENTRY)
