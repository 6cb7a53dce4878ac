"""Which rows of a query nobody asks for, and are not sent: by the values that each arm wants of a field. Pure.

That spares rows, and no scan. Without, the services that others ask for would take the rows of these: and what has more than ten
thousand is cut, and says nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# How a query writes any other sign AWS does not say: by a value with one no row is kept from being sent, for it may be meant.
_WRITTEN = re.compile(r"[ !#-\[\]-~]+")
APART = 4  # arms that have one value of a field, at most, for it to tell services apart
STAGE = "\n| "  # between the stages of a query
_BESIDE = ", "
_FILTER = "filter {} in [{}]"


@dataclass(slots=True)
class Filters:
    """Of one query.

    Attributes:
        many: Arms.
        values: Of each field that all of them want to have one value, as they are written.
        lengths: Of these, in the query.
    """

    many: int = 0
    values: dict[str, set[str]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)

    def add(self, exact: Mapping[str, str]) -> None:
        """Keep the rows of an arm too, which wants these values of fields. One that is empty is what a line without the field has."""
        wanted = {name: quoted(value) for name, value in exact.items() if _WRITTEN.fullmatch(value)}
        if not self.many:
            self.values = {name: set() for name in wanted}
            self.lengths = dict.fromkeys(wanted, 0)
        for name in self.values.keys() - wanted.keys():
            del self.values[name], self.lengths[name]
        for name, values in self.values.items():
            if wanted[name] not in values:
                values.add(wanted[name])
                self.lengths[name] += len(wanted[name]) + len(_BESIDE)
        self.many += 1

    def have_room(self, more: Sequence[Mapping[str, str]], room: int) -> bool:
        """With the arms of *more* what tells services apart can be written in *room* characters; or nothing does."""
        counts, lengths = dict[str, int](), dict[str, int]()
        for name, values in self.values.items():
            if all(_WRITTEN.fullmatch(exact.get(name, "")) for exact in more):
                new = {quoted(exact[name]) for exact in more} - values
                counts[name] = len(values) + len(new)
                lengths[name] = self.lengths[name] + sum(len(value) + len(_BESIDE) for value in new)
        first = _first(counts, lengths, self.many + len(more))
        return first is None or lengths[first] + _around(first) <= room

    def written(self, room: int) -> Iterator[str]:
        """As stages, as many as have *room* characters; first what tells services apart."""
        first = _first({name: len(values) for name, values in self.values.items()}, self.lengths, self.many)
        for name in sorted(self.values, key=lambda name: (name != first, self.lengths[name], name)):
            length = self.lengths[name] + _around(name)
            if length <= room:
                room -= length
                yield _FILTER.format(name, _BESIDE.join(sorted(self.values[name])))


def _first(counts: Mapping[str, int], lengths: Mapping[str, int], many: int) -> str | None:
    """The field by which services are told apart in the fewest characters."""
    apart = [name for name, count in counts.items() if APART * count >= many]
    return min(apart, key=lambda name: (lengths[name], name), default=None)


def _around(name: str) -> int:
    """Characters of a stage beside its values."""
    return len(STAGE) + len(_FILTER.format(name, ""))


def quoted(text: str) -> str:
    """*text* as a query writes it: of printable ASCII; backslashes and quotes are escaped."""
    return json.dumps(text)
