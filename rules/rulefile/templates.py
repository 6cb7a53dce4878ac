"""Parameters of a rule file, and `${name}` in its scalars.

A value never becomes query syntax: it is of a safe grammar, or refused. ``${arm.NAME}``, ``${bucket}``, and
what a suite of steps carries (``${step.NAME}``, ``${secret.NAME}``), are the provider's, and stay. An entry that is a
parameter which is ``optional``, and which nobody gave a value to, is left out.
"""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from rules.document import Entry, Mistakes, Node, quoted, unknown

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAME_REMEDY = "begin with a letter; small letters, digits, - and _ alone, at most 64"
_TEMPLATE = re.compile(r"\$\{([^{}]*)\}")
_LEFT = re.compile(r"(?:arm|step|secret)\.[a-z][a-z0-9_]{0,63}|bucket")  # what providers fill in
# None of quotes, braces, brackets, backslashes, blanks, `$`, `=`, `|`: nothing that ends a string or begins an expression.
_VALUE = re.compile(r"[A-Za-z0-9._:/@+%~-]{1,256}")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@%&=+-]{1,1024}")


class _Parameter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    default: object = None
    optional: bool = False


def read_parameters(
    section: Node | None, given: Node | None, mistakes: Mistakes
) -> tuple[dict[str, Node], frozenset[str]]:
    """Values by name, and the names that nobody gave a value to.

    Args:
        section: ``parameters:`` of the rule file.
        given: ``with:``, or where it is lacking; ``None`` to look at the rule file alone: then nothing is missing.
        mistakes: Gets what is wrong with either.

    Returns:
        The value of an optional parameter that nobody gave one to has neither a content nor a text.
    """
    defaults = _declared(section, mistakes) if section else {}
    values = {name: default for name, default in defaults.items() if default is not None}
    if given is not None:
        values |= _given(given, frozenset(defaults), mistakes)
    missing = frozenset(defaults) - frozenset(values)
    if missing and given is not None:
        _refuse_missing(given, missing, mistakes)
    return values, missing


def _declared(section: Node, mistakes: Mistakes) -> dict[str, Node | None]:
    defaults: dict[str, Node | None] = {}
    for name, entry in section.entries():
        if not NAME.fullmatch(name) or name == "bucket":
            mistakes.add(entry.key, f"{quoted(name)} cannot name a parameter", NAME_REMEDY)
        parameter = mistakes.read(entry.node, _Parameter)
        default = entry.node.get("default") if parameter else None
        if default and parameter and parameter.optional:
            mistakes.add(entry.node, "a default, and optional", "write one of them")
        nothing = Node(entry.node.at, None) if parameter and parameter.optional else None
        defaults[name] = _safe(name, default, mistakes) if default else nothing
    return defaults


def _given(given: Node, names: frozenset[str], mistakes: Mistakes) -> dict[str, Node]:
    values: dict[str, Node] = {}
    for name, entry in given.entries():
        if name not in names:
            mistakes.add(entry.key, *unknown("parameter", name, names))
        values[name] = _safe(name, entry.node, mistakes)
    return values


def _safe(name: str, value: Node, mistakes: Mistakes) -> Node:
    """*value*, with a mistake for each scalar in it that is of no safe grammar; a list stands for a list."""
    for scalar in value.items() if value.is_list else (value,):
        text = scalar.text or ""
        if not (_VALUE.fullmatch(text) or _URL.fullmatch(text)):
            mistakes.add(
                scalar,
                f"the value of {quoted(name)} has signs that could become part of a query",
                "letters, digits and . _ : / @ + % ~ - alone, at most 256, or an http(s) URL",
            )
    return value


def _refuse_missing(given: Node, missing: frozenset[str], mistakes: Mistakes) -> None:
    for name in sorted(missing):
        mistakes.add(given, f"the parameter {quoted(name)} has no value", f"add `with: {{{name}: …}}`")


class Filling:
    """Fills parameters into nodes, and keeps account: what was used, what stayed open."""

    def __init__(self, values: Mapping[str, Node], missing: frozenset[str], mistakes: Mistakes) -> None:
        self._values = values
        self._missing = missing
        self._mistakes = mistakes
        self.used: set[str] = set()
        self.open: set[tuple[int, int]] = set()  # line and column of scalars whose parameter has no value

    def fill(self, node: Node, *, arms: bool) -> Node:
        """*node* with its templates replaced; ``${arm.…}`` and ``${bucket}`` stay, and are allowed only if *arms*."""
        if isinstance(node.content, dict):
            kept = {key: entry for key, entry in node.content.items() if not self._is_left_out(entry.node)}
            return Node(node.at, {key: self._fill_entry(key, entry, arms) for key, entry in kept.items()})
        if isinstance(node.content, tuple):
            return Node(node.at, tuple(self.fill(item, arms=arms) for item in node.content))
        return (
            self._fill_scalar(node, arms) if isinstance(node.content, str) and "${" in node.content else node
        )

    def _is_left_out(self, node: Node) -> bool:
        """It is a parameter, optional and without a value."""
        whole = _TEMPLATE.fullmatch(node.content) if isinstance(node.content, str) else None
        if whole is None or not self._lacks(whole[1]):
            return False
        self.used.add(whole[1])
        return True

    def _lacks(self, name: str) -> bool:
        """It is optional, and nobody gave it a value."""
        value = self._values.get(name)
        return value is not None and value.content is None and value.text is None

    def _fill_entry(self, key: str, entry: Entry, arms: bool) -> Entry:  # noqa: FBT001 - passed on
        if "${" in key:
            self._mistakes.add(entry.key, "a template in a key", "templates stand in values")
        return Entry(entry.key, self.fill(entry.node, arms=arms))

    def _fill_scalar(self, node: Node, arms: bool) -> Node:  # noqa: FBT001 - passed on
        text = str(node.content)
        if "${" in _TEMPLATE.sub("", text):
            self._mistakes.add(node, "an unfinished template", "close it: ${name}")
        whole = _TEMPLATE.fullmatch(text)
        if whole and whole[1] in self._values and not self._lacks(whole[1]):
            # It keeps its type, and the place where a person can change it.
            self.used.add(whole[1])
            return self._values[whole[1]]
        filled = _TEMPLATE.sub(lambda match: self._value(match, node, arms), text)
        return Node(node.at, filled, filled)

    def _value(self, match: re.Match[str], node: Node, arms: bool) -> str:  # noqa: FBT001 - passed on
        name = match[1]
        self.used.add(name)
        if name in self._values:
            return self._text(name, node)
        if name in self._missing:
            self.open.add((node.at.line, node.at.column))
        elif not _LEFT.fullmatch(name):
            self._mistakes.add(node, *unknown("parameter", name, {*self._values, *self._missing}))
        elif not arms:
            self._mistakes.add(
                node, f"${{{name}}} outside of a query", "arms are told apart in queries alone"
            )
        return match[0]

    def _text(self, name: str, node: Node) -> str:
        value = self._values[name]
        if self._lacks(name):
            self._mistakes.add(
                node,
                f"a parameter that may have no value ({quoted(name)}) inside of text or of a list",
                f"let an entry be ${{{name}}} alone, or give it a default",
            )
        if value.is_list:
            self._mistakes.add(
                node, f"a list ({quoted(name)}) inside of text", f"let ${{{name}}} stand alone"
            )
        return value.text or ""
