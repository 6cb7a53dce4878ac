"""What stands in a delivery, as far as it is looked at. What else GitHub writes, today or some day, is passed over.

Source:
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_protection_rule
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from deploy.github import ENVIRONMENT, OURS, REPOSITORY
from deploy.source import Rejected

EVENT, DELIVERY = "x-github-event", "x-github-delivery"
REMEDY = "send the delivery as GitHub wrote it"
SHOWN = 80  # characters of somebody else's text that are repeated in words of ours

_Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
_Text = Annotated[str, StringConstraints(max_length=65536)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")


class Repository(_Read):
    """Which; a fork has another id and another name."""

    id: _Id
    full_name: Annotated[str, StringConstraints(pattern=rf"^{REPOSITORY}\Z")]
    html_url: _Text | None = None


class _App(_Read):
    slug: _Text | None = None


class _User(_Read):
    login: _Text | None = None


class Run(_Read):
    """A run of a workflow, by itself or as what made a deployment."""

    id: _Id
    run_attempt: int = 1
    event: _Text | None = None
    path: _Text | None = None
    head_branch: _Text | None = None
    head_sha: _Text | None = None
    head_repository: Repository | None = None
    status: _Text | None = None
    conclusion: _Text | None = None
    created_at: _Text | None = None
    run_started_at: _Text | None = None
    updated_at: _Text | None = None
    actor: _User | None = None


class Deployment(_Read):
    """A deployment of GitHub's: that somebody wants something to be deployed, which need not have happened."""

    id: _Id
    environment: Annotated[str, StringConstraints(pattern=rf"^{ENVIRONMENT}\Z")]
    ref: _Text | None = None
    sha: _Text | None = None
    payload: Any = None
    creator: _User | None = None
    performed_via_github_app: _App | None = None
    created_at: _Text | None = None

    @property
    def app(self) -> str | None:
        """The slug of the app that made it."""
        return self.performed_via_github_app.slug if self.performed_via_github_app else None

    def said(self, name: str) -> object:
        """What its payload, an object or such an object as text, says under *name*."""
        payload = self.payload
        if isinstance(payload, str):
            try:
                payload = from_json(payload)
            except ValueError:
                return None
        return payload.get(name) if isinstance(payload, dict) else None


class Status(_Read):
    """A status of a deployment."""

    id: _Id
    state: _Text
    description: _Text | None = None
    created_at: _Text | None = None

    @property
    def is_ours(self) -> bool:
        """We have set it."""
        return (self.description or "").startswith(OURS)


class OfDeployment(_Read):
    """``deployment``."""

    action: _Text = "created"  # older servers do not say it
    repository: Repository
    deployment: Deployment
    workflow_run: Run | None = None


class OfStatus(OfDeployment):
    """``deployment_status``."""

    deployment_status: Status


class OfRun(_Read):
    """``workflow_run``."""

    action: _Text
    repository: Repository
    workflow_run: Run


class OfRule(_Read):
    """``deployment_protection_rule``: a run waits until it is said whether it may deploy."""

    action: _Text
    repository: Repository
    environment: Annotated[str, StringConstraints(pattern=rf"^{ENVIRONMENT}\Z")]
    deployment_callback_url: _Text


Payload = OfDeployment | OfStatus | OfRun
MODELS: Mapping[str, type[OfDeployment] | type[OfRun] | type[OfRule]] = {
    "deployment": OfDeployment,
    "deployment_protection_rule": OfRule,
    "deployment_status": OfStatus,
    "workflow_run": OfRun,
}


def read(event: str, body: bytes) -> Payload | OfRule | Rejected:
    """What stands in the *body* of a delivery of one of the `MODELS`."""
    try:
        said = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        return Rejected(
            f"not JSON: {str(error)[:SHOWN]}", "set the webhook's content type to application/json"
        )
    try:
        return MODELS[event].model_validate(said)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step)[:SHOWN] for step in mistake["loc"])
        return Rejected(f"not an event {event} of GitHub: {where}: {mistake['msg']}", REMEDY, where)


def moment(written: str | None) -> datetime | None:
    """A time with its zone; ``None`` where it is not one."""
    try:
        at = datetime.fromisoformat(written) if written and len(written) <= SHOWN else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def shown(text: object) -> str:
    """Somebody else's text, in words of ours."""
    return repr(text if isinstance(text, str) else type(text).__name__)[: SHOWN + 2]
