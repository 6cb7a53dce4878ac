"""The packs for OpenTelemetry and .NET, their own queries held against a real server that has what such services export."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rules.model import Indicator
from rules.sample import Bucket, Counts, NoData, Reading, Value
from tests.fakes.prometheus.real import Samples, filled
from tests.watcher.signals.packs import the_pack
from tests.watcher.signals.prometheus.asking import MINUTE, NOON, SECOND, Asking, asking, buckets
from tests.watcher.signals.prometheus.shop import SCRAPE, Asked, truth

ADVISED = ("0.1", "0.25", "0.5", "1.0", "2.5")  # some of the bounds of the conventions
LASTS = 12 * MINUTE
PHASE = 4 * SECOND  # of the scrapes, as `truth` has it


def requests() -> list[Asked]:
    """Four a second, of two processes of each release; one in five of the new one's fails."""
    chance = random.Random(3)
    found = []
    for step in range(int(LASTS.total_seconds()) * 4):
        version = chance.choice(("v1", "v2"))
        code = "500" if chance.random() < (0.2 if version == "v2" else 0.02) else "200"
        at = NOON + step * MINUTE / 240
        pod = f"{version}-{chance.randrange(2)}"
        found.append(Asked(at, version, pod, code, chance.choice((0.05, 0.2, 0.7, 3.0))))
    return found


def exported(log: list[Asked]) -> Samples:
    """What each process exports: with its release on each series (``promoted``), and with it on ``target_info`` alone (``plain``)."""
    samples, counted = Samples(), Counter[tuple[str, str, str, str]]()
    at, rest = NOON - MINUTE + PHASE, list(log)
    for version, pod in {
        (each.version, each.pod) for each in log
    }:  # as old as their first scrape, with nothing counted
        counted.update({(version, pod, code, le): 0 for code in ("200", "500") for le in (*ADVISED, "+Inf")})
    while at < NOON + LASTS:
        while rest and rest[0].at < at:
            each = rest.pop(0)
            for le in (*ADVISED, "+Inf"):
                counted[each.version, each.pod, each.code, le] += each.seconds <= float(le)
        for (version, pod, code, le), many in counted.items():
            for job, own in (("promoted", {"service_version": version}), ("plain", {})):
                labels = {"job": job, "instance": pod, "http_response_status_code": code, **own}
                name = "http_server_request_duration_seconds"
                samples.add(f"{name}_bucket", {**labels, "le": le}, at, float(many))
                if le == "+Inf":
                    samples.add(f"{name}_count", labels, at, float(many))
        for version, pod in {(version, pod) for version, pod, _, _ in counted}:
            process = {"instance": pod, "service_version": version}
            samples.add("target_info", {"job": "plain", **process}, at, 1.0)
            samples.add("kestrel_queued_connections", {"job": "promoted", **process}, at, 3.0)
        at += SCRAPE
    return samples


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Asking]:
    async with filled(exported(requests()), tmp_path) as url, asking(url) as ask:
        yield ask


async def read(ask: Asking, pack: str, **given: object) -> Mapping[str, Reading]:
    """All that *pack* asks, of both releases."""
    indicators: tuple[Indicator, ...] = the_pack(pack, **given).indicators
    return await ask.all(*indicators, start=NOON + MINUTE, minutes=9)


def sums(found: tuple[Bucket, ...], arm: str) -> tuple[float, float]:
    """Bad and all of one release, in all buckets."""
    counts = [each for bucket in found if isinstance(each := getattr(bucket, arm), Counts)]
    assert len(counts) == len(found) == 9
    return sum(each.bad for each in counts), sum(each.total for each in counts)


def share(log: list[Asked], version: str, *, slow: bool = False) -> float:
    """How many of the requests of *version* failed, or took longer than a second."""
    own = [each for each in log if each.version == version]
    return sum(each.seconds > 1 if slow else each.code == "500" for each in own) / len(own)


async def test_what_the_packs_ask_is_what_the_services_export(server):
    log = requests()

    promoted = await read(server, "otel-http", job="promoted")
    dotnet = await read(server, "aspnet-core-metrics", job="promoted")
    joined = await read(server, "otel-http-target-info", job="plain")

    assert dotnet["aspnet_failed"] == renamed(promoted["otel_failed"], "aspnet_failed")
    assert {bucket.canary for bucket in buckets(dotnet["kestrel_queue"])} == {Value(6.0)}
    for bucket in buckets(promoted["otel_failed"]):  # exact, of both
        assert bucket.canary == Counts(*truth(log, bucket.end, "v2"))
        assert bucket.baseline == Counts(*truth(log, bucket.end, "v1"))
    bad, total = sums(buckets(promoted["otel_slow"]), "canary")
    assert bad / total == pytest.approx(share(log, "v2", slow=True), abs=0.02)
    for arm, version in (("canary", "v2"), ("baseline", "v1")):  # an estimate, of both
        bad, total = sums(buckets(joined["otel_info_failed"]), arm)
        assert total == pytest.approx(9 * 120, rel=0.1)
        assert bad / total == pytest.approx(share(log, version), abs=0.02)
        bad, total = sums(buckets(joined["otel_info_slow"]), arm)
        assert bad / total == pytest.approx(share(log, version, slow=True), abs=0.02)

    wrong = await read(server, "otel-http-target-info", job="plain", slower_than_seconds=2)
    assert isinstance(wrong["otel_info_slow"], NoData)  # no bound of the histogram: not "none was slow"
    for pack, job in (
        ("otel-http", "plain"),
        ("otel-http-target-info", "promoted"),
    ):  # the wrong one of the two
        assert not any(isinstance(each, tuple) for each in (await read(server, pack, job=job)).values())


def renamed(reading: Reading, indicator: str) -> Reading:
    """*reading*, as that of another indicator."""
    assert isinstance(reading, tuple)
    return tuple(replace(series, indicator=indicator) for series in reading)
