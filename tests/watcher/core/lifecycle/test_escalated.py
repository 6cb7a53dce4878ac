"""Where nobody answers, more people are called: once, at a time that is told before."""

import json
from dataclasses import replace

import pytest

from tests.builders import NOON, a_policy, a_question, a_watch, hours, minutes, seconds, some_facts
from watcher.core.lifecycle import due, next_due
from watcher.core.service import Escalation
from watcher.core.watch import Notice, State
from watcher.core.wording import Event, notice
from watcher.store.documents import WATCH

AFTER = minutes(5)
POLICY = replace(a_policy(), escalation=Escalation(AFTER, ("pager", "desk:night")))
FACTS = some_facts()


def asked(**changes):
    return a_watch(
        State.ASKING, policy=POLICY, question=a_question(asked_at=NOON, expires_at=NOON + hours(1), **changes)
    )


def stuck():
    return a_watch(State.STUCK, policy=POLICY, since=NOON)


@pytest.mark.parametrize("watch", [asked(), stuck()], ids=["asking", "stuck"])
def test_nobody_is_called_before_the_time_and_at_the_time_only_those_who_were_not_told(watch):
    step = due(watch, NOON + AFTER, FACTS)

    assert due(watch, NOON + AFTER - seconds(1), FACTS) is None
    assert step is not None
    assert step.watch.state is watch.state
    assert step.watch.since == watch.since
    assert step.watch.question == watch.question
    assert [(each.channel, each.kind) for each in step.messages] == [
        ("pager", "show"),
        ("pager", "append"),
        ("desk:night", "show"),
        ("desk:night", "append"),
    ]
    assert step.actions == ()


@pytest.mark.parametrize("watch", [asked(), stuck()], ids=["asking", "stuck"])
def test_it_happens_once_and_the_state_ends_when_it_would_have(watch):
    step = due(watch, NOON + AFTER, FACTS)

    assert step is not None
    assert due(step.watch, NOON + AFTER + minutes(1), FACTS) is None
    ended = due(step.watch, NOON + hours(24), FACTS)
    assert ended is not None
    assert ended.watch.state is State.KEPT
    assert {each.channel for each in ended.messages} == {*FACTS.channels, "pager", "desk:night"}


def test_the_watch_is_looked_at_in_time_though_nothing_is_read():
    assert next_due(stuck(), None, minutes(0), NOON) == NOON + AFTER
    assert next_due(replace(stuck(), escalated_at=NOON), None, minutes(0), NOON) == NOON + hours(24)


def test_a_question_that_was_put_off_calls_nobody_until_it_is_asked_again():
    put_off = asked(again_at=NOON + minutes(20))

    assert put_off.escalates_at is None
    assert due(put_off, NOON + minutes(10), FACTS) is None
    again = due(put_off, NOON + minutes(20), FACTS)
    assert again is not None
    assert again.watch.escalates_at == NOON + minutes(25)


def test_whoever_answers_in_time_spares_the_others_and_a_team_that_names_nobody_calls_nobody():
    assert a_watch(State.HELD, policy=POLICY).escalates_at is None
    assert a_watch(State.ASKING, policy=POLICY, question=None).escalates_at is None
    assert replace(asked(), policy=a_policy()).escalates_at is None
    assert replace(asked(), policy=a_policy(), escalated_at=NOON).called_in == ()


def said(told: Notice) -> list[str]:
    """Its lines without UTC, which stands once in a message, at its first time."""
    return [line.replace(" UTC", "") for line in told.lines]


@pytest.mark.parametrize(("watch", "event"), [(asked(), Event.ASKED), (stuck(), Event.STUCK)])
def test_the_message_says_who_is_called_and_when_and_afterwards_that_they_were(watch, event):
    before = notice(event, watch, NOON, FACTS)
    after = notice(event, replace(watch, escalated_at=NOON + AFTER), NOON + AFTER, FACTS)

    assert "If nobody answers until 12:05:00: calls pager · desk" in said(before)
    assert "Nobody had answered until 12:05:00: called pager · desk" in said(after)


def test_a_watch_that_was_stored_before_there_was_any_of_this_calls_nobody():
    data = json.loads(WATCH.encode(stuck()))
    del data["escalated_at"], data["policy"]["escalation"], data["policy"]["bake"]["pass_early"]
    watch = WATCH.decode(json.dumps(data))

    assert watch == replace(stuck(), policy=a_policy())
    assert due(watch, NOON + AFTER, FACTS) is None


def test_what_a_later_version_adds_to_a_stored_watch_does_not_keep_this_one_from_reading_it():
    data = json.loads(WATCH.encode(stuck()))
    data["policy"]["escalation"]["loudly"] = data["policy"]["later"] = data["later"] = True

    assert WATCH.decode(json.dumps(data)) == stuck()
