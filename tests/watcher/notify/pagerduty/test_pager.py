"""PagerDuty: who is woken for what, what closes it again, and what is never sent."""

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr, ValidationError

from deploy.model import Level
from tests.builders import NOON, a_watch, some_facts
from tests.contract.notifier_contract import a_message
from tests.fakes.pagerduty import ROUTING_KEY, Line, PagerDutyWorld
from tests.fakes.serve import http_to_loopback
from watcher.core.service import Mode
from watcher.core.watch import Button, Ending, Link, Message, Notice, OrderKind, State, Tone
from watcher.core.wording import Event, notice
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.pagerduty.connection import RoutingKeyMalformed, open_pagerduty
from watcher.notify.pagerduty.event import event
from watcher.notify.pagerduty.pager import THROTTLED, Pager
from watcher.notify.pagerduty.settings import Settings
from watcher.notify.pagerduty.wanted import Wanted, wanted
from watcher.runtime.courier import TELL_TIMEOUT

ALARMED = Notice("checkout · production: v43 fails 5.2 %", tone=Tone.ALARM, event=Event.ASKED, watch="w_1")


def a_notice(event: Event, tone: Tone = Tone.NOTE, **facts: str) -> Notice:
    return Notice("v43", tone=tone, event=event, watch="w_1", facts=facts)


def shown(said: Notice, id: str = "w_1.3.0") -> Message:
    return Message(id, "show", "pager", said)


def a_pager(line: Line, **settings: object) -> Pager:
    given = Settings.model_validate({"routing_key": ROUTING_KEY, **settings})
    return Pager(given, line, lambda: NOON, "https://rollbackd.example")


@pytest.fixture
def line() -> Line:
    return Line(PagerDutyWorld(lambda: NOON))


# ------------------------------------------------------------------------------------------------------------- for what


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (a_notice(Event.BREACHED, Tone.ALARM), Wanted.TRIGGER),
        (a_notice(Event.ASKED, Tone.ALARM), Wanted.TRIGGER),
        (a_notice(Event.STUCK, Tone.ALARM), Wanted.TRIGGER),
        (a_notice(Event.ROLLING_BACK, Tone.ALARM), Wanted.TRIGGER),
        # What it was called for goes on, and nobody has said a word.
        (a_notice(Event.ROLLING_BACK), Wanted.LEAVE),
        (a_notice(Event.WENT_BACK), Wanted.LEAVE),
        # Somebody has.
        (a_notice(Event.ROLLING_BACK, ordered_by="ada"), Wanted.RESOLVE),
        (a_notice(Event.WENT_BACK, ordered_by="ada"), Wanted.RESOLVE),
        (a_notice(Event.HELD, state="held"), Wanted.RESOLVE),
        (a_notice(Event.ASKED_LATER, state="asking"), Wanted.RESOLVE),
        (a_notice(Event.SEES_AGAIN), Wanted.RESOLVE),
        (a_notice(Event.KEPT, state="kept", mode="ask", ended_by="ada"), Wanted.RESOLVE),
        # It ended well, or another watch has taken it over.
        (a_notice(Event.ROLLED_BACK, state="rolled_back"), Wanted.RESOLVE),
        (a_notice(Event.PASSED, Tone.QUIET, state="passed"), Wanted.RESOLVE),
        (a_notice(Event.SUPERSEDED, Tone.QUIET, state="superseded"), Wanted.RESOLVE),
        (a_notice(Event.UNPROVEN, state="unproven"), Wanted.RESOLVE),
        # It ended, and something is wrong that nobody has answered for.
        (a_notice(Event.KEPT, state="kept", mode="auto"), Wanted.LEAVE),
        (a_notice(Event.ROLLED_BACK, Tone.ALARM, state="rolled_back"), Wanted.LEAVE),
        # A shadow wakes nobody, and its end is no open question.
        (a_notice(Event.WOULD_HAVE, state="watching", mode="shadow"), Wanted.RESOLVE),
        (a_notice(Event.KEPT, state="kept", mode="shadow"), Wanted.RESOLVE),
        (a_notice(Event.RETURNING, Tone.ALARM), Wanted.RESOLVE),
    ],
    ids=lambda each: (
        f"{each.event} {each.tone} {dict(each.facts)}" if isinstance(each, Notice) else each.value
    ),
)
def test_on_call_is_called_for_a_breach_a_question_and_what_is_stuck_until_somebody_has_answered(
    said, expected
):
    assert wanted(said) is expected


