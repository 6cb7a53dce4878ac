"""Slack's signature, over the bytes as they came: each bit of them, and of the time, counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from watcher.api.slack.signature import LATE, SIGNATURE, TIMESTAMP, doubt, signature

# https://docs.slack.dev/authentication/verifying-requests-from-slack
PUBLISHED = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STAMP = "1531420618"
HEADERS = {
    TIMESTAMP: STAMP,
    SIGNATURE: "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
THEN = datetime.fromtimestamp(int(STAMP), UTC)


class _Then(Clock):
    def now(self) -> float:
        return THEN.timestamp()


def test_slacks_own_example_is_believed_for_five_minutes_both_ways():
    for late in (timedelta(0), LATE, -LATE):
        assert doubt(SECRET, HEADERS, PUBLISHED, THEN + late) == ""


@pytest.mark.parametrize("late", [LATE + timedelta(seconds=1), -LATE - timedelta(seconds=1)])
def test_slacks_example_at_another_time_is_not(late):
    assert "5 minutes" in doubt(SECRET, HEADERS, PUBLISHED, THEN + late)


@pytest.mark.parametrize("bit", range(8))
def test_each_bit_of_the_body_counts(bit):
    for place in range(len(PUBLISHED)):
        other = bytearray(PUBLISHED)
        other[place] ^= 1 << bit
        assert doubt(SECRET, HEADERS, bytes(other), THEN) == "a wrong signature"


@pytest.mark.parametrize(
    "raw", [PUBLISHED[:-1], PUBLISHED + b"&", PUBLISHED + b"\0", b"", PUBLISHED.replace(b"%3A", b":")]
)
def test_a_body_that_is_cut_lengthened_or_encoded_otherwise_is_not_believed(raw):
    assert doubt(SECRET, HEADERS, raw, THEN) == "a wrong signature"


@pytest.mark.parametrize(
    "stamp", ["", "1_531_420_618", "+1531420618", " 1531420618", "١٥٣١٤٢٠٦١٨", "1" * 13, "-1", "1531420618.0"]
)
def test_a_timestamp_is_plain_digits(stamp):
    headers = {TIMESTAMP: stamp, SIGNATURE: signature(SECRET, stamp, PUBLISHED)}

    assert doubt(SECRET, headers, PUBLISHED, THEN) == "no timestamp"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "v0=",
        "v0=é",
        "v0=\udce9",
        "v1=" + HEADERS[SIGNATURE][3:],
        HEADERS[SIGNATURE].upper(),
        HEADERS[SIGNATURE][3:],
        f"{HEADERS[SIGNATURE]}, {HEADERS[SIGNATURE]}",
        HEADERS[SIGNATURE] + "\0",
    ],
)
def test_another_signature_is_not_believed(given):
    assert doubt(SECRET, {**HEADERS, SIGNATURE: given}, PUBLISHED, THEN) == "a wrong signature"


def test_what_is_missing_is_not_believed():
    assert doubt(SECRET, {}, PUBLISHED, THEN) == "no timestamp"
    assert doubt(SECRET, {TIMESTAMP: STAMP}, PUBLISHED, THEN) == "a wrong signature"


@given(st.binary(max_size=300), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_it_is_the_signature_that_slacks_own_library_makes(raw, secret):
    text = raw.decode("latin-1").encode()  # their library takes text in UTF-8 only
    headers = {TIMESTAMP: STAMP, SIGNATURE: signature(secret, STAMP, text)}

    assert SignatureVerifier(secret, clock=_Then()).is_valid_request(text, headers)
    assert doubt(secret, headers, text, THEN) == ""
