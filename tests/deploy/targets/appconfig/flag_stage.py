"""A profile of feature flags on the simulated AWS, and a target that looks at one flag of it."""

import json
from datetime import timedelta
from typing import Any

from deploy.model import Beginning, Live, Move, Release, Shift
from deploy.ports import AwsAccount, World
from deploy.target import Place
from deploy.targets.appconfig import FlagTarget, Settings, opened
from tests.deploy.targets.appconfig.stage import BARE, KEY, LONG_AGO, MAY_ACT, PLACE, Stage
from tests.fakes.aws import Direct, Scope
from watcher import command

FLAGS, KIND = "fl4gs77", "AWS.AppConfig.FeatureFlags"
FLAG, OTHER, PRICING = "new-checkout", "dark-mode", "pricing"
NEW, OLD = "New", "Default"
RULE = '(split pct::{} by::$userId seed::"2026")'


def pricing(pct: Any = 0, price: int = 2) -> dict[str, Any]:
    """A flag with a variant that is rolled out, and one for all others."""
    return {
        "_variants": [
            {
                "name": NEW,
                "enabled": True,
                "rule": RULE.format(pct),
                "attributeValues": {"price": price},
            },
            {"name": OLD, "enabled": True, "attributeValues": {"price": 1}},
        ]
    }


def document(checkout: Any = False, other: Any = False, **more: Any) -> dict[str, Any]:
    """A version: each flag is on or off, or as it is told."""

    def value(told: Any) -> Any:
        return {"enabled": told} if isinstance(told, bool) else told

    values = {FLAG: value(checkout), OTHER: value(other), PRICING: more.get("prices", pricing())}
    prices = {"name": "Pricing", "attributes": {"price": {"constraints": {"type": "number"}}}}
    flags = {FLAG: {"name": "New checkout"}, OTHER: {"name": "Dark mode"}, PRICING: prices}
    return {"version": "1", "flags": flags, "values": values}


class FlagStage(Stage):
    """A month ago a version was deployed in which both flags are off, and nobody gets the new price."""

    variant: str | None = None
    flag = FLAG

    def __post_init__(self) -> None:
        super().__post_init__()
        self.appconfig.create(*PLACE, FLAGS, kind=KIND)
        first = self.appconfig.write(PLACE[0], FLAGS, json.dumps(document()), at=LONG_AGO)
        self.appconfig.deploy(PLACE, FLAGS, first, LONG_AGO + timedelta(days=1), BARE)

    def restarted(self) -> "FlagStage":
        super().restarted()
        return self

    def allowed(self, read: Any, act: Any) -> "FlagStage":
        """What looks may do what the policies *read* and *act* say, and no more."""
        roles = self.world.identities.role
        scope = Scope(
            "eu-central-1",
            roles("arn:aws:iam::123456789012:role/r", policies=[read]),
            roles("arn:aws:iam::123456789012:role/a", policies=[act]),
        )
        self.aws = Direct(self.world, {"shop": scope})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> Any:
        place = Place("checkout", "production", "service", account)
        said = {"application": PLACE[0], "environment": PLACE[1], "profile": FLAGS, "strategy": BARE}
        said |= {"flag": self.flag} | ({"variant": self.variant} if self.variant else {}) | settings
        found = opened(Settings.model_validate(said), place, self.ports)
        assert isinstance(found, FlagTarget)
        return found

    # -- what happens

    def writes(self, label: str = "", **flags: Any) -> str:
        """Another hand writes a version."""
        return self.appconfig.write(PLACE[0], FLAGS, json.dumps(document(**flags)), label, at=self.clock.time)

    def gives(self, strategy: str = BARE, label: str = "", **flags: Any) -> int:
        """Another hand writes a version and deploys it; a minute goes by."""
        number = self.deploys(self.writes(label, **flags), strategy, FLAGS)
        self.goes_on(minutes=1)
        return number

    def moves(self, expect: Release, to: Release, key: str = KEY, target: Any = None) -> Beginning:
        found: Beginning = self.run((target or self.target()).begin(Move("service", expect, to), key))
        self.goes_on(seconds=10)
        return found

    def move(self, expect: str = "", to: str = "") -> Move:
        """From what is on its way, or serves, to what was a month ago."""
        live = self.live()
        bad = live.in_flight or live.release
        assert bad is not None
        return Move("service", bad, type(self)().now())

    def shifts(self, shift: Shift, key: str = KEY) -> Beginning:
        found: Beginning = self.run(self.target().shift(shift, key))
        self.goes_on(seconds=10)
        return found

    # -- what is seen

    def is_given(self, flag: str | None = None) -> dict[str, float]:
        """What of the flag which share of the users gets."""
        return self.appconfig.given(PLACE, FLAGS, flag or self.flag, self.clock.time)

    def served(self) -> dict[str, Any]:
        """The version that serves, without AppConfig's own times."""
        version = self.appconfig.version(PLACE, FLAGS, self.clock.time)
        return plain(self.written(version or ""))

    def written(self, version: str) -> dict[str, Any]:
        found = self.appconfig.profiles[PLACE[0], FLAGS].versions[version]
        assert found is not None
        told: dict[str, Any] = json.loads(found[0])
        return told

    def versions(self) -> list[str]:
        return list(self.appconfig.profiles[PLACE[0], FLAGS].versions)

    def label(self, version: str) -> str:
        found = self.appconfig.profiles[PLACE[0], FLAGS].versions[version]
        assert found is not None
        return found[1]

    def of(self) -> tuple[str | None, str | None]:
        """The tags of what serves, and of what is on its way."""
        live = self.live()
        return (
            live.release.tag if live.release else None,
            live.in_flight.tag if live.in_flight else None,
        )

    def now(self) -> Release:
        release = self.live().release
        assert release is not None
        return release

    def both(self) -> tuple[Release, Release]:
        """What serves, and what is on its way."""
        live: Live = self.live()
        assert live.release is not None
        assert live.in_flight is not None
        return live.release, live.in_flight


class Sharing(FlagStage):
    """The same, looking at the flag whose variant is rolled out."""

    variant = NEW
    flag = PRICING


def plain(told: dict[str, Any]) -> dict[str, Any]:
    """Without AppConfig's own times."""
    for part in ("flags", "values"):
        for each in told[part].values():
            each.pop("_createdAt", None)
            each.pop("_updatedAt", None)
    return told
