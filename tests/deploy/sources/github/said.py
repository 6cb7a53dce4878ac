"""What GitHub sends, for the tests: its own published examples, and small ones of ours."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from deploy.source import Opening, Received, Whose
from deploy.sources.github import GitHubSource, Settings
from deploy.sources.github.settings import of_environment, of_workflow
from tests.fakes.github import SECRET
from tests.fakes.github.deliveries import signature

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CHECKOUT = Whose("checkout", "production")
EXAMPLES = Path(__file__).with_name("examples")
WHERE = {
    of_environment("Codertocat/Hello-World", "production"): (CHECKOUT,),
    of_environment("acme/shop", "production"): (CHECKOUT,),
    of_workflow("octo-org/octo-repo", "test.yml", "master"): (CHECKOUT,),
}


def a_source(**settings: Any) -> GitHubSource:
    known = ["acme/shop", "Codertocat/Hello-World", "octo-org/octo-repo"]
    usual = {"secret": SecretStr(SECRET), "repositories": known, **settings}
    return GitHubSource(Settings(**usual), Opening("github", lambda address: WHERE.get(address, ())))


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def received(event: str, payload: Any, **headers: str) -> Received:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    told = {"x-github-event": event, "x-github-delivery": "d-1", "x-hub-signature-256": signature(body)}
    return Received(body, told | headers, NOON, "hook:github")


def deployment(**changes: Any) -> dict[str, Any]:
    made = {
        "id": 42,
        "environment": "production",
        "ref": "v43",
        "sha": "0" * 40,
        "payload": {"tag": "checkout:43", "version": "4.3"},
        "creator": {"login": "ada"},
        "created_at": "2026-11-24T11:58:00Z",
        **changes,
    }
    return {"action": "created", "repository": {"id": 7, "full_name": "acme/shop"}, "deployment": made}


def status(state: str, *, id: int = 99, description: str = "", **changes: Any) -> dict[str, Any]:
    set_ = {"id": id, "state": state, "description": description, "created_at": "2026-11-24T11:59:00Z"}
    return {**deployment(**changes), "deployment_status": set_}


def a_run(action: str = "completed", **changes: Any) -> dict[str, Any]:
    run = {
        "id": 5,
        "path": ".github/workflows/test.yml",
        "event": "push",
        "head_branch": "master",
        "head_repository": {"id": 9, "full_name": "octo-org/octo-repo"},
        "conclusion": "success",
        "updated_at": "2026-11-24T11:59:00Z",
        **changes,
    }
    return {"action": action, "repository": {"id": 9, "full_name": "octo-org/octo-repo"}, "workflow_run": run}


API = "https://api.github.com"
CALLBACK = f"{API}/repos/acme/shop/actions/runs/9001/deployment_protection_rule"


def rule(**changes: Any) -> dict[str, Any]:
    """GitHub publishes no example of this event: its fields are those of the schema in its OpenAPI."""
    return {
        "action": "requested",
        "environment": "production",
        "event": "push",
        "sha": "0" * 40,
        "ref": "refs/tags/v43",
        "deployment_callback_url": CALLBACK,
        "deployment": None,
        "repository": {"id": 7, "full_name": "acme/shop"},
        "installation": {"id": 5},
        **changes,
    }
