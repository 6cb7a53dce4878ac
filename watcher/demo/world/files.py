"""The files through which the small platform is told and read: what should run, what runs, which moves were taken.

They stand for a platform's API. Each is replaced whole, so that a reader sees the one before or the one after; whoever
changes what should run holds a lock, so that a move is compared and set. Nothing but the standard library is needed:
the programs ``live`` and ``move`` have to start fast.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from watcher.demo.world.behaviour import NOTHING, USUAL, Behaviour


@dataclass(frozen=True, slots=True)
class Desired:
    """What should run: *tag* everywhere, but *coming* on the first *canaries* instances. *key*: of the last move."""

    tag: str
    coming: str | None = None
    canaries: int = 0
    key: str | None = None

    def on(self, slot: int) -> str:
        """The tag that should run on instance number *slot*."""
        return self.coming if self.coming is not None and slot < self.canaries else self.tag


@dataclass(frozen=True, slots=True)
class Slot:
    """One instance: what it runs, and whether the balancer sends it requests."""

    tag: str
    serving: bool
    port: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """What runs, as the platform last wrote it."""

    slots: tuple[Slot, ...] = ()
    balancer: int = 0

    def shares(self) -> dict[str, float]:
        """The share of the traffic of each tag."""
        serving = [slot.tag for slot in self.slots if slot.serving]
        return {tag: round(serving.count(tag) / len(serving), 4) for tag in dict.fromkeys(serving)}


@dataclass(frozen=True, slots=True)
class Weather:
    """What is wrong besides the releases: with all of them, and with single ones by tag."""

    everywhere: Behaviour = NOTHING
    only: dict[str, Behaviour] = field(default_factory=dict)

    def over(self, tag: str, behaviour: Behaviour) -> Behaviour:
        """*behaviour* of the release *tag*, in this weather."""
        return behaviour.worse_by(self.everywhere).worse_by(self.only.get(tag, NOTHING))


class Files:
    """The directory of one world."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls.log"

    def desired(self) -> Desired:
        """What should run."""
        return Desired(**self._read("desired"))

    def want(self, desired: Desired) -> None:
        """Say what should run; hold the `lock`."""
        self._write("desired", asdict(desired))

    def running(self) -> Running:
        """What runs; nothing before the world is up."""
        if not (self.root / "running.json").exists():
            return Running()
        found = self._read("running")
        return Running(tuple(Slot(**slot) for slot in found["slots"]), found["balancer"])

    def runs(self, running: Running) -> None:
        """Write what runs."""
        self._write("running", asdict(running))

    def registry(self) -> dict[str, Behaviour]:
        """All releases, by tag."""
        return {tag: Behaviour(**each) for tag, each in self._read("registry").items()}

    def publish(self, tag: str, behaviour: Behaviour) -> None:
        """Add a release to the registry, or replace it; hold the `lock` if others may publish."""
        known = self._read("registry") if (self.root / "registry.json").exists() else {}
        self._write("registry", known | {tag: asdict(behaviour)})

    def weather(self) -> Weather:
        """What is wrong besides the releases."""
        if not (self.root / "weather.json").exists():
            return Weather()
        found = self._read("weather")
        only = {tag: Behaviour(**each) for tag, each in found["only"].items()}
        return Weather(Behaviour(**found["everywhere"]), only)

    def turn(self, weather: Weather) -> None:
        """Change what is wrong besides the releases."""
        self._write("weather", asdict(weather))

    def fingerprint(self, tag: str) -> str:
        """The content of a release: what it is like, and its tag."""
        behaviour = self.registry().get(tag, USUAL)
        content = json.dumps([tag, asdict(behaviour)], sort_keys=True).encode()
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def log(self, call: dict[str, object]) -> None:
        """Add a call of ``move`` to the log, taken or refused."""
        with self.calls.open("a") as file:
            file.write(json.dumps(call) + "\n")

    def logged(self) -> list[dict[str, Any]]:
        """All calls of ``move``, oldest first."""
        return (
            [json.loads(line) for line in self.calls.read_text().splitlines()] if self.calls.exists() else []
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else changes what should run meanwhile."""
        with (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self, name: str) -> Any:
        return json.loads((self.root / f"{name}.json").read_text())

    def _write(self, name: str, content: object) -> None:
        new = self.root / f".{name}.new"
        new.write_text(json.dumps(content, indent=1) + "\n")
        new.replace(self.root / f"{name}.json")
