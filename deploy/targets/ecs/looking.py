"""Looking at a service: what it runs, and which releases those are.

A release is known by its content, and of an image that is named by a tag ECS tells the content only when the first task
has pulled it: some seconds into a deployment, and always before that task takes traffic. Until then it is *untold*, and
whoever asks is told to ask again: a release that went by one name first and by another later would be two in the ledger.
If two tasks fail before one runs, or nothing is told for five minutes (no room for a task; an agent that is too old), it
is known by its tag alone, which the model holds to be the same as a release of that tag whose content is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Release, Unreadable
from deploy.targets.aws.batching import together
from deploy.targets.aws.wording import refusal
from deploy.targets.ecs.definition import fits, only_a_tag, release_of
from deploy.targets.ecs.history import COMING, GOING_BACK, Attempt, Revision
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Rollout, Service
from deploy.targets.ecs.settings import Settings

# Longer than a new machine takes to come up for the first task; in this time nothing runs that could do harm. A guess.
PATIENCE = timedelta(minutes=5)
FAILURES = 2  # one after another, none ran: one alone may be a machine that goes
MOST_REVISIONS = 10  # of one service at a time; there are two or three


@dataclass(frozen=True, slots=True)
class Untold:
    """Which release a rollout is cannot be told, and why. *awaited*: it can be in a moment."""

    words: str
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A service as it was seen, and the releases of its rollouts, by their ids."""

    service: Service
    releases: Mapping[str, Release | Untold]
    revisions: Sequence[Revision] = ()

    def of(self, rollout: Rollout | None) -> Release | Untold | None:
        """The release of *rollout*."""
        return None if rollout is None else self.releases[rollout.id]

    @property
    def ahead(self) -> Release | Untold | None:
        """What is coming, else what serves."""
        return self.of(self.service.coming or self.service.serving)


async def look(reader: Reader, settings: Settings) -> View | Unreadable:
    """The service, read just now."""
    try:
        service = await reader.service(settings.cluster_name, settings.service_name)
        if service is None or service.status == "INACTIVE":
            return Unreadable(
                f"the cluster {settings.cluster_name} has no service {settings.service_name}: it was deleted, or the"
                " configuration names another cluster or account than it is in"
            )
        return await _view(reader, service, settings.container)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))


async def _view(reader: Reader, service: Service, container: str | None) -> View:
    definitions = {each.id: await reader.definition(each.definition) for each in service.rollouts}
    untold = not all(each.is_pinned for each in definitions.values())
    needed = service.controller == "ECS" and (untold or service.tells_more)  # weights are told by revision
    revisions = await _revisions(reader, service) if needed else ()
    releases: dict[str, Release | Untold] = {}
    for rollout in service.rollouts:
        definition = definitions[rollout.id]
        runs = revision_of_rollout(service, rollout, revisions)
        release = release_of(definition, runs.digests if runs else {}, container)
        if release is None and _is_told_no_more(service, rollout, reader.now()):
            release = only_a_tag(definition, container)
        releases[rollout.id] = _checked(release, definition.tag)
    return View(service, releases, revisions)


async def _revisions(reader: Reader, service: Service) -> tuple[Revision, ...]:
    primary = service.primary
    patiently = primary is None or _is_told_no_more(service, primary, reader.now())
    asked = (reader.revision(arn, patiently=patiently) for arn in service.revisions[:MOST_REVISIONS])
    return tuple(revision for revision in await together(*asked) if revision is not None)


async def under_way(reader: Reader, view: View) -> Attempt | None:
    """The service deployment that is under way.

    Two calls tell of it, and each may be late: what does not roll out what is seen to come waits for nobody's word, for the word
    would be one about another release.
    """
    service = view.service
    if service.deployment is None or service.coming is None:
        return None
    found = await reader.attempt(service.deployment)
    if found is None or found.status not in COMING | GOING_BACK:
        return None
    return replace(found, waiting=()) if found.waiting and not await _brings(reader, view, found) else found


async def _brings(reader: Reader, view: View, attempt: Attempt) -> bool:
    """*attempt* rolls out what is coming."""
    coming = view.service.coming
    seen = next((each for each in view.revisions if each.arn == attempt.target), None)
    revision = seen or await reader.revision(attempt.target)
    return coming is not None and revision is not None and revision.definition == coming.definition


def revision_of_rollout(service: Service, rollout: Rollout, revisions: Sequence[Revision]) -> Revision | None:
    """Which service revision *rollout* runs: ECS does not say it.

    Where both go by one number, as they do wherever it was seen, that tells. Else the task definition does; where
    several of one task definition are told apart by nothing but their age, the newest deployment has the newest.
    """
    number = rollout.id.rpartition("/")[2]
    named = next((each for each in revisions if each.arn.rpartition("/")[2] == number), None)
    if named is not None:
        return named
    alike = [each for each in service.rollouts if each.definition == rollout.definition]
    alike.sort(key=lambda each: each.created, reverse=True)  # a native rollback takes up an old deployment
    fit = sorted(
        (each for each in revisions if each.definition == rollout.definition), key=_age, reverse=True
    )
    return fit[alike.index(rollout)] if len(fit) >= len(alike) else None


def _age(revision: Revision) -> float:
    return revision.created.timestamp() if revision.created else 0.0


def _is_told_no_more(service: Service, rollout: Rollout, now: datetime) -> bool:
    """Nobody will say what it is: ECS writes no revisions for other controllers, and where tasks fail nothing is pulled."""
    fails = rollout.failed >= FAILURES and rollout.running == 0
    return service.controller != "ECS" or fails or now >= rollout.created + PATIENCE


def _checked(release: Release | None, tag: str) -> Release | Untold:
    if not fits(tag):
        return Untold(f"{tag[:80]} is too long for a tag: rollbackd moves by names of at most 128 characters")
    if release is None:
        return Untold(
            f"{tag} is on its way, and no task has pulled its images yet: what it is will be known then",
            awaited=True,
        )
    return release
