"""What AppConfig remembers of a profile, and how releases stand: as tags of the deployments that brought them.

AppConfig keeps the deployments of an environment with their times, so a store that is lost learns from them which version served
when. A version has no tags; the newest deployment that brought it has ours: ``rollbackd:SERVICE.ENVIRONMENT``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Recalled, Release, Standing
from deploy.ports import AwsAccount
from deploy.targets.appconfig.content import version_of
from deploy.targets.appconfig.deployment import Deployment
from deploy.targets.appconfig.looking import View
from deploy.targets.appconfig.reading import Reader
from deploy.targets.appconfig.settings import Settings, deployment_arn
from deploy.targets.appconfig.trace import Trace, trace_of
from deploy.targets.aws.marking import Mark, mark_of

NEWEST = 20  # deployments whose tags are read when a store was lost
YOUNG = timedelta(hours=24)  # what was deployed since may still be watched
SKEW = timedelta(minutes=5)  # our clock against AWS's
OUR_ROLLBACK = "rollbackd rolled it back"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A deployment, what it brought, and what our tags say of it.

    Attributes:
        is_whole: All that it was given to had the release; else a part of them.
    """

    deployment: Deployment
    release: Release
    mark: Mark | None
    trace: Trace | None
    is_whole: bool = True


async def recall(
    reader: Reader, view: View, settings: Settings, account: AwsAccount, key: str, now: datetime
) -> Recalled:
    """What is remembered. *key*: of our marks. May raise `AwsRefused`."""
    past = [
        await remembered(
            reader,
            each,
            await reader.release(settings, each),
            deployment_arn(settings, account, each.number),
            key,
        )
        for each in reversed(view.past[:NEWEST])
    ]
    return recalled(past, now, is_moved=view.coming is not None or view.trace is not None)


def recalled(past: Sequence[Remembered], now: datetime, *, is_moved: bool) -> Recalled:
    """What *past*, oldest first, tells. *is_moved*: something is on its way, or the last that was done was our doing."""
    marks = {
        each.release.fingerprint: each.mark
        for each in past
        if each.mark is not None and each.mark.is_of(each.release) and each.mark.since <= now + SKEW
    }
    served = _served(past)
    if served and not is_moved and not _is_settled(served[-1], marks, now):
        served = served[:-1]
    quarantined = _undone(past, marks) | {
        of: (mark.since, mark.why) for of, mark in marks.items() if mark.grade == "quarantined"
    }
    known = {release.fingerprint for release, _ in served}
    releases = {each.release.fingerprint: each.release for each in past}
    return Recalled(
        served=tuple(served),
        proven={of: mark.since for of, mark in marks.items() if mark.grade == "proven"},
        quarantined=quarantined,
        others=tuple(releases[of] for of in quarantined if of in releases.keys() - known),
    )


def writing(
    view: View, standings: Iterable[Standing], settings: Settings, account: AwsAccount
) -> Mapping[str, Standing]:
    """Which deployment is to say how which release stands, by its ARN. One that is not to be seen any more says nothing."""
    found: dict[str, Standing] = {}
    for standing in standings:
        version = version_of(standing.release.tag)
        newest = next((each for each in view.past[:NEWEST] if each.version == version), None)
        arn = deployment_arn(settings, account, newest.number) if newest else None
        if arn is not None:
            found[arn] = standing
    return found


async def remembered(
    reader: Reader, deployment: Deployment, release: Release, arn: str | None, key: str, *, whole: bool = True
) -> Remembered:
    """*deployment*, which brought *release*, with what our tags say of it. May raise `AwsRefused`."""
    found = await reader.tags(arn) if arn is not None else {}
    return Remembered(deployment, release, mark_of(found, key), trace_of(found), whole)


def _served(past: Sequence[Remembered]) -> list[tuple[Release, datetime]]:
    """Which release served from when: those that completed and stand. What was taken back gave way to what was before it."""
    served: list[tuple[Release, datetime]] = []
    for each in past:
        since = each.deployment.completed or each.deployment.started
        if not each.deployment.serves or not each.is_whole or since is None:
            continue
        if not served or not served[-1][0].is_same_as(each.release):
            served.append((each.release, max(since, served[-1][1]) if served else since))
    return served


def _is_settled(last: tuple[Release, datetime], marks: Mapping[str, Mark], now: datetime) -> bool:
    """The last that served is no deployment that is to be watched still."""
    release, since = last
    mark = marks.get(release.fingerprint)
    proven = mark is not None and mark.grade == "proven"
    return proven or since <= now - YOUNG


def _undone(past: Sequence[Remembered], marks: Mapping[str, Mark]) -> dict[str, tuple[datetime, str]]:
    """The releases that our own rollbacks left; a mark that came later says better."""
    found: dict[str, tuple[datetime, str]] = {}
    before: Release | None = None
    for each in past:
        left = before if each.trace is not None and each.trace.starts and not each.trace.forward else None
        if each.trace is not None and not each.trace.starts and each.deployment.is_undone:
            left = each.release
        if left is not None and each.trace is not None and not left.is_same_as(_wanted(each)):
            mark = marks.get(left.fingerprint)
            if mark is None or mark.since <= each.trace.at:
                found[left.fingerprint] = (each.trace.at, OUR_ROLLBACK)
        if each.deployment.serves:
            before = each.release
    return found


def _wanted(remembered: Remembered) -> Release:
    """What our move was to bring: of one that started a deployment, that; nothing that it left is the same."""
    if remembered.trace is not None and remembered.trace.starts:
        return remembered.release
    return Release.of_tag("-")
