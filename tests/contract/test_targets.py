import asyncio
from datetime import timedelta

import pytest

from deploy.model import (
    Begun,
    Drifted,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
    Unreadable,
)
from deploy.rollback import Done, roll_back
from deploy.target import CALL_TIMEOUT
from tests.contract.staged_contract import StagedContract
from tests.contract.target_contract import KEY, TargetContract
from tests.deploy.targets.appconfig.appconfig_world import Configurations, appconfig_over_http
from tests.deploy.targets.appconfig.flag_world import OneFlag, SharedVariant
from tests.deploy.targets.beanstalk.beanstalk_world import Environments, Pair, beanstalk_over_http
from tests.deploy.targets.codedeploy.group_world import codedeploy_over_http
from tests.deploy.targets.ecs.ecs_world import ecs_over_http
from tests.deploy.targets.flagd.flagd_world import flagd_over_http
from tests.deploy.targets.github_actions.github_world import pipeline_over_http
from tests.deploy.targets.lambda_alias.lambda_world import lambda_over_http
from tests.deploy.targets.launchdarkly.flag_world import Flags, Shares, launchdarkly_over_http
from tests.deploy.targets.load_balancer.balancer_world import balancer_over_http
from tests.deploy.targets.programs import Programs
from tests.deploy.targets.s3_cloudfront.site_world import (
    OfAPath,
    OfAStore,
    OfWeights,
    SiteWorld,
    site_over_http,
)
from tests.deploy.targets.unleash.unleash_world import SharedToggle, Toggles, unleash_over_http


class TestCommand(TargetContract):
    """Two programs, started for real; the platform is a file that both know."""

    @pytest.fixture
    def world(self, tmp_path):
        return Programs(tmp_path)


class LooksFirst(TargetContract):
    """A target whose moves begin with a look at the platform."""

    async def test_no_call_takes_longer_than_its_time(self, world, move):
        """Where even that hangs nothing was sent, and that is a refusal for now."""
        world.runs(self.bad)
        world.hangs()
        target = world.target()

        async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
            assert isinstance(await target.observe(), Unreadable)
        async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
            answer = await target.begin(move, KEY)
        assert isinstance(answer, Refused)
        assert answer.again_in is not None
        assert world.changes() == []

    async def test_a_move_that_hangs_is_unclear_in_its_time(self, world, move):
        world.runs(self.bad)
        world.moves_hang()

        async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
            assert isinstance(await world.target().begin(move, KEY), Unclear)
        assert world.changes() == [self.good]


class TestEcs(LooksFirst):
    """A service on the simulated AWS, by unmodified boto3 over HTTP."""

    good, bad, third = "web:1", "web:2", "web:3"

    @pytest.fixture
    async def world(self, tmp_path):
        async with ecs_over_http() as world:
            yield world


class TestLambda(LooksFirst, StagedContract):
    """An alias of a function, by unmodified boto3 over HTTP."""

    good, bad, third = "1", "2", "3"

    @pytest.fixture
    async def world(self, tmp_path):
        async with lambda_over_http() as world:
            yield world


class TestAppConfig(LooksFirst):
    """A profile of AppConfig whose last deployment is young: it is stopped or reverted, by unmodified boto3 over HTTP."""

    good, bad, third = "1", "2", "3"

    @pytest.fixture
    async def world(self, tmp_path):
        async with appconfig_over_http(Configurations()) as world:
            yield world


@pytest.mark.long
class TestAppConfigAnew(LooksFirst):
    """The same, days later: AppConfig reverts no more, and the old version is deployed anew."""

    good, bad, third = "1", "2", "3"

    @pytest.fixture
    async def world(self, tmp_path):
        async with appconfig_over_http(Configurations(age=timedelta(hours=80))) as world:
            yield world


@pytest.mark.long  # its variant, below, goes the same ways
class TestAppConfigFlag(LooksFirst):
    """One flag of a profile, put back alone: by a version of its own, or by stopping what still brings it."""

    good, bad, third = OneFlag.said

    @pytest.fixture
    async def world(self, tmp_path):
        async with appconfig_over_http(OneFlag()) as world:
            yield world


class TestAppConfigShares(LooksFirst, StagedContract):
    """The same, where the percentage in the rule of its variant is the share of what is rolled out."""

    good, bad, third = SharedVariant.said
    fine = 0.26  # whole percents

    @pytest.fixture
    async def world(self, tmp_path):
        async with appconfig_over_http(SharedVariant()) as world:
            yield world


