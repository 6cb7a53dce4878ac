"""A site on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.errors import DeployError
from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, Got, World
from deploy.target import Place
from deploy.targets.s3_cloudfront import Settings, Site, opened
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE, upload
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READS_ONLY = replace(MAY_ACT, may_act=False)
READER, ACTOR = (f"arn:aws:iam::123456789012:role/rollbackd-{name}" for name in ("read", "act"))
MONTH_AGO = NOON - timedelta(days=30)
INDEX_POINTER, ORIGIN_PATH, KEY_VALUE_STORE = "index_pointer", "origin_path", "key_value_store"


@dataclass
class Visitor:
    """Asks the edge, as `deploy.ports.Page`; *away*: nobody answers it; *behind*: so long its edge is behind the others."""

    world: AwsWorld
    away: str = ""
    status: int | None = None
    rewrites: tuple[str, str] | None = None
    behind: timedelta = timedelta(0)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, url: str) -> Got:
        self.asked.append(url)
        if self.away:
            raise DeployError(self.away, remedy="look there")
        seen = self.world.cloudfront.answer(
            DISTRIBUTION, url.removeprefix(SITE), self.world.now() - self.behind
        )
        old, new = self.rewrites or ("", "")
        body = seen.body.replace(old.encode(), new.encode()) if old else seen.body
        return Got(self.status or seen.status, seen.headers, body)


@dataclass
class Stage:
    """``v1`` is live since a month; ``v2`` and ``v3`` are uploaded. Edges keep the page until they are told to forget it."""

    layout: str = INDEX_POINTER
    settings: dict[str, Any] = field(default_factory=dict)
    keeps: bool = True

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.world.s3.create_bucket(BUCKET)
        for release in ("v1", "v2", "v3"):
            upload(self.world, release, MONTH_AGO, shared=self.layout == INDEX_POINTER)
        self._make_live()
        for role in (READER, ACTOR):
            self.world.identities.role(role)
        scopes = {"shop": Scope("eu-central-1", READER, ACTOR)}
        self.aws: Aws = Direct(self.world, scopes)
        self.visitor = Visitor(self.world)
        self.restarted()

    def _make_live(self) -> None:
        cloudfront, store_of = self.world.cloudfront, None
        if self.layout == KEY_VALUE_STORE:
            store = cloudfront.stores.create(MONTH_AGO, release="v1")
            self.settings = {"store": store.arn, **self.settings}
            store_of = store.arn
        path = "/releases/v1" if self.layout == ORIGIN_PATH else ""
        if self.layout == INDEX_POINTER:
            self.world.s3.copy(BUCKET, "releases/v1/index.html", "index.html", MONTH_AGO)
        cloudfront.create(DISTRIBUTION, BUCKET, MONTH_AGO, path=path, keeps=self.keeps, store=store_of)

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> Site:
        told = {"bucket": BUCKET, "distribution": DISTRIBUTION, "site": SITE, "layout": self.layout}
        place = Place("web", "production", "service", account)
        return opened(Settings(**{**told, **self.settings, **settings}), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws, page=self.visitor)
        return self

    # -- what happens

    def deploy(self, release: str) -> None:
        """Another hand makes *release* live, and says so to CloudFront at once."""
        self.point(release)
        if self.layout != KEY_VALUE_STORE:
            self.world.cloudfront.clear(DISTRIBUTION, self.clock(), "/*")

    def point(self, release: str) -> None:
        """Another hand moves the pointer, and forgets the caches."""
        now, cloudfront = self.clock(), self.world.cloudfront
        match self.layout:
            case "index_pointer":
                self.world.s3.copy(BUCKET, f"releases/{release}/index.html", "index.html", now)
            case "origin_path":
                cloudfront.point(DISTRIBUTION, f"/releases/{release}", now)
            case _:
                cloudfront.stores.put(self.settings["store"], "release", release, now)

    def deployed(self, release: str) -> None:
        """Another hand has made it live, and every edge knows."""
        self.point(release)
        self.goes_on(minutes=5)
        if self.layout != KEY_VALUE_STORE:
            self.world.cloudfront.clear(DISTRIBUTION, self.clock(), "/*")
        self.goes_on(minutes=10)

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: Site | None = None) -> Live:
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def release(self, name: str) -> Release:
        """The release that *name* is: seen once, on a stage of its own."""
        seen = Stage(self.layout, keeps=False)
        if name != "v1":
            seen.deployed(name)
        found = seen.live().release
        assert found is not None
        assert found.tag == name
        return found

    def move(self, expect: str = "v2", to: str = "v1") -> Move:
        return Move("service", expect=self.release(expect), to=self.release(to))

    def changed(self) -> list[str]:
        """The calls that could have changed something."""
        return [call.operation for call in self.world.mutating_calls()]

    def points_to(self) -> str:
        """Which release the pointer names now."""
        match self.layout:
            case "index_pointer":
                found = self.world.s3.find(BUCKET).now("index.html")
                return found.metadata["release"] if found else ""
            case "origin_path":
                return str(self.world.cloudfront.find(DISTRIBUTION).config.origin["OriginPath"]).rpartition(
                    "/"
                )[2]
            case _:
                return self.world.cloudfront.stores.find(self.settings["store"]).keys["release"].latest or ""

    def visits(self) -> str:
        """Which release people get."""
        seen = self.world.cloudfront.answer(DISTRIBUTION, "/", self.clock())
        return seen.headers.get("x-amz-meta-release", f"HTTP {seen.status}")
