"""What has to fit into a lease: each side of each inequality is seen to break."""

from dataclasses import replace
from datetime import timedelta

import pytest

from watcher.app.run import LAST_MOMENT
from watcher.runtime.daemon import DRAIN
from watcher.runtime.timing import TERMS, ImpossibleTiming
from watcher.store.postgresql.engine import ANSWERS_WITHIN as POSTGRESQL_ANSWERS_WITHIN
from watcher.store.sqlite.opening import ANSWERS_WITHIN as SQLITE_ANSWERS_WITHIN


def test_what_is_built_fits():
    TERMS.check()


def test_what_is_checked_is_what_the_parts_keep_to():
    assert TERMS.store == POSTGRESQL_ANSWERS_WITHIN == SQLITE_ANSWERS_WITHIN
    assert TERMS.drain == DRAIN
    assert TERMS.stop.total_seconds() == LAST_MOMENT


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("lease", 13),
        ("renew", 5),
        ("store", 5),
        ("margin", 5),
        ("call", 9),
        ("watchdog", 12),
        ("drain", 10),
        ("stop", 7),
        ("grace", 15),
    ],
)
def test_what_does_not_fit_is_refused_in_words(field, seconds):
    with pytest.raises(ImpossibleTiming, match="is more than"):
        replace(TERMS, **{field: timedelta(seconds=seconds)}).check()


def test_a_lease_is_believed_in_from_before_the_request_left_and_for_less_long():
    assert TERMS.valid_until(100.0, TERMS.lease) == 111.0
