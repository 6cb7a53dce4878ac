"""AppConfig, as others use it: they write versions, deploy them, and mind alarms."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.configurations import flags
from tests.fakes.aws.configurations.answering import FLAGS, Answering
from tests.fakes.aws.configurations.flags import stamped
from tests.fakes.aws.configurations.state import PREDEFINED, Deployment, Environment, Profile, Strategy
from tests.fakes.aws.events import Events
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.trouble import FakeBug

Place = tuple[str, str]  # application, environment


class AppConfig:
    """The applications of one account in one region.

    Attributes:
        strategies: By id.
        lists_profiles: Whether ListDeployments tells whose configuration a deployment is of: it did not always.
    """

    def __init__(self, account: str, region: str, tagging: Tagging, events: Events) -> None:
        self.strategies: dict[str, Strategy] = dict(PREDEFINED)
        self.environments: dict[Place, Environment] = {}
        self.profiles: dict[Place, Profile] = {}
        self.lists_profiles = True
        self._where = (account, region)
        self._tagging = tagging
        self._events = events
        self._told: set[tuple[Place, int, str]] = set()
        self._given: dict[tuple[bytes, str], Mapping[str, float]] = {}
        self._answering = Answering(self, tagging)

    # ------------------------------------------------------------------------------------------------- what others do

    def create(self, application: str, environment: str, profile: str, **more: Any) -> None:
        """An environment and a profile, if they are not there; what there is *more* is the profile's."""
        self.environments.setdefault((application, environment), Environment())
        self.profiles.setdefault((application, profile), Profile(**more))

    def write(
        self,
        application: str,
        profile: str,
        content: str,
        label: str = "",
        *,
        at: datetime | None = None,
        says: str = "",
    ) -> str:
        """A version of the configuration; gives its number. *at*: when; flags are stamped with it."""
        of = self.profiles[application, profile]
        number = str(of.newest + 1)
        body = content.encode()
        if of.kind == FLAGS and at is not None:
            last = of.versions.get(str(of.newest))
            body = stamped(body, last[0] if last else None, at)
        of.versions[number], of.says[number] = (body, label), says
        return number

    def delete(self, application: str, profile: str, version: str) -> None:
        """Its content is there no more."""
        self.profiles[application, profile].versions[version] = None

    def deploy(
        self, place: Place, profile: str, version: str, at: datetime, strategy: str = "AppConfig.AllAtOnce"
    ) -> int:
        """Another hand, or the API; nothing else may be under way. Gives its number."""
        environment = self.find(*place)
        if environment.under_way(at) is not None:
            raise FakeBug(f"something is under way in {place}")
        written = self.profiles[place[0], profile].versions.get(version)
        made = Deployment(
            number=len(environment.deployments) + 1,
            profile=profile,
            version=version,
            strategy=self.strategies[strategy],
            started=at,
            before=self.version(place, profile, at),
            label=written[1] if written else "",
            takes_back=environment.takes_back,
            validates=environment.validates,
        )
        environment.deployments.append(made)
        self._mind(environment)
        return made.number

    def deployed_long_ago(self, place: Place, profile: str, version: str, at: datetime) -> int:
        """All clients have it, since then."""
        return self.deploy(place, profile, version, at - timedelta(minutes=11))

    def take_back(self, place: Place, number: int, at: datetime, by: str = "USER", words: str = "") -> None:
        """Another hand, an alarm, or the API."""
        self.find(*place).deployments[number - 1].undone = (at, by, words or "arn:aws:iam::123456789012:root")

    def rings(self, place: Place, alarm: str, since: datetime, until: datetime) -> None:
        """An alarm that the environment minds: what is being deployed meanwhile is taken back."""
        environment = self.find(*place)
        environment.alarms, environment.rings = (alarm,), (since, until)
        self._mind(environment)

    def _mind(self, environment: Environment) -> None:
        """An alarm rings while the newest deployment goes out, or bakes."""
        if environment.rings is None or not environment.deployments:
            return
        since, until = environment.rings
        last = environment.deployments[-1]
        at = max(since, last.goes_out)
        if last.undone is None and at < min(last.completes, until):
            last.undone = (at, "CLOUDWATCH_ALARM", environment.alarms[0])

    # ----------------------------------------------------------------------------------------------------- what is so

    def find(self, application: str, environment: str) -> Environment:
        """The environment. It must be there."""
        try:
            return self.environments[application, environment]
        except KeyError as missing:
            raise FakeBug(f"there is no environment {application}/{environment}") from missing

    def shares(self, place: Place, profile: str, at: datetime) -> dict[str | None, float]:
        """Which version which share of the clients gets."""
        of = [each for each in self.find(*place).seen(at) if each.profile == profile]
        return of[0].has(at) if of else {None: 1.0}

    def version(self, place: Place, profile: str, at: datetime) -> str | None:
        """The version that most clients get."""
        found = self.shares(place, profile, at)
        return max(found, key=lambda each: found[each])

    def given(self, place: Place, profile: str, flag: str, at: datetime) -> dict[str, float]:
        """What of *flag* which share of the users gets: the name of a variant, else ``on`` or ``off``."""
        found: dict[str, float] = {}
        for version, share in self.shares(place, profile, at).items():
            written = self.profiles[place[0], profile].versions.get(version or "")
            if written is None:
                continue
            if (written[0], flag) not in self._given:
                self._given[written[0], flag] = flags.shares(written[0], flag)
            for what, part in self._given[written[0], flag].items():
                found[what] = found.get(what, 0.0) + share * part
        return {what: round(share, 6) for what, share in found.items() if share > 0}

    def arn(self, place: Place, number: int) -> str:
        """Of a deployment."""
        account, region = self._where
        application, environment = place
        return f"arn:aws:appconfig:{region}:{account}:application/{application}/environment/{environment}/deployment/{number}"

    def tags(self, place: Place, number: int, at: datetime) -> Mapping[str, str]:
        """Of a deployment."""
        return self._tagging.of(self.arn(place, number), at)

    # -------------------------------------------------------------------------------------------------- what follows

    def advance(self, to: datetime) -> None:
        """The extension tells EventBridge of what has happened [D]."""
        for place, environment in self.environments.items():
            for each in environment.deployments:
                ended = "Rolled Back" if each.undone else "Complete"
                for kind, at in (("Start", each.started), (ended, each.ends)):
                    if at <= to and (place, each.number, kind) not in self._told:
                        self._told.add((place, each.number, kind))
                        self._tell(place, each, kind, at)

    def _tell(self, place: Place, deployment: Deployment, kind: str, at: datetime) -> None:
        account, region = self._where
        application, environment = place
        detail = {
            "InvocationId": f"inv{deployment.number:04d}",
            "Parameters": {},
            "Type": f"OnDeployment{kind.replace(' ', '')}",
            "Application": {"Id": application, "Name": f"name of {application}"},
            "Environment": {"Id": environment, "Name": f"name of {environment}"},
            "ConfigurationProfile": {"Id": deployment.profile, "Name": f"name of {deployment.profile}"},
            "DeploymentNumber": deployment.number,
            "ConfigurationVersion": deployment.version,
        }
        resource = f"arn:aws:appconfig:{region}:{account}:extensionassociation/z763ff5"
        self._events.tell(
            at, ("aws.appconfig", f"On Deployment {kind}"), (account, region), [resource], detail
        )

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What AppConfig answers to."""
        return self._answering.operations()
