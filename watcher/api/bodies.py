"""What may stand in the body of a request. Nothing else may, and it is read strictly.

Which fields an order takes is said by the order: ``hold`` takes ``for``, ``roll_back`` takes ``to``.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from deploy.model import Phase
from watcher.api.grammar import (
    NAMES,
    Commit,
    Fingerprint,
    Key,
    Lasting,
    Name,
    NameOrAll,
    Names,
    Reason,
    Revision,
    Tag,
    Timely,
)
from watcher.core.change import MOST_NAME, MOST_WORDS, ChangeKind
from watcher.core.watch import OrderKind


class Body(BaseModel):
    """Of the body."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NoBody(Body):
    """The route takes none."""


class Delivery(BaseModel):
    """What another system writes, as that system documents it. It is read by its source, once its signature is checked."""

    model_config = ConfigDict(extra="allow", frozen=True)


# --------------------------------------------------------------------------------------------------------------- orders


class _Order(Body):
    reason: Reason = ""

    @property
    def to_tag(self) -> str | None:
        """Where to."""
        return None

    @property
    def lasting(self) -> timedelta | None:
        """How long."""
        return None


class _Seen(_Order):
    expect_revision: Revision | None = None


class _Lasting(Body):
    for_: Lasting | None = Field(default=None, alias="for")

    @property
    def lasting(self) -> timedelta | None:
        """How long."""
        return self.for_


class _Going(Body):
    to: Tag | None = None

    @property
    def to_tag(self) -> str | None:
        """Where to."""
        return self.to


class HoldOrder(_Lasting, _Seen):
    """Pause it: nothing is rolled back meanwhile. At once; the reason may follow as a note."""

    order: Literal[OrderKind.HOLD]


class ResumeOrder(_Seen):
    """End the pause."""

    order: Literal[OrderKind.RESUME]


class PassOrder(_Seen):
    """The release is good, by your word."""

    order: Literal[OrderKind.PASS]


class KeepOrder(_Seen):
    """It stays, though it is breached."""

    order: Literal[OrderKind.KEEP]


class RollBackOrder(_Going, _Seen):
    """Go back now; *to* a tag, or to where the watch would go."""

    order: Literal[OrderKind.ROLL_BACK]


class AskAgainOrder(_Lasting, _Seen):
    """Not now: ask again later."""

    order: Literal[OrderKind.ASK_AGAIN]


class AdvanceOrder(_Seen):
    """Its rollout goes on to the next stage now, or past the hook that it waits at; what failed is tried again."""

    order: Literal[OrderKind.ADVANCE]


class DisarmOrder(_Lasting, _Order):
    """The daemon starts nothing by itself, for a while; people's orders pass."""

    order: Literal[OrderKind.DISARM]
    reason: Annotated[Reason, Field(min_length=3)]


class ArmOrder(_Order):
    """It may start rollbacks by itself again."""

    order: Literal[OrderKind.ARM]


class ServiceRollBackOrder(RollBackOrder):
    """Go back now, whether a watch lives or not."""


class _ReleaseOrder(_Order):
    """Where a fingerprint is known to several services, they must be named."""

    reason: Annotated[Reason, Field(min_length=3)]
    service: Name | None = None
    environment: Name | None = None
    part: Name | None = None


class AllowOrder(_ReleaseOrder):
    """It may be deployed, and gone back to, again: lifts quarantine and distrust."""

    order: Literal[OrderKind.ALLOW]


class DistrustOrder(_ReleaseOrder):
    """It is not to be gone back to."""

    order: Literal[OrderKind.DISTRUST]


class ToWatch(
    RootModel[
        Annotated[
            HoldOrder | ResumeOrder | PassOrder | KeepOrder | RollBackOrder | AskAgainOrder | AdvanceOrder,
            Field(discriminator="order"),
        ]
    ]
):
    """An order to a watch."""


