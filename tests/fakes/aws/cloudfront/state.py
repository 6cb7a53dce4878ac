"""Distributions and stores: what they were told, when, and since when the edges know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a distribution. *known_at*: from then on every edge goes by them."""

    version: str
    document: Mapping[str, Any]
    at: datetime
    known_at: datetime

    @property
    def origin(self) -> Mapping[str, Any]:
        """The first of its origins, from which everything is fetched."""
        found: Mapping[str, Any] = self.document["Origins"]["Items"][0]
        return found


@dataclass(frozen=True, slots=True)
class Invalidation:
    """Edges forget these paths, and have done so *by*."""

    id: str
    reference: str
    paths: Sequence[str]
    at: datetime
    by: datetime

    def covers(self, path: str) -> bool:
        """It names *path*, or what it begins with."""
        return any(path == each or (each.endswith("*") and path.startswith(each[:-1])) for each in self.paths)


@dataclass
class Distribution:
    """One distribution.

    Attributes:
        keeps: Its edges keep a page until they are told to forget it, whatever its ``Cache-Control`` says (MinTTL). Else they
            ask for it again each time.
        tells_in: Until all edges know new settings.
        clears_in: Until all edges have forgotten what is invalidated.
        by_weight: Its function picks one of two releases, and says so on pages.
        store: The ARN of the key value store whose key ``release`` its function puts before each path.
    """

    id: str
    arn: str
    created: datetime
    configs: Timeline[Config]
    keeps: bool = True
    tells_in: timedelta = timedelta(minutes=4)  # [U] AWS says: minutes
    clears_in: timedelta = timedelta(seconds=75)  # [U] one to two minutes
    by_weight: bool = True
    store: str | None = None
    invalidations: list[Invalidation] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """What it was told last."""
        return self.configs.latest

    def known(self, when: datetime) -> Config:
        """By what an edge goes at *when*."""
        return [
            each for each in self.configs.values if each.known_at <= when or each is self.configs.values[0]
        ][-1]

    def fetched(self, path: str, when: datetime) -> datetime:
        """When the edge fetched what it has under *path* at *when*: once in the beginning, and after each invalidation."""
        if not self.keeps:
            return when
        forgotten = [each.by for each in self.invalidations if each.covers(path) and each.by <= when]
        return max([self.created, *forgotten])


@dataclass
class Store:
    """A key value store. *spreads_in*: until edges know what was written."""

    arn: str
    created: datetime
    spreads_in: timedelta = timedelta(seconds=5)  # [U] AWS says: seconds
    versions: Timeline[str] = field(default_factory=Timeline)
    keys: dict[str, Timeline[str | None]] = field(default_factory=dict)

    def value(self, key: str, when: datetime) -> str | None:
        """What stood there."""
        known = self.keys.get(key)
        return known.at(when) if known else None
