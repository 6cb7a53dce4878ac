"""All that is read of GitHub. What stands there unchanged costs nothing of GitHub's limit: it is asked for by its eTag.

Source:
    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
    https://docs.github.com/en/rest/deployments/deployments#list-deployments
    https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from deploy.errors import Unanswered
from deploy.github import OURS, limited, said
from deploy.ports import Got, Rest
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.wording import plain

KEPT = 2048  # answers, as they were read: a target has some eight
WORDS = 200  # characters of GitHub's own words
LARGEST_FILE = 256 * 1024  # bytes of a workflow
T = TypeVar("T")
_Text = Annotated[str, Field(max_length=65536)]


class Unread(Exception):
    """GitHub could not be read. *status*: of its answer, where there was one that is no limit of requests."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status

    @property
    def is_passing(self) -> bool:
        """A moment later it may be otherwise, though nobody acts."""
        return self.status is None or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")


class Made(_Read):
    """A deployment, as GitHub tells it."""

    id: Annotated[int, Field(ge=1)]
    ref: _Text
    sha: _Text
    payload: Any = None
    created_at: Annotated[AwareDatetime, Field(strict=False)]


class Status(_Read):
    """A status of a deployment."""

    id: int
    state: _Text
    description: _Text | None = None
    log_url: _Text | None = None
    target_url: _Text | None = None
    created_at: Annotated[AwareDatetime, Field(strict=False)]

    @property
    def is_ours(self) -> bool:
        """The daemon has set it: it says how the watch stands, and not what serves."""
        return (self.description or "").startswith(OURS)


class Run(_Read):
    """A run of the workflow."""

    id: Annotated[int, Field(ge=1)]
    display_title: _Text = ""
    status: _Text | None = None
    conclusion: _Text | None = None
    head_branch: _Text | None = None
    html_url: _Text
    created_at: Annotated[AwareDatetime, Field(strict=False)]
    updated_at: Annotated[AwareDatetime, Field(strict=False)]


class _Runs(_Read):
    workflow_runs: list[Run]


class _Named(_Read):
    login: _Text | None = None
    slug: _Text | None = None


class _Reviewer(_Read):
    reviewer: _Named | None = None


class _Environment(_Read):
    name: _Text | None = None


class Pending(_Read):
    """What a run waits for, of one environment."""

    environment: _Environment
    wait_timer: int = 0
    current_user_can_approve: bool = False
    reviewers: list[_Reviewer] = []

    @property
    def approvers(self) -> tuple[str, ...]:
        """People and teams."""
        named = [each.reviewer.login or each.reviewer.slug for each in self.reviewers if each.reviewer]
        return tuple(name for name in named if name)


class Workflow(_Read):
    """The workflow itself."""

    path: _Text
    state: _Text


class _May(_Read):
    push: bool | None = None


class _Repository(_Read):
    permissions: _May = _May()


class _Commit(_Read):
    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")]


_MADE, _STATUSES = TypeAdapter(list[Made]), TypeAdapter(list[Status])
_RUNS, _RUN, _PENDING = TypeAdapter(_Runs), TypeAdapter(Run), TypeAdapter(list[Pending])
_WORKFLOW, _COMMIT, _REPOSITORY = TypeAdapter(Workflow), TypeAdapter(_Commit), TypeAdapter(_Repository)
_SCOPES = "x-oauth-scopes"


