"""What is published as a schema of GraphQL: whether a query fits it, and whether it could have been answered so.

The answer is laid before the schema's own way of answering: each field is looked for in it, by its alias, and told again if its type
allows. What comes out must be what went in.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.language import DocumentNode, OperationDefinitionNode

from tests.schemas.exchange import Exchange, note

FOLDER = Path(__file__).with_name("published")


def hear(vendor: str, exchange: Exchange) -> None:
    """Keep what is wrong with it."""
    note(vendor, exchange, wrongs(vendor, exchange))


def wrongs(vendor: str, exchange: Exchange) -> Iterator[str]:
    """All that does not fit. Of a question whose answer is a refusal of all, nothing is said."""
    answer = json.loads(exchange.answer)
    if not answer.get("data"):
        return
    asked = exchange.asked
    document, mistakes = _parsed(vendor, asked["query"])
    yield from mistakes
    if not mistakes:
        yield from _of_variables(schema(vendor), document, asked.get("variables", {}))
        yield from _of_answer(schema(vendor), document, asked.get("variables", {}), answer)


@functools.cache
def schema(vendor: str) -> GraphQLSchema:
    """The file of *vendor*, read once."""
    return build_schema((FOLDER / f"{vendor}.graphql").read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=64)
def _parsed(vendor: str, query: str) -> tuple[DocumentNode, tuple[str, ...]]:
    document = parse(query)
    return document, tuple(f"the query: {each.message}" for each in validate(schema(vendor), document))


def _of_variables(known: GraphQLSchema, document: DocumentNode, given: dict[str, Any]) -> Iterator[str]:
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    found = get_variable_values(known, operation.variable_definitions or (), given)
    if isinstance(found, list):
        yield from (f"the variables: {each.message}" for each in found)


def _of_answer(
    known: GraphQLSchema, document: DocumentNode, given: dict[str, Any], answer: dict[str, Any]
) -> Iterator[str]:
    told = execute_sync(
        known,
        document,
        root_value=answer["data"],
        variable_values=given,
        field_resolver=_as_told,
        type_resolver=_any_of,
    )
    yield from (f"the answer: {each.message} at {each.path}" for each in told.errors or ())
    if not told.errors and told.data != answer["data"]:
        yield "the answer holds what was not asked for"


def _as_told(source: dict[str, Any], info: GraphQLResolveInfo[None], **_arguments: Any) -> Any:
    node: FieldNode = info.field_nodes[0]
    name = node.alias.value if node.alias else node.name.value
    if name not in source:
        raise GraphQLError(f"{name} was asked for, and is not answered")
    return source[name]


def _any_of(_value: Any, info: GraphQLResolveInfo[None], kind: Any) -> str:
    assert isinstance(kind, GraphQLInterfaceType)
    return next(iter(info.schema.get_possible_types(kind))).name
