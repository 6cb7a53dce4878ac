"""The command line reads durations as the daemon does."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules.duration import duration_text, parse_duration
from rules.errors import Malformed
from watcher.commands._duration import seconds

SHORT = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=999))


@given(SHORT)
def test_what_the_daemon_writes_is_read_alike(duration):
    text = duration_text(duration)

    assert abs(seconds(text) - parse_duration(text).total_seconds()) < 1e-3


@given(st.text(alphabet="0123456789dhms ٣-.", max_size=8))
def test_what_is_read_here_is_read_there(text):
    try:
        here = seconds(text)
    except ValueError:
        return
    try:
        there = parse_duration(text)
    except Malformed:
        there = None

    assert there is not None
    assert abs(here - there.total_seconds()) < 1e-3
