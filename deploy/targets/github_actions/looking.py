"""Looking at an environment: what GitHub's deployments, or a page of the service, say of what serves; and our runs.

**What GitHub knows.** A deployment with the status `success` is one whose job ended well. Whether the service runs that release
GitHub does not know: what was moved by hand, or by another way than this environment, is not seen, and of a release that was put
there by halves before its job failed nothing is told. `live: {url, json}` asks the service itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic_core import from_json

from deploy.errors import DeployError
from deploy.github import Trace, is_whole, trace_in
from deploy.model import TAG, Live, Move, Release, Unreadable
from deploy.ports import Page
from deploy.targets.aws.wording import plain
from deploy.targets.github_actions.reading import Made, Reader, Run, Status, Unread
from deploy.targets.github_actions.settings import Settings, Told

OLDER = (
    3  # deployments that were made before the newest that succeeded, and may have been let through after it
)
LOOKED_AT = 10  # deployments: as many that failed one after the other are not believed to be all
UNDER_WAY = frozenset({"in_progress", "queued", "pending"})
LASTS = timedelta(
    hours=6
)  # at most, of a job on a hosted runner: what goes on for longer is not looked after any more
_RUN_OF = re.compile(r"/actions/runs/([0-9]{1,19})(?:/|\Z)")
HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A release that a deployment of GitHub's is of.

    Attributes:
        at: When that deployment was made.
        run: By which run, where it tells it.
    """

    release: Release
    at: datetime | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """An environment as it was seen.

    Attributes:
        serving, coming: ``None``: nothing serves, or nothing is on its way.
        ours: Our runs, the newest first, with what their names say.
    """

    serving: Shown | None
    coming: Shown | None
    ours: Sequence[tuple[Run, Trace]] = ()

    @property
    def ahead(self) -> Shown | None:
        """What is coming, else what serves."""
        return self.coming or self.serving

    def run_of(self, key: str, move: Move, ref: str | None) -> Run | None:
        """The run that our *move* is, by its *key*.

        Anybody may write our mark: so it is of that tag, and run where we run it (*ref*, else the tag).
        """
        mark, at = Trace(key, move.to.tag), {None, ref or move.to.tag}
        return next((run for run, trace in self.ours if trace == mark and run.head_branch in at), None)

    @property
    def live(self) -> Live:
        """For whoever asks what runs."""
        return Live(
            release=self.serving.release if self.serving else None,
            in_flight=self.coming.release if self.coming else None,
            key=self._key(),
            since=self.ahead.at if self.ahead else None,
        )

    def _key(self) -> str | None:
        """Of the run by which what is ahead came, if it is one of ours."""
        ahead = self.ahead
        if ahead is None or ahead.run is None:
            return None
        return next((trace.key for run, trace in self.ours if run.id == ahead.run), None)


async def look(reader: Reader, settings: Settings, page: Page | None) -> View | Unreadable:
    """What serves, what comes, and our runs."""
    try:
        runs = await reader.dispatched(settings.repository, settings.workflow)
        ours = [(run, trace) for run in runs if (trace := trace_in(run.display_title)) is not None]
        if settings.live is not None:
            return await _told(settings.live, ours, page, reader.now())
        return await _deployed(reader, settings, ours)
    except Unread as error:
        return Unreadable(str(error))


# ------------------------------------------------------------------------------------------------ what deployments tell


async def _deployed(
    reader: Reader, settings: Settings, ours: Sequence[tuple[Run, Trace]]
) -> View | Unreadable:
    made = await reader.deployments(settings.repository, settings.environment)
    coming: _Told | None = None
    for number, each in enumerate(made[:LOOKED_AT]):
        told = _Told(each, await reader.statuses(settings.repository, each.id))
        if told.state == "success":
            older = [
                _Told(each, await reader.statuses(settings.repository, each.id))
                for each in made[number + 1 : number + 1 + OLDER]
            ]
            serving, late = _let_through_late(told, older)
            return _view(serving, coming or late, settings, ours)
        if coming is None and told.state in UNDER_WAY and reader.now() - told.since < LASTS:
            coming = told
    if len(made) > LOOKED_AT:
        return Unreadable(
            f"none of the last {LOOKED_AT} deployments to {settings.environment} of {settings.repository} succeeded"
        )
    return _view(None, coming, settings, ours)


