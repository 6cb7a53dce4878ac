"""What docs/reference says is what the code does."""

import re

from tests.reference import code, kinds, rulefile
from tests.reference.errors import PROBLEMS, REMEDIES, STATUSES
from tests.reference.events import EVENTS
from tests.reference.pages import FOLDER, pages
from tests.reference.settings import SETTINGS, settings
from tests.reference.states import STATES
from watcher.core.watch import State

EVENT = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


def test_the_reference_is_the_code():
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}

    assert written == pages(), "write it again: python -m tests.reference"


def test_every_setting_is_explained_and_nothing_else():
    assert {key for key, _ in settings()} == set(SETTINGS), "say it in tests/reference/settings.py"


def test_every_setting_of_a_kind_is_explained_and_nothing_else():
    found = [each for _, prefix, model in kinds.kinds() for each in kinds.entries(prefix, model)]

    assert [key for key, _, words in found if not words] == []
    assert set(kinds.KINDS) <= {key for key, _, _ in found}


def test_every_key_of_a_rule_file_is_explained_and_nothing_else():
    assert {key for key, _ in rulefile.entries()} == set(rulefile.RULES), (
        "say it in tests/reference/rulefile.py"
    )
    assert {key for key, _ in rulefile.judges()} == set(rulefile.JUDGES), (
        "say it in tests/reference/rulefile.py"
    )


def test_every_state_is_explained():
    assert set(STATES) == set(State), "say it in tests/reference/states.py"


def test_every_log_event_is_explained_and_nothing_else():
    assert set(code.events()) == set(EVENTS), "say it in tests/reference/events.py"


def test_who_logs_calls_its_logger_log_so_that_its_events_are_found():
    assert code.nameless_loggers() == [code.ROOT / "watcher/telemetry/logs.py"]  # what libraries say


def test_log_events_are_a_noun_and_what_happened_to_it():
    assert [event for event in code.events() if not EVENT.fullmatch(event)] == []


def test_every_problem_of_http_is_explained_and_nothing_else():
    assert set(code.problems()) == set(PROBLEMS), "say it in tests/reference/errors.py"


def test_every_error_has_a_remedy_and_nothing_else_has():
    assert set(code.errors()) == set(REMEDIES), "say it in tests/reference/errors.py"


def test_every_exit_status_is_explained_and_nothing_else():
    assert code.statuses() == set(STATUSES), "say it in tests/reference/errors.py"
