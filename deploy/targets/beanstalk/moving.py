"""Asking Beanstalk to serve another version: decided by what runs at that moment, and at most one call that moves.

**Ready**, the wanted label is set (``UpdateEnvironment``), and nothing else: Beanstalk refuses a version together with settings. The
environment's own deployment policy brings it, as it brings any version.

**In flight**, Beanstalk takes no second update: the one under way is broken off first (``AbortEnvironmentUpdate``), where that can be done,
and awaited where it cannot. Immutable or split by traffic, that alone puts everything back; rolling, the batches that were done
keep the new version, so the wanted label is set as soon as the environment is Ready (`progressing` says so: `Unfinished`).

Between our look and the call somebody may deploy: Beanstalk offers no compare-and-set, and neither call says which update
it means. Beanstalk itself does one update at a time, so who has begun one refuses ours ("Must be Ready"); what remains is that an
update which began in the moment between our look and an ``AbortEnvironmentUpdate`` would be broken off, and one that began and ended
between our look and an ``UpdateEnvironment`` would be undone.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateEnvironment.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_AbortEnvironmentUpdate.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Release, Unclear
from deploy.ports import AwsAccount
from deploy.targets.aws.wording import NOT_NOW, command, refusal
from deploy.targets.beanstalk.environment import MOVING, READY
from deploy.targets.beanstalk.looking import View, cannot
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.version import became_of, release_of

SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(
    seconds=15
)  # a throttled caller that comes back at once is throttled again; an update takes minutes
# An order of which nothing is seen for so long did not arrive: reads of Beanstalk are late by seconds. A guess.
LOST_AFTER = timedelta(minutes=2)
_BUSY = "must be ready"  # [C] "Environment named X is in an invalid state for this operation. Must be Ready."
_NO_VERSION = "no application version named"  # [C]


@dataclass(frozen=True, slots=True)
class Asked:
    """When something is decided about a move.

    Attributes:
        now: The time.
        ordered: When the wanted label was set for this very move, or may have been; ``None``: it was not, as far as anybody knows.
    """

    now: datetime
    ordered: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A call, as it is sent, foretold, and written for a person.

    Attributes:
        moves: It brings the wanted release; else it only makes room for the call that does.
        version: The ARN of what it brings: where our trace is left.
        brings: The label of it.
    """

    operation: str
    parameters: Mapping[str, Any]
    moves: bool
    version: str = ""
    brings: str = ""

    def told(self) -> str:
        """In words: the call and what it is given."""
        given = " ".join(f"{name}={value}" for name, value in self.parameters.items())
        return (
            f"elasticbeanstalk:{self.operation.title().replace('_', '').replace('Cnames', 'CNAMEs')} {given}"
        )


def abort(settings: Settings) -> Order:
    """What is under way is broken off."""
    return Order("abort_environment_update", {"EnvironmentName": settings.name}, moves=False)


def update(settings: Settings, to: Release, version: str = "") -> Order:
    """The label of *to* is set."""
    parameters = {
        "ApplicationName": settings.application,
        "EnvironmentName": settings.name,
        "VersionLabel": to.tag,
    }
    return Order("update_environment", parameters, moves=True, version=version, brings=to.tag)


async def decide(
    reader: Reader, view: View, settings: Settings, move: Move, asked: Asked
) -> Order | Beginning:
    """The next call that brings *view* to ``move.to``; or why there is none. Reads only, and may raise `AwsRefused`.

    ==================================== ==========================================================
    ahead                                what follows
    ==================================== ==========================================================
    what is wanted, whole                nothing is sent
    what is wanted, on its way           nothing is sent
    a third release, or none             refused
    what is to be undone, in flight      abort, where it can be; else it is awaited
    what is to be undone, Ready          update; for one move once, unless it was lost
    ==================================== ==========================================================
    """
    if words := cannot(view):
        return Refused(words)
    third, ahead = third_of(view, move), view.ahead
    if third is not None:
        return Refused(moved(view, third, move.expect), third.tag)
    if ahead is None:
        return Refused(f"nothing serves, neither {move.expect.tag} nor anything else")
    if view.environment.status != READY:
        return _in_flight(view, settings, ahead, move)
    return await _ready(reader, view, settings, move, asked)


