"""An alias as it is told, and the trace of a move in its description."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.targets.lambda_alias.alias import Alias, Trace, alias_of
from tests.fakes.aws.fixtures import NOON

TRACE = Trace("w_1.3.0", NOON, "42", "41")


def an_alias(version: str = "41", description: str = "", **weights: float) -> Alias:
    given = {name.removeprefix("v"): share for name, share in weights.items()}
    return Alias(
        version, given, "r", description, "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    )


def test_it_is_read_as_lambda_tells_it():
    told = {
        "AliasArn": "arn:aws:lambda:eu-central-1:123456789012:function:checkout:live",
        "FunctionVersion": "41",
        "RoutingConfig": {"AdditionalVersionWeights": {"42": 0.05}},
        "RevisionId": "r",
    }

    assert alias_of(told) == an_alias(v42=0.05)


def test_an_answer_that_tells_nothing_is_an_alias_of_nothing():
    assert alias_of({}) == Alias("", {}, "", "", "")


@pytest.mark.parametrize(
    ("alias", "shares"),
    [
        (an_alias(), (("41", 1.0),)),
        (an_alias(v42=0.25), (("41", 0.75), ("42", 0.25))),
        (an_alias("42", v41=0.25), (("41", 0.25), ("42", 0.75))),
        (an_alias(v42=0.0), (("41", 1.0),)),
        (an_alias(v42=1.0), (("42", 1.0),)),
        (an_alias(v41=0.5), (("41", 1.0),)),  # its own version among the others is its own still
        (an_alias("$LATEST.PUBLISHED", v41=0.5), (("41", 0.5), ("$LATEST.PUBLISHED", 0.5))),
    ],
)
def test_shares_are_those_of_versions_that_have_some_the_newest_last(alias, shares):
    assert alias.shares == shares


@given(st.text(max_size=300))
def test_whatever_a_person_wrote_stays_with_the_trace_or_there_is_no_room(theirs):
    described = an_alias(description=theirs).described(TRACE)

    if described is None:
        assert len(theirs) > 256 - len(TRACE.written()) - 1
    else:
        assert len(described) <= 256
        assert an_alias(description=described).trace == TRACE


@given(st.text(max_size=200).filter(lambda text: "[rollbackd" not in text))
def test_an_older_trace_makes_room_for_a_newer_one(theirs):
    newer = Trace("w_2.9.0", NOON, "43", "42")
    once = an_alias(description=theirs).described(TRACE)
    assert once is not None

    twice = an_alias(description=once).described(newer)

    assert twice == f"{theirs.rstrip()} {newer.written()}".strip()


@given(st.text(max_size=256))
def test_no_description_makes_it_raise(theirs):
    an_alias(description=theirs).trace  # noqa: B018 - it must not raise
