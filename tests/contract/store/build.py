"""Builders that show only what matters to a test of the store."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.model import Announcement, Deployment, Move, PartChange, Phase, Release, RollbackPlan
from rules.model import Consequence, Indicator, Kind, Rule, RuleSet, Slo
from rules.sample import Bucket, Counts, Series
from watcher.core.service import Policy
from watcher.core.watch import (
    Action,
    ActionKind,
    Arms,
    Message,
    Notice,
    State,
    Step,
    Watch,
)
from watcher.store.store import Claimed, Outgoing, Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SERVICE, ENVIRONMENT, PART = "checkout", "production", "service"
PLACE = (SERVICE, ENVIRONMENT, PART)
LEASE = timedelta(seconds=15)
ERRORS = Indicator("errors", Kind.RATIO, "scrape", "{}")
POLICY = Policy(RuleSet((ERRORS,), (Rule("errors", "Errors", Consequence.ROLLBACK, "errors", Slo(0.999)),)))


def minutes(many: float) -> timedelta:
    return timedelta(minutes=many)


@dataclass
class Clock:
    """The clock that leases go by; a test moves it."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def passes(self, lasting: timedelta) -> None:
        self.at += lasting


def a_release(version: int, **names: str) -> Release:
    return Release(f"sha256:{version}", f"checkout:{version}", {"version": str(version), **names})


def a_watch(id: str = "w_1", service: str = SERVICE, **changes: Any) -> Watch:
    change = PartChange(PART, a_release(1), a_release(2))
    watch = Watch(
        id=id,
        revision=1,
        service=service,
        environment=ENVIRONMENT,
        deployment=Deployment(service, ENVIRONMENT, (change,), NOON, "queue"),
        policy=POLICY,
        arms=Arms({"version": "2"}),
        state=State.WATCHING,
        opened_at=NOON,
        since=NOON,
        due_at=NOON,
    )
    return replace(watch, **changes)


def opening(watch: Watch, **causes: Any) -> Step:
    return Step(watch, before=0, **causes)


def step_of(
    watch: Watch, state: State | None = None, causes: dict[str, Any] | None = None, **changes: Any
) -> Step:
    """The next step of *watch*: into *state*, with what it *causes*."""
    after = replace(watch, revision=watch.revision + 1, state=state or watch.state, **changes)
    if after.state.is_final:
        after = replace(after, due_at=None, ended_at=after.ended_at or NOON)
    return Step(after, before=watch.revision, **(causes or {}))


def an_action(watch: Watch, number: int = 1, **changes: Any) -> Action:
    """A rollback that the next step of *watch* queues."""
    plan = RollbackPlan(*watch.key, (Move(PART, a_release(2), a_release(1)),))
    action = Action(
        id=f"{watch.id}.{watch.revision + 1}.{number}",
        watch=watch.id,
        service=watch.service,
        environment=watch.environment,
        kind=ActionKind.ROLL_BACK,
        plan=plan,
        queued_at=NOON,
        deadline=NOON + minutes(30),
    )
    return replace(action, **changes)


def shown(id: str, words: str = "checkout 2 is watched", channel: str = "slack:C1") -> Message:
    return Message(id, "show", channel, Notice(words))


def appended(id: str, words: str = "errors are up", channel: str = "slack:C1") -> Message:
    return Message(id, "append", channel, Notice(words))


def an_announcement(key: str = "m1", **changes: Any) -> Announcement:
    announcement = Announcement(
        "queue", key, SERVICE, ENVIRONMENT, Phase.STARTED, NOON, {"tag": "checkout:2"}
    )
    return replace(announcement, **changes)


def errors_of(*counts: tuple[float, float], start: datetime = NOON, bound: float | None = None) -> Series:
    """One bucket a minute, with (bad, total) of the canary."""
    buckets = [
        Bucket(start + minutes(number), start + minutes(number + 1), canary=Counts(bad, total))
        for number, (bad, total) in enumerate(counts)
    ]
    return Series("errors", tuple(buckets), bound)


async def opened(store: Store, watch: Watch | None = None, **causes: Any) -> Watch:
    """A watch that lives in *store*."""
    watch = watch or a_watch()
    await store.open(opening(watch, **causes), NOON)
    return watch


async def saved(store: Store, step: Step, now: datetime = NOON) -> Watch:
    """The watch after *step* was saved."""
    await store.save(step, now)
    return step.watch


async def rolling_back(store: Store, watch: Watch | None = None, **changes: Any) -> Watch:
    """A watch that lives, and that has queued its rollback."""
    watch = await opened(store, watch)
    return await saved(store, step_of(watch, State.ROLLING_BACK, {"actions": (an_action(watch, **changes),)}))


async def claimed_action(store: Store, owner: str = "a", now: datetime = NOON) -> Claimed | None:
    actions = await store.claim_actions(now, 10, owner, LEASE)
    return actions[0] if actions else None


async def claimed_message(store: Store, now: datetime = NOON) -> Outgoing | None:
    messages = await store.claim_messages(now, 10, "a", LEASE)
    return messages[0] if messages else None


async def audited(store: Store, subject: str | None = None) -> list[str]:
    """What the audit says of *subject*."""
    return [row.what for row in await store.audit(subject=subject, limit=1000)]
