"""Documents, and what is wrong with them."""

import pytest

from rules.document import Node, read_document
from rules.errors import InvalidRules, Problem


def document(text: str) -> Node:
    return read_document(text, "a.yaml")


def at(node: Node, *steps: str | int) -> Node:
    """What *steps* lead to."""
    for step in steps:
        below = node.items()[step] if isinstance(step, int) else node.get(step)
        assert below is not None
        node = below
    return node


def problems(text: str) -> list[str]:
    """All that is wrong with *text*, each on one line."""
    with pytest.raises(InvalidRules) as refused:
        document(text)
    return [one_line(problem) for problem in refused.value.problems]


def one_line(problem: Problem) -> str:
    return str(problem).replace("\n    ", " | ")
