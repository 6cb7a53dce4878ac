"""The OpenAPI 3.1 document, from the table. No library: the table knows more than one could be told.

Source:
    https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from watcher.api.auth import Scope
from watcher.api.problems import CONTENT_TYPE, Problem
from watcher.api.route import AnyRoute

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]
Schemas = Mapping[Any, Schema]  # by (model, mode); pydantic says it more widely than we use it

REFUSED_TO_ALL = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
)
REFUSED_WITH_SCOPE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
REFUSED_WITH_BODY = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
)
SIGNATURE: Schema = {
    "type": "apiKey",
    "in": "header",
    "name": "X-Hub-Signature-256",
    "description": "As the system that sends it signs: this is GitHub's header, of the body under the secret of the source",
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same key and body, the same answer is given, and nothing is done twice; with another body: 409",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}


def document(routes: Sequence[AnyRoute], version: str) -> Schema:
    """The document of *routes*."""
    schemas, definitions = models_json_schema(
        sorted(_models(routes), key=lambda each: (each[0].__name__, each[1])),
        ref_template="#/components/schemas/{model}",
    )
    asked = {route.asked.__name__ for route in routes}
    components = {name: schema for name, schema in definitions["$defs"].items() if name not in asked}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rollbackd",
            "version": version,
            "description": "Watches deployments, and puts the last known-good release back when one is bad.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(routes, schemas, definitions["$defs"]),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "signature": SIGNATURE},
        },
    }


def _models(routes: Iterable[AnyRoute]) -> set[tuple[type[BaseModel], Mode]]:
    models: set[tuple[type[BaseModel], Mode]] = {(Problem, "serialization")}
    for route in routes:
        models.add((route.asked, "validation"))
        if route.takes_body:
            models.add((route.body, "validation"))
        if not isinstance(route.answers, str):
            models.add((route.answers, "serialization"))
    return models


def _paths(routes: Iterable[AnyRoute], schemas: Schemas, definitions: Schema) -> Schema:
    paths: Schema = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, definitions)
    return paths


def _operation(route: AnyRoute, schemas: Schemas, definitions: Schema) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _needs(route.scope),
        "security": _security(route.scope),
        "parameters": _parameters(route, definitions[route.asked.__name__]),
        "responses": _responses(route, schemas),
    }
    if route.takes_body:
        body = schemas[route.body, "validation"]
        takes = [each for each in (route.takes, route.also_takes) if each]
        operation["requestBody"] = {"required": True, "content": {each: {"schema": body} for each in takes}}
    return operation


def _security(scope: Scope) -> list[Schema]:
    if scope is Scope.PUBLIC:
        return []
    return [{"signature": []}] if scope is Scope.SIGNED else [{"token": []}]


def _needs(scope: Scope) -> str:
    if scope is Scope.SIGNED:
        return "Needs no token, but the signature of the system that sends it."
    return "Needs no token." if scope is Scope.PUBLIC else f"Needs a token that may `{scope}`."


def _parameters(route: AnyRoute, schema: Schema) -> list[Schema]:
    required = schema.get("required", [])
    parameters = [
        {
            "name": name,
            "in": "path" if name in route.in_path else "query",
            "required": name in required,
            "schema": _without_null(each),
        }
        for name, each in schema.get("properties", {}).items()
    ]
    takes_key = route.takes_body and route.scope is not Scope.SIGNED
    return [*parameters, IDEMPOTENCY_KEY] if takes_key else parameters


def _without_null(schema: Schema) -> Schema:
    """A query parameter is there or not; ``null`` would be a word."""
    given = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    return given[0] if given else {key: value for key, value in schema.items() if key != "title"}


def _responses(route: AnyRoute, schemas: Schemas) -> Schema:
    refused = (
        REFUSED_TO_ALL
        | route.refuses
        | (frozenset() if route.scope is Scope.PUBLIC else REFUSED_WITH_SCOPE)
        | (REFUSED_WITH_BODY if route.takes_body else frozenset())
    )
    problem = {CONTENT_TYPE: {"schema": schemas[Problem, "serialization"]}}
    answers = {
        str(int(route.status)): {"description": route.status.phrase, "content": _content(route, schemas)}
    }
    return answers | {
        str(int(status)): {"description": status.phrase, "content": problem} for status in sorted(refused)
    }


def _content(route: AnyRoute, schemas: Schemas) -> Schema:
    if isinstance(route.answers, str):
        return {route.answers: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": schemas[route.answers, "serialization"]}}
