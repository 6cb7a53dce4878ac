"""How versions stand, kept as tags on their function, for people and pipelines, and for us if our store is lost.

Neither a version nor an alias can have tags, so the function has one for each version: the tag
``rollbackd:SERVICE.ENVIRONMENT.41`` says ``proven 2026-11-24T10:00:00Z sha256:3f9a…``. A function may have fifty tags: those
of the versions that were marked longest ago are taken away.

Lambda itself remembers versions, and not when an alias pointed to them. So what is remembered is what is marked, what the
alias points to now, and our own last rollback.

Source:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Recalled, Release, Standing
from deploy.targets.aws.batching import together
from deploy.targets.aws.marking import Mark, key_of, mark_of, value_of
from deploy.targets.lambda_alias.looking import View
from deploy.targets.lambda_alias.reading import Reader
from deploy.targets.lambda_alias.version import Version

MOST = 12  # marks of one service on a function: two more than a rollback may look back on
YOUNG = timedelta(hours=24)  # what was published since may still be watched
SKEW = timedelta(minutes=5)  # our clock against AWS's: requests that are older are refused
OUR_ROLLBACK = "rollbackd rolled it back"
_SERVED = frozenset({"proven", "served", "adopted"})


def tag_key(service: str, environment: str, version: str) -> str:
    """The key of the tag that says how *version* stands."""
    return key_of(service, f"{environment}.{version}")


@dataclass(frozen=True, slots=True)
class Marks:
    """Our marks of one service among the tags of a function. *values*: by version."""

    service: str
    environment: str
    values: Mapping[str, str]

    def key(self, version: str) -> str:
        """The key of *version*'s tag."""
        return tag_key(self.service, self.environment, version)

    def of(self, version: str) -> Mark | None:
        """What is said of *version*."""
        return mark_of(self.values, version)


def marks_of(tags: Mapping[str, str], service: str, environment: str) -> Marks:
    """Those among *tags*. Names that are too long for a key end in a hash, and cannot be read back."""
    prefix = re.escape(tag_key(service, environment, ""))
    found = ((re.fullmatch(rf"{prefix}(?P<version>\d{{1,10}})", key), value) for key, value in tags.items())
    return Marks(service, environment, {match["version"]: value for match, value in found if match})


@dataclass(frozen=True, slots=True)
class Writing:
    """What is to be written: tags by key; and taken away: keys."""

    put: Mapping[str, str]
    remove: tuple[str, ...]


def writing(marks: Marks, standings: Sequence[Standing]) -> Writing:
    """What differs between *marks* and *standings*, and what there is no room for any more."""
    wanted = {each.release.tag: value_of(each) for each in standings if each.release.tag.isdecimal()}
    others = sorted(marks.values.keys() - wanted.keys(), key=int, reverse=True)
    return Writing(
        put={marks.key(v): value for v, value in wanted.items() if marks.values.get(v) != value},
        remove=tuple(marks.key(v) for v in others[max(0, MOST - len(wanted)) :]),
    )


async def recall(reader: Reader, function: str, view: View, marks: Marks, now: datetime) -> Recalled:
    """What is remembered. May raise `AwsRefused`."""
    numbers = sorted(marks.values, key=int)
    found = await together(*(reader.version(function, number) for number in numbers))
    known = {version.number: version for version in found if version is not None}
    said = {
        number: mark
        for number, version in known.items()
        if (mark := marks.of(number)) and mark.is_of(version.release) and mark.since <= now + SKEW
    }
    quarantined = await _undone(reader, function, view, said) | {
        known[number].release.fingerprint: (mark.since, mark.why)
        for number, mark in said.items()
        if mark.grade == "quarantined"
    }
    served = _served(known, said, view, now)
    return Recalled(
        served=served,
        proven={
            known[n].release.fingerprint: mark.since for n, mark in said.items() if mark.grade == "proven"
        },
        quarantined=quarantined,
        others=_others(known, served, quarantined),
    )


def _served(
    known: Mapping[str, Version], said: Mapping[str, Mark], view: View, now: datetime
) -> tuple[tuple[Release, datetime], ...]:
    """Which release served from when, as far as marks say it; last what serves now, if it is not to be watched still."""
    found = [(known[n].release, mark.since) for n, mark in said.items() if mark.grade in _SERVED]
    found.sort(key=lambda each: each[1])
    alone = view.split.alone
    if alone is None:
        return tuple(found)
    before = [each for each in found if not each[0].is_same_as(alone)]
    if not _is_settled(view, said, now):
        return tuple(before)
    since = next((each[1] for each in found if each[0].is_same_as(alone)), view.versions[-1].published or now)
    latest = max([since, *(each[1] for each in before)])
    return (*before, (alone, latest))


def _is_settled(view: View, said: Mapping[str, Mark], now: datetime) -> bool:
    """What serves is no deployment that is to be watched still: when the alias was moved to it, nobody knows."""
    version = view.versions[-1]
    mark = said.get(version.number)
    if mark is not None and mark.grade == "proven":
        return True
    ours = view.alias is not None and view.alias.our_move is not None
    return ours or version.published is None or version.published <= now - YOUNG


async def _undone(
    reader: Reader, function: str, view: View, said: Mapping[str, Mark]
) -> dict[str, tuple[datetime, str]]:
    """The release that our own last rollback left; a mark that came later says better."""
    trace = view.alias.our_move if view.alias else None
    if trace is None:
        return {}
    mark = said.get(trace.expect)
    if mark is not None and mark.since > trace.at:
        return {}
    version = await reader.version(function, trace.expect)
    release = version.release if version else Release.of_tag(trace.expect)
    return {release.fingerprint: (trace.at, OUR_ROLLBACK)}


def _others(
    known: Mapping[str, Version],
    served: Sequence[tuple[Release, datetime]],
    quarantined: Mapping[str, object],
) -> tuple[Release, ...]:
    """The quarantined releases that are not among the *served*."""
    have = {release.fingerprint for release, _ in served}
    releases = (version.release for version in known.values())
    return tuple(
        each for each in releases if each.fingerprint in quarantined and each.fingerprint not in have
    )
