"""Somebody else's text becomes bounded and printable, and no time is believed that cannot be."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.source import Rejected
from tests.fakes.alerts import NOON
from watcher.signals.alert.pushed import (
    LONGEST_LABEL,
    LONGEST_WORDS,
    MOST_ALERTS,
    MOST_LABELS,
    Mood,
    Pushed,
)
from watcher.signals.alert.senders.clean import (
    AHEAD,
    LONGEST_LABEL_NAME,
    MOST_BYTES,
    Text,
    Written,
    believed,
    labels,
    line,
    link,
    of_milliseconds,
    said,
    short,
    told,
)


class Small(Written):
    name: Text


def read(body: bytes) -> Small | Rejected:
    return said(body, Small, "a small thing", "send a small thing")


def an_alert(key: str, mood: Mood = Mood.FIRING, **changes: object) -> Pushed:
    usual = {"name": key, "since": NOON, "sent_at": NOON, "dedup_key": key}
    return Pushed(key=key, mood=mood, **(usual | changes))  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------------------------- bodies


def test_what_the_sender_adds_some_day_is_passed_over():
    assert read(b'{"name": "a", "more": [1, 2]}') == Small(name="a")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"name": NaN}', "not JSON"),
        (b'{"name": "\\ud800"}', "not JSON"),
        (b'{"name": "\xff"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"name": ' + b"[" * 500 + b"]" * 500 + b"}", "not JSON"),
        (b"[]", "not a small thing"),
        (b"null", "not a small thing"),
        (b"{}", "name: Field required"),
        (b'{"name": 7}', "name: Input should be a valid string"),
        (b'{"name": ' + b"9" * 5000 + b"}", "number out of range"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_remedy(body, why):
    refused = read(body)

    assert isinstance(refused, Rejected)
    assert why in refused.why
    assert refused.remedy == "send a small thing"


def test_more_than_a_message_can_have_is_not_read():
    refused = read(json.dumps({"name": "x" * MOST_BYTES}).encode())

    assert isinstance(refused, Rejected)
    assert f"at most {MOST_BYTES}" in refused.remedy


def test_no_secret_that_stands_in_a_body_is_repeated():
    refused = read(b'{"name": {"password": "hunter2"}}')

    assert "hunter2" not in str(refused)


# ------------------------------------------------------------------------------------------------------------------ text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5xx above 5 %", "5xx above 5 %"),
        ("  two\r\nlines\t ", "two lines"),
        ("\x1b[31mred\x00", "[31mred"),
        ("evil\u202egnp.exe", "evil gnp.exe"),
        ("a\u2028b", "a b"),
        ("lone \udc80 byte", "lone byte"),
        (None, ""),
        (7, ""),
        (["a"], ""),
    ],
)
def test_a_text_is_one_printable_line(text, shown):
    assert line(text) == shown


def test_a_long_text_is_cut():
    assert line("x" * 100_000) == "x" * LONGEST_WORDS
    assert line("a " * 100_000, 4) == "a a"


@given(st.text())
def test_any_text_becomes_a_line_that_can_be_stored_and_shown(text):
    shown = line(text)

    assert len(shown) <= LONGEST_WORDS
    assert shown.isprintable()
    assert shown.encode().decode() == line(shown)


@given(st.text(max_size=200), st.text(min_size=1, max_size=5))
def test_two_long_texts_stay_two_and_short_ones_stay_as_they_are(text, more):
    one, other = short("x" * 100 + text, 100), short("x" * 100 + text + more, 100)

    assert len(one) <= len(other) <= 100
    assert one != other
    assert short("a b", 100) == "a b"


# ---------------------------------------------------------------------------------------------------------------- labels


def test_of_several_mappings_the_last_prevails():
    assert labels({"a": "1", "b": "1"}, {"b": "2"}) == {"a": "1", "b": "2"}


def test_numbers_and_truth_are_written_as_json_writes_them():
    assert labels({"a": 7, "b": True, "c": False}) == {"a": "7", "b": "true", "c": "false"}


@pytest.mark.parametrize("value", [None, "", " \x00 ", [], {}, 0.5, 10**400])
def test_what_is_no_value_is_left_out(value):
    assert labels({"a": value, "": "nameless", "\x00": "too"}) == {}


def test_too_many_labels_leave_the_same_ones_every_time():
    many = {f"l{number:03d}": "x" for number in range(200)}
    backwards = dict(reversed(many.items()))

    assert labels(many) == labels(backwards)
    assert list(labels(many)) == [f"l{number:03d}" for number in range(MOST_LABELS)]


def test_long_labels_are_cut():
    ((name, value),) = labels({"n" * 1000: "v" * 1000}).items()

    assert (len(name), len(value)) == (LONGEST_LABEL_NAME, LONGEST_LABEL)


# ----------------------------------------------------------------------------------------------------------------- links


def test_an_address_over_tls_is_kept():
    assert link("https://grafana.acme.example/a?b=c#d") == "https://grafana.acme.example/a?b=c#d"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("?g0.expr=rate(x[5m])&token=abc", "?g0.expr=rate(x[5m])"),
        ("?api_key=abc&orgId=1", "?orgId=1"),
        ("?x=1&X-Amz-Signature=abc&X-Amz-Credential=AKIA", "?x=1"),
        ("?s%65cret=abc", ""),
        ("?q=xoxb-0123456789-abcdef", ""),
        ("?q=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl&viewPanel=2", "?viewPanel=2"),
        ("#access_token=abc", ""),
        ("#/alerts", "#/alerts"),
        ("?code=abc&sig=def", ""),
    ],
)
def test_no_secret_stays_in_an_address(written, kept):
    assert link(f"https://grafana.acme.example/d{written}") == f"https://grafana.acme.example/d{kept}"


def test_an_address_that_is_too_long_loses_its_parameters():
    assert (
        link("https://prometheus.acme.example/graph?g0.expr=" + "x" * 3000)
        == "https://prometheus.acme.example/graph"
    )


def test_a_secret_in_the_path_takes_all_of_the_address():
    assert link("https://acme.example/xoxb-0123456789-abcdef/see") == ""


@pytest.mark.parametrize(
    "text",
    [
        "http://grafana.acme.example/",
        "javascript:alert(1)",
        "https://",
        "https://user:password@acme.example/",
        "https://acme.example/ x",
        "https://acme.example/\n",
        "https://[::1",
        "https://acme.example/" + "x" * 3000,
        "",
        None,
        7,
    ],
)
def test_what_nobody_should_follow_is_dropped(text):
    assert link(text) == ""


# ----------------------------------------------------------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("when", "is_believed"),
    [
        (NOON, True),
        (NOON - timedelta(days=365), True),
        (NOON + AHEAD, True),
        (NOON + AHEAD + timedelta(seconds=1), False),
        (datetime(9999, 12, 31, tzinfo=UTC), False),
        (datetime(1, 1, 1, tzinfo=UTC), False),
        (None, False),
    ],
)
def test_only_a_time_that_can_have_been_is_believed(when, is_believed):
    assert believed(when, NOON) == (when if is_believed else None)


@pytest.mark.parametrize("written", [1795435200000, "1795435200000"])
def test_milliseconds_are_a_time(written):
    assert of_milliseconds(written) == datetime.fromtimestamp(1795435200, UTC)


@pytest.mark.parametrize(
    "written",
    [None, True, 0, -1, 10**13, 10**400, "", "0", "-1", "1e3", "1_0", "٣", "9" * 5000, 1.5, "$DATE", []],
)
def test_what_are_no_milliseconds_is_no_time(written):
    assert of_milliseconds(written) is None


# ------------------------------------------------------------------------------------------------------------- the whole


def test_of_two_words_about_one_alert_the_worse_is_taken():
    both = [an_alert("a", Mood.WELL), an_alert("a", Mood.FIRING), an_alert("a", Mood.UNKNOWN), an_alert("b")]

    assert [(each.key, each.mood) for each in told(both).alerts] == [("a", Mood.FIRING), ("b", Mood.FIRING)]


def test_of_too_many_those_that_fire_stay_and_it_is_said_that_some_are_missing():
    well = [an_alert(f"w{number}", Mood.WELL) for number in range(MOST_ALERTS)]

    said_of_all = told([*well, an_alert("f")])

    assert len(said_of_all.alerts) == MOST_ALERTS
    assert said_of_all.alerts[0].key == "f"
    assert said_of_all.incomplete


def test_as_many_as_may_be_are_complete_and_keep_their_order():
    well = [an_alert(f"w{number}", Mood.WELL) for number in range(MOST_ALERTS - 1)]

    said_of_all = told([*well, an_alert("f")])

    assert not said_of_all.incomplete
    assert said_of_all.alerts[-1].key == "f"