@pytest.mark.parametrize(("by", "expected"), [("ada", Wanted.RESOLVE), (None, Wanted.LEAVE)])
def test_who_ended_a_watch_is_told_to_machines(by, expected):
    """The table above goes by facts that a watch really tells."""
    told = notice(Event.KEPT, a_watch(State.KEPT, ending=Ending("kept", by=by)), NOON, some_facts())

    assert told.facts.get("ended_by") == by
    assert told.facts["mode"] == Mode.AUTO
    assert wanted(told) is expected


async def test_what_is_told_beside_what_is_shown_pages_nobody(line):
    assert await a_pager(line).tell(a_message(), "", None) == Told()
    assert line.world.log == []


# -------------------------------------------------------------------------------------------------------- one incident


async def test_one_watch_is_one_incident_and_wakes_once(line):
    pager = a_pager(line)
    for number, event_ in enumerate([Event.ASKED, Event.STUCK, Event.STUCK]):
        await pager.tell(shown(replace(ALARMED, event=event_), f"w_1.{number}.0"), "", None)
    await pager.tell(shown(replace(ALARMED, watch="w_2")), "", None)
    await pager.tell(shown(a_notice(Event.PASSED)), "", None)

    first, other = line.world.incidents()
    assert (first.key, first.added, first.resolved_at) == ("rollbackd/w_1", 2, NOON)
    assert (other.key, other.resolved_at) == ("rollbackd/w_2", None)


async def test_a_question_that_is_asked_again_wakes_again(line):
    pager = a_pager(line)
    for each in (ALARMED, a_notice(Event.ASKED_LATER), ALARMED):
        await pager.tell(shown(each), "", None)

    assert [each.resolved_at for each in line.world.incidents()] == [NOON, None]


async def test_an_answer_that_was_lost_is_sent_again_and_wakes_nobody_twice(line):
    line.loses = 1
    telling = await a_pager(line).tell(shown(ALARMED), "", None)
    again = await a_pager(line).tell(shown(ALARMED), "", None)

    assert isinstance(telling, Later)
    assert again == Told("w_1.3.0")
    assert [each.added for each in line.world.incidents()] == [1]


@pytest.mark.parametrize(
    ("of", "severity"),
    [
        (Event.ASKED, "critical"),
        (Event.STUCK, "critical"),
        (Event.BREACHED, "error"),
        (Event.ROLLING_BACK, "warning"),
    ],
)
async def test_the_severity_says_whether_anything_goes_on_without_a_person(line, of, severity):
    await a_pager(line).tell(shown(replace(ALARMED, event=of)), "", None)

    (incident,) = line.world.incidents()
    assert incident.severity == severity


async def test_the_incident_says_what_to_read_and_what_to_type(line):
    notice = replace(
        a_message().notice,
        event=Event.ASKED,
        buttons=(Button("Keep v43", OrderKind.KEEP),),
        lines=("since 14:02",),
        links=(Link("errors at a.example", "https://a.example/d"),),
    )
    await a_pager(line).tell(shown(notice), "", None)

    body = line.world.log[0].body
    assert body["client_url"] == body["links"][0]["href"] == "https://rollbackd.example/v1/watches/w_1"
    assert body["links"][1] == {"href": "https://a.example/d", "text": "errors at a.example"}
    assert (body["payload"]["component"], body["payload"]["group"]) == ("checkout", "production")
    assert body["payload"]["custom_details"]["details"] == ["since 14:02"]
    assert body["payload"]["custom_details"]["to answer"] == ["Keep v43: `rollbackd keep w_1`"]
    assert body["payload"]["custom_details"]["facts"] == {"from": "v1", "to": "v2"}


