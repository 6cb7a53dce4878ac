"""The notifier: reads the latest status of a deployment, and sets another one where that says too little."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from gidgethub import HTTPException
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from deploy.github import REPOSITORY
from deploy.model import Finding
from watcher.core.watch import Message
from watcher.http import HttpRefused
from watcher.notify.github import commits
from watcher.notify.github.client import Client
from watcher.notify.github.commits import CommitStatus, commit_status
from watcher.notify.github.examining import examined
from watcher.notify.github.refusals import NO_KEY, OF_COMMITS, OF_DEPLOYMENTS, SOON, refused, unanswered
from watcher.notify.github.saying import Deployment, Status, deployments_of, is_news, status_of
from watcher.notify.github.settings import App
from watcher.notify.notifier import Later, Never, Telling, Told

_REPOSITORY = re.compile(REPOSITORY)
MOST_SHAS = 256
LAST = "?per_page=10"  # the newest come first
log = structlog.stdlib.get_logger("rollbackd.notify.github")


class _Set(BaseModel):
    """A status, as GitHub tells it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int
    state: str
    description: str | None = None


_SET = TypeAdapter(list[_Set])


class Board:
    """One connection to GitHub."""

    def __init__(
        self,
        client: Client,
        now: Callable[[], datetime],
        public_url: str | None = None,
        app: App | None = None,
        *,
        commits: bool = False,
    ) -> None:
        self._client = client
        self._now = now
        self._public_url = public_url
        self._app = app
        self._commits = commits
        self._shas: dict[Deployment, str] = {}  # what a deployment is of never changes

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Set the status of the watch's deployment; of a watch that GitHub does not know there is nothing to tell.

        *narrowing*: the only repository whose deployments are told; whoever may announce may name any other.
        """
        if narrowing and not _REPOSITORY.fullmatch(narrowing):
            return Never(
                f"{narrowing} is no repository: write {{github: OWNER/NAME}} under `tell`, or github alone"
            )
        status = status_of(message.notice, self._public_url) if message.kind == "show" else None
        deployments = deployments_of(message.notice, narrowing, self._client.host)
        if status is None or not deployments:
            return Told(ref)
        told = [await self._show(each, status) for each in deployments]
        commit = commit_status(message.notice, status) if self._commits else None
        if commit is not None:  # last, so that it is never in the way
            told += [await self._show_commit(each, commit) for each in deployments]
        return _worst(told, ref or message.id)

    @property
    def skew(self) -> timedelta | None:
        """How far our clock was ahead of GitHub's at its last answer; ``None`` before there was one."""
        return self._client.skew

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:
        """Is the token taken, and what may it do in the repositories that *narrowings* are. Nothing is written."""
        return await examined(self._client, self._app, narrowings, self._now)

    async def _show(self, deployment: Deployment, status: Status) -> Telling:
        """Doing this twice sets one status."""
        where = f"the status of deployment {deployment.id} of {deployment.repository}"
        return await self._asked(where, self._set(deployment, status))

    async def _show_commit(self, deployment: Deployment, status: CommitStatus) -> Telling:
        """The same at the commit that the deployment is of."""
        where = f"the status of the commit of deployment {deployment.id} of {deployment.repository}"
        return await self._asked(where, self._set_commit(deployment, status), OF_COMMITS)

    async def _set(self, deployment: Deployment, status: Status) -> None:
        latest = _latest(await self._client.get(deployment.path + LAST))
        if is_news(status, latest):
            await self._client.create(deployment.path, status.content)
            log.info("status.set", repository=deployment.repository, state=status.state)

    async def _set_commit(self, deployment: Deployment, status: CommitStatus) -> None:
        repository, sha = f"/repos/{deployment.repository}", await self._sha(deployment)
        found = await self._client.get(f"{repository}/commits/{sha}/statuses?per_page=100")
        if commits.is_news(status, commits.SETS.validate_python(found)):
            await self._client.create(f"{repository}/statuses/{sha}", status.content)
            log.info("status.set", repository=deployment.repository, state=status.state)

    async def _sha(self, deployment: Deployment) -> str:
        if deployment not in self._shas:
            told = await self._client.get(f"/repos/{deployment.repository}/deployments/{deployment.id}")
            sha = commits.Deployed.model_validate(told).sha
            if not commits.SHA.fullmatch(sha):
                raise ValueError(sha)
            if len(self._shas) >= MOST_SHAS:
                self._shas.pop(next(iter(self._shas)))
            self._shas[deployment] = sha
        return self._shas[deployment]

    async def _asked(
        self, where: str, setting: Awaitable[None], remedies: Mapping[int, str] = OF_DEPLOYMENTS
    ) -> Telling:
        try:
            await setting
        except HttpRefused as error:
            return unanswered(where, error)
        except HTTPException as error:
            if int(error.status_code) == HTTPStatus.UNAUTHORIZED and self._client.forget():
                return Later(
                    SOON, f"{where}: the token of the installation is taken no longer; another is asked for"
                )
            return refused(where, error, self._now(), remedies)
        except PyJWTError:
            return Never(f"{where}: {NO_KEY}")
        except (ValidationError, ValueError, LookupError):
            return Later(SOON, f"{where}: not an answer of GitHub's: is `url` that of its REST API?")
        return Told()


def _latest(answer: object) -> Status | None:
    found = max(_SET.validate_python(answer), key=lambda each: each.id, default=None)
    return Status(found.state, found.description or "") if found else None


def _worst(tellings: Sequence[Telling], ref: str) -> Telling:
    """What is still to be told is told again, to all: those that know it already are left alone then."""
    later = [each for each in tellings if isinstance(each, Later)]
    never = [each for each in tellings if isinstance(each, Never)]
    if later:
        return max(later, key=lambda each: each.after)
    return never[0] if never else Told(ref)
