"""Looking at an environment: which releases it runs, what is on its way, and what forbids that the machine moves it.

What **serves** is what the instances say. While an update goes on, what the environment is told to run is **coming**: that label
changes when the update begins (the answer of UpdateEnvironment has the new one, and Updating). When the environment is Ready again and its
instances do not agree, an update was broken off or has failed half way: then the newest is coming still, by the number of the
deployment, for some instances have it, and going back from it is still to be done.

An environment whose health reporting is basic tells nothing of its instances. What it is told to run is then all that is known;
that is enough to watch it by, and not to move it by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Live, Release, Unreadable
from deploy.targets.aws.batching import together
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.beanstalk.environment import (
    ENDED,
    MOVING,
    READY,
    Environment,
    Instance,
    labels_of,
)
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.sharing import shares_of
from deploy.targets.beanstalk.trace import Trace, trace_of
from deploy.targets.beanstalk.version import fits, release_of, unfit

_SKEW = timedelta(minutes=5)  # our clock against AWS's: requests whose signature is older are refused
_TAKES = timedelta(
    minutes=10
)  # from our trace until a swap is done, by the other clock: a guess, and generous


@dataclass(frozen=True, slots=True)
class View:
    """An environment as it was seen.

    Attributes:
        releases: By label: those of its instances, and the one that it is told to run.
        serving: The label of what serves; ``None``: nothing does.
        coming: Of what is on its way, or was when it was broken off.
        shares: Of the traffic, by fingerprint.
        trace: Of our last move, where it brought what the environment is told to run.
        named: Since when it has the name by which people come, where two environments swap it and that is told.
        beside: The other one of the two; ``None``: there is none.
        lingers: It has the name since a moment: who has asked before goes to what served until then.
    """

    environment: Environment
    instances: Sequence[Instance] = ()
    releases: Mapping[str, Release] = field(default_factory=dict)
    serving: str | None = None
    coming: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    trace: Trace | None = None
    named: datetime | None = None
    beside: "View | None" = None
    lingers: bool = False

    def of(self, label: str | None) -> Release | None:
        """The release with this label."""
        return None if label is None else self.releases[label]

    @property
    def ahead(self) -> Release | None:
        """What is coming, else what serves."""
        return self.of(self.coming or self.serving)

    @property
    def changed(self) -> datetime:
        """When it was updated last, or got its name."""
        return max(filter(None, (self.environment.updated, self.named)))

    @property
    def told(self) -> Release | None:
        """What the environment is told to run: what an instance would have that is started now."""
        return self.of(self.environment.label or None)

    def is_whole(self, release: Release) -> bool:
        """Nothing is done to it, and it runs *release* alone: also what is started from now on."""
        told, ahead = self.told, self.ahead
        return (
            self.environment.status == READY
            and self.coming is None
            and told is not None
            and ahead is not None
            and told.is_same_as(release)
            and ahead.is_same_as(release)
        )

    def counts(self) -> str:
        """How many instances have what, in words."""
        labels = labels_of(self.instances)
        said = [
            f"{sum(each.label == label for each in self.instances)} of {len(self.instances)} instances run {label}"
            for label in reversed(labels)
        ]
        return ", ".join(said) or "its instances say nothing yet"


async def look(reader: Reader, settings: Settings) -> View | Unreadable:
    """The environment, read just now."""
    try:
        environment = await reader.environment(settings.application, settings.name)
        if environment is None:
            return Unreadable(missing(settings, settings.name))
        return await seen(reader, environment, environment.name, environment.updated)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))


def missing(settings: Settings, called: str) -> str:
    """That there is no such environment."""
    return (
        f"the application {settings.application} has no environment {called}: it was terminated, the"
        " configuration names another account than it is in, or the role to read may not see it"
    )


async def seen(reader: Reader, environment: Environment, moved: str, changed: datetime) -> View | Unreadable:
    """What *environment* runs. May raise `AwsRefused`.

    Args:
        reader: For its instances and their versions.
        environment: As it was read just now.
        moved: What our trace would be of (`Settings.moved`).
        changed: No trace was left since then that was not to be seen.
    """
    instances = await reader.instances(environment)
    serving, coming = which(environment, instances)
    labels = dict.fromkeys((*labels_of(instances), *filter(None, (environment.label,))))
    wrong = next((label for label in labels if not fits(label)), None)
    if wrong is not None:
        return Unreadable(unfit(wrong))
    found = await together(
        *(reader.version(environment.application, label, environment.updated) for label in labels)
    )
    releases = {label: release_of(label, *each) for label, each in zip(labels, found, strict=True)}
    version = found[list(labels).index(environment.label)][0] if environment.label else None
    tags = await reader.tags_since(version.arn, changed) if version is not None else {}
    trace = trace_of(tags, moved)
    policy = await reader.policy(environment) if coming is not None else None
    shares = shares_of(environment, instances, releases, coming, policy)
    return View(environment, instances, releases, serving, coming, shares, trace)


def which(environment: Environment, instances: Sequence[Instance]) -> tuple[str | None, str | None]:
    """The labels of what serves, and of what is coming."""
    told, labels = environment.label or None, labels_of(instances)
    if environment.status in ENDED:
        return None, None
    if not labels:
        return told, None
    coming = told if told is not None and environment.status in MOVING else labels[-1]
    older = [label for label in labels if label != coming]
    if not older:
        return coming, None
    return max(older, key=lambda label: sum(each.label == label for each in instances)), coming


# ------------------------------------------------------------------------------------------------------- what is live


def live_of(view: View) -> Live:
    """What *view* shows."""
    ours = our_move(view)
    return Live(
        release=view.of(view.serving),
        in_flight=view.of(view.coming),
        shares=view.shares,
        key=ours.key if ours else None,
        since=since(view),
        obstacles=obstacles(view),
        broken_off=view.coming is not None and view.environment.status == READY and not view.lingers,
    )


def our_move(view: View) -> Trace | None:
    """Our own move, if what is ahead is what it brought, and the environment was changed no earlier."""
    trace, told, ahead = view.trace, view.told, view.ahead
    if trace is None or told is None or ahead is None or not ahead.is_same_as(told):
        return None
    if view.named is not None and view.named > trace.at + _TAKES:
        return None  # the name came by another swap, long after ours
    return trace if view.changed >= trace.at - _SKEW else None


def since(view: View) -> datetime | None:
    """Since when what is ahead is being deployed: by its instances, and never later than the last change of all.

    What runs where nobody comes is no deployment yet: it begins when its environment gets the name.
    """
    return max(filter(None, (_begun(view), view.named)), default=None)


def _begun(view: View) -> datetime | None:
    ahead = view.coming or view.serving
    times = [each.at for each in view.instances if each.label == ahead and each.at is not None]
    if not times:
        return view.environment.updated if view.environment.status in MOVING else None
    return min([*times, view.environment.updated])


def obstacles(view: View) -> tuple[str, ...]:
    """What forbids that the machine moves it: one sentence each, with its remedy."""
    said = (cannot(view), _is_blind(view), _is_blind(view.beside) if view.beside is not None else "")
    return tuple(words for words in said if words)


def cannot(view: View) -> str:
    """Why it cannot be moved at all; empty where it can."""
    environment = view.environment
    if environment.status in ENDED:
        return f"the environment {environment.name} is {environment.status}: nothing can be put back on it"
    return ""


def _is_blind(view: View) -> str:
    environment = view.environment
    if environment.is_enhanced:
        return ""
    return (
        f"the health reporting of {plain(environment.name)} is basic, so nobody tells which version an instance runs, and a deployment that"
        " failed looks like one that succeeded: switch it to enhanced"
        " (aws:elasticbeanstalk:healthreporting:system SystemType=enhanced), or go back by hand"
    )
