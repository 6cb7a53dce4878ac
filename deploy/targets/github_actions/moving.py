"""Asking GitHub to deploy a tag: one dispatch of the workflow, with our mark.

There is **no compare-and-set**: between our look and the dispatch somebody else may begin a deployment, and GitHub takes both. A
`concurrency` group that the workflow shares with all that deploys there puts one after the other. Nor does GitHub know keys: the
move is known again by the mark that the run's name shows. GitHub makes the run before it answers, and the runs are read before a
dispatch is sent, so a move that is begun again finds it.

Source:
    https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

from deploy.errors import BadValue
from deploy.github import GITHUB_COM, Trace, host_of, limited, said
from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Unclear
from deploy.ports import Got
from deploy.target import Place
from deploy.targets import template
from deploy.targets.aws.wording import plain
from deploy.targets.github_actions.looking import View, is_third
from deploy.targets.github_actions.settings import MARK, Settings

SOON = timedelta(seconds=5)
BY_HAND = "by-hand"
_MOVED = "the repository was renamed: write its new name under `repository`"
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.MOVED_PERMANENTLY: _MOVED,
    HTTPStatus.TEMPORARY_REDIRECT: _MOVED,
    HTTPStatus.PERMANENT_REDIRECT: _MOVED,
    HTTPStatus.UNAUTHORIZED: "the token or the app's key is not accepted: make a new one",
    HTTPStatus.FORBIDDEN: "give the token or the app the permission Actions: write on the repository",
    HTTPStatus.NOT_FOUND: "the workflow is not there, or the token lacks the permission Actions: write on the repository",
    HTTPStatus.UNPROCESSABLE_ENTITY: "`rollbackd doctor` compares the workflow with what it is sent",
}


@dataclass(frozen=True, slots=True)
class Order:
    """The call that begins a move, as it is sent and foretold."""

    path: str
    content: Mapping[str, Any]

    def told(self) -> str:
        """In words: the call and what it is given."""
        inputs = " ".join(f"{name}={value!r}" for name, value in self.content["inputs"].items())
        return f"POST {self.path} ref={self.content['ref']} {inputs}"


def order(settings: Settings, place: Place, move: Move, key: str) -> Order:
    """The call. Raises `BadValue` for what may not stand in an input."""
    content: dict[str, Any] = {
        "ref": settings.ref or move.to.tag,
        "inputs": {**_inputs(settings, place, move, key), MARK: Trace(key, move.to.tag).mark},
    }
    if not settings.access.is_server:  # which refuses what it does not know
        content["return_run_details"] = True
    return Order(f"/repos/{settings.repository}/actions/workflows/{settings.workflow}/dispatches", content)


def decide(view: View, settings: Settings, place: Place, move: Move, key: str) -> Order | Beginning:
    """The call that brings *view* to ``move.to``; or why there is none.

    ============================================ ==========================================
    the environment                              what follows
    ============================================ ==========================================
    a third release serves or comes              refused: somebody else has moved it
    our run with this key is there               nothing is sent: it has begun
    what is wanted serves, nothing comes         nothing is sent
    what is wanted is on its way                 nothing is sent: it has begun
    what is to be undone serves or comes         the workflow is dispatched
    ============================================ ==========================================
    """
    third = is_third(view, move)
    if third is not None:
        does = "is on its way" if view.coming else "serves"
        return Refused(f"{third.tag} {does}: somebody else has moved it", third_tag=third.tag)
    run = view.run_of(key, move, settings.ref)
    if run is not None:
        return Begun(str(run.id), f"begun before: {plain(run.html_url)}")
    ahead = view.ahead
    if ahead is not None and ahead.release.is_same_as(move.to):
        return AlreadyThere() if view.coming is None else Begun(words=f"{move.to.tag} is on its way already")
    try:
        return order(settings, place, move, key)
    except BadValue as error:
        return Refused(f"{error}; {error.remedy}")


def answered(got: Got, settings: Settings, now: datetime) -> Beginning:
    """What GitHub's answer to a dispatch means."""
    if got.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        return _begun(got, settings)
    words = f"GitHub did not run {settings.called}: {said(got.status, got.body)}"
    wait = limited(got.status, got.headers, got.body, now)
    if wait is not None:
        return Refused(f"{words}; a limit of requests, nobody need act", again_in=wait)
    if got.status >= HTTPStatus.INTERNAL_SERVER_ERROR or got.status == HTTPStatus.REQUEST_TIMEOUT:
        return Unclear(f"{words}: it may have been taken")
    remedy = _REMEDIES.get(got.status)
    return Refused(f"{words}; {remedy}" if remedy else words)


def by_hand(settings: Settings, place: Place, move: Move) -> str:
    """The same as a line for a person's shell, by GitHub's own command."""
    host = host_of(settings.url)
    where = settings.repository if host == GITHUB_COM else f"{host}/{settings.repository}"
    try:
        inputs = order(settings, place, move, BY_HAND).content["inputs"]
    except BadValue as error:
        return f"not by this workflow: {error}"
    given = (part for name, value in inputs.items() for part in ("-f", f"{name}={value}"))
    ref = settings.ref or move.to.tag
    return shlex.join(("gh", "workflow", "run", settings.workflow, "--repo", where, "--ref", ref, *given))


def _inputs(settings: Settings, place: Place, move: Move, key: str) -> Mapping[str, str]:
    values = {
        "service": place.service,
        "environment": place.environment,
        "part": place.part,
        "tag": move.to.tag,
        "fingerprint": move.to.fingerprint,
        "expect": move.expect.tag,
        "expect_fingerprint": move.expect.fingerprint,
        "key": key,
    }
    return {name: template.fill(value, values) for name, value in settings.given.items()}


def _begun(got: Got, settings: Settings) -> Begun:
    """With the run, where GitHub tells it; a server of one's own answers nothing."""
    try:
        told = from_json(got.body) if got.body else None
    except ValueError:
        told = None
    run = told.get("workflow_run_id") if isinstance(told, dict) else None
    if type(run) is not int:
        return Begun(words=f"{settings.called} is dispatched")
    url = told.get("html_url") if isinstance(told, dict) else None
    return Begun(str(run), f"{settings.called} runs: {plain(str(url))}")
