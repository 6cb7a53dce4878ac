"""A delivery → what it means. Pure; it raises nothing for what somebody has sent.

    event              action     state / conclusion              means
    deployment         created                                    started
    deployment_status  created    in_progress, queued, pending    started
                                  success                         complete
                                  failure, error                  failed
                                  inactive                        nothing: GitHub retires the older ones itself
                                  any, of ours                    nothing
    workflow_run       requested, in_progress                     started
                       completed  success                         complete
                                  failure, timed_out, ...         failed
    deployment_protection_rule  requested                         somebody waits at our gate: it is read at once
    ping                                                          nothing

One event is known again by what it is about, and not by the id of its delivery: that stands in a header that nobody has
signed, and one event comes under several where the organisation, the repository and an app are all told of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from deploy.github import GITHUB_COM, host_of, is_whole
from deploy.model import TAG, Announcement, Finding, Phase
from deploy.source import Ignored, Knock, Opening, Received, Rejected, Whose
from deploy.sources.github.barrier import run_of
from deploy.sources.github.examining import examined
from deploy.sources.github.identity import called
from deploy.sources.github.payload import (
    DELIVERY,
    EVENT,
    MODELS,
    REMEDY,
    Deployment,
    OfRule,
    OfRun,
    OfStatus,
    Payload,
    Repository,
    Run,
    moment,
    read,
    shown,
)
from deploy.sources.github.settings import Named, Settings, is_believed, of_environment, of_workflow
from deploy.sources.github.signature import HEADER, signed

STATES: Mapping[str, Phase] = {
    "in_progress": Phase.STARTED,
    "queued": Phase.STARTED,
    "pending": Phase.STARTED,
    "success": Phase.COMPLETE,
    "failure": Phase.FAILED,
    "error": Phase.FAILED,
}
CONCLUSIONS: Mapping[str, Phase] = {
    "success": Phase.COMPLETE,
    "failure": Phase.FAILED,
    "timed_out": Phase.FAILED,
    "startup_failure": Phase.FAILED,
    "cancelled": Phase.FAILED,
}
BEGINS = frozenset({"requested", "in_progress"})  # of a run; `completed` ends it
_EVENT = re.compile(r"[a-z0-9_]{1,64}")
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
_LOGIN = r"[A-Za-z0-9_-]{1,64}(?:\[bot\])?"

Meaning = Announcement | Ignored | Rejected


@dataclass(frozen=True, slots=True)
class _Said:
    """What a delivery says, before it is known whose it is."""

    event: str
    key: str
    at: datetime | None
    phase: Phase
    repository: Repository
    address: str
    author: str | None
    hints: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


class GitHubSource:
    """The parser, and the guard, of what GitHub sends to ``POST /v1/hooks/NAME``."""

    def __init__(self, settings: Settings, opening: Opening) -> None:
        self.name = opening.name
        self._settings = settings
        self._directory = opening.directory

    def admits(self, headers: Mapping[str, str], body: bytes) -> bool:
        """GitHub has sent *body*: it is signed with the webhook's secret."""
        return signed(self._settings.secrets, headers.get(HEADER, ""), body)

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret; for ``rollbackd doctor``."""
        return examined(self._settings)

    def read(self, received: Received) -> Meaning:
        """What *received*, which was admitted, says."""
        event = received.headers.get(EVENT, "")
        if not _EVENT.fullmatch(event):
            return Rejected(f"{shown(event)} is no event of GitHub", REMEDY, "X-GitHub-Event")
        if not _DELIVERY.fullmatch(received.headers.get(DELIVERY, "")):
            return Rejected("a delivery without its id", REMEDY, "X-GitHub-Delivery")
        if event not in MODELS:
            return Ignored(f"{event}: of no concern here")
        payload = read(event, received.body)
        if isinstance(payload, Rejected):
            return payload
        if isinstance(payload, OfRule):
            return self._knocked(payload)
        return self._meant(event, payload, received.at)

    def _meant(self, event: str, payload: Payload, arrived: datetime) -> Meaning:
        why = self._not_believed(payload)
        if why is not None:
            return Ignored(f"{event}: {why}")
        said = _of_run(payload) if isinstance(payload, OfRun) else self._of_deployment(payload)
        return said if isinstance(said, Ignored) else self._told(said, arrived)

    # ------------------------------------------------------------------------------------------------- who may be believed

    def _not_believed(self, payload: Payload) -> str | None:
        """Why it is passed over: of a repository, a fork or an app of no concern."""
        repository, run = payload.repository, payload.workflow_run
        if not is_believed(self._settings, repository.full_name):
            return f"the repository {repository.full_name} is none of those that are configured"
        if isinstance(payload, OfRun) and payload.workflow_run.head_repository is None:
            return "the run does not say of which repository it is"
        if run is not None and _is_foreign(run, repository):
            return "the run is of a fork"
        if run is not None and (run.event or "").startswith("pull_request"):
            return "the run is of a pull request"
        app = self._settings.creator_app
        if app is not None and not isinstance(payload, OfRun) and payload.deployment.app != app:
            return f"the deployment was made by {shown(payload.deployment.app)}, and not by {app}"
        return None

    def _knocked(self, rule: OfRule) -> Ignored | Rejected:
        """A run that waits: whose it is, and that its answer would go to the API that is configured, and to nowhere else."""
        event, gate, full_name = "deployment_protection_rule", self._settings.gate, rule.repository.full_name
        if not is_believed(self._settings, full_name):
            return Ignored(f"{event}: the repository {full_name} is none of those that are configured")
        if rule.action != "requested":
            return Ignored(f"{event}: {shown(rule.action)} changes nothing")
        if gate is None:
            return Ignored(f"{event}: this source keeps no gate: it has no `gate: {{app: …}}`")
        run = run_of(rule.deployment_callback_url, gate.url, full_name)
        if run is None:
            return Rejected(
                f"{event}: its answer would go to {shown(rule.deployment_callback_url)}, which is not at {gate.url}",
                "is `gate.url` that of the server's REST API?",
                "deployment_callback_url",
            )
        address = of_environment(full_name, rule.environment)
        if not self._directory(address):
            return Ignored(f"{event}: no service of the configuration is heard from {address[:SHOWN]}")
        return Knock(f"{event}: run {run} of {full_name} waits at the gate of {rule.environment}")

    def _told(self, said: _Said, arrived: datetime) -> Meaning:
        whose = self._directory(said.address)
        if not whose:
            return Ignored(
                f"{said.event}: no service of the configuration is heard from {said.address[:SHOWN]}"
            )
        if len(whose) > 1:
            return _several(said.address, [_words(each) for each in whose])
        (of,) = whose
        part = {} if of.part is None else {"part": of.part}
        author = {"author": said.author} if is_whole(_LOGIN, said.author) and said.author else {}
        return Announcement(
            source=self.name,
            dedup_key=said.key,
            service=of.service,
            environment=of.environment,
            phase=said.phase,
            at=said.at or arrived,
            hints={**said.hints, **author, **part},
            platform_ids=said.ids,
        )

    # ---------------------------------------------------------------------------------------------------- what it says

    def _of_deployment(self, payload: Payload) -> _Said | Ignored:
        assert not isinstance(payload, OfRun)  # noqa: S101 - for mypy: its caller has looked
        deployment = payload.deployment
        status = payload.deployment_status if isinstance(payload, OfStatus) else None
        event = "deployment" if status is None else "deployment_status"
        if payload.action != "created":
            return Ignored(f"{event}: {shown(payload.action)} changes nothing")
        if status is not None and status.is_ours:
            return Ignored("deployment_status: one that rollbackd has set itself")
        phase = Phase.STARTED if status is None else STATES.get(status.state)
        if phase is None:
            return Ignored(f"deployment_status: {shown(status and status.state)} changes nothing")
        repository = payload.repository
        key = f"{event}:{_number(repository)}:{deployment.id}" + (f":{status.id}" if status else "")
        return _Said(
            event=event,
            key=key,
            at=moment(status.created_at if status else deployment.created_at),
            phase=phase,
            repository=repository,
            address=of_environment(repository.full_name, deployment.environment),
            author=deployment.creator.login if deployment.creator else None,
            hints=self._names(deployment),
            ids=(called(host_of(repository.html_url), repository.full_name, deployment.id),),
        )

    def _names(self, deployment: Deployment) -> dict[str, str]:
        """The names of the release, as far as the settings say where they stand; what cannot be a name is none."""
        chosen: Mapping[str, Named | None] = {"tag": self._settings.tag, "version": self._settings.version}
        told = {name: _named(deployment, name, where) for name, where in chosen.items() if where is not None}
        return {
            name: value for name, value in told.items() if isinstance(value, str) and is_whole(TAG, value)
        }


SHOWN = 300  # characters of an address in words of ours


def _named(deployment: Deployment, name: str, where: Named) -> object:
    return {"payload": deployment.said(name), "ref": deployment.ref, "sha": deployment.sha}[where]


def _of_run(payload: OfRun) -> _Said | Ignored:
    run, repository = payload.workflow_run, payload.repository
    done = payload.action == "completed"
    phase = CONCLUSIONS.get(run.conclusion or "") if done else Phase.STARTED
    if phase is None or not (done or payload.action in BEGINS):
        return Ignored(f"workflow_run: {shown(payload.action)}, {shown(run.conclusion)} changes nothing")
    workflow = PurePosixPath((run.path or "").partition("@")[0]).name
    return _Said(
        event="workflow_run",
        key=f"workflow_run:{_number(repository)}:{run.id}:{run.run_attempt}:{payload.action}",
        at=moment(run.updated_at if done else run.run_started_at or run.created_at),
        phase=phase,
        repository=repository,
        address=of_workflow(repository.full_name, workflow, run.head_branch or ""),
        author=run.actor.login if run.actor else None,
    )


def _number(repository: Repository) -> str:
    """Of a repository; each server begins at 1."""
    host = host_of(repository.html_url)
    return str(repository.id) if host == GITHUB_COM else f"{host}/{repository.id}"


def _is_foreign(run: Run, repository: Repository) -> bool:
    head = run.head_repository
    return head is not None and (head.id, head.full_name.lower()) != (
        repository.id,
        repository.full_name.lower(),
    )


def _several(address: str, names: list[str]) -> Rejected:
    return Rejected(
        f"several of the configuration are heard from {address[:SHOWN]}: {', '.join(names)}",
        "let one part of one service be heard from there",
    )


def _words(whose: Whose) -> str:
    return "/".join(filter(None, (whose.service, whose.environment, whose.part)))
