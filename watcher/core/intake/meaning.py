"""What is known when an announcement is looked at, and what it can mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.model import Announcement, Live, Pause, Phase, Release, RollbackPlan
from deploy.tags import Entry, Ledger
from watcher.core.facts import Beat, Facts
from watcher.core.freeze import Freeze
from watcher.core.service import Hooks, Service
from watcher.core.watch import GOING_BACK, Closing, Serves, Step, Unfinished, Watch

READING = "live"  # the source of what we read ourselves: always believed
REMEMBERED = timedelta(
    days=1
)  # for so long a rollback that was left under way may still arrive; beyond, it is a deployment


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of one part that an announcement speaks of.

    Attributes:
        release: What the announcement means, resolved.
        live: What runs; ``None``: it could not be read, and the announcement is believed.
        ledger: What is remembered.
    """

    name: str
    release: Release
    ledger: Ledger
    live: Live | None = None

    @property
    def serving(self) -> Release | None:
        """What serves by the ledger; where that knows of nothing, what runs beside the release that is announced."""
        entry = self.served
        if entry is not None:
            return entry.release
        runs = self.live.release if self.live else None
        return None if runs is None or runs.is_same_as(self.release) else runs

    @property
    def served(self) -> Entry | None:
        """The ledger's entry of what serves."""
        open_ = next((span.fingerprint for span in reversed(self.ledger.spans) if span.end is None), None)
        return next((entry for entry in self.ledger.entries if entry.release.fingerprint == open_), None)

    @property
    def runs(self) -> bool:
        """The release that is announced serves, or is on its way."""
        seen = (self.live.release, self.live.in_flight) if self.live else (self.release,)
        return any(release is not None and release.is_same_as(self.release) for release in seen)

    @property
    def is_no_change(self) -> bool:
        """The release serves already, and nothing else is on its way."""
        serving = self.served.release if self.served else (self.live.release if self.live else None)
        if serving is None or not serving.is_same_as(self.release):
            return False
        return (
            self.live is None or self.live.in_flight is None or self.live.in_flight.is_same_as(self.release)
        )

    @property
    def runs_alone(self) -> bool:
        """The release was read to serve, and nothing is on its way."""
        runs = self.live.release if self.live and self.live.in_flight is None else None
        return runs is not None and runs.is_same_as(self.release)

    @property
    def serves_still(self) -> bool:
        """The release serves, as it did before, while another one is on its way."""
        if self.served is None or self.live is None or self.live.in_flight is None:
            return False
        serves = (self.served.release, self.live.release)
        return all(each is not None and each.is_same_as(self.release) for each in serves)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new deployment: its watch, and the end of the one that it takes over from."""

    step: Step
    supersedes: Step | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """News of a deployment that is watched already (or of our own rollback). *step*: what that changes, if anything."""

    watch: Watch
    step: Step | None = None
    closing: Closing | None = None  # for the inbox, where there is no step that closes it


@dataclass(frozen=True, slots=True)
class Recorded:
    """Nothing to watch. *serves*: what it tells the ledger."""

    why: str
    serves: tuple[Serves, ...] = ()
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """It cannot be meant."""

    why: str
    closing: Closing | None = None


Meaning = Opened | Joined | Recorded | Rejected


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the service that an announcement names.

    Attributes:
        service: ``None``: nobody has configured it.
        living: The watch that lives, if one does.
        last: The watch that ended last, if there was one: our own rollback may arrive after its end.
        ledgers: By part, of all parts of the service: one that is watched already stays under watch with the new one.
        beats: Of the living watch's indicators: news of it must not put off when it is looked at.
        freezes: That were not over when it was deployed; windows of the configuration are the service's own.
    """

    service: Service | None
    living: Watch | None = None
    last: Watch | None = None
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)
    beats: tuple[Beat, ...] = ()
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """An announcement with all that is known around it."""

    announcement: Announcement
    parts: tuple[Part, ...]
    service: Service
    known: Known
    now: datetime

    @property
    def live(self) -> Mapping[str, Live]:
        """What runs, by part, as far as it could be read."""
        return {part.name: part.live for part in self.parts if part.live is not None}

    @property
    def facts(self) -> Facts:
        """For steps of a watch that this is news of: it is told where its service's team is."""
        team = self.service.team
        return Facts(channels=team.tell, boards=team.boards, looked_back=False, beats=self.known.beats)

    @property
    def phase(self) -> Phase:
        """How far it is. A pipeline is done once its first stage is there; the rollout that goes on from there is not."""
        told, rollout = self.announcement.phase, self.service.policy.rollout
        if self._is_before_its_first_stage:
            return Phase.STARTED if told in {Phase.SHIFTED, Phase.COMPLETE} else told
        goes_on = rollout.hooks is Hooks.ANSWER or bool(rollout.stages)
        if told is Phase.COMPLETE and goes_on and any(live.in_flight for live in self.live.values()):
            return Phase.SHIFTED
        return told

    @property
    def _is_before_its_first_stage(self) -> bool:
        """It was put beside what serves, and is given its traffic by us: whoever says that it is done means the former."""
        living = self.known.living
        if living is None or living.at is None or not living.at.is_before or not self.is_of(living):
            return False
        return all(part.live is None or part.live.share_of(part.release) <= 0 for part in self.parts)

    @property
    def pause(self) -> Pause | None:
        """At what it waits for somebody's word, if it does; a source may know no more than that."""
        told = self.announcement
        return (told.pause or Pause()) if told.phase is Phase.PAUSED else None

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What forbids that the machine moves the service by itself, each once."""
        told = (each for live in self.live.values() for each in live.obstacles)
        return tuple(dict.fromkeys(told))

    @property
    def serve_still(self) -> bool:
        """All that is announced serves, as it did before, while something else is on its way: it may be our own doing."""
        return all(part.serves_still for part in self.parts)

    @property
    def runs(self) -> bool:
        """All that is announced serves, or is on its way."""
        return all(part.runs for part in self.parts)

    @property
    def is_seen(self) -> bool:
        """A part of it was read to run, or to be on its way."""
        return any(part.live is not None and part.runs for part in self.parts)

    @property
    def takes_back(self) -> bool:
        """Another hand has broken off a rollout that took traffic: what served before serves alone again.

        Of a release that was never seen on its platform that is not known: a pipeline may announce before it deploys. Nor do news
        say it that are older than the watch; what we read is so now, whenever that began.
        """
        living = self.known.living
        if (
            living is None
            or living.state in GOING_BACK
            or living.traffic_at is None
            or living.seen_at is None
        ):
            return False
        if self.announcement.source != READING and self.announcement.at <= living.opened_at:
            return False
        deployed = {change.part for change in living.deployment.parts}
        return all(part.name in deployed and part.is_no_change and part.runs_alone for part in self.parts)

    def is_of(self, watch: Watch) -> bool:
        """It is the deployment that *watch* watches: what is deployed tells, never an id, which a platform may use twice."""
        deployed = {change.part: change.after for change in watch.deployment.parts}
        return all(
            part.name in deployed and part.release.is_same_as(deployed[part.name]) for part in self.parts
        )

    def is_way_back_of(self, plan: RollbackPlan | None) -> bool:
        """It is where the rollback goes, or went."""
        to = {move.part: move.to for move in plan.moves} if plan else {}
        return all(part.name in to and part.release.is_same_as(to[part.name]) for part in self.parts)

    @property
    def unfinished(self) -> tuple[Unfinished, ...]:
        """Rollbacks of watches that lived before and may still arrive: of the last one, and what it took over."""
        living, last = self.known.living, self.known.last
        watches = [watch for watch in (living, last) if watch is not None]
        left = {each.action: each for watch in watches for each in watch.left_under_way}
        recent = [each for each in left.values() if each.since > self.now - REMEMBERED]
        return tuple(sorted(recent, key=lambda each: each.since))

    @property
    def is_our_own(self) -> bool:
        """Our own rollback, which arrives when its watch is over."""
        if all(part.is_no_change for part in self.parts):
            return False
        return any(self.is_way_back_of(each.plan) and self._has_key_of(each) for each in self.unfinished)

    def _has_key_of(self, rollback: Unfinished) -> bool:
        """The platform says so by its key; where it keeps none, for as long as a rollback may take.

        An announcement's ids may prove it too. That none of them is our key proves nothing: they may be ids of another kind.
        """
        told = {part.live.key for part in self.parts if part.live and part.live.key}
        if any(_is_key_of(key, rollback.action) for key in told | set(self.announcement.platform_ids)):
            return True
        return not told and self.now <= rollback.since + self.service.policy.move_timeout


def _is_key_of(key: str, action: str) -> bool:
    return key == action or key.startswith(f"{action}.")
