"""What docs/reference.md says is what the code does."""

import re

from tests.reference import PAGE, SETTINGS, page, settings

EVENT = re.compile(r"`[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*`")


def test_the_reference_is_the_code():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m tests.reference"


def test_every_setting_is_explained_and_nothing_else():
    assert {key for key, _ in settings()} == set(SETTINGS)


def test_log_events_are_a_noun_and_what_happened_to_it():
    events = [
        line.split(" | ")[0].removeprefix("| ")
        for line in page().split("## Log events")[1].splitlines()[4:]
        if line
    ]

    assert [event for event in events if not EVENT.fullmatch(event)] == []