class SetAtOnce(LooksFirst):
    """Nothing is ever on its way there: a flag is set, or it is not."""

    async def test_it_tells_what_is_on_its_way(self, world):
        world.runs(self.bad)

        live = await world.target().observe()

        assert isinstance(live, Live)
        assert live.in_flight is None

    async def test_without_a_hint_what_is_coming_is_meant_and_else_what_serves(self, world):
        world.runs(self.good)

        found = await world.target().resolve({})

        assert isinstance(found, Release)
        assert found.tag == self.good

    async def test_a_hinted_tag_is_what_is_meant_even_while_another_is_coming(self, world):
        """What is not set is not there: it is waited for."""
        world.runs(self.bad)
        target = world.target()

        assert isinstance(await target.resolve({"tag": self.bad}), Release)
        assert isinstance(await target.resolve({"tag": self.good}), Unreadable)

    async def test_another_release_on_its_way_is_a_drift_too(self, world, move):
        world.runs(self.third)

        assert isinstance(await world.target().progress(move, KEY), Drifted)


class TestLaunchDarkly(SetAtOnce):
    """A flag, by our own client over HTTP."""

    good, bad, third = "off", "on.true", "on.false"

    @pytest.fixture
    async def world(self, tmp_path):
        async with launchdarkly_over_http(Flags()) as world:
            yield world


class TestUnleash(SetAtOnce):
    """A flag of Unleash, by our own client over HTTP."""

    good, bad, third = "off", "on.5", "on.100"

    @pytest.fixture
    async def world(self, tmp_path):
        async with unleash_over_http(Toggles()) as world:
            yield world

    @pytest.mark.long  # it is the client that waits, as for the flag above
    async def test_no_call_takes_longer_than_its_time(self, world, move):
        await super().test_no_call_takes_longer_than_its_time(world, move)

    @pytest.mark.long
    async def test_a_move_that_hangs_is_unclear_in_its_time(self, world, move):
        await super().test_a_move_that_hangs_is_unclear_in_its_time(world, move)


class TestUnleashShares(LooksFirst, StagedContract):
    """The same, where its percentage is the share of what it gives."""

    good, bad, third = "off", "on.100", "on.100/userId/checkout"
    fine = 0.26  # whole percents

    @pytest.fixture
    async def world(self, tmp_path):
        async with unleash_over_http(SharedToggle()) as world:
            yield world

    @staticmethod
    def sent(world) -> int:
        return len(world.changes())


@pytest.mark.long
class TestUnleashShare(SetAtOnce):
    """The same, where a share is set back: by a patch, and not by turning it off."""

    good, bad, third = "on.5", "on.50", "off"

    @pytest.fixture
    async def world(self, tmp_path):
        async with unleash_over_http(Toggles()) as world:
            yield world


@pytest.mark.long
class TestFlagd(SetAtOnce):
    """A flag of a document in S3, by unmodified boto3 over HTTP; flagd, which reads it, is asked too."""

    good, bad, third = "enabled.off", "enabled.on", "disabled"

    @pytest.fixture
    async def world(self, tmp_path):
        async with flagd_over_http() as world:
            yield world


class TestLaunchDarklyShares(LooksFirst, StagedContract):
    """The same flag, whose percentages are shares of what is rolled out."""

    good, bad, third = "on.false", "on.true", "on.2"

    @pytest.fixture
    async def world(self, tmp_path):
        async with launchdarkly_over_http(Shares()) as world:
            yield world

    @staticmethod
    def sent(world) -> int:
        return len(world.changes())

    @pytest.mark.long  # it is the client that waits, as for the flag above
    async def test_no_call_takes_longer_than_its_time(self, world, move):
        await super().test_no_call_takes_longer_than_its_time(world, move)

    @pytest.mark.long
    async def test_a_move_that_hangs_is_unclear_in_its_time(self, world, move):
        await super().test_a_move_that_hangs_is_unclear_in_its_time(world, move)


class TestBeanstalk(LooksFirst):
    """An environment of Elastic Beanstalk, by unmodified boto3 over HTTP."""

    @pytest.fixture
    async def world(self, tmp_path):
        async with beanstalk_over_http(Environments()) as world:
            yield world


