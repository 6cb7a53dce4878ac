"""Deployments that wait at our protection rule: which they are is read from GitHub, and how they are answered.

A webhook (`deployment_protection_rule`) only hurries the reading, so nothing that waits is forgotten when nobody listened, and
a restart loses none. The address in the webhook is not used: the answer goes to the API that is configured, and the token with it.

GitHub ends a run that waited for 30 days. It takes ten comments on one deployment, of 1,024 characters.

Source:
    https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
    https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import from_json

from deploy.errors import DeployError
from deploy.github import OURS, Access, limited, said, trace_in
from deploy.model import TAG, About, Finding, Level
from deploy.ports import Got, Rest
from deploy.source import Barrier, Opening, Review, Reviewed, Waiting, Whose
from deploy.sources.github.payload import Repository, Run, shown
from deploy.sources.github.settings import Gate, Settings, of_environment

LONGEST = 1024  # characters of a comment
AT_ONCE = 20  # requests: GitHub takes 100, of all who ask as this app
PAGE, PAGES = 30, 4  # of runs that wait in one repository at once; a run is some 13 kB
# Begun with values that GitHub tells nobody: what is deployed need not be the run's own commit.
DISPATCHED = frozenset({"workflow_dispatch", "repository_dispatch"})
UNTOLD = (
    "GitHub tells nobody what a run was dispatched with, so what it deploys is not known: let its run-name show"
    " `tag=${{ inputs.tag }}` and set `gate.dispatched: title` at the source, or `commit` where each run deploys its own commit"
)
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the app's key is not accepted: make a new one",
    HTTPStatus.FORBIDDEN: "give the app Actions: read and Deployments: write on this repository",
    HTTPStatus.MOVED_PERMANENTLY: "the repository was renamed: write its new name in the configuration",
    HTTPStatus.NOT_FOUND: "install the app on this repository",
}
_NOT_OURS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
)


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Waits(Run):
    display_title: str = ""
    repository: Repository | None = None


class _Runs(_Read):
    workflow_runs: list[_Waits]


class _Environment(_Read):
    name: str = Field(max_length=255)


class _Pending(_Read):
    environment: _Environment


_RUNS, _PENDING = TypeAdapter(_Runs), TypeAdapter(list[_Pending])
# In the name of a run: ``run-name: deploy tag=${{ inputs.tag }}``.
_TITLE = re.compile(rf"(?<![!-~])tag=(?P<tag>{TAG})(?![!-~])")
T = TypeVar("T")


class GitHubBarrier:
    """The protection rules of one app. See `deploy.source.Barrier`."""

    def __init__(
        self, gate: Gate, settings: Settings, opening: Opening, rest: Rest, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._directory = opening.directory
        self._rest = rest
        self._now = now
        self._url = gate.url
        # What stands there unchanged costs nothing of GitHub's limit: as it was read last, with its eTag, by repository.
        self._kept: dict[str, dict[str, tuple[str, Any]]] = {}
        self._dispatched = gate.dispatched or ("commit" if settings.tag in {"ref", "sha"} else None)
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._closed_until = datetime.min.replace(tzinfo=UTC)

    @property
    def places(self) -> Sequence[str]:
        """Repositories."""
        return self._settings.repositories

    async def waiting(self, place: str) -> Sequence[Waiting]:
        """All that wait in the repository *place*. See `deploy.source.Barrier.waiting`."""
        runs = await self._runs(place)
        waits = {_pending_at(place, run) for run in runs}
        kept = self._kept.get(place, {})
        for path in [each for each in kept if "?" not in each and each not in waits]:
            del kept[path]
        found: list[Waiting] = []
        unread: DeployError | None = None
        for run in runs:
            try:
                found += await self._at(place, run)
            except DeployError as error:  # one that cannot be read, or is gone meanwhile, hides no other
                unread = error
        if unread is not None and not found:
            raise unread
        return found

    async def _runs(self, place: str) -> Sequence[_Waits]:
        """The newest first; beyond `PAGES` nobody looks before those that came later have gone."""
        runs: list[_Waits] = []
        for page in range(1, PAGES + 1):
            path = f"/repos/{place}/actions/runs?status=waiting&per_page={PAGE}&page={page}"
            told = (await self._get(place, path, _RUNS)).workflow_runs
            runs += told
            if len(told) < PAGE:
                break
        return runs

    async def say(self, waiting: Waiting, review: Review, words: str) -> Reviewed:
        """Answer it. See `deploy.source.Barrier.say`."""
        repository, run, environment = waiting.place
        content = {"environment_name": environment, "comment": _commented(words)}
        if review is not Review.COMMENT:
            content["state"] = review.value
        path = f"/repos/{repository}/actions/runs/{run}/deployment_protection_rule"
        got = await self._rest("POST", path, content)
        if got.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            return Reviewed()
        self._keep_limits(got)
        if got.status in _NOT_OURS and _limit(got, self._now()) is None:
            return Reviewed(
                f"{said(got.status, got.body)}: it waits for us no longer, or our rule is not enabled for {shown(environment)}"
            )
        raise _refused(path, got, self._now())

    async def examine(self) -> Sequence[Finding]:
        """Whether what waits can be read, in each repository; for ``rollbackd doctor``."""
        found = [await self._seen(place) for place in self.places]
        if self._dispatched is None:
            found.append(
                Finding(Level.WARN, "a run that somebody dispatched is rejected", UNTOLD, about=About.GATE)
            )
        return found

    async def _seen(self, place: str) -> Finding:
        try:
            waiting = await self.waiting(place)
        except DeployError as error:
            return Finding(Level.FAIL, str(error), error.remedy, about=About.GATE)
        words = f"what waits in {place} is read ({len(waiting)} now); whether the app may answer is told nowhere, and was not tried"
        return Finding(Level.OK, words, about=About.GATE)

    # ------------------------------------------------------------------------------------------------- one repository

    async def _at(self, repository: str, run: _Waits) -> list[Waiting]:
        """The environments that it waits for, as far as they are a service's."""
        pending = await self._get(repository, _pending_at(repository, run), _PENDING)
        found = []
        for each in pending:
            whose = self._directory(of_environment(repository, each.environment.name))
            if whose:
                found.append(self._waiting(repository, run, each.environment.name, whose))
        return found

    def _waiting(self, repository: str, run: _Waits, environment: str, whose: Sequence[Whose]) -> Waiting:
        told = _tags_in(run.display_title)
        by_title = self._dispatched == "title" and run.event in DISPATCHED
        by_ref = self._settings.tag == "ref"
        tag = told.pop() if by_title and len(told) == 1 else None
        return Waiting(
            id=f"{self._url} {repository} {run.id}.{run.run_attempt} {environment}",
            whose=whose[0],
            by=f"github:{repository}/actions/runs/{run.id}/attempts/{run.run_attempt}",
            tag=tag or (run.head_branch if by_ref and not by_title else None),
            commit=None if by_title else run.head_sha,
            mark=self._mark(run),
            barred=_foreign(run) or _of_several(environment, whose),
            untold=UNTOLD if run.event in DISPATCHED and not (tag or self._dispatched == "commit") else "",
            place=(repository, str(run.id), environment),
        )

    def _mark(self, run: _Waits) -> tuple[str, str] | None:
        """Of a move of ours, where nothing that is told of the run says that it deploys anything else.

        Whoever may dispatch may write any mark. At a tag of git the run deploys that tag; at a branch its name alone tells.
        """
        trace = trace_in(run.display_title) if run.event == "workflow_dispatch" else None
        if trace is None:
            return None
        told = _tags_in(run.display_title)
        is_told = run.head_branch == trace.tag or told == {trace.tag} or self._dispatched != "title"
        return (trace.key, trace.tag) if is_told and told <= {trace.tag} else None

    # ------------------------------------------------------------------------------------------------------- one call

    async def _get(self, place: str, path: str, shape: TypeAdapter[T]) -> T:
        if self._now() < self._closed_until:
            raise DeployError(
                f"GitHub's limit of requests is used up until {self._closed_until:%H:%M:%S}",
                remedy="nobody need act: it is read again then",
            )
        kept = self._kept.setdefault(place, {})
        had = kept.get(path)
        async with self._at_once:
            got = await self._rest("GET", path, None, {} if had is None else {"if-none-match": had[0]})
        if got.status == HTTPStatus.NOT_MODIFIED and had is not None:
            same: T = had[1]
            return same
        if got.status != HTTPStatus.OK:
            self._keep_limits(got)
            raise _refused(path, got, self._now())
        try:
            told = shape.validate_python(from_json(got.body))
        except ValueError as error:  # a ValidationError is one
            raise DeployError(
                f"{path}: not what GitHub would answer", remedy="is `gate.url` that of the REST API?"
            ) from error
        if "etag" in got.headers:
            kept[path] = got.headers["etag"], told
        return told

    def _keep_limits(self, got: Got) -> None:
        wait = _limit(got, self._now())
        if wait is not None:
            self._closed_until = self._now() + wait


