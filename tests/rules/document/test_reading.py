"""Documents read as models: what pydantic finds wrong is told at its place, in plain words."""

from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from rules.document import Mistakes
from rules.document.version import Version
from tests.rules.document.sample import at, document, one_line, problems

# ------------------------------------------------------------------------------------------------- pydantic's mistakes


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(gt=0)] = 1
    lasting: str = Field(default="", alias="for")


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(pattern="^[a-z]+$")] = "x"
    inner: Inner | None = None
    many: list[Inner] = []
    named: dict[str, Inner] = {}
    colour: Colour = Colour.RED
    shape: Literal["round"] = "round"
    amount: float = 0.0
    flag: bool = False
    either: Literal["auto"] | Annotated[float, Field(ge=1)] = "auto"
    even: int = 0
    tiny: Annotated[str, StringConstraints(max_length=2)] = ""
    length: Annotated[list[int], Field(min_length=1)] = [1]

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("not even")
        return value


def mistakes(text: str, model: type[BaseModel] = Outer) -> list[str]:
    found = document(text).read_as(model)
    assert isinstance(found, tuple), found
    return sorted(one_line(problem) for problem in found)


def test_what_fits_the_model_is_its_value():
    assert document("inner: {size: 3, for: ever}").read_as(Outer) == Outer(
        inner=Inner.model_validate({"size": 3, "for": "ever"})
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nmae: a", 'a.yaml:1:1: nmae: unknown key "nmae" | try: did you mean "name"?'),
        (
            "many: [{}, {siez: 1}]",
            'a.yaml:1:13: many[1].siez: unknown key "siez" | try: did you mean "size"?',
        ),
        (
            "named: {a: {siez: 1}}",
            'a.yaml:1:13: named.a.siez: unknown key "siez" | try: did you mean "size"?',
        ),
        ("inner: {zzz: 1}", 'a.yaml:1:9: inner.zzz: unknown key "zzz" | try: known: for, size'),
        (
            "inner: {for: 1.10}",
            'a.yaml:1:14: inner.for: expected text, found a number | try: quote it: "1.10"',
        ),
        (
            "inner: {for: yes, size: {}}",
            "a.yaml:1:25: inner.size: expected a whole number, found a mapping | try: write a whole number, without quotes",
        ),
        ("name: {}", "a.yaml:1:7: name: expected text, found a mapping | try: write text"),
        ("name: true", 'a.yaml:1:7: name: expected text, found true or false | try: quote it: "true"'),
        (
            "name: X",
            "a.yaml:1:7: name: must be of the form [a-z]+ | try: write it with these characters alone",
        ),
        (
            "inner: [1]",
            "a.yaml:1:8: inner: expected a mapping, found a list | try: write a mapping: {key: value}, or {} for none",
        ),
        ("many: 5", "a.yaml:1:7: many: expected a list, found a number | try: write a list: [first, second]"),
        (
            "amount: lots",
            "a.yaml:1:9: amount: expected a number, found text | try: write a number, without quotes",
        ),
        ("flag: 7", "a.yaml:1:7: flag: expected true or false, found a number | try: write true or false"),
        (
            "even: null",
            "a.yaml:1:7: even: expected a whole number, found nothing | try: write a whole number, without quotes",
        ),
        ("even: 3", "a.yaml:1:7: even: not even | try: correct the value"),
        (
            "inner: {size: 0}",
            "a.yaml:1:15: inner.size: must be greater than 0 | try: write a number that is greater than 0",
        ),
        ("colour: gren", 'a.yaml:1:9: colour: "gren" is not one of red, green | try: did you mean "green"?'),
        ("colour: 5", "a.yaml:1:9: colour: expected one of red, green, found a number | try: write red"),
        ("shape: square", 'a.yaml:1:8: shape: "square" is not one of round | try: write one of round'),
        ("either: auot", 'a.yaml:1:9: either: "auot" is not one of auto | try: did you mean "auto"?'),
        (
            "tiny: abc",
            "a.yaml:1:7: tiny: string should have at most 2 characters | try: correct the value",
        ),
        ("length: []", "a.yaml:1:9: length: expected at least 1, found 0 | try: add one, or remove the key"),
    ],
)
def test_a_mistake_is_told_at_its_own_place_in_plain_words_with_a_remedy(text, expected):
    assert mistakes(text) == [expected]


