"""One convention: whatever has kinds is ``{kind: {its settings}}``, the kind being the only key."""

from collections.abc import Collection
from dataclasses import dataclass

from rules.document.node import Node, Place
from rules.document.words import nearest, quoted, unknown
from rules.errors import Problem


@dataclass(frozen=True, slots=True)
class Chosen:
    """The kind that was written, where, and its settings."""

    kind: str
    at: Place
    settings: Node


def read_kind(node: Node, what: str, known: Collection[str], later: Collection[str] = ()) -> Chosen | Problem:
    """The kind that *node* chooses among the *known*.

    Args:
        node: ``{kind: {its settings}}``.
        what: A noun for messages: "judge", "provider".
        known: The kinds that there are.
        later: Kinds that belong to the language, but are not in this version; they are refused in other words.
    """
    entries = list(node.entries())
    if len(entries) != 1:
        return node.problem(f"expected one {what}, as {{kind: {{its settings}}}}", _remedy(node, known))
    kind, entry = entries[0]
    if kind in known:
        return Chosen(kind, entry.key, entry.node)
    if kind in later:
        return entry.key.problem(f'the {what} "{kind}" is not in this version', _instead(known))
    return entry.key.problem(*unknown(what, kind, known if nearest(kind, known) else {*known, *later}))


def _remedy(node: Node, known: Collection[str]) -> str:
    if isinstance(node.content, str) and node.content in known:
        return f"write {{{node.content}: {{}}}}"
    if node.is_mapping and node.content:
        return f"keep one of {', '.join(quoted(key) for key, _ in node.entries())}"
    return _instead(known)


def _instead(known: Collection[str]) -> str:
    return f"in this version: {', '.join(sorted(known))}" if known else "remove it"
