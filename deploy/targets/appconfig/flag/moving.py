"""Changing one flag of a profile: decided by what is deployed at that moment, and by what is written then.

AppConfig deploys whole versions. So a flag is changed by the version that serves, with this one flag otherwise, written as another
version (``CreateHostedConfigurationVersion``, with the number of the newest as compare-and-set) and deployed (``StartDeployment``,
with the number of the environment's last deployment as compare-and-set). Whatever others have changed of other flags stays. To write
moves nothing; a version that is overtaken before it is deployed stays where it is, and serves nobody.

A deployment that is still under way and itself brings what is to be undone is taken back first: nothing else could be deployed
before it is over.

Source:
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_CreateHostedConfigurationVersion.html
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Move, Refused, Shift, percent
from deploy.targets.appconfig.content import FLAGS, fingerprint
from deploy.targets.appconfig.flag.document import Document
from deploy.targets.appconfig.flag.looking import FlagView
from deploy.targets.appconfig.moving import CONFLICT, LATER, REFUSED, SOON, Order, occupied, starting, stop
from deploy.targets.appconfig.settings import Settings
from deploy.targets.appconfig.trace import Trace
from deploy.targets.aws import split
from deploy.targets.aws.wording import NOT_NOW, refusal

_DIGITS = 12
_TAG = 32  # characters of one in a label, which has at most 64
FULL = frozenset({"ServiceQuotaExceededException", "PayloadTooLargeException"})


@dataclass(frozen=True, slots=True)
class Write:
    """A version to be written and deployed.

    Attributes:
        content: What it says.
        label: By which it is found again, if it was written and not deployed.
        says: Why, for people.
        trace: Of its deployment.
    """

    content: bytes
    label: str
    says: str
    trace: Trace

    @property
    def fingerprint(self) -> str:
        """By which what was found under the label is known for this."""
        return fingerprint(self.content, FLAGS)

    def create(self, settings: Settings, newest: int | None) -> Order:
        """To write it, if no other was written since *newest*; ``None``: in any case. What is deployed is compared anyhow."""
        parameters: dict[str, Any] = {
            "ApplicationId": settings.application,
            "ConfigurationProfileId": settings.profile,
            "Content": self.content,
            "ContentType": "application/json",
            "Description": self.says,
            "VersionLabel": self.label,
        }
        if newest is not None:
            parameters["LatestVersionNumber"] = newest
        return Order("appconfig", "create_hosted_configuration_version", parameters)

    def start(self, settings: Settings, numbers: int, version: str) -> Order:
        """To deploy it, once it is written as *version*."""
        return starting(settings, numbers, version, self.says, self.trace)


def decide(
    view: FlagView, settings: Settings, move: Move, key: str, now: datetime
) -> Order | Beginning | None:
    """What brings *view* nearer to ``move.to``, or why nothing does; ``None``: a version is to be written, and deployed.

    ============================================ ===============================================================
    the flag                                       what follows
    ============================================ ===============================================================
    has our move already                         nothing is sent; refused, if it was taken back since
    gives what is wanted, or is on its way there nothing is sent
    gives a third release to somebody            refused: somebody else has changed it, unless it served before what we
                                                   have stopped
    gets what is to be undone by a deployment    StopDeployment, whatever served before
    that is under way
    is in a version of which another is under    refused, until that one is over
    way
    else                                         a version is written and deployed
    ============================================ ===============================================================
    """
    newest = view.newest
    brings = view.head.share_of(move.expect) > view.below.share_of(move.expect)
    stopped = newest if newest is not None and newest.is_under_way and newest.can_be_undone(now) else None
    decided = _of_ours(view, move.to.tag, key) or _of_others(
        view, move, key, is_stopped=stopped is not None and brings
    )
    if decided is not None:
        return decided
    if stopped is not None and brings:
        return stop(settings, stopped, move, key, now)
    return _unless_busy(view, settings)


def decide_shift(view: FlagView, settings: Settings, shift: Shift, key: str) -> Beginning | None:
    """Why *shift* is not to be made now; ``None``: a version is to be written, and deployed."""
    of_ours = _of_ours(view, shift.after.tag, key)
    if of_ours is not None:
        return of_ours
    return split.decide_shift(view.split, shift) or _unless_busy(view, settings)


def back(document: Document, move: Move, key: str, now: datetime) -> Write:
    """To deploy *document*, in which the flag gives ``move.to`` to everybody."""
    says = f"rollbackd {key}: {document.flag} back from {move.expect.tag} to {move.to.tag}"
    content = document.written()
    label = _label(f"back-{move.to.tag[:_TAG]}", key, content)
    return Write(content, label, says, Trace(key, now, starts=True, to=move.to.tag))


def forward(document: Document, shift: Shift, key: str, now: datetime) -> Write:
    """To deploy *document*, in which ``shift.after`` has its share."""
    says = f"rollbackd {key}: {document.flag}: {percent(shift.share)} to {shift.after.tag}, the rest to {shift.before.tag}"
    content = document.written()
    label = _label(f"{shift.after.tag[:_TAG]}-{100 * shift.share:.4g}", key, content)
    return Write(content, label, says, Trace(key, now, starts=True, to=shift.after.tag, forward=True))


def found_in(versions: Mapping[int, str], write: Write) -> int | None:
    """The number of the version that has the label of *write*: it was written before, and not deployed."""
    return next((number for number, label in versions.items() if label == write.label), None)


def unwritten(error: AwsRefused, *, overtaken: bool) -> Refused:
    """What it means that a version was not written, or that the answer was lost: nothing was moved. *overtaken*: there is a newer one."""
    words = refusal(error)
    if error.may_have_happened:
        return Refused(
            f"{words}: whether the version was written is looked up, and nothing was moved", again_in=SOON
        )
    if error.code == CONFLICT or (error.code == REFUSED and overtaken):
        return Refused(
            f"{words}: somebody else has written a version meanwhile, and it is read again", again_in=SOON
        )
    if error.code in NOT_NOW or error.code == "InternalServerException":
        return Refused(words, again_in=LATER)
    if error.code in FULL:
        return Refused(f"{words}: delete versions that nobody needs any more, or ask AWS for a larger quota")
    return Refused(words)


def _of_ours(view: FlagView, tag: str, key: str) -> Beginning | None:
    """Why no other call of this *key* is to be sent, which is seen; ``None``: one may be."""
    ours, last = view.ours(key), view.found.last
    if ours is None or last is None or not ours.starts:
        return None
    if last.is_undone or last.goes_back:
        return Refused(f"{tag} was deployed already (number {last.number}), and was taken back since")
    return AlreadyThere()


def _of_others(view: FlagView, move: Move, key: str, *, is_stopped: bool) -> Beginning | None:
    """Why *move* is not to be sent, by what others have deployed; ``None``: it may be.

    What served before what is to be undone is nobody's doing since: neither while that is on its way (*is_stopped*: it will be stopped),
    nor once we have taken it back.
    """
    ahead, newest = view.ahead, view.newest
    if newest is not None and newest.goes_back:
        return Refused(f"AppConfig takes back what was deployed (number {newest.number})", again_in=SOON)
    if ahead.alone is not None and ahead.alone.is_same_as(move.to):
        return AlreadyThere()
    if not ahead.parts and not view.split.parts:
        return Refused(f"nothing was deployed yet, neither {move.expect.tag} nor anything else")
    third = ahead.third(move) or (None if is_stopped else view.split.third(move))
    if third is None or view.ours(key) is not None:
        return None
    return Refused(f"{third.tag} is given, not {move.expect.tag}: somebody else has changed it", third.tag)


def _unless_busy(view: FlagView, settings: Settings) -> Refused | None:
    if view.found.busy is None:
        return None
    return Refused(occupied(view.found.busy, settings), again_in=LATER)


def _label(words: str, key: str, content: bytes) -> str:
    """Of a version: with what it is for, and for which order it says what. One that says something else has another."""
    digits = hashlib.sha256(f"{key} {fingerprint(content, FLAGS)}".encode()).hexdigest()[:_DIGITS]
    return f"rollbackd-{words}-{digits}"