@pytest.mark.parametrize("text", ["", "漢" * 5000, "\x00\ud800\n" * 999])
async def test_whatever_is_in_a_notice_the_event_is_within_pagerdutys_limits(line, text):
    facts = {f"{text}{number}": text for number in range(99)}
    notice = Notice(text, (text,) * 999, service=text, environment=text, facts=facts, watch=text * 2)
    told = shown(replace(notice, tone=Tone.ALARM, event=Event.ASKED), "w_1.1.0")

    assert isinstance(await a_pager(line).tell(told, "", None), Told)
    assert len(json.dumps(event(told, Wanted.TRIGGER, None))) < 256 * 1024


# ---------------------------------------------------------------------------------------------------------- the answers


async def test_a_key_that_pagerduty_does_not_know_is_told_in_its_words_and_never_repeated(line):
    line.world.key = "0" * 32
    telling = await a_pager(line).tell(shown(ALARMED), "", None)

    assert isinstance(telling, Never)
    assert "Invalid routing key" in telling.words
    assert "region" in telling.words
    assert ROUTING_KEY not in telling.words


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_whoever_repeats_what_was_sent_gets_no_part_of_the_key_into_our_words(line, status):
    """Wherever the words are cut."""
    for before in range(0, 320, 16):
        line.world.once = [(status, {"content-type": "application/json"})]
        line.world.repeats = "-" * before
        telling = await a_pager(line).tell(shown(ALARMED), "", None)

        assert isinstance(telling, Later | Never)
        assert ROUTING_KEY[:8] not in telling.words


async def test_too_much_is_tried_again_after_a_minute(line):
    line.world.once = [(429, {})]
    telling = await a_pager(line).tell(shown(ALARMED), "", None)

    assert telling == Later(THROTTLED, "https://events.pagerduty.com: HTTP 429")


async def test_a_page_that_is_no_answer_of_pagerdutys_is_not_taken_for_one(line):
    """A proxy's page of log-in is 200: nobody was woken."""
    line.world.once = [(200, {})]

    assert isinstance(await a_pager(line).tell(shown(ALARMED), "", None), Later)


# --------------------------------------------------------------------------------------------------------- the settings


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "https://events.pagerduty.com/v2/enqueue"),
        ({"region": "eu"}, "https://events.eu.pagerduty.com/v2/enqueue"),
        ({"url": "http://10.0.0.1:8080"}, "http://10.0.0.1:8080/v2/enqueue"),
    ],
)
def test_the_region_says_where_events_go(given, expected):
    assert Settings.model_validate({"routing_key": ROUTING_KEY, **given}).endpoint == expected


@pytest.mark.parametrize(
    "given", [{"region": "ap"}, {"url": "https://a/b?c"}, {"timeout": "1m"}, {"key": "x"}]
)
def test_what_is_no_setting_is_refused(given):
    with pytest.raises(ValidationError):
        Settings.model_validate({"routing_key": ROUTING_KEY, **given})


async def test_a_key_that_cannot_be_one_is_refused_when_it_is_opened_and_not_when_somebody_is_needed():
    settings = Settings(routing_key=SecretStr("u+a-token-of-the-rest-api"))
    async with http_to_loopback(lambda: NOON) as http:
        with pytest.raises(RoutingKeyMalformed) as refused:
            async with open_pagerduty(settings, Opening(http, lambda: NOON)):
                pass

    assert "25 characters" in str(refused.value)
    assert "u+a" not in str(refused.value)


async def test_the_doctor_sends_nothing_and_says_so(line):
    plain = await a_pager(line, region="eu").examine([])
    (fine, narrowed) = await a_pager(line).examine(["P12345"])

    assert [each.level for each in plain] == [Level.OK]
    assert "events.eu.pagerduty.com" in plain[0].words
    assert "not tried" in fine.words
    assert narrowed.level is Level.WARN
    assert "P12345" in narrowed.words
    assert line.world.log == []


def test_the_longest_wait_leaves_the_courier_time():
    """Else it would never hear what PagerDuty says, and its own words would be told."""
    with pytest.raises(ValidationError):
        Settings.model_validate({"routing_key": ROUTING_KEY, "timeout": TELL_TIMEOUT})
