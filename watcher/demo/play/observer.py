"""Writes down what the daemon says of one deployment, and what the platform was asked, while it happens."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from watcher.clock import now
from watcher.demo.play.channel import Channel
from watcher.demo.play.daemon import Door
from watcher.demo.story import Act, Began, Said, Weighed
from watcher.demo.world.files import Files

LOOK_EVERY = 0.2  # seconds
FINAL = frozenset({"passed", "unproven", "rolled_back", "kept", "superseded"})


class Observer:
    """Follows the watch of one act, through restarts of the daemon."""

    def __init__(
        self, act: Act, door: Door, channel: Channel, files: Files, changed: Callable[[], None]
    ) -> None:
        self._act = act
        self._door = door
        self._channel = channel
        self._files = files
        self._changed = changed
        self._moves_before = len(files.logged())
        self.latest: Mapping[str, Any] = {}

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Look once: at the watch, and at the calls."""
        self._calls()
        if not self._act.watch:
            found = await self._door.watch_of(self._act.new)
            self._act.watch = found["id"] if found else ""
        watch = await self._door.watch(self._act.watch) if self._act.watch else None
        if watch:
            self.latest = watch
            note(self._act, watch, now().timestamp())
        hear(self._act, self._channel.of(self._act.watch))
        self._changed()

    def _calls(self) -> None:
        logged = self._files.logged()[self._moves_before :]
        taken = [call["at"] for call in logged if call["taken"]]
        self._act.asked = len(logged)
        self._act.calls = taken


def note(act: Act, watch: Mapping[str, Any], at: float) -> None:
    """Add to *act* what is new in *watch*, as it was read at *at*."""
    if not act.states or act.states[-1][1] != watch["state"]:
        act.states.append((at, watch["state"]))
    act.state = watch["state"] if watch["state"] in FINAL else ""
    times, ending = watch["times"], watch["ending"] or {}
    act.breached = moment(watch["breached_at"])
    act.ended, act.countdown = moment(times["ended_at"]), moment(times["countdown_until"])
    act.recovered = ending.get("recovered")
    if watch["judgement"]:
        _weigh(act, watch["judgement"])


def hear(act: Act, told: Sequence[Said]) -> None:
    """Add to *act* what people were told of it."""
    act.said = list(told)
    act.would_have = next((said.at for said in told if said.event == "watch.would_have"), None)


def moment(written: str | None) -> float | None:
    """Unix time of an ISO 8601 time."""
    return None if written is None else datetime.fromisoformat(written).timestamp()


def _weigh(act: Act, judgement: Mapping[str, Any]) -> None:
    at = moment(judgement["at"])
    if at is None or judgement["log10_e"] is None or (act.trail and act.trail[-1].at >= at):
        return
    act.trail.append(Weighed(at, judgement["log10_e"]))
    act.threshold = judgement["threshold"] or act.threshold
    blamed = next((v for v in judgement["verdicts"] if v["rule"] in judgement["breached_by"]), None)
    if blamed and blamed["estimate"]:
        act.estimate, act.baseline = blamed["estimate"]["value"], blamed["estimate"]["baseline"]
    if blamed and blamed["onset"] and act.began is None:
        onset = [moment(blamed["onset"][name]) for name in ("at", "low", "high")]
        act.began = Began(*(each or at for each in onset))
