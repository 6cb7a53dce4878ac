"""The services that we know, with the targets they run on: built by the app, swapped as a whole when the configuration is read again."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from deploy.mirrors.mirror import Mirror
from deploy.model import (
    Beginning,
    Foretold,
    Gone,
    Live,
    Move,
    Pause,
    Progress,
    Release,
    RollbackPlan,
    Shift,
    Unclear,
    Unreadable,
    Word,
)
from deploy.rollback import foretell
from deploy.target import CALL_TIMEOUT, Hooked, Keeper, Staged, StandingBy, Target
from watcher.core.service import Service

T = TypeVar("T")
N = TypeVar("N")
Key = tuple[str, str]  # (service, environment)
PATIENCE = CALL_TIMEOUT + timedelta(seconds=1)  # a target that keeps its own time says more than we could
_SILENCE = f"no answer within {PATIENCE.total_seconds():.0f} s"


@dataclass(frozen=True, slots=True)
class Fleet:
    """All services and, by part, their targets, the mirrors of their ledgers, and what a way back leaves as it is."""

    services: Mapping[Key, Service] = field(default_factory=dict)
    targets: Mapping[Key, Mapping[str, Target]] = field(default_factory=dict)
    mirrors: Mapping[Key, Mapping[str, Sequence[Mirror]]] = field(default_factory=dict)
    not_undone: Mapping[Key, Mapping[str, str]] = field(default_factory=dict)

    async def foretell(self, plan: RollbackPlan) -> Mapping[str, Foretold]:
        """What a rollback would do, by part, with what it would leave as it is. Reads only."""
        key = (plan.service, plan.environment)
        return _with_what_stays(await foretell(plan, self.targets.get(key, {})), self.not_undone.get(key, {}))


class Current:
    """The fleet in force; its targets always answer, see `Patient`.

    A service that vanished from the configuration keeps its targets until the process ends: a rollback of it that is
    under way still has to finish.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._services = fleet.services
        self._targets = _patient(fleet)
        self._keepers = _keepers(fleet)
        self._mirrors = fleet.mirrors
        self._not_undone = fleet.not_undone

    @property
    def services(self) -> Mapping[Key, Service]:
        """The services that are configured now."""
        return self._services

    def targets(self, key: Key) -> Mapping[str, Target]:
        """The targets of a service, by part; empty if it was never known."""
        return self._targets.get(key, {})

    def keepers(self, key: Key) -> Mapping[str, Keeper]:
        """Those of its targets whose platform remembers, by part. They take their time: nobody who holds a lease asks them."""
        return self._keepers.get(key, {})

    def mirrors(self, key: Key) -> Mapping[str, Sequence[Mirror]]:
        """Where the known-good release of each of its parts is said besides, by part."""
        return self._mirrors.get(key, {})

    def swap(self, fleet: Fleet) -> None:
        """Put another fleet in force."""
        self._services = fleet.services
        self._targets = self._targets | _patient(fleet)
        self._keepers = self._keepers | _keepers(fleet)
        self._mirrors = fleet.mirrors
        self._not_undone = {**self._not_undone, **fleet.not_undone}

    async def foretell(self, plan: RollbackPlan) -> Mapping[str, Foretold]:
        """What a rollback would do, by part, with what it would leave as it is. Reads only."""
        key = (plan.service, plan.environment)
        return _with_what_stays(await foretell(plan, self.targets(key)), self._not_undone.get(key, {}))


def _with_what_stays(found: Mapping[str, Foretold], stays: Mapping[str, str]) -> Mapping[str, Foretold]:
    return {part: replace(each, not_undone=stays.get(part, "")) for part, each in found.items()}


def _patient(fleet: Fleet) -> dict[Key, Mapping[str, Target]]:
    return {
        key: {part: patient(target) for part, target in targets.items()}
        for key, targets in fleet.targets.items()
    }


def _keepers(fleet: Fleet) -> dict[Key, Mapping[str, Keeper]]:
    return {
        key: {part: target for part, target in targets.items() if isinstance(target, Keeper)}
        for key, targets in fleet.targets.items()
    }


class Patient:
    """A target that always answers: that it takes longer than a call may is an answer too.

    Whoever asks holds a lease, or keeps others waiting; one platform that hangs must not hold up the rest.
    """

    def __init__(self, target: Target) -> None:
        self.part = target.part
        self._target = target

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """See `Target`."""
        return await _within(self._target.resolve(hints), Unreadable(_SILENCE))

    async def observe(self) -> Live | Unreadable:
        """See `Target`."""
        return await _within(self._target.observe(), Unreadable(_SILENCE))

    async def begin(self, move: Move, key: str) -> Beginning:
        """See `Target`. It may have happened: so it is not sent again."""
        return await _within(self._target.begin(move, key), Unclear(_SILENCE))

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """See `Target`."""
        return await _within(self._target.progress(move, key), Unreadable(_SILENCE))

    async def foretell(self, move: Move) -> Foretold:
        """See `Target`."""
        return await _within(self._target.foretell(move), Foretold(calls=(), obstacles=(_SILENCE,)))


class PatientHooked(Patient):
    """The same, where the platform has hooks."""

    def __init__(self, target: Target, hooked: Hooked) -> None:
        super().__init__(target)
        self._hooked = hooked

    async def answer(self, pause: Pause, word: Word, key: str) -> Beginning:
        """See `Hooked`."""
        return await _within(self._hooked.answer(pause, word, key), Unclear(_SILENCE))


class PatientStaged(Patient):
    """The same, where the traffic is shared out at a word."""

    def __init__(self, target: Target, staged: Staged) -> None:
        super().__init__(target)
        self._staged = staged

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """See `Staged`. It may have happened: so it is not sent again."""
        return await _within(self._staged.shift(shift, key), Unclear(_SILENCE))

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """See `Staged`."""
        return await _within(self._staged.shifted(shift, key), Unreadable(_SILENCE))


class PatientStandingBy(PatientStaged):
    """The same, where a release that has no traffic is known by its name."""

    def __init__(self, target: Target, staged: Staged, standing: StandingBy) -> None:
        super().__init__(target, staged)
        self._standing = standing

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """See `StandingBy`."""
        return await _within(self._standing.stands_by(hints), Unreadable(_SILENCE))

    async def unready(self, release: Release) -> str | Unreadable:
        """See `StandingBy`."""
        return await _within(self._standing.unready(release), Unreadable(_SILENCE))


def patient(target: Target) -> Patient:
    """*target*, with all that it can: no platform has hooks, and is shared out at a word."""
    if isinstance(target, Hooked):
        return PatientHooked(target, target)
    if isinstance(target, Staged) and isinstance(target, StandingBy):
        return PatientStandingBy(target, target, target)
    return PatientStaged(target, target) if isinstance(target, Staged) else Patient(target)


async def _within(call: Awaitable[T], silence: N) -> T | N:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await call
    except TimeoutError:
        return silence
