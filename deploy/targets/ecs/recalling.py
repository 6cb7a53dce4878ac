"""What ECS remembers of a service, for a store that was lost: which releases served, and how our marks say they stand.

ECS keeps service deployments for 90 days; their service revisions say which task definition ran with which digests. A
deployment that ECS itself took back is no time in which its release served.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Recalled, Release
from deploy.targets.aws.batching import together
from deploy.targets.aws.marking import Mark, mark_of
from deploy.targets.ecs.definition import only_a_tag, release_of
from deploy.targets.ecs.history import WENT_BACK, Attempt, Revision
from deploy.targets.ecs.looking import View
from deploy.targets.ecs.reading import Reader, Registered
from deploy.targets.ecs.service import Rollout
from deploy.targets.ecs.trace import SKEW, Trace, our_move, trace_of

NEWEST = 50  # deployments: some weeks of a busy service
YOUNG = timedelta(hours=24)  # what was deployed since may still be watched
OUR_ROLLBACK = "rollbackd rolled it back"
_NO_DEFINITION = frozenset(
    {"ClientException", "InvalidParameterException"}
)  # ECS's answer for one that was deleted
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """A deployment that ECS remembers, the release that it deployed, and our mark on that."""

    attempt: Attempt
    release: Release
    mark: Mark | None


async def recall(reader: Reader, view: View, key: str, container: str | None, now: datetime) -> Recalled:
    """What is remembered. *key*: of our marks. May raise `AwsRefused`."""
    service = view.service
    attempts = (
        await reader.newest(service.cluster, service.name, NEWEST) if service.controller == "ECS" else ()
    )
    past = await _known(reader, attempts, key, container)
    alone = await _serving(reader, view, key)
    marks = _marks((*((each.release, each.mark) for each in past), *alone), now)
    served = _served(past, [(release, service.serving) for release, _ in alone])
    if served and not _is_settled(view, served[-1], marks, now):
        served = served[:-1]
    quarantined = _undone(view, past, marks) | {
        of: (mark.since, mark.why) for of, mark in marks.items() if mark.grade == "quarantined"
    }
    return Recalled(
        served=tuple(served),
        proven={of: mark.since for of, mark in marks.items() if mark.grade == "proven"},
        quarantined=quarantined,
        others=_others(past, served, quarantined),
    )


def _others(
    past: Sequence[Known], served: Iterable[tuple[Release, datetime]], quarantined: Iterable[str]
) -> tuple[Release, ...]:
    """The quarantined releases that are not among the *served*: they were taken back before they served alone."""
    of = {each.release.fingerprint: each.release for each in past}
    known = {release.fingerprint for release, _ in served}
    return tuple(of[fingerprint] for fingerprint in quarantined if fingerprint in of.keys() - known)


async def _known(
    reader: Reader, attempts: Sequence[Attempt], key: str, container: str | None
) -> tuple[Known, ...]:
    """The deployments of which is known what they deployed, the oldest first."""
    revisions = await together(*(reader.revision(each.target, patiently=True) for each in attempts))
    definitions: dict[str, Registered | None] = {}
    found: list[Known] = []
    for attempt, revision in reversed(list(zip(attempts, revisions, strict=True))):
        if revision is None:
            continue
        if revision.definition not in definitions:
            definitions[revision.definition] = await _registered(reader, revision.definition)
        registered = definitions[revision.definition]
        if registered is not None:
            found.append(Known(attempt, _release(registered, revision, container), _mark(registered, key)))
    return tuple(found)


async def _serving(reader: Reader, view: View, key: str) -> list[tuple[Release, Mark | None]]:
    """What serves alone, with its mark; nothing, where that cannot be told."""
    serving = view.service.serving
    release = view.of(serving)
    if serving is None or view.service.coming is not None or not isinstance(release, Release):
        return []
    registered = await _registered(reader, serving.definition)
    return [(release, _mark(registered, key) if registered else None)]


async def _registered(reader: Reader, arn: str) -> Registered | None:
    try:
        return await reader.registered(arn)
    except AwsRefused as refused:
        if refused.code in _NO_DEFINITION:
            return None
        raise


def _release(registered: Registered, revision: Revision, container: str | None) -> Release:
    definition = registered.definition
    return release_of(definition, revision.digests, container) or only_a_tag(definition, container)


def _mark(registered: Registered, key: str) -> Mark | None:
    return mark_of(registered.tags, key)


def _marks(found: Iterable[tuple[Release, Mark | None]], now: datetime) -> Mapping[str, Mark]:
    """The newest mark of each release, by fingerprint. One from the future is none: no bad ending would ever be newer."""
    marks: dict[str, Mark] = {}
    for release, mark in found:
        if mark is None or not mark.is_of(release) or mark.since > now + SKEW:
            continue
        has = marks.get(release.fingerprint)
        if has is None or has.since < mark.since:
            marks[release.fingerprint] = mark
    return marks


def _served(
    past: Sequence[Known], serving: Iterable[tuple[Release, Rollout | None]]
) -> list[tuple[Release, datetime]]:
    """Which release served from when: those whose deployment succeeded, then what serves now."""
    found = [
        (each.release, each.attempt.finished or each.attempt.created or _EVER)
        for each in past
        if each.attempt.status == "SUCCESSFUL"
    ]
    found += [(release, rollout.created) for release, rollout in serving if rollout is not None]
    served: list[tuple[Release, datetime]] = []
    for release, since in found:
        if not served or not served[-1][0].is_same_as(release):
            served.append((release, max(since, served[-1][1]) if served else since))
    return served


def _is_settled(view: View, last: tuple[Release, datetime], marks: Mapping[str, Mark], now: datetime) -> bool:
    """The last that served is no deployment that is to be watched still."""
    primary = view.service.primary
    if view.service.coming is not None or primary is None:
        return True  # what is in flight is not among them
    mark = marks.get(last[0].fingerprint)
    proven = mark is not None and mark.grade == "proven"
    return proven or primary.created <= now - YOUNG or our_move(view.service) is not None


# ------------------------------------------------------------------------------------------------- our own last rollback


def _undone(view: View, past: Sequence[Known], marks: Mapping[str, Mark]) -> dict[str, tuple[datetime, str]]:
    """The release that our own last rollback left, if it was made; a mark that came later says better."""
    trace = trace_of(view.service)
    if trace is None or trace.expect is None or not _was_made(trace, view, past):
        return {}
    bad = next((each.release for each in reversed(past) if each.release.tag == trace.expect), None)
    of = bad.fingerprint if bad else Release.of_tag(trace.expect).fingerprint
    mark = marks.get(of)
    return {} if mark is not None and mark.since > trace.at else {of: (trace.at, OUR_ROLLBACK)}


def _was_made(trace: Trace, view: View, past: Sequence[Known]) -> bool:
    """It is not only the trace of a move that was never sent."""
    if trace.made(view.service):
        return True
    return any(_is_made_by(each, trace) for each in past)


def _is_made_by(known: Known, trace: Trace) -> bool:
    attempt = known.attempt
    if trace.native:
        ended = attempt.finished or attempt.created
        return (
            attempt.status == WENT_BACK
            and known.release.tag == trace.expect
            and ended is not None
            and ended >= trace.at - SKEW
        )
    made = attempt.created
    return known.release.tag == trace.to and made is not None and abs(made - trace.at) <= SKEW
