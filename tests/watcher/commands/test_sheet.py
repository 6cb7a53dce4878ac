"""A table of sentences, at any width: nothing is lost, nothing that is to be copied is cut, and every letter can be shown."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.commands._sheet import LEAST, Line, Page, columns, filled, sheet

HEADS = ("FOUND", "WHAT", "WHERE", "WHAT WAS FOUND")
ARN = "arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/web/0123456789abcdef01234"
ACTION = "ecs:StopServiceDeployment"
ORDER = '`rollbackd token NAME --may "read and relay" --until 2027-01-01T00:00:00Z`'


def shown(*lines: Line, width: int = 80, encoding: str = "utf-8") -> list[str]:
    return [click.unstyle(each) for each in sheet(HEADS, lines, Page(width, encoding))]


def a_line(words: str, remedy: str = "", where: str = "ecs") -> Line:
    return Line(("RED", "role to act", where), words, remedy, "red")


def test_a_short_sentence_stands_in_its_column_and_what_to_do_under_the_row():
    assert shown(a_line("it may not", "allow it")) == [
        "  FOUND  WHAT         WHERE  WHAT WAS FOUND",
        "  RED    role to act  ecs    it may not",
        "         try: allow it",
    ]


def test_a_longer_one_is_wrapped_in_its_column():
    _, *rows = shown(a_line("one and one are two, and two and two are four"), width=60)

    assert rows == [
        "  RED    role to act  ecs    one and one are two, and two",
        "                             and two are four",
    ]


def test_a_tall_one_stands_under_its_row_where_there_is_more_room():
    _, first, *under = shown(a_line("word " * 40, where="a (connection of some length)"), width=80)

    assert first == "  RED    role to act  a (connection of some length)"
    assert {line[:9] for line in under} == {" " * 9}
    assert " ".join(under).split() == ["word"] * 40


def test_a_place_that_is_too_long_for_its_column_is_wrapped_in_it():
    _, *rows = shown(a_line("it is late", where="checkout_latency (cloudwatch@shop)"))

    assert rows == [
        "  RED    role to act  checkout_latency   it is late",
        "                      (cloudwatch@shop)",
    ]


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("whole", [ARN, ACTION, ORDER])
def test_what_is_to_be_copied_is_never_cut(width, whole):
    words = f"the role that acts may not do {whole} on it"

    for line in (a_line(words), a_line("no", words)):
        rows = shown(line, width=width)
        assert sum(whole in row for row in rows) == 1
        assert all(len(row) <= width or row.strip() == whole for row in rows)


def test_a_number_keeps_its_sign():
    assert filled("found at 12 % of it", 12) == ["found at", "12 % of it"]


def test_a_terminal_of_few_letters_gets_the_nearest():
    _, row = shown(a_line("“it holds”: 0 % → 5 % … é\x1b[2J"), encoding="ascii")

    assert row.endswith('"it holds": 0 % -> 5 % ... ??[2J')
    assert shown(a_line("“it holds”"))[1].endswith("“it holds”")


def test_the_colour_is_that_of_the_first_cell_and_its_word_stands_without_it():
    (_, coloured) = sheet(HEADS, [a_line("no")], Page())

    assert coloured.startswith("  \x1b[31mRED  \x1b[0m")
    assert click.unstyle(coloured).startswith("  RED  ")


TEXTS = st.text(st.sampled_from("ab `:%1漢ｗ\u0301"), min_size=1, max_size=120).filter(str.strip)  # noqa: RUF001 - one that takes two columns


@given(words=TEXTS, remedy=TEXTS, where=TEXTS, width=st.integers(LEAST, 160))
def test_nothing_is_lost_and_all_that_can_fits(words, remedy, where, width):
    rows = shown(a_line(words, remedy, where), width=width)

    told = "".join("".join(rows[1:]).split())
    assert sorted(told) == sorted("".join(f"RED role to act {where} {words} try: {remedy}".split()))
    longest = max(columns(each) for text in (words, remedy, where) for each in filled(text, 1))
    assert all(columns(row) <= max(width, 50 + longest) for row in rows)


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        ("abc", 3),
        ("漢字", 4),
        ("カナ", 4),
        ("ｶﾅ", 2),
        ("ｗ", 2),  # noqa: RUF001 - as above
        ("한글", 4),
        ("e\u0301", 1),
        ("“é…”", 4),
        ("", 0),
    ],
)
def test_a_letter_takes_as_many_columns_as_a_terminal_gives_it(text, wide):
    assert columns(text) == wide


def test_what_stands_beside_wide_letters_begins_in_the_same_column():
    head, wide, narrow = shown(a_line("no", where="決済 (dog)"), a_line("no", where="pay (dog)"))

    assert wide == "  RED    role to act  決済 (dog)  no"
    assert columns(wide) == columns(narrow) == head.index("WHAT WAS FOUND") + 2


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_sentence_without_spaces_of_wide_letters_is_parted_and_fits(width):
    words = "決済の規則は直前のリリースに戻すまで待つ" * 5

    for line in (a_line(words), a_line("no", words)):
        _, *rows = shown(line, width=width)
        assert all(columns(row) <= width for row in rows)
        assert "".join("".join(rows).split()).count("決済の規則") == 5


def test_what_is_to_be_copied_is_not_parted_though_its_letters_are_wide():
    order = f"`rollbackd show {'漢' * 60}`"

    assert filled(f"try {order}", 40) == ["try", order]
