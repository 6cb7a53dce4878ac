"""What is taken from which package: of every vendor the operations that rollbackd uses, and no more."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.schemas import models, nerdgraph, openapi, typescript
from tests.schemas.openapi import Schema
from tests.schemas.packages import Package

DATADOG = Package("pypi", "datadog-api-client", "2.62.0", "Apache-2.0")
GITHUB = Package("npm", "@octokit/openapi", "23.0.2", "MIT")
WEBHOOKS = Package("npm", "@octokit/openapi-webhooks", "12.1.0", "MIT")
SENTRY = Package("npm", "@sentry/api", "0.1.0", "FSL-1.1-Apache-2.0")
SLACK = Package("npm", "@slack/web-api", "8.2.0", "MIT")
NEWRELIC = Package("pypi", "newrelic-sb-sdk", "0.47.0", "Apache-2.0")
AWS = Package("pypi", "aws-lambda-powertools", "3.37.0", "MIT-0")

_REPOSITORY = "/repos/{owner}/{repo}"
_STATUSES = f"{_REPOSITORY}/deployments/{{deployment_id}}/statuses"
_ORGANIZATION = "/api/0/organizations/{organization}"
_OF_SENTRY = {
    f"GET {_ORGANIZATION}/": "RetrieveAnOrganization",
    f"GET {_ORGANIZATION}/projects/": "ListAnOrganizationSProjects",
    f"GET {_ORGANIZATION}/releases/": "ListAnOrganizationSReleases",
    f"POST {_ORGANIZATION}/releases/": "CreateANewReleaseForAnOrganization",
    f"GET {_ORGANIZATION}/releases/{{version}}/": "RetrieveAnOrganizationSRelease",
    f"GET {_ORGANIZATION}/releases/{{version}}/deploys/": "ListAReleaseSDeploys",
    f"POST {_ORGANIZATION}/releases/{{version}}/deploys/": "CreateADeploy",
    f"GET {_ORGANIZATION}/sessions/": "RetrieveReleaseHealthSessionStatistics",
    f"GET {_ORGANIZATION}/events/": "QueryExploreEventsInTableFormat",
    f"GET {_ORGANIZATION}/events-timeseries/": "QueryExploreEventsInTimeseriesFormat",
    f"GET {_ORGANIZATION}/issues/": "ListAnOrganizationSissues",
}
_OF_SLACK = {
    "auth.test": "AuthTest",
    "chat.postMessage": "ChatPostMessage",
    "chat.update": "ChatUpdate",
    "chat.postEphemeral": "ChatPostEphemeral",
    "conversations.history": "ConversationsHistory",
    "conversations.replies": "ConversationsReplies",
    "conversations.info": "ConversationsInfo",
    "usergroups.users.list": "UsergroupsUsersList",
    "files.getUploadURLExternal": "FilesGetUploadURLExternal",
    "files.completeUploadExternal": "FilesCompleteUploadExternal",
    "apps.connections.open": "AppsConnectionsOpen",
}
_BLOCK = "AssistantAppThreadBlock"  # what a block is called in all answers, for the first that was met
_OF_NERDGRAPH = {
    "RootQueryType": ("actor",),
    "RootMutationType": ("changeTrackingCreateEvent",),
    "Actor": ("account",),
    "Account": ("id", "nrql"),
    "NrdbResultContainer": ("metadata", "nrql", "results"),
    "ChangeTrackingEvent": ("changeTrackingId", "groupId", "timestamp"),
    "ChangeTrackingDeploymentEvent": ("changeTrackingId", "groupId", "timestamp"),
}


@dataclass(frozen=True)
class Document:
    """One file that is derived.

    Attributes:
        name: Without its ending.
        derived: Its content, of the package in that folder.
    """

    name: str
    package: Package
    derived: Callable[[Path], Schema | str]


def _datadog(version: str, *wanted: str) -> Document:
    def derived(folder: Path) -> Schema:
        file = DATADOG.fetched(folder) / f".generator/schemas/{version}/openapi.yaml"
        return openapi.operations(
            yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader),
            [f"{each.split(' ')[0]} /api/{version}{each.split(' ')[1]}" for each in wanted],
        )

    return Document(f"datadog-{version}", DATADOG, derived)


def _github(folder: Path) -> Schema:
    wanted = (
        f"GET {_REPOSITORY}",
        f"GET {_REPOSITORY}/deployments",
        f"GET {_STATUSES}",
        f"POST {_STATUSES}",
        "GET /rate_limit",
        "POST /app/installations/{installation_id}/access_tokens",
    )
    return openapi.operations(_read(GITHUB, folder), wanted)


def _webhooks(folder: Path) -> Schema:
    return openapi.webhooks(
        _read(WEBHOOKS, folder), ("deployment-created", "deployment-status-created", "ping")
    )


def _read(package: Package, folder: Path) -> Mapping[str, Any]:
    file = package.fetched(folder) / "generated/api.github.com.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _sentry(folder: Path) -> Schema:
    wanted = [f"{each}{part}" for each in _OF_SENTRY.values() for part in ("Data", "Responses")]
    found = typescript.types(SENTRY, "dist/types.gen", wanted, folder)
    used = {
        operation: {
            "query": _member(found, f"{name}Data", "query"),
            "body": _member(found, f"{name}Data", "body"),
            "needs_body": "body" in _whole(found, f"{name}Data").get("required", []),
            "answers": _whole(found, f"{name}Responses")["properties"],
        }
        for operation, name in _OF_SENTRY.items()
    }
    return openapi.referred(used, found)


def _slack(folder: Path) -> Schema:
    """Each answer apart: its types are called as those of others are, and are not the same.

    Blocks are answered as they were posted; the types of answers hold no more than those that somebody has met.
    """
    asked = typescript.types(SLACK, "dist/index", [f"{each}Arguments" for each in _OF_SLACK.values()], folder)
    used, known = Schema(), dict(asked)
    for method, name in _OF_SLACK.items():
        told = typescript.types(SLACK, "dist/index", [f"{name}Response"], folder)
        known |= openapi.renamed(told, f"{name}.")
        known[f"{name}.{_BLOCK}"] = {"$ref": "#/$defs/KnownBlock"}
        used[f"POST /api/{method}"] = {
            "query": None,
            "body": asked[f"{name}Arguments"],
            "needs_body": True,
            "answers": {"200": {"$ref": f"#/$defs/{name}.{name}Response"}},
        }
    return openapi.referred(used, known)


def _member(found: Mapping[str, Schema], name: str, member: str) -> Schema | None:
    told: Schema = _whole(found, name)["properties"].get(member, {})
    return None if told in ({}, {"not": {}}) else told


def _whole(found: Mapping[str, Schema], name: str) -> Schema:
    schema = found[name]
    while "$ref" in schema:
        schema = found[schema["$ref"].rpartition("/")[2]]
    return schema


def _newrelic(folder: Path) -> str:
    return nerdgraph.narrowed(
        nerdgraph.printed(NEWRELIC, folder), _OF_NERDGRAPH, ("ChangeTrackingDeploymentEvent",)
    )


DOCUMENTS = (
    _datadog(
        "v1",
        *("GET /validate", "GET /search", "GET /monitor/{monitor_id}", "POST /events"),
        *("GET /slo/{slo_id}", "GET /slo/{slo_id}/history"),
    ),
    _datadog(
        "v2",
        *("POST /query/timeseries", "POST /query/scalar", "POST /events/search"),
        *("POST /dora/deployment", "PATCH /dora/deployments/{deployment_id}"),
    ),
    Document("github", GITHUB, _github),
    Document("github-webhooks", WEBHOOKS, _webhooks),
    Document("sentry", SENTRY, _sentry),
    Document("slack", SLACK, _slack),
    Document("newrelic", NEWRELIC, _newrelic),
    Document("aws-messages", AWS, lambda folder: models.messages(AWS, folder)),
)