class Reader:
    """The reads of one right to ask, shared by all targets that have it; *now* is the clock.

    Attributes:
        scopes: Of a classic token, as the last answer told them; ``None``: it is another kind of right.

    Raises, in each of its operations:
        Unread: GitHub did not answer, refused, or a limit of it is used up.
    """

    def __init__(self, rest: Rest, now: Callable[[], datetime]) -> None:
        self._rest = rest
        self.now = now
        self.scopes: str | None = None
        self._kept: Kept[str, tuple[str, Any]] = Kept(KEPT)
        self._closed_until = datetime.min.replace(tzinfo=UTC)

    async def deployments(self, repository: str, environment: str) -> list[Made]:
        """Those of an environment, the newest first; at most 30."""
        path = f"/repos/{repository}/deployments?environment={quote(environment, safe='')}&per_page=30"
        return await self._json(path, _MADE)

    async def statuses(self, repository: str, deployment: int) -> list[Status]:
        """Of a deployment, the newest first, without ours."""
        path = f"/repos/{repository}/deployments/{deployment}/statuses?per_page=100"
        told = await self._json(path, _STATUSES)
        return sorted((each for each in told if not each.is_ours), key=lambda each: each.id, reverse=True)

    async def dispatched(self, repository: str, workflow: str) -> list[Run]:
        """The runs of *workflow* that somebody dispatched, the newest first; at most 30."""
        path = f"/repos/{repository}/actions/workflows/{workflow}/runs?event=workflow_dispatch&per_page=30"
        return (await self._json(path, _RUNS)).workflow_runs

    async def run(self, repository: str, id: int) -> Run:
        """One run."""
        return await self._json(f"/repos/{repository}/actions/runs/{id}", _RUN)

    async def pending(self, repository: str, run: int) -> list[Pending]:
        """What a run waits for."""
        return await self._json(f"/repos/{repository}/actions/runs/{run}/pending_deployments", _PENDING)

    async def workflow(self, repository: str, workflow: str) -> Workflow:
        """Whether it is there, and enabled."""
        return await self._json(f"/repos/{repository}/actions/workflows/{workflow}", _WORKFLOW)

    async def commit(self, repository: str, ref: str) -> str:
        """What *ref* points to."""
        return (await self._json(f"/repos/{repository}/commits/{quote(ref, safe='')}", _COMMIT)).sha

    async def may_push(self, repository: str) -> bool | None:
        """Whether whoever made the token may write *repository*; ``None``: not told."""
        return (await self._json(f"/repos/{repository}", _REPOSITORY)).permissions.push

    async def granted(self) -> Mapping[str, str] | None:
        """What the app's installation may, by permission; ``None``: there is a token instead."""
        try:
            return await self._rest.granted()
        except Unanswered as error:
            raise Unread(f"{error}; {error.remedy}") from error

    async def text(self, repository: str, path: str, ref: str | None) -> str:
        """A file of the repository; of its default branch where no *ref* is named."""
        asked = "" if ref is None else f"?ref={quote(ref, safe='')}"
        path = f"/repos/{repository}/contents/{quote(path)}{asked}"
        return await self._read(path, _as_text, {"accept": "application/vnd.github.raw+json"})

    async def _json(self, path: str, shape: TypeAdapter[T]) -> T:
        return await self._read(path, lambda body: _as(shape, path, body))

    async def _read(self, path: str, made_of: Callable[[bytes], T], headers: Mapping[str, str] = {}) -> T:
        if self.now() < self._closed_until:
            raise Unread(f"GitHub's limit of requests is used up until {self._closed_until:%H:%M:%S}")
        had = self._kept.get(path)
        asked = headers if had is None else {**headers, "if-none-match": had[0]}
        try:
            got = await self._rest("GET", path, None, asked)
        except Unanswered as error:
            raise Unread(f"{error}; {error.remedy}") from error
        self.scopes = got.headers.get(_SCOPES)
        if got.status == HTTPStatus.NOT_MODIFIED and had is not None:
            same: T = had[1]
            return same
        if got.status != HTTPStatus.OK:
            raise self._refused(path, got)
        told = made_of(got.body)
        if etag := got.headers.get("etag"):
            self._kept.keep(path, (etag, told))
        return told

    def _refused(self, path: str, got: Got) -> Unread:
        wait = limited(got.status, got.headers, got.body, self.now())
        if wait is not None:
            self._closed_until = self.now() + wait
        return Unread(
            f"{_short(path)}: {said(got.status, got.body)}{_REMEDIES.get(got.status, '') if wait is None else ''}",
            got.status if wait is None else None,
        )


_REMEDIES: Mapping[int, str] = {
    HTTPStatus.MOVED_PERMANENTLY: "; the repository was renamed: write its new name under `repository`",
    HTTPStatus.UNAUTHORIZED: "; the token is not accepted: make a new one",
    HTTPStatus.FORBIDDEN: "; the token needs Actions: write, Deployments: read and Contents: read on this repository",
    HTTPStatus.NOT_FOUND: "; it is not there, or the token does not see it",
}


def _as_text(body: bytes) -> str:
    return body[:LARGEST_FILE].decode(errors="replace")


def _as(shape: TypeAdapter[T], path: str, body: bytes) -> T:
    try:
        return shape.validate_python(from_json(body))
    except ValueError as error:  # a ValidationError is one
        where = _where(error) if isinstance(error, ValidationError) else "not JSON"
        raise Unread(
            f"{_short(path)}: not what GitHub would answer ({where}): is `url` that of its REST API?"
        ) from error


def _short(path: str) -> str:
    return plain(path.partition("?")[0])


def _where(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return plain(f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}", WORDS)
