"""A pipeline deploys by GitHub: its events are heard, and its deployment ends as the watch does."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from deploy.source import Opening as SourceOpening
from deploy.source import Source, Whose
from deploy.sources.github import GitHubSource
from deploy.sources.github import Settings as SourceSettings
from deploy.sources.github.missed import Missed
from deploy.sources.github.settings import Reads, of_environment
from tests.builders import minutes, seconds
from tests.fakes.github import SECRET, TOKEN, Delivery, GitHubWorld, Hook, Made
from tests.fakes.github.line import Line
from tests.scenarios.stage import CHANNEL, FOR_DAYS, PACE, Stage
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import USUAL, Act, a_release, a_service, a_world, killed, order
from watcher.api.asked import OneHook
from watcher.api.auth import NOBODY
from watcher.api.bodies import Delivery as Body
from watcher.api.handlers import hooks
from watcher.api.problems import Declined
from watcher.api.route import Call
from watcher.core.service import Service, Speak, Team
from watcher.notify.github.board import Board
from watcher.notify.github.client import Client
from watcher.notify.github.settings import Settings
from watcher.runtime.crew import Pace

NAME = "github"
TEAM = Team("shop", (CHANNEL, NAME), boards=frozenset({NAME}))


def by_github(**policy: Any) -> Service:
    return replace(a_service(**policy), team=TEAM, heard_from=("http", NAME))


@dataclass
class Site:
    """GitHub, as one story has it: its world, its webhook, the line to it, and the answers to what it sent."""

    reads: bool = False
    order: Callable[[Sequence[Delivery]], Sequence[Delivery]] = lambda deliveries: deliveries
    secret: str = SECRET
    answers: list[object] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)

    def opened(self) -> Act:
        async def opens(stage: Stage) -> None:
            self.world = GitHubWorld(stage.now)
            self.line = Line(self.world)
            self.hook = Hook(self.world, self.secret, self.order)
            client = Client(Settings(token=SecretStr(TOKEN)), self.line, stage.now)
            stage.notifiers[NAME] = Board(client, stage.now, "https://rollbackd.example")
            if self.reads:
                given = Reads(token=SecretStr(TOKEN))
                stage.feeds[NAME] = a_source(), Missed(given, ["acme/shop"], self.line.get, stage.now)

        return Act(timedelta(0), opens)

    def deploys(self, at: timedelta, tag: str = "v2", fails: float = USUAL) -> tuple[Act, ...]:
        """A workflow: the deployment, its beginning, the rollout, and a minute later its success."""

        async def begins(stage: Stage) -> None:
            self.made.append(self.world.deploys(by="ada"))
            self.world.sets(self.made[-1], "in_progress", by="github-actions[bot]")
            await self.sends(stage)
            stage.traffic["checkout"].usual[tag] = fails
            stage.platforms["checkout", "service"].goes_to(a_release(tag), share=0.5)

        async def ends(stage: Stage) -> None:
            self.world.sets(self.made[-1], "success", by="github-actions[bot]")
            await self.sends(stage)

        return Act(at, begins), Act(at + minutes(1), ends)

    async def sends(self, stage: Stage) -> None:
        """All that has happened since, its own statuses too."""
        source = a_source()
        for each in self.hook.deliveries():
            deps = replace(stage.life.deps, sources=lambda: {NAME: source})
            headers = {name.lower(): value for name, value in each.headers.items()}
            call: Any = Call(deps, NOBODY, OneHook(source=NAME), Body(), each.body, headers, lambda: False)
            try:
                self.answers.append(await hooks.hook(call))
            except Declined as declined:
                self.answers.append(declined)

    def does(self, at: timedelta, do: Callable[[Stage], Awaitable[None]]) -> Act:
        return Act(at, do)

    def cut(self, start: timedelta, end: timedelta) -> tuple[Act, ...]:
        """Nobody reaches GitHub."""

        def set_to(cut: bool) -> Callable[[Stage], Awaitable[None]]:
            async def sets(_stage: Stage) -> None:
                self.line.cut = cut

            return sets

        return Act(start, set_to(True)), Act(end, set_to(False))

    @property
    def told(self) -> list[tuple[str, str]]:
        """The statuses that rollbackd has set."""
        return self.world.ours(self.made[-1].id)


def a_source() -> Source:
    settings = SourceSettings(secret=SecretStr(SECRET), repositories=["acme/shop"])
    where = of_environment("acme/shop", "production")
    whose = (Whose("checkout", "production"),)
    return GitHubSource(settings, SourceOpening(NAME, lambda address: whose if address == where else ()))


def story_of(site: Site, *acts: Act, minutes_long: float = 40, pace: Pace = PACE, **policy: Any) -> Story:
    world = a_world(by_github(**policy), site.opened(), *acts, settings={"pace": pace})
    return in_virtual_time(watched(world, minutes=minutes_long))


def test_a_good_release_is_joined_by_github_and_ends_as_a_success_though_nobody_is_told():
    site = Site()

    story = story_of(site, *site.deploys(minutes(10)))

    assert story.states() == ["watching", "passed"]
    assert story.watch.deployment.platform_ids[-1] == f"github:acme/shop#{site.made[0].id}"
    assert [state for state, _ in site.told] == ["in_progress", "success"]
    assert site.told[-1][1].startswith("rollbackd: checkout · production: v2")
    assert story.told == []
    assert not story.bugs


def test_a_bad_release_ends_as_a_failure_in_our_words():
    site = Site()

    story = story_of(site, *site.deploys(minutes(10), fails=0.05))

    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert story.calls_that_change == ["UpdateService v1"]
    state, words = site.told[-1]
    assert state == "failure"
    assert "v1 serves again" in words


def test_github_down_during_the_rollback_delays_nothing_and_hears_the_end_afterwards():
    site = Site()
    acts = (*site.deploys(minutes(10), fails=0.05), *site.cut(minutes(11.5), minutes(30)))

    story = story_of(site, *acts)
    plain = Site()
    undisturbed = story_of(plain, *plain.deploys(minutes(10), fails=0.05))

    assert story.rolled_back_at == undisturbed.rolled_back_at
    assert site.told[-1] == plain.told[-1]
    assert site.told[-1][0] == "failure"


def test_a_deployment_that_no_webhook_tells_of_is_read_joined_and_ends_at_github_all_the_same():
    def lost(_deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        return []

    unread, site = Site(order=lost), Site(order=lost, reads=True)

    without = story_of(unread, *unread.deploys(minutes(10)))
    story = story_of(site, *site.deploys(minutes(10)))

    assert unread.told == []
    assert story.states() == without.states() == ["watching", "passed"]
    assert len(story.watches) == 1
    assert story.watch.deployment.platform_ids[-1] == f"github:acme/shop#{site.made[0].id}"
    assert [state for state, _ in site.told] == ["success"]  # the pipeline had said so, when it was heard of
    assert not story.bugs


def test_what_a_webhook_told_and_what_is_read_is_one():
    site = Site(reads=True)

    story = story_of(site, *site.deploys(minutes(10), fails=0.05))

    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert len(story.watches) == 1
    assert [state for state, _ in site.told].count("failure") == 1


def test_our_own_statuses_that_come_back_as_events_change_nothing():
    site = Site()
    comes_back = [Act(minutes(at), site.sends) for at in (13, 20, 35)]

    story = story_of(site, *site.deploys(minutes(10), fails=0.05), *comes_back)

    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert len(story.watches) == 1
    assert story.calls_that_change == ["UpdateService v1"]


def test_events_that_come_twice_or_in_another_order_make_one_watch():
    def mixed(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        return [*reversed(deliveries), *deliveries, *(each.again() for each in deliveries)]

    site = Site(order=mixed)

    story = story_of(site, *site.deploys(minutes(10)))

    assert story.states() == ["watching", "passed"]
    assert len(story.watches) == 1
    assert [state for state, _ in site.told] == ["in_progress", "success"]


def test_what_is_replayed_after_a_day_starts_nothing():
    site = Site()
    kept: list[Delivery] = []

    def keeps(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        kept.extend(deliveries)
        return deliveries

    async def replays(stage: Stage) -> None:
        site.hook.order = lambda _none: [each.again() for each in kept]
        await site.sends(stage)

    site.order = keeps
    story = story_of(
        site,
        *site.deploys(minutes(10)),
        Act(minutes(60 * 25), replays),
        minutes_long=60 * 25 + 5,
        pace=FOR_DAYS,
    )

    assert len(story.watches) == 1
    assert [state for state, _ in site.told] == ["in_progress", "success"]


def test_who_does_not_know_the_secret_is_not_heard():
    site = Site(secret="somebody else's secret, as long as ours")

    story = story_of(site, *site.deploys(minutes(10)))

    assert story.states() == ["watching", "passed"]  # it was found by reading
    assert site.told == []
    assert all(isinstance(answer, Declined) for answer in site.answers)


def test_a_person_who_keeps_a_release_that_breached_leaves_a_failure():
    site = Site()

    story = story_of(
        site,
        *site.deploys(minutes(10), fails=0.05),
        order(minutes(14.5), "keep", reason="we know"),
        countdown=minutes(30),
        speak=Speak.ALL,
    )

    assert story.watch.state.value == "kept"
    assert [state for state, _ in site.told][-1] == "failure"


def test_a_kill_in_between_sets_the_last_status_once():
    site = Site()
    kills = [killed(minutes(10) + seconds(each)) for each in (70, 130, 190, 250)]

    story = story_of(site, *site.deploys(minutes(10), fails=0.05), *kills)

    assert story.calls_that_change == ["UpdateService v1"]
    assert [state for state, _ in site.told].count("failure") == 1
