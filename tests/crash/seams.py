"""Proxies around the ports of the daemon, which count what it does to the world outside, and end it in between.

An *effect* is whatever survives the process: a write to the store that changed something, a run of the team's programs, a
message told. After each of them the proxy passes a *seam*, named by the effect and its number in this life of the daemon
("save rolling_back #1"). What survives a kill is the same anywhere between two effects, so killing at every seam is
killing between any two of them. No line of the daemon knows of this.
"""

import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from deploy.ports import Ran
from watcher import command
from watcher.core.watch import Message, Step
from watcher.notify.notifier import Notifier, Told
from watcher.store.store import GuardFailed, Stale, Store

# They change nothing, or only what goes by the clock: a pulse, a lease that is prolonged, what is forgotten after days.
UNSEEN = frozenset(
    {"get", "living", "list", "buckets", "actions", "announcement", "changed", "ledger", "disarmed", "notes"}
    | {"passage", "passages", "freezes"}
    | {"changes", "once", "audit", "counts", "check", "renew", "renew_actions", "prune", "close"}
)


@dataclass(frozen=True)
class Death:
    """Where a life ends: at a seam, by its name or by its number among all that this life passes; and by which signal."""

    at: str | int
    by: int = signal.SIGKILL

    def __str__(self) -> str:
        return (
            f"{signal.Signals(self.by).name} at {self.at if isinstance(self.at, str) else f'seam {self.at}'}"
        )


@dataclass
class Seams:
    """Writes down each seam that is passed; at that of the *death* the process gets its signal."""

    trace: Path
    death: Death | None = None
    passed: Counter[str] = field(default_factory=Counter)

    def pass_by(self, what: str) -> None:
        self.passed[what] += 1
        seam = f"{what} #{self.passed[what]}"
        with self.trace.open("a") as trace:
            trace.write(f"{seam}\n")
        if self.death and self.death.at in {seam, self.passed.total()}:
            os.kill(os.getpid(), self.death.by)

    def around_store(self, store: Store) -> Store:
        return cast("Store", _Store(store, self))

    async def command(self, argv: Sequence[str], timeout: timedelta, environment: Mapping[str, str]) -> Ran:
        program = Path(argv[0]).name
        if program == "move":
            self.pass_by("before move")
        ran = await command.run(argv, timeout, environment)
        self.pass_by(program)
        return ran

    def around_notifiers(self, notifiers: Mapping[str, Notifier]) -> Mapping[str, Notifier]:
        return {name: _Notifier(notifier, self) for name, notifier in notifiers.items()}


class _Store:
    """Any operation but those that are `UNSEEN` passes a seam: one that is added to the protocol does, too."""

    def __init__(self, store: Store, seams: Seams) -> None:
        self._store = store
        self._seams = seams

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        return operation if name in UNSEEN else self._seen(name, operation)

    def _seen(self, name: str, operation: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def play(*arguments: Any, **named: Any) -> Any:
            if name == "accept":
                self._seams.pass_by("before accept")
            answer = await operation(*arguments, **named)
            if changed(answer):
                self._seams.pass_by(_named(name, arguments))
            return answer

        return play


def changed(answer: object) -> bool:
    """Whether an operation that answers so has written anything: claims may be empty, steps may come too late."""
    return answer is None or (bool(answer) and not isinstance(answer, Stale | GuardFailed))


def _named(operation: str, arguments: Sequence[object]) -> str:
    step = next((each for each in arguments if isinstance(each, Step)), None)
    return f"{operation} {step.watch.state.value}" if step else operation


@dataclass(frozen=True)
class _Notifier:
    notifier: Notifier
    seams: Seams

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Any:
        telling = await self.notifier.tell(message, narrowing, ref)
        if isinstance(telling, Told):
            self.seams.pass_by(f"tell {message.notice.event}")
        return telling