@dataclass(frozen=True, slots=True)
class _Told:
    """A deployment, and its statuses, the newest first."""

    made: Made
    statuses: Sequence[Status]

    @property
    def state(self) -> str:
        return self.statuses[0].state if self.statuses else "pending"

    @property
    def since(self) -> datetime:
        """When it came to this state."""
        return self.statuses[0].created_at if self.statuses else self.made.created_at

    @property
    def succeeded_at(self) -> datetime:
        """First: that it did may be said again, with another address, long after."""
        return min(each.created_at for each in self.statuses if each.state == "success")


def _view(
    serving: _Told | None, coming: _Told | None, settings: Settings, ours: Sequence[tuple[Run, Trace]]
) -> View | Unreadable:
    serves = None if serving is None else _shown(serving.made, serving.statuses, settings)
    comes = None if coming is None else _shown(coming.made, coming.statuses, settings)
    if isinstance(serves, Unreadable):
        return serves
    return comes if isinstance(comes, Unreadable) else View(serves, comes, ours)


def _let_through_late(newest: _Told, older: Sequence[_Told]) -> tuple[_Told, _Told | None]:
    """What succeeded last, which need not be what was made last: one may have waited for its approval; and what began since."""
    since = newest.succeeded_at
    began = (each for each in older if each.state == "in_progress" and each.since > since)
    succeeded = (each for each in older if each.state == "success" and each.succeeded_at > since)
    return max(succeeded, key=lambda each: each.succeeded_at, default=newest), next(began, None)


def _shown(made: Made, statuses: Sequence[Status], settings: Settings) -> Shown | Unreadable:
    release = _release(made, settings)
    if release is None:
        where = "its ref" if settings.tag == "ref" else "`tag` in its payload"
        return Unreadable(
            f"deployment {made.id} of {settings.repository} tells no tag: {where} is {plain(repr(_said(made, settings)), 80)}"
        )
    runs = (_RUN_OF.search(each.log_url or "") or _RUN_OF.search(each.target_url or "") for each in statuses)
    run = next((int(found[1]) for found in runs if found is not None), None)
    return Shown(release, made.created_at, run)


def _release(made: Made, settings: Settings) -> Release | None:
    """By its commit where the tag is one of git; else by the tag alone: the commit is that of the workflow then."""
    said = _said(made, settings)
    if not isinstance(said, str) or not is_whole(TAG, said):
        return None
    if settings.tag == "payload" or not is_whole(r"[0-9a-f]{40}([0-9a-f]{24})?", made.sha):
        return Release.of_tag(said)
    return Release(made.sha, said, {"commit": made.sha})


def _said(made: Made, settings: Settings) -> object:
    if settings.tag == "ref":
        return made.ref.removeprefix("refs/tags/")
    payload = made.payload
    if isinstance(payload, str):
        try:
            payload = from_json(payload)
        except ValueError:
            return None
    return payload.get("tag") if isinstance(payload, dict) else None


# ------------------------------------------------------------------------------------------------ what the service tells


async def _told(
    told: Told, ours: Sequence[tuple[Run, Trace]], page: Page | None, now: datetime
) -> View | Unreadable:
    """What the page says; what is on its way is known of our own runs alone."""
    if page is None:
        raise AssertionError("a target that asks a page is opened with one")
    try:
        got = await page(told.url)
    except DeployError as error:
        return Unreadable(f"`live`: {error}; {error.remedy}")
    if got.status != HTTP_OK:
        return Unreadable(f"`live` answered HTTP {got.status}")
    try:
        found = from_json(got.body)
    except ValueError:
        return Unreadable("`live` answered what is not JSON")
    for step in told.json_path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, str) or not is_whole(TAG, found):
        return Unreadable(f"`live` tells no tag at {told.json_path}: {plain(repr(found), 80)}")
    return _with_our_runs(Shown(Release.of_tag(found)), ours, now)


def _with_our_runs(serving: Shown, ours: Sequence[tuple[Run, Trace]], now: datetime) -> View:
    if not ours:
        return View(serving, None, ours)
    run, trace = ours[0]
    shown = Shown(Release.of_tag(trace.tag), run.created_at, run.id)
    if run.status != "completed":
        # One that nobody approves waits for 30 days: it is not on its way for so long, or it would be in the way of all that follow.
        return View(serving, shown if now - run.created_at < LASTS else None, ours)
    came = trace.tag == serving.release.tag
    return View(replace(serving, run=run.id, at=run.created_at) if came else serving, None, ours)


def is_third(view: View, move: Move) -> Release | None:
    """What is ahead, where that is neither of the two releases that *move* speaks of."""
    ahead = view.ahead.release if view.ahead else None
    if ahead is None or ahead.is_same_as(move.to) or ahead.is_same_as(move.expect):
        return None
    return ahead
