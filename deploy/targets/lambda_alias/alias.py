"""An alias as GetAlias tells it; and the trace of our last move on it.

The trace stands at the end of the alias's description, and is written by the very call that moves the alias: so there is
never one without the other. What a person wrote there stays.

Source:
    https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html
    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_LONGEST = 256  # characters of a description: AWS's bound
_TRACE = re.compile(
    r"\s*\[rollbackd:move (?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}) (?P<at>\d{9,11})"
    r" (?P<expect>\d{1,10}) (?P<to>\d{1,10})\]"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours did. *expect*, *to*: versions; *at*: when, by our clock, to the second."""

    key: str
    at: datetime
    expect: str
    to: str

    def written(self) -> str:
        """As it stands in a description."""
        return f"[rollbackd:move {self.key} {self.at.timestamp():.0f} {self.expect} {self.to}]"


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias points to.

    Attributes:
        version: Its own version; ``$LATEST`` is possible.
        weights: Versions besides, with the share of the calls (0..1) that each has.
        revision: Changes with every change of the alias: the compare-and-set.
        function: The ARN of the function: what has tags.
    """

    version: str
    weights: Mapping[str, float]
    revision: str
    description: str = ""
    function: str = ""

    @property
    def shares(self) -> tuple[tuple[str, float], ...]:
        """Versions that have some of the calls, with their shares; the newest last.

        Numbers are never given twice, so the higher one is the newer, whichever of the two is the alias's own: one has
        the new version beside the old one, another promotes it first, and gives the old one a share.
        """
        others = {version: share for version, share in self.weights.items() if version != self.version}
        own = max(0.0, 1.0 - sum(others.values()))
        found = {self.version: own} | others
        return tuple(sorted(((v, s) for v, s in found.items() if s > 0), key=lambda each: _age(each[0])))

    @property
    def trace(self) -> Trace | None:
        """The trace of our last move. Anybody may write there: what does not fit is none."""
        found = _TRACE.search(self.description)
        if found is None:
            return None
        at = datetime.fromtimestamp(int(found["at"]), UTC)
        return Trace(found["key"], at, found["expect"], found["to"])

    @property
    def our_move(self) -> Trace | None:
        """Our own move, if the alias still is as it was left by it."""
        trace = self.trace
        return trace if trace is not None and self.shares == ((trace.to, 1.0),) else None

    def described(self, trace: Trace) -> str | None:
        """The description with *trace* instead of an older one; ``None``: there is no room beside what a person wrote."""
        theirs = _TRACE.sub("", self.description).rstrip()
        described = f"{theirs} {trace.written()}".strip()
        return described if len(described) <= _LONGEST else None


def alias_of(told: Mapping[str, Any]) -> Alias:
    """The answer of GetAlias."""
    routing = told.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Alias(
        version=str(told.get("FunctionVersion", "")),
        weights={str(version): float(share) for version, share in routing.items()},
        revision=str(told.get("RevisionId", "")),
        description=str(told.get("Description", "")),
        function=str(told.get("AliasArn", "")).rpartition(":")[0],
    )


def _age(version: str) -> float:
    return float(version) if is_published(version) else float("inf")


def is_published(version: str) -> bool:
    """It has a number, and so never changes; ``$LATEST``, and what begins like it, may."""
    return version.isdecimal()