async def _ready(
    reader: Reader, view: View, settings: Settings, move: Move, asked: Asked
) -> Order | Beginning:
    if view.is_whole(move.to):
        return AlreadyThere()
    if asked.ordered is not None and not is_lost(view, asked.ordered, asked.now):
        return Begun(move.to.tag, f"{move.to.tag} was ordered for this very move")
    return await _update(reader, settings, move)


def _in_flight(view: View, settings: Settings, ahead: Release, move: Move) -> Order | Beginning:
    environment = view.environment
    if environment.status in MOVING and ahead.is_same_as(move.to):
        return Begun(words=f"{move.to.tag} is on its way already")
    if environment.status in MOVING and environment.abortable:
        return abort(settings)
    return Refused(f"the environment is {environment.status}: that it is Ready is awaited", again_in=LATER)


def is_lost(view: View, ordered: datetime, now: datetime) -> bool:
    """What was ordered then did not arrive: nothing was done to the environment since, for longer than reads are late."""
    return view.environment.updated < ordered and now >= ordered + LOST_AFTER


def third_of(view: View, move: Move) -> Release | None:
    """A release that *move* does not speak of, and that is ahead, or that the environment is told to run."""
    for release in (view.ahead, view.told):
        if release is not None and not release.is_same_as(move.to) and not release.is_same_as(move.expect):
            return release
    return None


def moved(view: View, third: Release, wanted: Release) -> str:
    """That somebody else has moved it."""
    is_coming = view.coming is not None or view.environment.status in MOVING
    return f"{third.tag} {'is on its way' if is_coming else 'serves'}, not {wanted.tag}: somebody else has moved it"


async def _update(reader: Reader, settings: Settings, move: Move) -> Order | Refused:
    """That the wanted version is still what it was is looked at right before: a deployment of nothing would be an outage more."""
    version, bundle = await reader.version_now(settings.application, move.to.tag)
    words = became_of(version, bundle, move.to.tag)
    if words or version is None:
        return Refused(words)
    if not release_of(move.to.tag, version, bundle).is_same_as(move.to):
        return Refused(
            f"{move.to.tag} is another version now than it was: somebody has made that label anew from another bundle; deploy the"
            " old one under a label of its own"
        )
    return update(settings, move.to, version.arn)


def by_hand(order: Order, account: AwsAccount) -> str:
    """*order* as a line for a person's shell."""
    names = {
        "ApplicationName": "application-name",
        "EnvironmentName": "environment-name",
        "VersionLabel": "version-label",
    }
    options = [(names[name], str(value)) for name, value in order.parameters.items()]
    return command(
        "elasticbeanstalk", order.operation.replace("_", "-"), (*options, ("region", account.region))
    )


# ----------------------------------------------------------------------------------------------------------- sending it


def answered(order: Order, error: AwsRefused) -> Refused | Unclear:
    """What it means that *order* was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        if order.moves:
            return Unclear(words)
        return Refused(f"{words}: whether it was broken off is read again", again_in=SOON)
    said = error.words.lower()
    if _BUSY in said or (not order.moves and error.code == "InvalidParameterValue"):
        return Refused(f"{words}: another update is under way, and is read again", again_in=LATER)
    if error.code in NOT_NOW:
        return Refused(words, again_in=LATER)
    if _NO_VERSION in said:
        return Refused(f"{words}; make it anew from the same bundle, and deploy that")
    return Refused(words)


def taken(order: Order, untraced: str) -> Begun:
    """Beanstalk took it: the move is made, or there is room for it in a moment. *untraced*: what kept its trace from being left."""
    if order.moves:
        without = f"; its trace could not be left on the version: {untraced}" if untraced else ""
        return Begun(order.brings, f"{order.told()}{without}")
    name = order.parameters["EnvironmentName"]
    return Begun(words=f"the update of {name} is broken off, so that the way back can follow it")
