"""The configuration's one error."""

from collections.abc import Iterable

from rules.errors import Problem
from watcher.errors import WatcherError


class InvalidConfiguration(WatcherError):
    """The files have mistakes. *problems* are all of them, in the order of the files; none of them repeats a secret."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)), remedy="correct the lines named above")
