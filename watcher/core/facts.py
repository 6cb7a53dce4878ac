"""What a step may need to know beyond the watch itself, as it was when the step was made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.model import Deployment
from deploy.tags import Back, Ledger, way_back
from watcher.core.change import Beside
from watcher.core.service import Policy
from watcher.core.watch import Missing

Beat = tuple[
    timedelta, timedelta
]  # how long a bucket of an indicator is, and how long after its end it is final


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts, looked up by whoever takes the step.

    Attributes:
        channels: Where people are told: the team's.
        boards: Those of them that disturb nobody: they are shown how every watch stands, whatever `speak` says, and told
            nothing one by one.
        way_back: Where a rollback would go now; ``None``: there is no known-good release.
        ways_back: The same for a deployment of several parts, by part; one that is missing has none.
        looked_back: The ways back were looked up; if not, what the watch remembers of its way back still holds.
        armed: A hint, so that people are asked at once; the guard `Armed` decides.
        disarmed: By whom, until when and why, in words.
        frozen: By whom nothing of the service may be deployed now, until when and why, in words; empty: it may.
        beats: Of the indicators that are read: the watch is looked at when their buckets are final.
        beside: What else moved: shown beside the evidence.
        going: What was read last of the move that is under way, in words; empty: nothing was, or none is.
    """

    channels: tuple[str, ...] = ()
    boards: frozenset[str] = frozenset()
    way_back: Back | None = None
    ways_back: Mapping[str, Back] = field(default_factory=dict)
    looked_back: bool = True
    armed: bool = True
    disarmed: str = ""
    frozen: str = ""
    beats: tuple[Beat, ...] = ()
    beside: Beside = field(default=Beside())
    going: str = ""

    def backs(self, deployment: Deployment) -> Mapping[str, Back] | None:
        """Where each part of *deployment* would go back to; ``None`` if one of them has nowhere to go."""
        ways = self._ways(deployment)
        return ways if all(change.part in ways for change in deployment.parts) else None

    def _ways(self, deployment: Deployment) -> Mapping[str, Back]:
        if self.way_back is not None and len(deployment.parts) == 1:
            return {deployment.parts[0].part: self.way_back}
        return self.ways_back


def ways_back(
    deployment: Deployment,
    ledgers: Mapping[str, Ledger],
    policy: Policy,
    now: datetime,
    missing: Iterable[Missing] = (),
) -> dict[str, Back]:
    """Where each part of *deployment* can go back to, by part; a part that is missing has no known-good release.

    *missing*: releases that are not there any more, and so are not gone back to.
    """
    gone = [(each.part, each.release.fingerprint) for each in missing]
    found = {
        change.part: way_back(
            ledgers[change.part],
            change.after.fingerprint,
            policy.known_good.served_after,
            now,
            reversible=change.after.reversible,
            without=[fingerprint for part, fingerprint in gone if part == change.part],
        )
        for change in deployment.parts
        if change.part in ledgers
    }
    return {part: back for part, back in found.items() if back is not None}


def furthest(backs: Sequence[Back]) -> Back | None:
    """The way back that is the most to think about: past a floor, then across the most releases."""
    return max(backs, key=lambda back: (back.floor, back.crosses), default=None)
