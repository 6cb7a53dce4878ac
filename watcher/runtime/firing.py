"""Which alerts fire that rules of a watch mean: for people, who want to see them where they came from. It decides nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rules.model import Indicator
from watcher.core.alerts import Alert, Fires
from watcher.core.watch import Watch
from watcher.signals.alert.query import PROVIDER, fits, parsed
from watcher.signals.alert.reading import called, firing_of
from watcher.signals.arms import ArmUnnamed, filled
from watcher.store.store import Store

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Firing:
    """Looks them up."""

    store: Store

    async def __call__(self, watch: Watch, now: datetime) -> tuple[Fires, ...]:
        """Each once, those that began last first. A query that asks for a name that the release does not have means none."""
        found: dict[tuple[str, str], Fires] = {}
        known: dict[str, tuple[Alert, ...]] = {}
        for indicator in _pushed(watch):
            source = parsed(indicator.query).source
            if source not in known:
                known[source] = tuple((await self.store.alerts(source)).alerts)
            found |= {
                (source, each.called): each
                for each in _fires(indicator, watch.arms.canary, known[source], now)
            }
        return tuple(sorted(found.values(), key=lambda each: each.since or _EVER, reverse=True))


def _pushed(watch: Watch) -> Iterator[Indicator]:
    return (each for each in watch.policy.rules.indicators if each.provider == PROVIDER)


def _fires(
    indicator: Indicator, arm: Mapping[str, str], known: tuple[Alert, ...], now: datetime
) -> Iterator[Fires]:
    query = parsed(indicator.query)
    try:
        match = {label: filled(wanted, arm) for label, wanted in query.match.items()}
    except ArmUnnamed:
        return
    meant = [alert for alert in known if fits(alert, match)]
    for alert in firing_of(meant, query, now):
        told = alert.alert
        yield Fires(query.source, called(alert, meant), alert.since, told.words, told.link, told.runbook)
