"""What a query of `relay` may say: what a sidecar reads, and whose sidecars are which release's."""

import functools
import hashlib
import ipaddress
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator
from watcher.core.relayed import MOST_BOUNDS, MOST_NAMES
from watcher.signals import probe, scrape
from watcher.signals.arms import names_in
from watcher.signals.exposed import listed
from watcher.signals.limits import Addressed
from watcher.signals.probe.query import Query as Probed
from watcher.signals.provider import Kind
from watcher.signals.scrape.query import Query as Scraped

READS: Mapping[str, Kind] = {"http": probe.KIND, "scrape": scrape.KIND}  # what a sidecar can read
SHORTEST = timedelta(seconds=1)  # of a bucket: each is told over the network, by every sidecar
MARK = 16  # hexadecimal digits
System = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Query(BaseModel):
    """``{relay: {scrape: {…}, where: {version: "${arm.version}"}}}``, or with ``http``; a latency has ``over`` beside it.

    Attributes:
        scrape: What each sidecar reads: a query of `scrape`, or one of `http`, without any release in it.
        over: Bounds of a latency; each must be a bound (``le``) of the histogram.
        where: What the sidecars of a release call it; without, those of all releases are summed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scrape: Scraped | None = None
    http: Probed | None = None
    over: Annotated[list[Duration], BeforeValidator(listed)] | None = None
    where: Annotated[Mapping[System, Text], Field(max_length=MOST_NAMES)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reads_one(self) -> Self:
        if (self.scrape is None) == (self.http is None):
            raise Malformed(
                "expected one thing that a sidecar reads", remedy="write `scrape: {…}` or `http: {…}`"
            )
        if self.over is not None and self.scrape is None:
            raise Malformed("`over` belongs to a histogram", remedy="leave `over` out")
        return self

    @property
    def reads(self) -> str:
        """The kind of what a sidecar reads."""
        return "scrape" if self.scrape is not None else "http"

    @property
    def inside(self) -> Addressed:
        """What a sidecar reads."""
        return self.scrape or self.http or Addressed(url="http://127.0.0.1/")


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


@functools.lru_cache(maxsize=1024)
def inner(indicator: Indicator) -> Indicator:
    """What a sidecar reads for *indicator*: the same kind of counts, asked of its own instance."""
    query = parsed(indicator.query)
    written = json.loads(indicator.query)
    over = {} if query.over is None else {"over": written["over"]}
    text = json.dumps({**written[query.reads], **over}, sort_keys=True, separators=(",", ":"))
    return Indicator(indicator.id, indicator.kind, query.reads, text, bounds=indicator.bounds)


@functools.lru_cache(maxsize=1024)
def mark(indicator: Indicator) -> str:
    """By which both sides know that they mean the same: what is measured, and how often; where does not count."""
    asked: dict[str, Any] = json.loads(inner(indicator).query)
    plain = {name: asked[name] for name in asked.keys() - {"url", "urls"}}
    every = parsed(indicator.query).inside.every.total_seconds()
    whole = [indicator.kind.value, parsed(indicator.query).reads, every, list(indicator.bounds), plain]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:MARK]


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What is wrong with the query for the kind of its indicator, and the remedy; ``None`` if it fits."""
    query = parsed(indicator.query)
    kind, inside = READS[query.reads], query.inside
    if indicator.kind not in kind.fits or (query.reads == "scrape" and query.scrape and query.scrape.gauge):
        return (
            f"{indicator.kind} cannot be summed over sidecars",
            "relay counts: ratio, latency, requests, probe",
        )
    if len(indicator.bounds) > MOST_BOUNDS:
        words = f"sidecars tell of at most {MOST_BOUNDS} bounds, and these are {len(indicator.bounds)}"
        return words, "write fewer under `over`, or a second indicator"
    if names_in(json.loads(indicator.query)[query.reads]):
        words = "a sidecar reads its own release alone, and knows no other"
        return words, 'leave `${arm.…}` out of what it reads, and write `where: {version: "${arm.version}"}`'
    if inside.discover is not None or not all(map(_is_its_own, inside.addresses)):
        words = "what every sidecar reads would be counted once for each of them"
        return words, "let it read its own task: http://127.0.0.1:PORT/…"
    if inside.every < SHORTEST:
        return (
            f"buckets shorter than {duration_text(SHORTEST)} are not relayed",
            f"write `every: {duration_text(SHORTEST)}`, or longer",
        )
    return kind.mistake(inner(indicator))


def _is_its_own(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
