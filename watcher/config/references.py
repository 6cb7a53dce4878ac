"""What was named above is ``name``, or ``{name: narrowing}``; and a name that is not there is told with the nearest."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rules.document import Entry, Mistakes, Node, Place, quoted, unknown
from watcher.config.models import NAME, NAME_REMEDY


@dataclass(frozen=True, slots=True)
class Referred:
    """A name, where it stands, and what narrows it."""

    name: str
    at: Place
    narrowing: Node | None = None


def refer(node: Node | None, what: str, known: Collection[str], mistakes: Mistakes) -> str | None:
    """The name at *node*, if it is among the *known*; nothing is said of what is no text (its model says it)."""
    if node is None or not isinstance(node.content, str):
        return None
    if node.content not in known:
        mistakes.add(node, *unknown(what, node.content, known))
        return None
    return node.content


def refer_each(
    node: Node | None, what: str, known: Collection[str], mistakes: Mistakes
) -> Iterator[Referred]:
    """The names in the list at *node*."""
    for item in node.items() if node else ():
        referred = read_reference(item)
        if referred is None:
            mistakes.add(item, f"expected the name of a {what}", "write the name, or {name: narrowing}")
        elif referred.name not in known:
            mistakes.add(referred.at, *unknown(what, referred.name, known))
        else:
            yield referred


def named(section: Node | None, what: str, mistakes: Mistakes) -> Iterator[tuple[str, Entry]]:
    """The entries of a section whose keys are names."""
    for name, entry in section.entries() if section else ():
        if not NAME.fullmatch(name):
            mistakes.add(entry.key, f"{quoted(name)} cannot name {what}", NAME_REMEDY)
        yield name, entry


def read_reference(item: Node) -> Referred | None:
    """What *item* names; ``None``: it is no name."""
    if isinstance(item.content, str):
        return Referred(item.content, item.at)
    entries = list(item.entries())
    if len(entries) != 1:
        return None
    name, entry = entries[0]
    return Referred(name, entry.key, entry.node)
