"""What the platform knows of a part: what runs, and what served before. It stands for the ledger, which the daemon has."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Live, Recalled, Release, Unreadable
from deploy.tags import Entry, Ledger, Mark, Span
from deploy.target import Keeper, Target
from watcher.core.service import Service

RECALLS = timedelta(seconds=75)  # a platform's memory may take 60 s
MARKS = "the platform"  # by whom: its marks and its history


@dataclass(frozen=True, slots=True)
class Known:
    """Of one part.

    Attributes:
        ledger: What the platform remembers; ``None``: it remembers no releases.
    """

    live: Live
    ledger: Ledger | Unreadable | None

    @property
    def ahead(self) -> Release | None:
        """What is coming, else what serves."""
        return self.live.in_flight or self.live.release


async def known_of(
    service: Service, targets: Mapping[str, Target], now: datetime, ledger: Ledger | None = None
) -> Mapping[str, Known] | Unreadable:
    """All parts of *service*; ``Unreadable`` if what runs of one cannot be told. Reads only.

    *ledger*: what is remembered of the only part, where it need not be asked of the platform.
    """
    found: dict[str, Known] = {}
    for part, target in targets.items():
        live = await target.observe()
        if isinstance(live, Unreadable):
            return Unreadable(f"{part}: {live.words}", live.awaited)
        found[part] = Known(live, ledger) if ledger else await _known(service, part, target, live, now)
    return found


async def _known(service: Service, part: str, target: Target, live: Live, now: datetime) -> Known:
    if not isinstance(target, Keeper):
        return Known(live, None)
    try:
        async with asyncio.timeout(RECALLS.total_seconds()):
            recalled = await target.recall(now)
    except TimeoutError:
        recalled = Unreadable(f"no answer within {RECALLS.total_seconds():.0f} s")
    if isinstance(recalled, Unreadable):
        return Known(live, recalled)
    return Known(live, ledger_of(service, part, recalled, now))


def ledger_of(service: Service, part: str, recalled: Recalled, now: datetime) -> Ledger:
    """The ledger that a daemon without a store would make of *recalled* (`Store.recall`)."""
    ends = [*(since for _, since in recalled.served[1:]), None]
    spans = tuple(
        Span(release.fingerprint, since, end, adopted=end is None)
        # Where the only release is too young to have served, there is none whose span could be open.
        for (release, since), end in zip(recalled.served, ends, strict=False)
    )
    return Ledger(*service.key, part, tuple(_entries(recalled, now)), spans)


def _entries(recalled: Recalled, now: datetime) -> Iterator[Entry]:
    first: dict[str, tuple[Release, datetime]] = {}
    for release, since in (*recalled.served, *((other, now) for other in recalled.others)):
        first.setdefault(release.fingerprint, (release, since))
    for fingerprint, (release, since) in first.items():
        bad, good = recalled.quarantined.get(fingerprint), recalled.proven.get(fingerprint)
        yield Entry(
            release,
            since,
            quarantined=Mark(bad[0], MARKS, bad[1]) if bad else None,
            proven=Mark(good, MARKS, "says its mark") if good else None,
        )
