"""Monitors that look at the share of errors of the last minute, of each version, every ten seconds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.world import START, World

EVERY, LAST = timedelta(seconds=10), timedelta(seconds=60)
_TIMES = {"Alert": "last_triggered_ts", "OK": "last_resolved_ts", "No Data": "last_nodata_ts"}


@dataclass
class Monitor:
    """One. It alerts where more than *above* of the requests fail; *multi*: for each version apart."""

    name: str
    above: float
    multi: bool = True
    silenced: dict[str, float | None] = field(default_factory=dict)
    downtimes: list[dict[str, Any]] = field(default_factory=list)

    def told(self, number: int, world: World) -> dict[str, Any]:
        versions = (
            sorted({each.version for each in world.log if each.at < world.now}) if self.multi else [None]
        )
        groups = {f"version:{each}" if each else "*": self._group(world, each) for each in versions}
        states = [group["status"] for group in groups.values()]
        overall = next((state for state in ("Alert", "No Data", "OK") if state in states), "No Data")
        return {
            "id": number,
            "name": self.name,
            "type": "query alert",
            "query": f"avg(last_1m):{self.name} > {self.above}",
            "overall_state": overall,
            "overall_state_modified": None,
            "state": {"groups": groups},
            "options": {"silenced": self.silenced, "evaluation_delay": None},
            "matching_downtimes": self.downtimes,
        }

    def _group(self, world: World, version: str | None) -> dict[str, Any]:
        """Its state now, and when it last came into each."""
        group: dict[str, Any] = {
            "status": None,
            "last_triggered_ts": None,
            "last_resolved_ts": None,
            "last_nodata_ts": None,
        }
        at = START - LAST
        while at <= world.now:
            state = self._state(world, version, at)
            if state != group["status"]:
                group |= {"status": state, _TIMES[state]: int(at.timestamp())}
            at += EVERY
        return group

    def _state(self, world: World, version: str | None, at: datetime) -> str:
        of = {"version": version} if version else {}
        seen = world.between(at - LAST, at, **of)
        if not seen:
            return "No Data"
        return "Alert" if sum(each.status >= 500 for each in seen) / len(seen) > self.above else "OK"
