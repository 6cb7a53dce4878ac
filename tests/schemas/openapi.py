"""From a description in OpenAPI, the JSON Schema of the operations that are used, and nothing that is only there for readers.

An object whose members are listed is closed: a member that we send, or that a fake tells, and that its vendor does not know, is a
mistake of ours. What a vendor says to be open stays open, and so does what is put together by ``allOf``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

Schema = dict[str, Any]
_KEPT = frozenset(
    {
        *("type", "enum", "const", "format", "pattern", "required", "$ref"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    }
)


def operations(document: Mapping[str, Any], wanted: Sequence[str]) -> Schema:
    """Of each of *wanted* (``GET /path/{name}``): what it takes, and what it answers by status; with what these refer to."""
    used = {each: _operation(document, each) for each in wanted}
    return referred(used, document["components"]["schemas"])


def webhooks(document: Mapping[str, Any], wanted: Sequence[str]) -> Schema:
    """Of each of *wanted* what is sent."""
    used = {
        each: {"body": _content(document["webhooks"][each]["post"]["requestBody"]["content"])}
        for each in wanted
    }
    return referred(used, document["components"]["schemas"])


def referred(used: Schema, known: Mapping[str, Any]) -> Schema:
    """*used*, with those of the schemas *known* that it refers to."""
    found = Schema()
    waiting = list(_names(used))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = pared(known[name])
            waiting += _names(found[name])
    return {"operations": used, "$defs": dict(sorted(found.items()))}


def renamed(schemas: Mapping[str, Schema], before: str) -> dict[str, Schema]:
    """*schemas*, all of whose names begin with *before*."""
    return {f"{before}{name}": _renamed(each, before) for name, each in schemas.items()}


def _renamed(schema: Any, before: str) -> Any:
    if isinstance(schema, Mapping):
        return {
            name: f"#/$defs/{before}{value.rpartition('/')[2]}" if name == "$ref" else _renamed(value, before)
            for name, value in schema.items()
        }
    return [_renamed(each, before) for each in schema] if isinstance(schema, list) else schema


def _operation(document: Mapping[str, Any], wanted: str) -> Schema:
    method, path = wanted.split(" ")
    whole = document["paths"][path]
    told = whole[method.lower()]
    given = [_at(document, each) for each in (*whole.get("parameters", []), *told.get("parameters", []))]
    body = _at(document, told["requestBody"]) if "requestBody" in told else {"content": {}}
    answers = {
        status: _content(_at(document, each).get("content", {})) for status, each in told["responses"].items()
    }
    return {
        "query": _query([each for each in given if each["in"] == "query"]),
        "body": _content(body["content"]),
        "needs_body": bool(body.get("required")),
        "answers": answers,
    }


def _query(parameters: Sequence[Mapping[str, Any]]) -> Schema:
    return {
        "type": "object",
        "properties": {each["name"]: pared(each["schema"]) for each in parameters},
        "required": [each["name"] for each in parameters if each.get("required")],
        "additionalProperties": False,
    }


def _content(content: Mapping[str, Any]) -> Schema | None:
    """Of what is said as JSON, in whichever of its kinds; ``None``: nothing is."""
    found = next((each["schema"] for kind, each in content.items() if "json" in kind), None)
    return None if found is None else pared(found)


def _at(document: Mapping[str, Any], each: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = each
    while "$ref" in found:
        found = document
        for name in each["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        each = found
    return each


def pared(schema: Any, *, closed: bool = True) -> Schema:
    """*schema* without its prose, as JSON Schema of 2020; *closed*: an object whose members are listed has no others."""
    if schema is True or schema in ({}, None):
        return {}
    found: Schema = {name: value for name, value in schema.items() if name in _KEPT}
    for side in ("Minimum", "Maximum"):  # OpenAPI 3.0 says so beside the bound, JSON Schema in its stead
        if isinstance(found.get(f"exclusive{side}"), bool) and found.pop(f"exclusive{side}"):
            found[f"exclusive{side}"] = found.pop(side.lower())
    if "$ref" in found:
        found = {"$ref": f"#/$defs/{plain(found['$ref'].rpartition('/')[2])}"}
    for name in {"oneOf", "anyOf"} & schema.keys():  # of several that fit by chance, one is enough
        found["anyOf"] = [pared(each, closed=closed) for each in schema[name]]
    if "allOf" in schema:
        found["allOf"] = [pared(each, closed=False) for each in schema["allOf"]]
    if "items" in schema:
        found["items"] = pared(schema["items"])
    found |= _members(schema, closed=closed and not {"allOf", "oneOf", "anyOf"} & schema.keys())
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") else found


def _members(schema: Mapping[str, Any], *, closed: bool) -> Schema:
    """Which members an object has, and whether it may have others."""
    more, listed = schema.get("additionalProperties"), schema.get("properties", {})
    found: Schema = {"properties": {name: pared(each) for name, each in listed.items()}} if listed else {}
    if isinstance(more, Mapping):
        found["additionalProperties"] = pared(more)
    elif listed and (
        more is False or (more is None and closed)
    ):  # where none is listed, nobody has said what there is
        found["additionalProperties"] = False
    return found


def plain(name: str) -> str:
    """*name* without signs that an address would spell otherwise."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", unquote(name))


def _names(schema: Any) -> Iterator[str]:
    """Of what *schema* refers to."""
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            if name == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _names(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _names(each)
