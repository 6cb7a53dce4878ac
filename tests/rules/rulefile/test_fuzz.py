"""Whatever the text: rules, or all that is wrong with it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.errors import InvalidRules
from rules.model import RuleSet
from tests.rules.rulefile.sample import INDICATORS, MEMBERS, WITH, a_rule, read
from tests.yaml import as_yaml

PIECES = st.sampled_from(
    [
        *(INDICATORS + MEMBERS + WITH).replace("\n", " ").split(" "),
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "${",
        "99.9",
        "~",
    ]
)


def is_read_or_refused(text: str) -> bool:
    try:
        return isinstance(read(text, "{host: a}").rules, RuleSet)
    except InvalidRules as refused:
        return all(
            problem.line >= 1 and problem.column >= 1 and problem.remedy for problem in refused.problems
        )


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_rules_or_refused(text):
    assert is_read_or_refused(text)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([MEMBERS, WITH]),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 12), PIECES), min_size=1, max_size=4),
)
def test_a_file_that_was_tampered_with_is_rules_or_refused(text, cuts):
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]

    assert is_read_or_refused(text)


SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["a", "99%", "1s", "${host}", "it", "errors"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["slo", "threshold", "objective", "errors", "ratio", "scrape", "name", "judge", "over"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [
            "name",
            "indicator",
            "judge",
            "on_breach",
            "weight",
            "must_have_seen",
            "when_blind",
            "statistics",
            "all_of",
        ]
    ),
    SHAPES,
)
def test_any_value_of_any_key_of_a_rule_is_read_or_refused(key, value):
    rule = {
        "name": "it",
        "indicator": "errors",
        "judge": {"slo": {"objective": "99%"}},
        "on_breach": "tell",
    } | {key: value}

    assert is_read_or_refused(f"{INDICATORS}  - {as_yaml(rule)}")


@settings(max_examples=200, deadline=None)
@given(SHAPES)
def test_any_value_of_an_indicator_is_read_or_refused(value):
    assert is_read_or_refused(
        a_rule("{slo: {objective: 99%}}").replace("  errors:", f"  more: {as_yaml(value)}\n  errors:")
    )