class ToService(
    RootModel[Annotated[ServiceRollBackOrder | DisarmOrder | ArmOrder, Field(discriminator="order")]]
):
    """An order to a service, or to all."""


class ToRelease(RootModel[Annotated[AllowOrder | DistrustOrder, Field(discriminator="order")]]):
    """An order to a release."""


class HotfixOrder(_Seen):
    """It passes a freeze and what comes before, by your word: for what a pipeline asked that cannot say so itself."""

    order: Literal[OrderKind.HOTFIX]
    reason: Annotated[Reason, Field(min_length=3)]


class ApproveOrder(_Seen):
    """What is at the gate may be deployed, by your word: for this content, and for what was asked about."""

    order: Literal[OrderKind.APPROVE]


class RefuseOrder(_Seen):
    """It may not."""

    order: Literal[OrderKind.REFUSE]


class ToPassage(RootModel[Annotated[ApproveOrder | RefuseOrder | HotfixOrder, Field(discriminator="order")]]):
    """An order to what is at a gate."""


class NewRollout(Body):
    """Begin a rollout: what is named stands beside what serves, without traffic, and is given the first stage.

    It passes the gate first. *hotfix* says why it passes a freeze and what comes before all the same.
    """

    tag: Tag
    fingerprint: Fingerprint | None = None
    reason: Reason = ""
    hotfix: Annotated[Reason, Field(min_length=3)] | None = None


class ThawOrder(_Order):
    """Deployments pass again."""

    order: Literal["thaw"]


class NewFreeze(Body):
    """Nothing passes the gate of a *service* in an *environment*, or of any (``*``), until then or *for* so long; from now on, or *from* then.

    What runs is watched and rolled back as ever.
    """

    service: NameOrAll = "*"
    environment: NameOrAll = "*"
    from_: Timely | None = Field(default=None, alias="from")
    until: Timely | None = None
    for_: Lasting | None = Field(default=None, alias="for")
    reason: Annotated[Reason, Field(min_length=3)]


class AskToPass(Body):
    """What is to be deployed, by at least one of its names; the more, the less it can be taken for another.

    *names* are those of its registry and its signal systems: ``digest`` is that of its image, *sha* its git commit. *hotfix* says
    why it passes a freeze and what comes before all the same: for that the token needs ``order``, and the team's word.
    """

    tag: Tag | None = None
    fingerprint: Fingerprint | None = None
    sha: Commit | None = None
    names: Names = Field(default_factory=dict)
    hotfix: Annotated[Reason, Field(min_length=3)] | None = None


class NewNote(Body):
    """What you say of a watch: the right call, the wrong call, or anything else."""

    call: Literal["right", "wrong", "note"]
    words: Reason = ""


class NewChange(Body):
    """What else moved: a flag that was flipped, a migration that ran. In words; never the value, where that is a secret.

    *at* is when; without it, now. Of no *service*, it is everybody's. *name* is what its system calls it (``new-pricing``):
    services call what is theirs by it (``changes: {own: …}``).
    """

    what: Annotated[Reason, Field(min_length=3, max_length=MOST_WORDS)]
    at: AwareDatetime | None = None
    service: Name | None = None
    environment: Name | None = None
    kind: ChangeKind = ChangeKind.OTHER
    name: Annotated[Reason, Field(max_length=MOST_NAME)] = ""


class NewDeployment(Body):
    """What was deployed. Read by the source named ``http``: this is what it takes, for the document.

    *phase* is how far it is, *at* when that was; without it, now. *names* are what signal systems call the release.
    """

    service: Name
    environment: Name
    tag: Tag
    phase: Phase = Phase.COMPLETE
    at: AwareDatetime | None = None
    fingerprint: Fingerprint | None = None
    part: Name | None = None
    names: Annotated[Mapping[str, str], WithJsonSchema(NAMES)] = Field(default_factory=dict)
    author: Annotated[Reason, Field(min_length=1, max_length=128)] | None = None
    reversible: bool | None = None
    id: Key | None = None