def run_of(callback: str, url: str, repository: str) -> int | None:
    """The run whose answer goes to *callback*; ``None``: that address is not one of *repository* at the API *url*."""
    api, name = re.escape(url.rstrip("/")), re.escape(repository)
    found = re.fullmatch(
        rf"{api}/repos/{name}/actions/runs/([0-9]{{1,19}})/deployment_protection_rule",
        callback,
        re.IGNORECASE,
    )
    return None if found is None else int(found[1])


def barrier(
    settings: Settings, opening: Opening, github: Callable[[Access], Rest], now: Callable[[], datetime]
) -> Barrier | None:
    """The gate, where the settings say as which app it is kept."""
    if settings.gate is None:
        return None
    return GitHubBarrier(settings.gate, settings, opening, github(settings.gate.access), now)


def _foreign(run: _Waits) -> str:
    head, repository = run.head_repository, run.repository
    if head is None or repository is None or head.id != repository.id:
        return "the run is of a fork, and nothing of a fork is deployed here"
    return ""


def _pending_at(repository: str, run: _Waits) -> str:
    return f"/repos/{repository}/actions/runs/{run.id}/pending_deployments"


def _of_several(environment: str, whose: Sequence[Whose]) -> str:
    """Parts of one service have one gate; several services have several, and GitHub takes one answer for all."""
    services = sorted({f"{each.service}/{each.environment}" for each in whose})
    if len(services) == 1:
        return ""
    return (
        f"{', '.join(services[:5])} are all heard from the environment {shown(environment)}, and one answer would be for all:"
        " give each an environment of its own"
    )


def _tags_in(title: str) -> set[str]:
    return {found["tag"] for found in _TITLE.finditer(title[:LONGEST])}


def _limit(got: Got, now: datetime) -> timedelta | None:
    return limited(got.status, got.headers, got.body, now)


def _commented(words: str) -> str:
    text = f"{OURS}{words}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _refused(path: str, got: Got, now: datetime) -> DeployError:
    wait = _limit(got, now)
    remedy = (
        _REMEDIES.get(got.status, "it is asked again")
        if wait is None
        else "nobody need act: it is asked again"
    )
    return DeployError(f"{path.partition('?')[0]}: {said(got.status, got.body)}", remedy=remedy)
