"""From the types of NerdGraph, as a package holds them (taken from its introspection), the schema of what is asked for."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from graphql import DefinitionNode, DocumentNode, TypeDefinitionNode, parse, print_ast
from graphql.language import InterfaceTypeDefinitionNode, NamedTypeNode, Node, ObjectTypeDefinitionNode

from tests.schemas.packages import Package, run

_PRINTED = (
    "import newrelic_sb_sdk.graphql.objects, newrelic_sb_sdk.graphql.input_objects\n"
    "from newrelic_sb_sdk.graphql import nerdgraph\n"
    "print('\\n'.join(each.__to_graphql__() for each in nerdgraph))\n"
)
_EMPTY = re.compile(
    r"^(?:enum|input|type|interface) \w+ \{\s*\}$", re.MULTILINE
)  # of which the package has the name alone
_LISTED = re.compile(r"^type \w+ implements .* \{$", re.MULTILINE)  # by commas, as they were once
_ROOTS = "schema { query: RootQueryType mutation: RootMutationType }\n\n"


def printed(package: Package, folder: Path) -> str:
    """All of NerdGraph, in GraphQL's own language."""
    place = folder / "nerdgraph"
    run(sys.executable, "-m", "venv", str(place), place=folder)
    wanted = f"{package.name}=={package.version}"
    run(str(place / "bin" / "pip"), "install", "--quiet", wanted, place=folder)
    return run(str(place / "bin" / "python"), "-c", _PRINTED, place=folder)


def narrowed(text: str, fields: Mapping[str, Sequence[str]], also: Sequence[str]) -> str:
    """The types that *fields* lead to, of those that it names these fields alone; and the types *also*."""
    whole = parse(_LISTED.sub(lambda found: found[0].replace(",", " &"), _EMPTY.sub("", text)))
    known = {each.name.value: each for each in whole.definitions if isinstance(each, TypeDefinitionNode)}
    kept: dict[str, DefinitionNode] = {}
    waiting = [*fields, *also]
    while waiting:
        name = waiting.pop()
        if name in known and name not in kept:
            kept[name] = _with(known[name], fields.get(name))
            waiting += _named(kept[name])
    left = DocumentNode(definitions=tuple(kept[name] for name in sorted(kept)))
    return f"{_ROOTS}{print_ast(left)}\n"


def _with(node: TypeDefinitionNode, fields: Sequence[str] | None) -> TypeDefinitionNode:
    if fields is None:
        return node
    assert isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode)
    return replace(node, fields=tuple(each for each in node.fields or () if each.name.value in fields))


def _named(node: Node) -> list[str]:
    """The types that *node* speaks of."""
    if isinstance(node, NamedTypeNode):
        return [node.name.value]
    found: list[str] = []
    for key in node.keys:
        value = getattr(node, key, None)
        for each in value if isinstance(value, tuple | list) else (value,):
            found += _named(each) if isinstance(each, Node) else []
    return found
