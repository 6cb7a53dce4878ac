"""The target ``s3_cloudfront`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.s3_cloudfront import Settings, Site, opened
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE, upload
from tests.deploy.targets.s3_cloudfront.stage import Visitor
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from watcher import command

LONG = timedelta(minutes=30)  # whatever was under way is over
MOMENT = timedelta(seconds=2)  # nothing that edges are told has arrived


class SiteWorld(TargetWorld):
    """The site ``shop``. Its clock stands still while moves are slow; else each call that moves is over at the next look."""

    layout = "index_pointer"
    moves = ("CopyObject",)
    services = ("s3", "cloudfront")

    def __init__(self) -> None:
        self._time = NOON
        self._slow = False
        self._seen = 0
        self._made = False
        self.aws_world = AwsWorld(self.now)
        self.aws_world.identities.role(ACT)
        self.aws_world.s3.create_bucket(BUCKET)
        for release in ("v1", "v2", "v3"):
            upload(self.aws_world, release, NOON, shared=self.layout == "index_pointer")
        self.visitor = Visitor(self.aws_world)
        self.aws: Aws | None = None
        self.url = ""

    def now(self) -> datetime:
        """The clock of AWS and of the daemon."""
        if not self._slow and self._seen < len(self._sent()):
            self._seen = len(self._sent())
            self._time += LONG
        return self._time

    def settings(self) -> dict[str, Any]:
        return {"bucket": BUCKET, "distribution": DISTRIBUTION, "site": SITE, "layout": self.layout}

    def target(self) -> Site:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        ports = World(command=command.run, now=self.now, aws=self.aws, page=self.visitor)
        return opened(Settings(**self.settings()), place, ports)

    # -- what the layouts do differently

    def create(self, tag: str | None) -> None:
        if tag is not None:
            self.aws_world.s3.copy(BUCKET, f"releases/{tag}/index.html", "index.html", self._time)
        self.aws_world.cloudfront.create(DISTRIBUTION, BUCKET, self._time)

    def point(self, tag: str | None) -> None:
        if tag is None:
            self.aws_world.s3.delete(BUCKET, "index.html", self._time)
        else:
            self.aws_world.s3.copy(BUCKET, f"releases/{tag}/index.html", "index.html", self._time)

    def moved_to(self, parameters: Any) -> str:
        return str(parameters["CopySource"]).split("/")[2]

    # -- the contract

    def runs(self, tag, *, moving_to=None, key=None):
        if not self._made:
            self._made = True
            self.create(tag)
        else:
            self.point(tag)
            self._goes_on(LONG)
            self.aws_world.cloudfront.clear(DISTRIBUTION, self._time, "/*")
        self._goes_on(LONG)
        if moving_to is not None:
            self.point(moving_to)
            self._goes_on(MOMENT)

    def arrives(self):
        self._goes_on(LONG)

    def is_slow(self):
        self._slow = True

    def is_down(self):
        self._made or self.runs("v2")
        for service in self.services:
            self.aws_world.faults.fail(service, times=None)

    def hangs(self):
        for service in self.services:
            self.aws_world.faults.slow(service, seconds=5, times=None)

    def moves_hang(self):
        for operation in self.moves:
            self.aws_world.faults.slow(self.services[0], operation, seconds=5, times=None)

    def refuses(self, words):
        for operation in self.moves:
            error = AwsError("AccessDenied", words.removeprefix("AccessDenied: "), 403)
            self.aws_world.faults.fail(self.services[0], operation, error=error, times=None)

    def loses_answers(self):
        for operation in self.moves:
            self.aws_world.faults.lose_answer(self.services[0], operation, times=None)

    def changes(self):
        tags = [self.moved_to(call.parameters) for call in self._sent() if call.operation in self.moves]
        return [tag for before, tag in zip([None, *tags], tags, strict=False) if tag != before]

    def _sent(self):
        told = (*self.moves, "CreateInvalidation")
        return [call for call in self.aws_world.calls if call.operation in told and call.refused is None]

    def _goes_on(self, span: timedelta) -> None:
        self._time += span
        self.aws_world.advance()


class OfAPath(SiteWorld):
    """The path of an origin is the pointer."""

    layout = "origin_path"
    moves = ("UpdateDistribution",)
    services = ("cloudfront", "s3")

    def create(self, tag):
        path = f"/releases/{tag or 'none'}"
        self.aws_world.cloudfront.create(DISTRIBUTION, BUCKET, self._time, path=path)

    def point(self, tag):
        self.aws_world.cloudfront.point(DISTRIBUTION, f"/releases/{tag or 'none'}", self._time)

    def moved_to(self, parameters):
        return str(parameters["DistributionConfig"]["Origins"]["Items"][0]["OriginPath"]).rpartition("/")[2]


class OfAStore(SiteWorld):
    """A key of a key value store is the pointer."""

    layout = "key_value_store"
    moves = ("UpdateKeys",)
    services = ("cloudfront-keyvaluestore", "s3")

    def __init__(self) -> None:
        super().__init__()
        self.store = self.aws_world.cloudfront.stores.create(NOON).arn

    def settings(self):
        return {**super().settings(), "store": self.store}

    def create(self, tag):
        self.aws_world.cloudfront.create(DISTRIBUTION, BUCKET, self._time, store=self.store)
        self.point(tag)

    def point(self, tag):
        self.aws_world.cloudfront.stores.put(self.store, "release", tag, self._time)

    def moved_to(self, parameters):
        return str(parameters["Puts"][0]["Value"])


class OfWeights(OfAStore):
    """The same key, by which a function may share the site out between two releases; a tenth is what is on its way."""

    def settings(self):
        return {**super().settings(), "traffic": "by_weight"}

    def runs(self, tag, *, moving_to=None, key=None):
        super().runs(tag)
        if moving_to is not None:
            self.point(f"{tag}|{moving_to}|10")
            self._goes_on(LONG)


@contextlib.asynccontextmanager
async def site_over_http(world: SiteWorld) -> AsyncIterator[SiteWorld]:
    """*world* answers over HTTP, and doors to it try once."""
    with serving(world.aws_world) as url:
        world.url = url
        async with at(url, world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
