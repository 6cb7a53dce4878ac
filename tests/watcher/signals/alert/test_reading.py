"""How pushed alerts stand together: what fires, what is well, and what nobody knows."""

import pytest

from rules.sample import Bucket, Invalid, NoData, State, Unavailable, Who
from tests.builders import minutes, seconds
from tests.watcher.signals.alert.building import (
    FIRING,
    UNKNOWN,
    WELL,
    Memory,
    a_query,
    an_alert,
    at,
    buckets,
    states,
)
from watcher.core.alerts import Pushed, Remembered, way
from watcher.errors import StoreUnavailable
from watcher.signals.alert.provider import Alerts
from watcher.signals.provider import Question, Window

TRANSITIONS = a_query()  # a system that tells of changes alone
REPEATING = a_query(repeats=True)  # one that tells of what fires, again and again

# ------------------------------------------------------------------------------------------------------------ what fires


async def test_what_fires_is_bad_since_its_own_time():
    memory = Memory().hears(an_alert("errors", FIRING, 4), minute=5)

    assert await memory.newest(TRANSITIONS) == State("alarm", at(4), bad=True, of="errors")


async def test_what_is_well_is_well_since_its_own_time():
    memory = Memory().hears(an_alert("errors", WELL, 4), minute=5)

    assert await memory.newest(TRANSITIONS) == State("OK", at(4), of="errors")


async def test_of_several_that_fire_the_newest_speaks_and_whose_time_nobody_knows_is_the_oldest():
    memory = Memory().hears(
        an_alert("a", FIRING, 2),
        an_alert("b", FIRING, 4),
        an_alert("c", FIRING, 9, since=None),
        an_alert("d", WELL, 8),
        an_alert("e", UNKNOWN, 8),
        minute=9,
    )

    assert (await memory.newest(TRANSITIONS)).of == "b"


async def test_only_those_are_meant_that_have_all_labels():
    memory = Memory().hears(
        an_alert("other", FIRING, 2, labels={"service": "cart"}),
        an_alert("whole", FIRING, 2, labels={"severity": "page"}),
        an_alert("half", FIRING, 3),
        minute=5,
    )
    indicator = a_query(match={"service": "checkout", "severity": "page"}, silent="well")

    assert (await memory.newest(indicator)).of == "whole"
    assert not (await memory.newest(a_query(match={"service": "Cart"}, silent="well"))).bad


async def test_the_name_of_an_alert_is_a_label_unless_it_has_one_that_is_called_so():
    memory = Memory().hears(
        an_alert("a", FIRING, 2, name="errors"),
        an_alert("b", FIRING, 3, name="errors", labels={"name": "x"}),
        minute=5,
    )

    assert (await memory.newest(a_query(match={"name": "errors"}))).since == at(2)
    assert (await memory.newest(a_query(match={"name": "x"}))).since == at(3)


async def test_two_of_one_name_are_told_apart_by_the_label_in_which_they_differ():
    same = {"name": "errors", "labels": {"severity": "page"}}
    memory = Memory().hears(
        an_alert("a", FIRING, 2, name="errors", labels={"severity": "page", "zone": "a"}),
        an_alert("b", FIRING, 3, name="errors", labels={"severity": "page", "zone": "b"}),
        minute=5,
    )
    twins = Memory().hears(an_alert("a", FIRING, 2, **same), an_alert("b", FIRING, 3, **same), minute=5)

    assert (await memory.newest(TRANSITIONS)).of == "errors (zone: b)"
    assert (await twins.newest(TRANSITIONS)).of == "errors (b)"


async def test_a_release_may_be_named_in_what_is_meant():
    memory = Memory().hears(
        an_alert("old", FIRING, 2, labels={"version": "v1"}),
        an_alert("new", FIRING, 3, labels={"version": "v2"}),
        minute=5,
    )
    indicator = a_query(match={"version": "${arm.version}"})

    assert (await memory.newest(indicator, version="v1")).of == "old"
    assert (await memory.newest(indicator, version="v2")).of == "new"
    unnamed = await memory.reads(indicator)
    assert isinstance(unnamed, Invalid)
    assert "version" in unnamed.words


# ------------------------------------------------------------------------------------------------------------- silence


