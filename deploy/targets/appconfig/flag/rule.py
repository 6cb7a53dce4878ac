"""The percentage in the rule of a variant: found where it stands, and nothing else of the rule is touched. Pure.

A rule is one expression in brackets: ``(split pct::10 by::$userId seed::"abc")``, or that within ``and``. It is the owner's, who
chooses by what people are told apart; of it only the number after ``pct::`` is read and replaced. Within ``or`` some would have the
variant at nothing too, and within ``not`` fewer with a larger number: neither is a share that could be taken back.

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-multi-variant-feature-flags-rules-operators.html
"""

import re
from dataclasses import dataclass
from itertools import pairwise

SPLIT, ENCLOSING = "split", frozenset({"and"})
EVERYBODY = 100.0
# A text in quotes is one piece, whatever stands in it.
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|[()\[\]]|pct::\s*(?P<number>[^\s()\[\]"]*)|[^\s()\[\]"]+')
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Percentage:
    """The number after ``pct::`` in *rule*, from *begin* to *end*."""

    rule: str
    begin: int
    end: int

    @property
    def share(self) -> float:
        """As a share (0..1)."""
        return float(self.rule[self.begin : self.end]) / EVERYBODY

    @property
    def frame(self) -> str:
        """The rule without it."""
        return f"{self.rule[: self.begin]}{self.rule[self.end :]}"

    def set_to(self, share: float) -> str:
        """The rule with *share* (0..1) instead, in whole percents."""
        return f"{self.rule[: self.begin]}{round(share * EVERYBODY)}{self.rule[self.end :]}"


def splits_in(rule: str) -> int:
    """How often *rule* shares people out."""
    pieces = [each[0] for each in _PIECES.finditer(rule)]
    return sum(1 for before, each in pairwise(pieces) if (before, each) == ("(", SPLIT))


def percentage_in(rule: str) -> Percentage | str:
    """The one percentage of *rule*; or why it is not a share that could be raised."""
    within: list[str] = []  # the operators around the piece that is looked at; empty: it is not known yet
    found: list[Percentage] = []
    for piece in _PIECES.finditer(rule):
        text = piece[0]
        if text in "([":
            within.append("")
        elif text in ")]":
            if not within:
                return "its brackets do not match"
            within.pop()
        elif within and not within[-1]:
            within[-1] = text
        elif piece["number"] is not None:
            wrong = _wrong(piece["number"], within)
            if wrong:
                return wrong
            found.append(Percentage(rule, piece.start("number"), piece.end("number")))
    if within:
        return "its brackets do not match"
    splits = splits_in(rule)
    if len(found) != 1 or splits != 1:
        return f"it has {len(found)} percentages and {splits} `(split …)`: one of each is needed, as in `(split pct::10 by::$userId)`"
    return found[0]


def _wrong(number: str, within: list[str]) -> str:
    if not within or within[-1] != SPLIT:
        return "`pct::` stands outside of `(split …)`"
    if not set(within[:-1]) <= ENCLOSING:
        outer = next(each for each in within[:-1] if each not in ENCLOSING)
        return f"its `(split …)` stands within `{outer[:20]}`, so that with pct::0 some would have it still"
    if not _NUMBER.fullmatch(number) or float(number) > EVERYBODY:
        return f"pct::{number[:20]} is no percentage from 0 to 100"
    return ""
