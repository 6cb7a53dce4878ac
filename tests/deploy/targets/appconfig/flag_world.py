"""One flag of a profile for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import json
from datetime import timedelta
from typing import Any, ClassVar

from deploy.ports import World
from deploy.target import Place
from deploy.targets.appconfig import FlagTarget, Settings, opened
from tests.deploy.targets.appconfig.appconfig_world import ATONCE, PLACE, SLOWLY, Configurations
from tests.deploy.targets.appconfig.flag_stage import FLAG, FLAGS, KIND, NEW, PRICING, document, pricing
from tests.deploy.targets.appconfig.stage import MAY_ACT
from watcher import command

MOVES = ("CreateHostedConfigurationVersion", "StartDeployment", "StopDeployment")


class OneFlag(Configurations):
    """A flag is off, on, or on with a limit; other flags stand beside it.

    Attributes:
        said: What the flag is with each tag.
    """

    flag: str = FLAG
    variant: str | None = None
    said: ClassVar[dict[str, dict[str, Any]]] = {
        "off": {"checkout": False},
        "on": {"checkout": True},
        "on@ce3ec5cd": {"checkout": {"enabled": True, "limit": 3}},
    }

    def __init__(self) -> None:
        super().__init__(age=timedelta(hours=1))
        self.appconfig.create(*PLACE, FLAGS, kind=KIND)

    def target(self) -> FlagTarget:  # type: ignore[override]
        settings = Settings(
            application=PLACE[0],
            environment=PLACE[1],
            profile=FLAGS,
            strategy=ATONCE,
            flag=self.flag,
            variant=self.variant,
        )
        place = Place("checkout", "production", "service", MAY_ACT)
        ports = World(command=command.run, now=lambda: self._time, aws=self.aws)
        found = opened(settings, place, ports)
        assert isinstance(found, FlagTarget)
        return found

    def runs(self, tag, *, moving_to=None, key=None):
        self._time += timedelta(hours=1)
        environment = self.appconfig.find(*PLACE)
        if tag is None:
            environment.deployments.clear()
            return
        if not environment.deployments:
            self._deploy(next(iter(self.said)))
        self._deploy(tag)
        self._time += self._age
        if moving_to is not None:
            self._moves_to(moving_to)

    def _moves_to(self, tag: str) -> None:
        self.appconfig.deploy(PLACE, FLAGS, self._write(self.said[tag]), self._time, SLOWLY)
        self._time += timedelta(minutes=2)

    def _deploy(self, version: str) -> None:
        self.appconfig.deploy(PLACE, FLAGS, self._write(self.said[version]), self._time, ATONCE)
        self._time += timedelta(minutes=1)

    def _write(self, said: dict[str, Any]) -> str:
        return self.appconfig.write(PLACE[0], FLAGS, json.dumps(document(**said)), at=self._time)

    def refuses(self, words):
        super().refuses(words)
        pending = self.aws_world.faults.pending[-1]
        self.aws_world.faults.fail("appconfig", MOVES[0], error=pending.error, times=None)

    def changes(self):
        """The tag that the flag has in what was deployed, or brought back."""
        found = []
        for call in self.aws_world.calls:
            if call.refused is not None or call.operation not in MOVES[1:]:
                continue
            number = call.parameters.get("DeploymentNumber")
            undone = self.appconfig.find(*PLACE).deployments[number - 1].before if number else None
            found.append(self._tag(undone or call.parameters["ConfigurationVersion"]))
        return found

    def _tag(self, version: str) -> str:
        written = self.appconfig.profiles[PLACE[0], FLAGS].versions[version]
        assert written is not None
        value = json.loads(written[0])["values"][self.flag]
        value = {name: each for name, each in value.items() if name not in {"_createdAt", "_updatedAt"}}
        return next(tag for tag, said in self.said.items() if document(**said)["values"][self.flag] == value)


class SharedVariant(OneFlag):
    """A flag whose variant is rolled out: its percentage is its share."""

    flag = PRICING
    variant = NEW
    said: ClassVar[dict[str, dict[str, Any]]] = {
        "rest@6a713c6c": {"prices": pricing(0)},
        "New@1e608dec": {"prices": pricing(100)},
        "New@1c94847a": {"prices": pricing(100, price=3)},
    }

    def _moves_to(self, tag: str) -> None:
        price = 3 if tag == list(self.said)[2] else 2
        version = self._write({"prices": pricing(10, price=price)})
        self.appconfig.deploy(PLACE, FLAGS, version, self._time, ATONCE)
        self._time += timedelta(minutes=1)

    def _tag(self, version: str) -> str:
        written = self.appconfig.profiles[PLACE[0], FLAGS].versions[version]
        assert written is not None
        new, _ = json.loads(written[0])["values"][self.flag]["_variants"]
        percent = str(new["rule"]).partition("pct::")[2].partition(" ")[0]
        rest, second, third = self.said
        return {"0": rest, "100": third if new["attributeValues"]["price"] == 3 else second}.get(
            percent, percent
        )
