"""How releases stand, kept as tags on the target groups that serve them, and what these say once our store is lost.

A group remembers only what it serves now; a mark that speaks of another content is of an older one, and says nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Recalled, Release, Standing
from deploy.targets.aws.marking import Mark, mark_of, value_of
from deploy.targets.load_balancer.group import SKEW, Group
from deploy.targets.load_balancer.looking import View

YOUNG = timedelta(hours=24)  # what was deployed since may still be watched
OUR_ROLLBACK = "rollbackd rolled it back"
_SERVED = frozenset({"proven", "served", "adopted"})


@dataclass(frozen=True, slots=True)
class Marked:
    """A release that a group serves, and our mark on that group that speaks of it."""

    group: Group
    release: Release
    mark: Mark | None


def writing(view: View, standings: Sequence[Standing], key: str) -> Mapping[str, str]:
    """The marks that differ from what is there, by the ARN of the group."""
    return {
        group.arn: value_of(standing)
        for standing in standings
        for group in view.serving(standing.release)
        if group.tags.get(key) != value_of(standing)
    }


def recall(view: View, key: str, now: datetime) -> Recalled:
    """What is remembered."""
    marked = [_marked(each, each.release, key, now) for each in view.groups if each.release is not None]
    said = [(each.release, each.mark) for each in marked if each.mark is not None]
    served = _served(view, said, now)
    quarantined = _undone(view, marked) | {
        release.fingerprint: (mark.since, mark.why) for release, mark in said if mark.grade == "quarantined"
    }
    have = {release.fingerprint for release, _ in served}
    others = {each.release.fingerprint: each.release for each in marked}
    return Recalled(
        served=served,
        proven={release.fingerprint: mark.since for release, mark in said if mark.grade == "proven"},
        quarantined=quarantined,
        others=tuple(others[each] for each in quarantined if each in others.keys() - have),
    )


def _marked(group: Group, release: Release, key: str, now: datetime) -> Marked:
    mark = mark_of(group.tags, key)
    fits = mark is not None and mark.is_of(release) and mark.since <= now + SKEW
    return Marked(group, release, mark if fits else None)


def _served(
    view: View, said: Sequence[tuple[Release, Mark]], now: datetime
) -> tuple[tuple[Release, datetime], ...]:
    """Which release served from when, as far as marks say it; last what serves now, if it is not to be watched still."""
    found = sorted(
        ((release, mark.since) for release, mark in said if mark.grade in _SERVED), key=lambda each: each[1]
    )
    alone = view.split.alone
    if alone is None:
        return tuple(found)
    before = [each for each in found if not each[0].is_same_as(alone)]
    since = max((each.since for each in view.serving(alone) if each.since is not None), default=None)
    proven = any(mark.grade == "proven" and release.is_same_as(alone) for release, mark in said)
    if not (proven or view.our_move is not None or since is None or since <= now - YOUNG):
        return tuple(before)
    told = next((each[1] for each in found if each[0].is_same_as(alone)), since or now)
    return (*before, (alone, max([told, *(each[1] for each in before)])))


def _undone(view: View, marked: Sequence[Marked]) -> dict[str, tuple[datetime, str]]:
    """The release that our own last rollback left; a mark that came later says better."""
    trace = view.our_move
    if trace is None or trace.expect is None:
        return {}
    bad = next((each for each in marked if each.release.tag == trace.expect), None)
    if bad is not None and bad.mark is not None and bad.mark.since > trace.at:
        return {}
    of = bad.release.fingerprint if bad else Release.of_tag(trace.expect).fingerprint
    return {of: (trace.at, OUR_ROLLBACK)}
