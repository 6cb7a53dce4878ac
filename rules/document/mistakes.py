"""A notebook of mistakes: reading goes on after the first, so that a person sees all at once."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from pydantic import BaseModel

from rules.document.kinds import Chosen, read_kind
from rules.document.node import Node, Place
from rules.errors import Problem

M = TypeVar("M", bound=BaseModel)


class Mistakes:
    """Problems found so far; each reading method gives the value, or ``None`` and writes down why."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order of the files."""
        return tuple(sorted(self._problems))

    def add(self, at: Node | Place, message: str, remedy: str) -> None:
        """Write down one mistake."""
        self._problems[at.problem(message, remedy)] = None

    def extend(self, problems: Iterable[Problem]) -> None:
        """Write down several."""
        self._problems |= dict.fromkeys(problems)

    def read(self, node: Node, model: type[M]) -> M | None:
        """The value of *model* at *node*."""
        value = node.read_as(model)
        if isinstance(value, tuple):
            self.extend(value)
            return None
        return value

    def kind(
        self, node: Node, what: str, known: Collection[str], later: Collection[str] = ()
    ) -> Chosen | None:
        """The kind that *node* chooses; see `read_kind`."""
        chosen = read_kind(node, what, known, later)
        if isinstance(chosen, Problem):
            self.extend([chosen])
            return None
        return chosen