@pytest.mark.long
class TestBeanstalkSwaps(LooksFirst):
    """Two environments of Elastic Beanstalk that swap a name, by unmodified boto3 over HTTP."""

    @pytest.fixture
    async def world(self, tmp_path):
        async with beanstalk_over_http(Pair()) as world:
            yield world

    async def test_it_moves_to_the_tag_that_it_is_told(self, world, move):
        """The name moves at once; whoever has asked before is there when the answer that they keep has ended."""
        world.runs(self.bad)
        target = world.target()

        assert isinstance(await target.begin(move, KEY), Begun)
        assert world.changes() == [self.good]
        assert isinstance(await target.progress(move, KEY), Moving)
        world.arrives()
        assert await target.progress(move, KEY) == Serving()


class TestCodeDeploy(LooksFirst):
    """A deployment group on the simulated AWS, by unmodified boto3 over HTTP."""

    good, bad, third = "artifacts/shop/1.1.zip@v1", "artifacts/shop/1.2.zip@v2", "artifacts/shop/1.3.zip@v3"

    @pytest.fixture
    async def world(self, tmp_path):
        async with codedeploy_over_http() as world:
            yield world


class TestSite(LooksFirst):
    """A static site whose page is the pointer, by unmodified boto3 over HTTP; the edge is asked too."""

    @pytest.fixture
    async def world(self, tmp_path):
        async with site_over_http(SiteWorld()) as world:
            yield world


@pytest.mark.long
class TestSiteByAPath(LooksFirst):
    """A static site whose pointer is the path of an origin: caches are cleared only once all edges know it."""

    @pytest.fixture
    async def world(self, tmp_path):
        async with site_over_http(OfAPath()) as world:
            yield world

    async def test_it_moves_to_the_tag_that_it_is_told(self, world, move):
        world.runs(self.bad)
        target = world.target()

        assert isinstance(await target.begin(move, KEY), Begun)
        assert isinstance(await target.progress(move, KEY), Unfinished)
        assert isinstance(await target.begin(move, KEY), Begun)
        assert world.changes() == [self.good]
        assert await target.progress(move, KEY) == Serving()

    async def test_a_move_on_its_way_is_moving_until_it_serves(self, world, move):
        world.runs(self.bad)
        world.is_slow()
        target = world.target()
        await target.begin(move, KEY)

        assert isinstance(await target.progress(move, KEY), Moving)
        world.arrives()
        await target.begin(move, KEY)
        assert isinstance(await target.progress(move, KEY), Moving)
        world.arrives()
        assert await target.progress(move, KEY) == Serving()

    async def test_a_rollback_is_one_change_even_if_every_record_of_it_is_lost(self, world, move):
        world.runs(self.bad)
        world.is_slow()
        plan, targets = RollbackPlan("checkout", "production", (move,)), {self.part: world.target()}

        async def intend(_: Move) -> bool:
            return True

        for _ in range(6):
            await roll_back(plan, targets, KEY, sent=0, intend=intend)
            await roll_back(plan, targets, KEY, sent=0, intend=intend)
            world.arrives()

        assert await roll_back(plan, targets, KEY, sent=0, intend=intend) == Done()
        assert world.changes() == [self.good]
        assert world.aws_world.count("cloudfront", "CreateInvalidation") == 1


class TestLoadBalancer(LooksFirst, StagedContract):
    """Weights of a rule, by unmodified boto3 over HTTP."""

    @pytest.fixture
    async def world(self, tmp_path):
        async with balancer_over_http() as world:
            yield world


class TestSiteByAStore(LooksFirst):
    """A static site whose pointer is a key of a key value store, signed by Signature Version 4A."""

    @pytest.fixture
    async def world(self, tmp_path, monkeypatch):
        async with site_over_http(OfAStore()) as world:
            # The host of a store begins with the account's number, which no name server knows here: as a proxy the fake is asked.
            monkeypatch.setenv("HTTP_PROXY", world.url)
            yield world


@pytest.mark.long
class TestSiteByWeight(LooksFirst, StagedContract):
    """The same, whose key shares the site out between two releases: what edges go by is asked for."""

    @pytest.fixture
    async def world(self, tmp_path, monkeypatch):
        async with site_over_http(OfWeights()) as world:
            monkeypatch.setenv("HTTP_PROXY", world.url)  # as above
            yield world


class TestGitHubActions(LooksFirst):
    """A workflow of GitHub Actions, by our own client over HTTP."""

    @pytest.fixture
    async def world(self):
        async with pipeline_over_http() as world:
            yield world
