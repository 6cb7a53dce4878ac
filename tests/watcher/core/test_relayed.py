"""What a sidecar tells instead of counts is what its provider answered."""

import pytest

from rules.sample import Invalid, NoData, Unavailable, Who
from watcher.core.relayed import Trouble


@pytest.mark.parametrize(
    "reading",
    [
        NoData("too young"),
        Unavailable(Who.SERVICE, "HTTP 503"),
        Unavailable(Who.OPERATOR, "HTTP 403"),
        Invalid(Who.AUTHOR, "no such metric"),
    ],
)
def test_the_central_daemon_has_the_same_answer_in_its_own_words(reading):
    trouble = Trouble.of(reading)

    assert trouble.words == reading.words
    assert trouble.reading(reading.words) == reading
    assert trouble.reading("i-1: it says so").words == "i-1: it says so"
