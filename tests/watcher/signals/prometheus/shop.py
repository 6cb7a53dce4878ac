"""A shop as a Prometheus would have seen it: every request of a log, counted by its pods, scraped every 15 s."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.prometheus.real import Samples
from tests.watcher.signals.prometheus.asking import MINUTE, NOON, SECOND

SCRAPE = 15 * SECOND
BOUNDS = ("0.1", "0.3", "1.0", "2.5")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was answered."""

    at: datetime
    version: str
    pod: str
    code: str
    seconds: float


def log(seed: int = 5) -> list[Asked]:
    """Half an hour. The new release begins at 12:05, with its first errors before its first scrape."""
    chance = random.Random(seed)
    found = []
    for step in range(30 * 60 * 4):
        at = NOON + step * SECOND / 4 + chance.random() * SECOND / 5
        is_new = at >= NOON + 5 * MINUTE and chance.random() < 0.3
        version = "v2" if is_new else "v1"
        code = "500" if chance.random() < (0.2 if is_new else 0.02) else "200"
        found.append(
            Asked(at, version, f"{version}-{chance.randrange(2)}", code, chance.choice((0.05, 0.2, 0.7, 3.0)))
        )
    return found


def seen(requests: list[Asked], phase: timedelta = 4 * SECOND, until: timedelta = 30 * MINUTE) -> Samples:
    """What the server has of *requests*: at each scrape, what each pod has counted so far."""
    samples, counted, slow = Samples(), Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    rest = sorted(requests, key=lambda each: each.at)
    at, place = NOON - 10 * MINUTE + phase, 0
    while at <= NOON + until:
        while place < len(rest) and rest[place].at < at:
            each = rest[place]
            counted[each.version, each.pod, each.code] += 1
            for le in (*BOUNDS, "+Inf"):
                slow[each.version, each.pod, le] += each.seconds <= float(le)
            place += 1
        for (version, pod, code), many in counted.items():
            samples.add("http_requests_total", _labels(version, pod, code=code), at, float(many))
        for (version, pod, le), many in slow.items():
            samples.add("http_request_duration_seconds_bucket", _labels(version, pod, le=le), at, float(many))
        samples.add("queue_depth", {"service": "shop"}, at, float(place % 7))
        samples.add("up", {"job": "shop"}, at, 1.0)
        at += SCRAPE
    return samples


def _labels(version: str, pod: str, **more: str) -> Mapping[str, str]:
    return {"service": "shop", "version": version, "pod": pod, **more}


def edge(end: datetime, phase: timedelta = 4 * SECOND) -> datetime:
    """Up to when a bucket that ends at *end* counts: the last scrape in it."""
    return end - (end - phase - NOON) % SCRAPE


def truth(requests: list[Asked], end: datetime, version: str) -> tuple[int, int]:
    """Bad and all of *version*, between the last scrapes before the two ends of the bucket."""
    own = [each for each in requests if each.version == version and edge(end - MINUTE) <= each.at < edge(end)]
    return sum(each.code == "500" for each in own), len(own)
