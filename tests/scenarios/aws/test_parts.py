"""One release of four parts (API on ECS, worker on Lambda, site on S3, flag on AppConfig): it goes back as one, in the declared order."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.builders import minutes, seconds
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE, upload
from tests.deploy.targets.s3_cloudfront.stage import Visitor
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.configurations.state import Strategy
from tests.scenarios.aws.stage import ACT, CONFIGURATION, MONTH_AGO, AwsStage, Visitors, a_shop_on_ecs, on_aws
from tests.scenarios.virtual import in_virtual_time
from watcher.core.lifecycle.deciding import plan_of
from watcher.core.watch import State, Watch

PLACE, PROFILE, ATONCE = ("ba8toh7", "pgil2o7"), "ga3tqep", "atonce"
FOUR = CONFIGURATION.replace(
    "[{ecs: {cluster: prod, service: web}}]",
    "{api: {ecs: {cluster: prod, service: web}}, worker: {lambda: {function: work, alias: live, traffic: at_once}},"
    f' site: {{s3_cloudfront: {{bucket: {BUCKET}, distribution: {DISTRIBUTION}, site: "{SITE}"}}}},'
    f" flag: {{appconfig: {{application: {PLACE[0]}, environment: {PLACE[1]}, profile: {PROFILE}, strategy: {ATONCE}}}}}}}",
)
BACK = {"api": {"web:1"}, "worker": {"1": 1.0}, "site": "v1", "flag": {"1": 1.0}}
IN_ORDER = ["UpdateService", "UpdateAlias", "CopyObject", "StopDeployment"]


class Shoppers(Visitors):
    """They open the site, and its page asks the API."""

    def __init__(self, world: AwsWorld) -> None:
        super().__init__(world)
        self.page = Visitor(world)


def a_shop(world: AwsWorld) -> Visitors:
    """The first release of each part serves."""
    a_shop_on_ecs(world)
    world.functions.create("work", "first", MONTH_AGO)
    for number in (1, 2):
        world.functions.deploy("work", f"code {number}", MONTH_AGO)
    world.functions.point("work", "live", "1", MONTH_AGO)
    world.s3.create_bucket(BUCKET)
    for release in ("v1", "v2"):
        upload(world, release, MONTH_AGO)
    world.s3.copy(BUCKET, "releases/v1/index.html", "index.html", MONTH_AGO)
    world.cloudfront.create(DISTRIBUTION, BUCKET, MONTH_AGO)
    world.appconfig.create(*PLACE, PROFILE)
    world.appconfig.strategies[ATONCE] = Strategy(ATONCE, bake=0)
    for number in (1, 2):
        world.appconfig.write(PLACE[0], PROFILE, f'{{"new-checkout": {number}}}')
    world.appconfig.deploy(PLACE, PROFILE, "1", MONTH_AGO, ATONCE)
    world.advance()
    return Shoppers(world)


def told(folder: Path, story: Callable[[AwsStage], Awaitable[None]]) -> None:
    """*story*: a release of all four parts has just been deployed, of which a fifth of the requests fails."""

    async def staged() -> None:
        async with on_aws(folder, FOUR, make=a_shop) as stage:
            await stage.goes_on(minutes(3))
            stage.world.functions.point("work", "live", "2", stage.now())
            stage.world.s3.copy(BUCKET, "releases/v2/index.html", "index.html", stage.now())
            stage.world.cloudfront.clear(DISTRIBUTION, stage.now(), "/", "/index.html")
            stage.world.appconfig.deploy(PLACE, PROFILE, "2", stage.now(), ATONCE)
            stage.deploys("web:2", fails=0.2)
            await story(stage)

    in_virtual_time(staged())


def runs(stage: AwsStage) -> dict[str, object]:
    """What each part serves."""
    site = stage.world.cloudfront.answer(DISTRIBUTION, "/", stage.now()).headers["x-amz-meta-release"]
    return {
        "api": stage.runs,
        "worker": stage.world.functions.shares("work", "live"),
        "site": site,
        "flag": stage.world.appconfig.shares(PLACE, PROFILE, stage.now()),
    }


def moves(stage: AwsStage) -> list[str]:
    """The calls that moved a part, in order."""
    sent = stage.calls(*IN_ORDER, "StartDeployment")
    return [call.operation for call in sent if call.by == ACT and not call.refused]


async def newest(stage: AwsStage) -> Watch:
    return (await stage.watches())[-1]


def test_a_bad_release_of_all_four_goes_back_in_the_declared_order_each_part_once(tmp_path):
    async def story(stage: AwsStage) -> None:
        await stage.goes_on(minutes(20))

        watch = await newest(stage)
        assert watch.state in {State.RECOVERING, State.ROLLED_BACK}
        assert [change.part for change in watch.deployment.parts] == ["api", "worker", "site", "flag"]
        assert moves(stage) == IN_ORDER
        assert runs(stage) == BACK

    told(tmp_path, story)


def test_the_plan_for_a_bad_release_tells_the_parts_in_that_order(tmp_path):
    async def story(stage: AwsStage) -> None:
        await stage.goes_on(minutes(6))
        watch = await newest(stage)
        deps = stage.lives[-1].deps
        backs = (await deps.facts_for(watch)).backs(watch.deployment)
        assert backs is not None
        foretold = await deps.foretell(plan_of(watch, backs))

        assert list(foretold) == ["api", "worker", "site", "flag"]
        assert all(each.calls for each in foretold.values())

    told(tmp_path, story)


@pytest.mark.long  # of the other targets some are killed at every call in each run
@pytest.mark.parametrize("after", IN_ORDER[:-1])
def test_killed_between_two_parts_it_goes_on_with_the_next_and_moves_none_twice(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        while after not in moves(stage):
            await stage.goes_on(seconds(stage.time() + 1), step=1.0)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(seconds(stage.time()) + minutes(8))

        assert moves(stage) == IN_ORDER
        assert runs(stage) == BACK

    told(tmp_path, story)


def test_where_one_part_is_refused_people_hear_which_part_is_where(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(
            ACT, {"sts:*", "ecs:*", "s3:*", "cloudfront:*", "cloudwatch:*", "appconfig:*"}
        )
        await stage.goes_on(minutes(20))

        watch = await newest(stage)
        assert watch.state is State.STUCK
        assert moves(stage) == ["UpdateService"]
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = "\n".join(map(str, stuck.lines))
        assert "worker: " in said
        assert "lambda:UpdateAlias" in said
        assert "The other parts: api is back on web:1; site runs v2 still; flag runs 2 still" in said

    told(tmp_path, story)


@pytest.mark.long
def test_all_four_that_a_person_puts_back_are_one_watch_in_the_end_and_nothing_of_ours(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.visitors.fails["web:2"] = 0.001  # good, and somebody puts it back all the same
        await stage.goes_on(seconds(stage.time() + 300))
        stage.world.functions.point("work", "live", "1", stage.now())
        stage.world.s3.copy(BUCKET, "releases/v1/index.html", "index.html", stage.now())
        stage.world.cloudfront.clear(DISTRIBUTION, stage.now(), "/", "/index.html")
        stage.world.appconfig.deploy(PLACE, PROFILE, "1", stage.now(), ATONCE)
        stage.deploys("web:1")
        await stage.goes_on(seconds(stage.time() + 600))

        *others, last = await stage.watches()
        assert {watch.state for watch in others} == {State.SUPERSEDED}
        assert last.state in {State.WATCHING, State.PASSED}
        assert {change.part: change.after.tag for change in last.deployment.parts} == {
            "api": "web:1",
            "worker": "1",
            "site": "v1",
            "flag": "1",
        }
        assert moves(stage) == []
        assert runs(stage) == BACK

    told(tmp_path, story)
