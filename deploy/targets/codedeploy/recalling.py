"""What CodeDeploy remembers of a group, for a store that was lost: which releases served, and how our marks say they stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.model import Recalled, Release
from deploy.targets.aws.marking import Mark
from deploy.targets.codedeploy.deployment import SUCCEEDED, Deployment
from deploy.targets.codedeploy.looking import View
from deploy.targets.codedeploy.marking import mark
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.trace import Trace, of_description, of_tags

NEWEST = 50  # deployments: some weeks of a busy service
YOUNG = timedelta(hours=24)  # what was deployed since may still be watched
SKEW = timedelta(minutes=5)  # our clock against AWS's
OUR_ROLLBACK = "rollbackd rolled it back"


async def recall(reader: Reader, view: View, prefix: str, now: datetime) -> Recalled:
    """What is remembered. *prefix*: of our marks. May raise `AwsRefused`."""
    newest = await reader.newest(view.group, NEWEST)
    past = sorted(newest, key=lambda each: each.created)
    arn = reader.arn_of(view.group)
    tags = await reader.tags(arn) if arn else {}
    releases = {each.release.fingerprint: each.release for each in past if each.release}
    marks = _marks(releases, tags, prefix, now)
    served = _served(past)
    if served and not _is_settled(view, served[-1][0], marks, now):
        served = served[:-1]
    quarantined = _undone(past, tags, marks) | {
        of: (found.since, found.why) for of, found in marks.items() if found.grade == "quarantined"
    }
    known = {release.fingerprint for release, _ in served}
    return Recalled(
        served=tuple(served),
        proven={of: found.since for of, found in marks.items() if found.grade == "proven"},
        quarantined=quarantined,
        others=tuple(releases[of] for of in quarantined if of in releases.keys() - known),
    )


def _marks(
    releases: Mapping[str, Release], tags: Mapping[str, str], prefix: str, now: datetime
) -> Mapping[str, Mark]:
    """The mark of each release, by fingerprint. One from the future is none: no bad ending would ever be newer."""
    found = {of: mark(tags, prefix, release) for of, release in releases.items()}
    return {
        of: each
        for of, each in found.items()
        if each is not None and each.is_of(releases[of]) and each.since <= now + SKEW
    }


def _served(past: Sequence[Deployment]) -> list[tuple[Release, datetime]]:
    """Which release served from when: those whose deployment succeeded."""
    served: list[tuple[Release, datetime]] = []
    for each in past:
        if each.status != SUCCEEDED or each.release is None:
            continue
        since = each.completed or each.created
        if not served or not served[-1][0].is_same_as(each.release):
            served.append((each.release, max(since, served[-1][1]) if served else since))
    return served


def _is_settled(view: View, last: Release, marks: Mapping[str, Mark], now: datetime) -> bool:
    """The last that served is no deployment that is to be watched still."""
    if view.coming is not None or view.last is None:
        return True  # what is in flight is not among them
    found = marks.get(last.fingerprint)
    proven = found is not None and found.grade == "proven"
    return proven or view.last.created <= now - YOUNG or view.move is not None


def _undone(
    past: Sequence[Deployment], tags: Mapping[str, str], marks: Mapping[str, Mark]
) -> dict[str, tuple[datetime, str]]:
    """The releases that our own rollbacks left, where one was made; a mark that came later says better."""
    by_id = {each.id: each for each in past}
    found: dict[str, tuple[datetime, str]] = {}
    for each in past:
        trace = _trace(each, tags)
        bad = by_id.get(trace.undoes) if trace else None
        if bad is None or bad.release is None:
            continue
        known = marks.get(bad.release.fingerprint)
        if known is None or known.since <= each.created:
            found[bad.release.fingerprint] = (each.created, OUR_ROLLBACK)
    return found


def _trace(deployment: Deployment, tags: Mapping[str, str]) -> Trace | None:
    """Our move, if *deployment* is one; of those that CodeDeploy made at our word only the last is remembered."""
    trace = of_tags(tags)
    native = trace if trace is not None and trace.undoes == deployment.undoes else None
    return of_description(deployment) or native
