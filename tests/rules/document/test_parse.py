"""Documents know their lines, and say what they seem to say, or are refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.document import MAX_BYTES, MAX_DEPTH, Node, merged, read_document
from rules.errors import InvalidRules
from tests.rules.document.sample import at, document, problems

# ------------------------------------------------------------------------------------------------------------ scalars


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "no", "y", "n", "10:30", "1_000", "2026-11-24", "0b1", "1.2.3", "12e03s", "<<"],
)
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(text):
    assert document(f"key: {text}").plain() == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("0o17", 15),
        ("0x1F", 31),
        ("012", 12),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ('"true"', "true"),
        ("'it''s'", "it's"),
    ],
)
def test_a_scalar_is_what_the_core_schema_of_yaml_1_2_says(text, value):
    read = document(f"key: {text}").plain()["key"]

    assert read == value
    assert type(read) is type(value)


def test_keys_are_always_text():
    assert document("on: 1\n5: 2\ntrue: 3").plain() == {"on": 1, "5": 2, "true": 3}


@pytest.mark.parametrize("number", [".inf", "-.INF", ".nan", "1e999"])
def test_a_number_that_is_not_finite_is_refused(number):
    assert problems(f"key: {number}") == [
        "a.yaml:1:6: key: a number must be finite | try: write a number, or quote it, if it is text"
    ]


def test_a_number_of_a_thousand_digits_is_refused():
    assert problems("key: " + "9" * 1000) == [
        "a.yaml:1:6: key: a number of more than 40 digits | try: quote it, if it is text"
    ]


# ----------------------------------------------------------------------------------------------------- what is refused


def test_a_key_that_stands_twice_is_refused_where_it_stands_again():
    assert problems("margin: 0.05\nmargin: 0.5") == [
        'a.yaml:2:1: margin: the key "margin" stands here twice; first in line 1 | try: keep one of them'
    ]


def test_an_alias_is_refused_and_never_followed():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]"

    assert problems(bomb) == [
        "a.yaml:1:4: a: anchors (&a) are not read | try: write the value out where it is needed",
        "a.yaml:2:4: b: anchors (&b) are not read | try: write the value out where it is needed",
        "a.yaml:2:8: b[0]: aliases (*a) are not read | try: write the value out",
        "a.yaml:2:12: b[1]: aliases (*a) are not read | try: write the value out",
    ]


def test_a_tag_is_refused():
    assert problems("key: !!python/object:os.system x")[0].startswith(
        'a.yaml:1:6: key: tags ("tag:yaml.org,2002:python/object:os.system")'
    )


def test_a_second_document_is_refused_where_it_begins():
    assert problems("a: 1\n---\nb: 2") == [
        "a.yaml:2:1: a second document begins here | try: one document a file"
    ]


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_is_refused(text):
    assert problems(text) == ["a.yaml:1:1: the file is empty | try: begin with `version: 1`"]


def test_a_file_that_is_too_large_is_refused():
    assert problems("a: " + "x" * MAX_BYTES)[0].startswith("a.yaml:1:1: the file is larger than 1 MiB")


def test_what_is_nested_too_deep_is_refused_where_it_gets_too_deep():
    assert document("[" * MAX_DEPTH + "]" * MAX_DEPTH).is_list
    assert problems("[" * 100)[0].startswith("a.yaml:1:33: [0][0]")
    assert "nest" in problems("[" * 10_000)[0]


def test_a_key_that_is_a_list_is_refused():
    assert problems("? [a]\n: 1") == ["a.yaml:1:3: a key must be a word | try: write `key: value`"]


def test_a_key_that_is_an_alias_is_refused():
    assert problems("? *a\n: 1")[0].startswith("a.yaml:1:3:")


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: \x00", "1:4"), ("\ufeffa: 1\nb:  \x1b", "2:5"), ("a: \ud800", "1:4")],
)
def test_a_character_that_yaml_does_not_know_is_refused_at_its_place(text, place):
    assert problems(text)[0].startswith(f"a.yaml:{place}: the character U+")


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("a:\n\tb: 1", 2, "indent with spaces"),
        ("a: b: c", 1, "quote text that contains"),
        ("a: @b", 1, "quote text that begins with a sign"),
        ("a: 'b", 1, "close the quotes"),
        ("a: [1, 2", 2, "close the bracket"),
        ("- a\nb: 1", 2, "indent the keys"),
        ("a: 1\nb\nc: 2", 3, "write"),
        ("%YAML 3.0\n---\na: 1", 1, "correct the line"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line_and_what_usually_helps(text, line, remedy):
    (problem,) = problems(text)

    assert problem.startswith(f"a.yaml:{line}:")
    assert "not YAML: " in problem
    assert remedy in problem


def test_what_was_found_before_the_text_stopped_being_yaml_is_told_too():
    assert len(problems("a: 1\na: 2\nb: @")) == 2


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("ab:-[]{},&*!|>'\"%@`#? \n\t\r\x85\u2028"), st.characters()),
        max_size=80,
    )
)
def test_any_text_is_a_node_or_refused(text):
    assert is_a_node_or_refused(text)


def is_a_node_or_refused(text: str) -> bool:
    try:
        return isinstance(read_document(text, "a.yaml"), Node)
    except InvalidRules as refused:
        return all(
            problem.line >= 1 and problem.column >= 1 and problem.remedy for problem in refused.problems
        )


# --------------------------------------------------------------------------------------------------------------- nodes


def test_a_node_knows_where_it_stands_and_how_one_gets_there():
    node = at(document("rules:\n  - judge: {slo: 5}\n"), "rules", 0, "judge", "slo")

    assert (node.at.line, node.at.column, node.at.path) == (2, 18, "rules[0].judge.slo")


def test_a_key_that_could_forge_a_line_is_quoted_in_paths():
    node = at(document('"a\\nb": {c: 1}'), "a\nb", "c")

    assert node.at.path == '"a\\nb".c'


def test_nothing_is_found_in_what_is_no_mapping_and_no_list():
    node = document("text")

    assert node.get("key") is None
    assert node.items() == ()
    assert list(node.entries()) == []
    assert node.is_scalar


def test_all_scalars_come_in_the_order_of_the_file():
    assert [scalar.content for scalar in document("a: 1\nb: [2, {c: 3}]").scalars()] == [1, 2, 3]


def test_merging_goes_key_by_key_and_each_leaf_keeps_its_place():
    under = read_document("bake: {at_least: 30m, at_most: 24h}\nmode: shadow", "defaults.yaml")
    over = read_document("bake: {at_least: 2h}\nrules: [a]", "service.yaml")

    both = merged(under, over)

    assert both.plain() == {"bake": {"at_least": "2h", "at_most": "24h"}, "mode": "shadow", "rules": ["a"]}
    assert at(both, "bake", "at_least").at.file == "service.yaml"
    assert at(both, "bake", "at_most").at.file == "defaults.yaml"


def test_merging_takes_a_list_as_a_whole():
    assert merged(document("a: [1, 2]"), document("a: [3]")).plain() == {"a": [3]}
