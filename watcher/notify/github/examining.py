"""What ``rollbackd doctor`` says of a connection to GitHub: is the token taken, what is seen with it, what may be written.

No status is set: for a fine-grained token GitHub tells nowhere whether it may, and that is said.

Source:
    https://docs.github.com/en/rest/deployments/statuses
    https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#available-scopes
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from http import HTTPStatus

from gidgethub import HTTPException
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.model import About, Finding, Level
from watcher.http import HttpRefused
from watcher.notify.github.client import Client
from watcher.notify.github.refusals import NO_KEY, refused, unanswered
from watcher.notify.github.settings import App

WRITES = frozenset({"repo", "repo_deployment", "public_repo"})  # scopes of a classic token
SCOPES = "x-oauth-scopes"  # of a classic token, in every answer
_GRANT = "give the token or the app the permission Deployments: write on this repository"
_UNTOLD = "whether the token may write statuses is told nowhere, and was not tried"


class _Permissions(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    push: bool = True


class _Repository(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    full_name: str
    archived: bool = False
    permissions: _Permissions = _Permissions()


async def examined(
    client: Client, app: App | None, repositories: Iterable[str], now: Callable[[], datetime]
) -> Sequence[Finding]:
    """Who we are, then repository by repository. Reads only."""
    try:
        who = await _who(client, app)
        found = [who]
        if who.level is Level.OK:
            found += [await _seen(client, app, each, now) for each in repositories]
    except (HttpRefused, HTTPException, PyJWTError, ValidationError) as error:
        return [_failed(str(client.base_url), error, now())]
    return found


async def _who(client: Client, app: App | None) -> Finding:
    if app is None:
        try:
            await client.get("/rate_limit")
        except HTTPException as error:  # 404: GitHub Enterprise Server, where no limit is set
            if int(error.status_code) != HTTPStatus.NOT_FOUND:
                raise
        return Finding(Level.OK, f"{client.base_url} takes the token", about=About.KEY)
    may = (await client.installed(app)).permissions.get("deployments", "no access")
    words = f"{client.base_url} knows installation {app.installation} of app {app.id}; deployments: {may}"
    return Finding(Level.OK if may == "write" else Level.FAIL, words, _GRANT, about=About.SCOPE)


async def _seen(client: Client, app: App | None, repository: str, now: Callable[[], datetime]) -> Finding:
    try:
        seen = _Repository.model_validate(await client.get(f"/repos/{repository}"))
        await client.get(f"/repos/{repository}/deployments?per_page=1")
    except (HttpRefused, HTTPException, ValidationError) as error:
        return _failed(repository, error, now())
    if seen.archived:
        return Finding(
            Level.FAIL,
            f"{repository} is archived: it takes no status",
            "unarchive it, or do not tell it",
            about=About.REPOSITORY,
        )
    if app is not None:
        return Finding(
            Level.OK, f"{repository} is seen, and its deployments may be written", about=About.REPOSITORY
        )
    return _written(client, seen)


def _written(client: Client, seen: _Repository) -> Finding:
    """By a token: its user, and the scopes of a classic one, are told; what a fine-grained one may is not."""
    if not seen.permissions.push:
        return Finding(
            Level.FAIL,
            f"{seen.full_name} is seen, but whoever made the token may only read it",
            _GRANT,
            about=About.REPOSITORY,
        )
    told = client.heard.get(SCOPES)
    if told is None:
        return Finding(
            Level.OK, f"{seen.full_name} is seen, and its deployments; {_UNTOLD}", about=About.REPOSITORY
        )
    scopes = {scope.strip() for scope in told.split(",")}
    if scopes.isdisjoint(WRITES):
        words = f"{seen.full_name} is seen, but the token has the scopes {told or '(none)'}"
        return Finding(Level.FAIL, words, "give it the scope repo_deployment", about=About.SCOPE)
    return Finding(
        Level.OK, f"{seen.full_name} is seen, and its deployments may be written", about=About.REPOSITORY
    )


def _failed(where: str, error: Exception, now: datetime) -> Finding:
    if isinstance(error, HTTPException):
        said = refused(where, error, now).words
    elif isinstance(error, HttpRefused):
        said = unanswered(where, error).words
    elif isinstance(error, PyJWTError):
        said = f"{where}: {NO_KEY}"
    else:
        said = f"{where}: not an answer of GitHub's; is `url` that of its REST API?"
    words, _, remedy = said.partition("; ")
    return Finding(Level.FAIL, words, remedy, about=About.REPOSITORY)
