"""What the platform remembers, for a store that was lost: marks on application versions, what serves, and our own last move.

A version has tags, so the mark of a release stands on it: ``rollbackd:SERVICE.ENVIRONMENT``. Only the newest versions are asked for
theirs, one call each; when a version served Beanstalk does not tell but by events, and those end after six weeks.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from deploy.model import Recalled, Release
from deploy.targets.aws.batching import together
from deploy.targets.aws.marking import Mark, mark_of
from deploy.targets.beanstalk.looking import View, our_move, since
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.version import Version, fits, release_of

NEWEST = 12  # versions: two more than a rollback may look back on
YOUNG = timedelta(hours=24)  # what was deployed since may still be watched
SKEW = timedelta(minutes=5)  # our clock against AWS's: requests that are older are refused
OUR_ROLLBACK = "rollbackd rolled it back"
_SERVED = frozenset({"proven", "served", "adopted"})


async def recall(reader: Reader, view: View, key: str, now: datetime) -> Recalled:
    """What is remembered. *key*: of our marks. May raise `AwsRefused`."""
    marked = await _marked(reader, view, key, now)
    quarantined = dict(_undone(view, marked)) | {
        release.fingerprint: (mark.since, mark.why) for release, mark in marked if mark.grade == "quarantined"
    }
    served = _served(view, marked, now)
    known = {release.fingerprint for release, _ in served}
    return Recalled(
        served=served,
        proven={release.fingerprint: mark.since for release, mark in marked if mark.grade == "proven"},
        quarantined=quarantined,
        others=tuple(release for release, _ in marked if release.fingerprint in quarantined.keys() - known),
    )


async def _marked(reader: Reader, view: View, key: str, now: datetime) -> list[tuple[Release, Mark]]:
    application = view.environment.application
    versions = [each for each in await reader.newest(application, NEWEST) if fits(each.label)]
    tags = await together(*(reader.tags(each.arn) for each in versions))
    found: list[tuple[Release, Mark]] = []
    for version, told in zip(versions, tags, strict=True):
        mark = mark_of(told, key)
        if mark is None or mark.since > now + SKEW:
            continue
        release = await _release(reader, version)
        if mark.is_of(release):
            found.append((release, mark))
    return found


async def _release(reader: Reader, version: Version) -> Release:
    return release_of(version.label, version, await reader.bundle(version))


def _served(
    view: View, marked: list[tuple[Release, Mark]], now: datetime
) -> tuple[tuple[Release, datetime], ...]:
    """Which release served from when, as far as marks say it; last what serves now, if it is not to be watched still."""
    found = sorted(
        ((release, mark.since) for release, mark in marked if mark.grade in _SERVED), key=lambda each: each[1]
    )
    serving = view.of(view.serving)
    if serving is None or view.coming is not None:
        return tuple(found)
    before = [each for each in found if not each[0].is_same_as(serving)]
    grades = {release.fingerprint: mark for release, mark in marked}
    if not _is_settled(view, grades.get(serving.fingerprint), now):
        return tuple(before)
    start = next((each[1] for each in found if each[0].is_same_as(serving)), since(view) or now)
    return (*before, (serving, max([start, *(each[1] for each in before)])))


def _is_settled(view: View, mark: Mark | None, now: datetime) -> bool:
    """What serves is no deployment that is to be watched still."""
    began = since(view)
    proven = mark is not None and mark.grade == "proven"
    return proven or our_move(view) is not None or began is None or began <= now - YOUNG


def _undone(view: View, marked: list[tuple[Release, Mark]]) -> Mapping[str, tuple[datetime, str]]:
    """The release that our own last move left; a mark that came later says better."""
    trace = our_move(view)
    if trace is None or trace.expect is None:
        return {}
    bad = next((each for each in marked if each[0].tag == trace.expect), None)
    if bad is not None and bad[1].since > trace.at:
        return {}
    of = bad[0].fingerprint if bad else Release.of_tag(trace.expect).fingerprint
    return {of: (trace.at, OUR_ROLLBACK)}