def test_a_missing_key_is_told_where_its_mapping_stands():
    class Wanting(BaseModel):
        inner: dict[str, "Wanted"]

    class Wanted(BaseModel):
        size: int

    Wanting.model_rebuild(_types_namespace={"Wanted": Wanted})

    assert mistakes("inner:\n  a: {}", Wanting) == [
        'a.yaml:2:6: inner.a.size: "size" is missing | try: add `size: …`'
    ]


def test_all_mistakes_are_told_at_once():
    assert len(mistakes("nmae: a\ncolour: blue\ninner: {size: 0}")) == 3


def test_a_value_is_not_repeated_since_it_may_be_a_secret_in_the_wrong_place():
    assert "hunter2" not in "".join(
        mistakes("{amount: hunter2, name: HUNTER2 hunter2, inner: hunter2, many: hunter2}")
    )


def test_a_version_that_is_not_known_asks_for_a_newer_program():
    class File(BaseModel):
        version: Version

    assert mistakes("version: 2", File) == [
        "a.yaml:1:10: version: version 2 is not known here | try: write `version: 1`, or install a newer rollbackd"
    ]
    assert isinstance(document("version: 1").read_as(File), File)


# --------------------------------------------------------------------------------------------------------------- kinds


def chosen(text: str) -> str:
    found = Mistakes()
    kind = found.kind(at(document(text), "store"), "store", {"memory", "sqlite"}, {"postgresql"})
    return f"{kind.kind} {kind.settings.plain()}" if kind else one_line(found.problems[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("store: {sqlite: {path: x}}", "sqlite {'path': 'x'}"),
        (
            "store: {sqlit: {}}",
            'a.yaml:1:9: store.sqlit: unknown store "sqlit" | try: did you mean "sqlite"?',
        ),
        (
            "store: {postgresq: {}}",
            'a.yaml:1:9: store.postgresq: unknown store "postgresq" | try: did you mean "postgresql"?',
        ),
        (
            "store: {redis: {}}",
            'a.yaml:1:9: store.redis: unknown store "redis" | try: known: memory, postgresql, sqlite',
        ),
        (
            "store: {postgresql: {}}",
            'a.yaml:1:9: store.postgresql: the store "postgresql" is not in this version | try: in this version: memory, sqlite',
        ),
        (
            "store: memory",
            "a.yaml:1:8: store: expected one store, as {kind: {its settings}} | try: write {memory: {}}",
        ),
        (
            "store: {}",
            "a.yaml:1:8: store: expected one store, as {kind: {its settings}} | try: in this version: memory, sqlite",
        ),
        (
            "store: {a: 1, b: 2}",
            'a.yaml:1:8: store: expected one store, as {kind: {its settings}} | try: keep one of "a", "b"',
        ),
    ],
)
def test_a_kind_is_the_only_key(text, expected):
    assert chosen(text) == expected


def test_where_no_kind_is_known_the_remedy_is_to_remove_it():
    found = Mistakes()

    found.kind(at(document("a: {b: 1}"), "a"), "thing", ())
    found.extend([document("a: []").problem("none of these", "remove it")])

    assert [problem.remedy for problem in found.problems] == ["remove it", "remove it"]


def test_a_long_word_is_cut_in_messages():
    assert len(problems("? " + "x" * 1000 + "\n: 1\n? " + "x" * 1000 + "\n: 2")[0]) < 400


def test_a_notebook_gives_the_value_or_writes_down_why():
    found = Mistakes()

    assert found.read(document("even: 2"), Outer) == Outer(even=2)
    assert found.read(document("even: 3"), Outer) is None
    assert found.read(document("even: 3"), Outer) is None
    assert len(found.problems) == 1
