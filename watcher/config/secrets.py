"""Secrets in the configuration are references, never values: ``{env: NAME}``, ``{file: PATH}``.

Reading the configuration is offline, so it must do without the values: `sealed` puts a stand-in at each reference, which
says nothing but the reference; `Configured.unsealed` puts the values in, when the daemon starts. Where a secret stands
is told by the settings themselves: a field of the type `SecretStr`.
"""

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, SecretStr

from rules.document import Entry, Mistakes, Node

KNOWN = frozenset({"env", "file"})
LATER = frozenset({"aws_secret", "ssm"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_STAND_IN = "rollbackd-secret:"
_LONG = 64  # characters of a stand-in, so that it passes where a secret must have a length


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is: an environment variable, or a file (its last line break is not part of the secret)."""

    kind: str
    name: str


class SecretUnavailable(Exception):
    """A reference leads to nothing. The message names the reference, never a value."""


class Secrets(Protocol):
    """Gives the value of a reference, or raises `SecretUnavailable`."""

    def __call__(self, reference: Reference) -> str:
        """The value."""


@dataclass(frozen=True, slots=True)
class ReadSecrets:
    """Secrets of this machine. *environ* is what variables are looked up in."""

    environ: Mapping[str, str]

    def __call__(self, reference: Reference) -> str:
        """The value of *reference*, from the environment or a file."""
        value = self.environ.get(reference.name) if reference.kind == "env" else _content(reference.name)
        if not value:
            raise SecretUnavailable(f"{_WORDS[reference.kind]} {reference.name} is not set, or empty")
        return value

    def __repr__(self) -> str:
        """Without the values."""
        return "ReadSecrets(…)"


_WORDS = {"env": "the variable", "file": "the file"}


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:
        raise SecretUnavailable(f"the file {path} cannot be read: {type(error).__name__}") from None


def sealed(node: Node, model: type[BaseModel], mistakes: Mistakes) -> Node:
    """*node* with a stand-in at each secret of *model*; a literal in a secret's place is a mistake."""
    return _sealed(node, [model], mistakes)


def unsealed(node: Node, secrets: Secrets, mistakes: Mistakes) -> Node:
    """*node*, sealed before, with the values of its secrets; one that cannot be had is a mistake."""
    if isinstance(node.content, dict):
        entries = {key: Entry(e.key, unsealed(e.node, secrets, mistakes)) for key, e in node.content.items()}
        return Node(node.at, entries)
    if isinstance(node.content, tuple):
        return Node(node.at, tuple(unsealed(item, secrets, mistakes) for item in node.content))
    reference = _reference(node.content)
    if reference is None:
        return node
    try:
        return Node(node.at, secrets(reference))
    except SecretUnavailable as unavailable:
        mistakes.add(node, str(unavailable), "set it where the daemon runs, or correct the reference")
        return node


def _reference(content: object) -> Reference | None:
    if not (isinstance(content, str) and content.startswith(_STAND_IN)):
        return None
    kind, _, name = content.removeprefix(_STAND_IN).rstrip("=").partition(":")
    return Reference(kind, name)


def _sealed(node: Node, types_here: list[Any], mistakes: Mistakes) -> Node:
    if SecretStr in types_here:
        return _one_sealed(node, mistakes)
    if isinstance(node.content, dict):
        entries = {
            key: Entry(entry.key, _sealed(entry.node, _types_below(types_here, key), mistakes))
            for key, entry in node.content.items()
        }
        return Node(node.at, entries)
    if isinstance(node.content, tuple):
        below = _types_below(types_here, None)
        return Node(node.at, tuple(_sealed(item, below, mistakes) for item in node.content))
    return node


def _one_sealed(node: Node, mistakes: Mistakes) -> Node:
    if node.content is None:
        return node
    if not node.is_mapping:
        mistakes.add(
            node,
            "a secret stands here in the open",
            "write where it is, {env: NAME} or {file: PATH}, and replace it: it has been written down",
        )
        return Node(node.at, _stand_in(Reference("env", "NONE")))
    chosen = mistakes.kind(node, "reference to a secret", KNOWN, LATER)
    if chosen is None:
        return Node(node.at, _stand_in(Reference("env", "NONE")))
    name = chosen.settings.text or ""
    if not name or (chosen.kind == "env" and not _VARIABLE.fullmatch(name)):
        mistakes.add(chosen.settings, "expected a name, not a value", "write {env: NAME} or {file: PATH}")
    return Node(node.at, _stand_in(Reference(chosen.kind, name)))


def _stand_in(reference: Reference) -> str:
    return f"{_STAND_IN}{reference.kind}:{reference.name}".ljust(_LONG, "=")


def _types_below(types_here: list[Any], key: str | None) -> list[Any]:
    """The types that may stand one step further down: at *key* of a mapping, or in a list."""
    return [inner for outer in types_here for inner in _flat(_type_below(outer, key))]


def _type_below(outer: Any, key: str | None) -> Any:
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        fields = {field.alias or name: field for name, field in outer.model_fields.items()}
        return fields[key].annotation if key in fields else None
    arguments = [argument for argument in typing.get_args(outer) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _flat(annotation: Any) -> list[Any]:
    """The members of a union, without what `Annotated` adds."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _flat(typing.get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        return [member for argument in typing.get_args(annotation) for member in _flat(argument)]
    return [annotation]