async def test_a_sender_that_was_never_heard_says_nothing_whatever_silence_means():
    words = "am was never heard: let it send to /v1/alerts/am, and send a test from there"

    assert await Memory().silence(a_query(silent="well")) == words
    assert await Memory().silence(TRANSITIONS) == words


async def test_what_was_never_told_is_unknown_of_a_system_that_tells_of_changes():
    memory = Memory().hears(an_alert("cart", FIRING, 2, labels={"service": "cart"}), minute=5)

    assert await memory.silence(TRANSITIONS) == (
        "am never told of an alert with service: checkout; where it tells only of what fires, and silence is well, "
        "add `silent: well`"
    )


async def test_what_was_never_told_is_well_of_a_system_that_repeats_what_fires():
    memory = Memory().hears(minute=5)

    assert await memory.newest(REPEATING) == State("silence", of="am")
    assert await memory.silence(a_query(repeats=True, silent="unknown"))


async def test_who_repeats_itself_and_was_not_heard_for_long_says_nothing_of_what_is_well():
    memory = Memory().hears(an_alert("errors", WELL, 1), minute=5)

    assert not (await memory.newest(REPEATING, 5 + 300)).bad
    assert await memory.silence(REPEATING, 5 + 301) == (
        "am was not heard for 5h1m: let it send an alert that always fires, or write a longer `heard_within`"
    )


async def test_how_often_it_has_to_be_heard_may_be_said():
    memory = Memory().hears(an_alert("errors", WELL, 1), minute=5)

    assert await memory.silence(a_query(heard_within="5m"), 11)
    assert not (await memory.newest(a_query(heard_within="6m"), 11)).bad


async def test_who_tells_of_changes_is_believed_for_ever():
    memory = Memory().hears(an_alert("errors", WELL, 1), an_alert("x", FIRING, 1), minute=5)
    well = a_query(match={"name": "errors"})

    assert not (await memory.newest(well, 60 * 24 * 100)).bad
    assert (await memory.newest(a_query(match={"name": "x"}), 60 * 24 * 100)).bad


async def test_what_is_repeated_no_more_is_over_as_long_as_its_sender_is_heard():
    memory = Memory().hears(an_alert("errors", FIRING, 1), minute=5).hears(minute=300)

    assert (await memory.newest(REPEATING, 5 + 300)).bad
    assert await memory.newest(REPEATING, 5 + 301) == State("silence", of="am")


