"""How durations and shares are written, and what is not one."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rules.duration import Duration, Share, duration_text, parse_duration, parse_share, share_text
from rules.errors import Malformed


class Written(BaseModel):
    lasting: Duration = timedelta(0)
    part: Share = 0.0


def refusal(**values: object) -> tuple[str, str]:
    """The message and the remedy of the refused value."""
    with pytest.raises(ValidationError) as refused:
        Written.model_validate(values)
    malformed = refused.value.errors()[0]["ctx"]["error"]
    return str(malformed), malformed.remedy


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("300ms", timedelta(milliseconds=300)),
        ("90s", timedelta(seconds=90)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta(0)),
        ("1m1ms", timedelta(minutes=1, milliseconds=1)),
    ],
)
def test_a_duration_is_numbers_with_their_units(text, duration):
    assert Written.model_validate({"lasting": text}).lasting == duration


@settings(deadline=None)
@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)))
def test_a_duration_that_is_written_is_read_back_to_the_millisecond(duration):
    whole = duration - duration % timedelta(milliseconds=1)

    assert parse_duration(duration_text(duration)) == whole


@pytest.mark.parametrize("text", ["", "h", "1", "1.5h", "-1s", "1 h", "30m1h", "1m1m", "1h30", "1w", "٣s"])
def test_anything_else_is_no_duration(text):
    with pytest.raises(Malformed, match="not a duration"):
        parse_duration(text)


def test_a_duration_beyond_ten_years_is_a_slip_of_the_pen():
    with pytest.raises(Malformed, match="longer than ten years"):
        parse_duration("999999999999999999d")


def test_a_duration_that_is_one_already_stays_as_it_is():
    assert Written(lasting=timedelta(seconds=5)).lasting == timedelta(seconds=5)


def test_a_duration_is_written_as_text():
    assert Written.model_validate({"lasting": "90s"}).model_dump()["lasting"] == "1m30s"


def test_a_bare_number_is_no_duration_and_the_remedy_adds_the_unit():
    assert refusal(lasting=30) == ("a duration needs its unit", "write 30s, or 30m")


@pytest.mark.parametrize("value", [True, None, []])
def test_what_is_neither_text_nor_number_is_no_duration(value):
    assert refusal(lasting=value)[0] == "expected a duration"


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("99.9%", 0.999),
        ("99.9 %", 0.999),
        (0.999, 0.999),
        ("0.999", 0.999),
        (1, 1.0),
        ("100%", 1.0),
        ("0.05%", 0.0005),
        (0, 0.0),
    ],
)
def test_a_share_is_a_percentage_or_a_number_from_0_to_1(written, share):
    assert Written.model_validate({"part": written}).part == share


@settings(deadline=None)
@given(
    st.floats(min_value=0, max_value=1, allow_subnormal=False).filter(
        lambda share: share == 0 or share > 1e-12
    )
)
def test_a_share_that_is_written_is_read_back(share):
    share = round(share, 15)

    assert parse_share(share_text(share)) == pytest.approx(share, rel=1e-12, abs=0)


@pytest.mark.parametrize("written", [99.9, "99.9"])
def test_a_bare_99_9_is_an_error_and_the_remedy_adds_the_sign(written):
    assert refusal(part=written) == ("99.9 is not a share", "write 99.9%, or a number from 0 to 1")


@pytest.mark.parametrize("written", [-0.1, 101, float("nan")])
def test_a_number_that_is_no_percentage_either_is_refused(written):
    assert refusal(part=written)[1] == "write 99.9% or 0.999"


@pytest.mark.parametrize("text", ["", "%", "99,9%", "-1%", "1e-3", "a lot"])
def test_anything_else_is_no_share(text):
    with pytest.raises(Malformed, match="not a share"):
        parse_share(text)


def test_more_than_the_whole_is_no_share():
    assert refusal(part="100.1%") == ("100.1% is more than the whole", "write a share from 0% to 100%")


@pytest.mark.parametrize("value", [True, None, []])
def test_what_is_neither_text_nor_number_is_no_share(value):
    assert refusal(part=value)[0] == "expected a share"