class _Incomparable(Pushed):
    """Two thousand of them, each compared with all others, would hold the daemon up for seconds."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = None  # type: ignore[assignment]


async def test_of_many_that_are_over_none_is_compared_with_the_others():
    labels = {"service": "checkout"}
    many = [_Incomparable(str(n), "errors", FIRING, at(1), at(1), f"{n}", labels) for n in range(3)]
    memory = Memory().hears(*many, minute=5).hears(minute=400)

    assert await memory.newest(REPEATING, 400) == State("silence", of="am")


async def test_that_there_are_no_data_is_over_too_when_it_is_repeated_no_more():
    memory = Memory().hears(an_alert("errors", UNKNOWN, 1), minute=5).hears(minute=300)

    assert "has no data" in await memory.silence(REPEATING, 5 + 300)
    assert await memory.newest(REPEATING, 5 + 301) == State("silence", of="am")


async def test_what_is_repeated_no_more_by_somebody_who_is_not_heard_is_unknown():
    memory = Memory().hears(an_alert("errors", FIRING, 1), minute=5)
    indicator = a_query(repeats=True, heard_within="1d")

    assert (
        await memory.silence(indicator, 5 + 301)
        == "errors fired, and am was not heard since 24 Nov 12:05 UTC"
    )
    memory = Memory().hears(an_alert("errors", UNKNOWN, 1), minute=5)
    assert (
        await memory.silence(indicator, 5 + 301)
        == "errors had no data, and am was not heard since 24 Nov 12:05 UTC"
    )


async def test_what_has_no_data_at_its_own_system_is_neither_bad_nor_well():
    memory = Memory().hears(an_alert("errors", UNKNOWN, 1), an_alert("more", WELL, 1), minute=5)

    assert await memory.silence(REPEATING) == (
        "errors has no data at its own system, which is neither bad nor well"
    )


async def test_where_it_left_some_out_nothing_is_well_for_as_long_as_it_may_be_so():
    memory = Memory().hears(an_alert("errors", WELL, 1), minute=5)
    memory.lacking_at = at(5)

    assert await memory.silence(REPEATING, 300) == (
        "am told of more alerts than it named, or than are kept, at 24 Nov 12:05 UTC"
    )
    memory.hears(minute=306)
    assert not (await memory.newest(REPEATING, 306)).bad


async def test_a_queue_that_does_not_answer_says_nothing_of_what_is_well_and_what_fires_fires():
    memory = Memory(is_deaf=True).hears(an_alert("errors", WELL, 1), minute=5)

    assert await memory.silence(TRANSITIONS) == "am does not answer: nobody hears what it would tell"
    assert (await memory.hears(an_alert("errors", FIRING, 6), minute=6).newest(TRANSITIONS)).bad


async def test_what_fires_fires_also_where_some_were_left_out():
    memory = Memory().hears(an_alert("errors", FIRING, 1), minute=5)
    memory.lacking_at = at(5)

    assert (await memory.newest(REPEATING)).bad


# ------------------------------------------------------------------------------------------------------------ its minutes


async def test_it_tells_of_the_whole_minutes_that_are_not_known_yet():
    memory = Memory().hears(an_alert("errors", FIRING, -60), minute=-59)

    found = buckets(await memory.reads(TRANSITIONS, 10.5, since=7))

    assert [(each.start, each.end) for each in found] == [(at(7), at(8)), (at(8), at(9)), (at(9), at(10))]


async def test_of_a_minute_that_is_not_over_it_tells_its_last_moment_where_something_was_heard_in_it():
    memory = Memory().hears(an_alert("errors", FIRING, 10.2), minute=10.25)

    found = buckets(await memory.reads(TRANSITIONS, 10.3, since=10))
    later = buckets(await memory.reads(TRANSITIONS, 10.4, since=10.3))

    assert found == (
        Bucket(at(10.3) - seconds(1), at(10.3), State("alarm", at(10.2), bad=True, of="errors")),
    )
    assert later == ()


async def test_the_minute_after_that_is_whole_again():
    memory = Memory().hears(an_alert("errors", FIRING, 10.2), minute=10.25)

    found = buckets(await memory.reads(TRANSITIONS, 12.1, since=10.3))

    assert [(each.start, each.end) for each in found] == [(at(10.3), at(11)), (at(11), at(12))]


async def test_what_was_heard_late_is_told_of_the_minutes_since_it_began():
    memory = Memory().hears(an_alert("errors", FIRING, 6.5), minute=9.2)

    found = buckets(await memory.reads(TRANSITIONS, 9.3, since=5))

    assert [each.end for each in found] == [at(7), at(8), at(9), at(9.3)]


async def test_of_the_past_alerts_say_nothing():
    memory = Memory().hears(an_alert("errors", WELL, 50), minute=50)
    question = Question("q", TRANSITIONS, {}, None)

    reading = (await Alerts(memory, lambda: at(60)).read([question], Window(at(0), at(40), at(61))))["q"]

    assert reading == NoData("alerts tell how they are, and not how they were")


async def test_at_most_a_day_is_told_at_once():
    memory = Memory().hears(an_alert("errors", FIRING, -9999), minute=-9999)

    assert len(buckets(await memory.reads(TRANSITIONS, 10, since=-5000))) == 24 * 60


# ------------------------------------------------------------------------------------------------- well in between


async def test_what_was_well_in_between_is_told_as_well_in_between():
    memory = Memory().hears(an_alert("errors", FIRING, -30), minute=-30)
    memory.hears(an_alert("errors", WELL, 8.2), an_alert("errors", FIRING, 8.6), minute=8.7)

    found = buckets(await memory.reads(TRANSITIONS, 8.8, since=8))

    assert found == (
        Bucket(at(8.6) - seconds(1), at(8.6), State("OK", at(8.2), of="errors")),
        Bucket(at(8.8) - seconds(1), at(8.8), State("alarm", at(8.6), bad=True, of="errors")),
    )


async def test_what_fired_meanwhile_is_told_of_the_time_in_between():
    memory = Memory().hears(an_alert("a", FIRING, -30), an_alert("b", FIRING, -20), minute=-20)
    memory.hears(an_alert("a", WELL, 8.2), an_alert("a", FIRING, 8.6), minute=8.7)

    found = states(await memory.reads(TRANSITIONS, 8.8, since=8))

    assert found == [("b", True), ("a", True)]


async def test_what_was_well_before_the_last_look_is_not_told_again():
    memory = (
        Memory()
        .hears(an_alert("errors", WELL, 7), minute=7)
        .hears(an_alert("errors", FIRING, 8.6), minute=8.7)
    )

    assert states(await memory.reads(TRANSITIONS, 8.8, since=8)) == [("errors", True)]


# ---------------------------------------------------------------------------------------------------------- who is asked


async def test_a_sender_is_looked_up_once_for_all_questions():
    asked = []

    async def ask(source, _known):
        asked.append(source)
        return await Memory().hears(an_alert("errors", FIRING, 1), minute=1)("am")

    questions = [Question(f"q{number}", a_query(), {}, None) for number in range(5)]

    found = await Alerts(ask, lambda: at(5)).read(questions, Window(at(4), at(5), at(6)))

    assert asked == ["am"]
    assert set(found) == {"q0", "q1", "q2", "q3", "q4"}


async def test_what_was_read_of_a_sender_is_shown_to_who_reads_it_again_and_that_of_no_other():
    shown = []

    async def ask(source, known):
        shown.append((source, known and known.revision))
        return Remembered(at(1), revision={"am": 7, "dd": 8}[source])

    questions = [Question(source, a_query(source=source), {}, None) for source in ("am", "dd")]
    provider = Alerts(ask, lambda: at(5))
    for _ in range(2):
        await provider.read(questions, Window(at(4), at(5), at(6)))

    assert sorted(shown[:2]) == [("am", None), ("dd", None)]
    assert sorted(shown[2:]) == [("am", 7), ("dd", 8)]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (None, NoData("only the daemon knows what it was told: `GET /v1/alerts` there says who was heard")),
        (
            StoreUnavailable("the store is away", remedy="wait"),
            Unavailable(Who.OPERATOR, "the store is away"),
        ),
    ],
)
async def test_where_nobody_can_be_asked_that_is_said(ask, expected):
    async def fails(_source, _known):
        raise ask

    provider = Alerts(ask and fails, lambda: at(5))

    found = await provider.read(
        [Question("q", a_query(), {}, None)], Window(at(5) - minutes(1), at(5), at(6))
    )

    assert found == {"q": expected}


# ------------------------------------------------------------------------------------------------- a way that was closed

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"


def a_way(mood, minute, letter="letter"):
    return way(TOPIC, TOPIC, mood, at(minute), letter)


async def test_where_the_subscription_was_taken_back_what_does_not_fire_is_not_known():
    memory = Memory().hears(an_alert("errors", WELL, 1), minute=1).hears(a_way(UNKNOWN, 5), minute=5)

    reading = await memory.reads(TRANSITIONS)

    assert isinstance(reading, NoData)
    assert "its subscription was taken back at" in reading.words
    assert "Subscribe /v1/alerts/am to it again" in reading.words


async def test_what_fires_goes_on_though_the_subscription_was_taken_back():
    memory = Memory().hears(an_alert("errors", FIRING, 1), minute=1).hears(a_way(UNKNOWN, 5), minute=5)

    assert (await memory.newest(TRANSITIONS)).bad


@pytest.mark.parametrize(
    "again", [a_way(WELL, 7, "another"), an_alert("errors", WELL, 7, labels={"topic": TOPIC})]
)
async def test_a_way_is_open_again_once_it_is_subscribed_or_something_comes_by_it(again):
    memory = (
        Memory()
        .hears(an_alert("errors", WELL, 1), minute=1)
        .hears(a_way(UNKNOWN, 5), minute=5)
        .hears(again, minute=8)
    )

    assert (await memory.newest(TRANSITIONS)).of == "errors"


async def test_a_way_is_no_alert_whatever_is_matched():
    memory = Memory().hears(a_way(WELL, 5), minute=5)

    assert isinstance(await memory.reads(a_query(match={"topic": TOPIC})), NoData)
