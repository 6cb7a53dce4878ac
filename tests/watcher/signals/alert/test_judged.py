"""Pushed alerts before the judge of states: what fired before the deployment is not blamed on it, and what is worse is."""

from dataclasses import dataclass, field
from datetime import timedelta

from rules.evaluate import wanted_since
from rules.model import Consequence, InState, Kind
from rules.verdict import Because, Outcome, Verdict
from tests.rules.building import MINUTE, Played, a_rule, a_watch, an_indicator
from tests.watcher.signals.alert.building import FIRING, UNKNOWN, WELL, Memory, a_query, an_alert, at
from watcher.signals.alert.provider import Alerts
from watcher.signals.provider import Question, Window


def watched(lasting: timedelta = MINUTE) -> Played:
    """A watch whose traffic came at noon, and a rule that puts the release back."""
    rule = a_rule(InState(lasting), consequence=Consequence.ROLLBACK)
    watch = a_watch(rule, indicators=[an_indicator(kind=Kind.STATE)])
    watch.traffic_at = watch.complete_at = at(0)
    return watch


@dataclass
class Story:
    """A sender that is heard, and a watch that looks whenever it is told to."""

    repeats: bool = False
    lasting: timedelta = MINUTE
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.watch = watched(self.lasting)

    def hears(self, *pushed, minute):
        self.memory.hears(*pushed, minute=minute)
        return self

    async def looks(self, minute: float) -> Verdict:
        """As the patrol does: asked for what is newer than what is known."""
        since = wanted_since(self.watch.brief, self.watch.evidence, "errors", self.watch.traffic_at)
        question = Question("q", a_query(repeats=self.repeats), {}, None, since)
        window = Window(since or at(minute - 1), at(minute), at(minute + 1))
        reading = (await Alerts(self.memory, lambda: at(minute)).read([question], window))["q"]
        self.watch.reads(at(minute), errors=reading)
        return self.watch.verdict()


async def test_an_alarm_that_fired_before_the_deployment_is_not_blamed_on_it():
    story = Story().hears(an_alert("db", FIRING, -20), minute=-19)

    verdicts = [await story.looks(minute) for minute in range(1, 30)]

    assert {each.outcome for each in verdicts} == {Outcome.UNDECIDED}
    assert verdicts[-1].because is Because.BAD_BEFORE
    assert verdicts[-1].words == (
        "db in alarm since 11:40 UTC, before the deployment: says nothing of this release"
    )


async def test_one_more_that_fires_is_worse():
    story = Story().hears(an_alert("db", FIRING, -20), minute=-19)
    await story.looks(3)

    story.hears(an_alert("errors", FIRING, 3.5), minute=3.6)

    assert (await story.looks(4)).outcome is Outcome.UNDECIDED
    assert (await story.looks(5)).outcome is Outcome.BREACHED


async def test_one_more_of_the_same_name_is_worse_too():
    same = {"name": "errors"}
    story = Story().hears(an_alert("a", FIRING, -20, labels={"zone": "a"}, **same), minute=-19)
    await story.looks(3)

    story.hears(an_alert("b", FIRING, 3.5, labels={"zone": "b"}, **same), minute=3.6)
    await story.looks(4)

    assert (await story.looks(5)).words == "errors (zone: b) in alarm since 12:03 UTC"


async def test_what_was_well_in_between_and_fires_again_is_worse_though_nobody_looked_in_between():
    story = Story().hears(an_alert("db", FIRING, -20), minute=-19)
    await story.looks(3)

    story.hears(an_alert("db", WELL, 3.2), minute=3.2).hears(an_alert("db", FIRING, 3.5), minute=3.6)
    await story.looks(4)

    assert (await story.looks(5)).outcome is Outcome.BREACHED


async def test_what_only_lost_its_data_in_between_is_not_worse():
    story = Story().hears(an_alert("db", FIRING, -20), minute=-19)
    await story.looks(3)

    story.hears(an_alert("db", UNKNOWN, 3.2), minute=3.2)
    await story.looks(4)
    story.hears(an_alert("db", FIRING, 4.5), minute=4.6)

    assert [(await story.looks(minute)).because for minute in (5, 6, 9)] == [Because.BAD_BEFORE] * 3


async def test_what_is_repeated_after_the_deployment_is_not_new():
    story = Story(repeats=True).hears(an_alert("db", FIRING, -20), minute=-19)
    await story.looks(3)

    story.hears(an_alert("db", FIRING, 3.5, since=at(-20)), minute=3.6)

    assert [(await story.looks(minute)).because for minute in (4, 5, 9)] == [Because.BAD_BEFORE] * 3


async def test_where_nobody_says_since_when_what_is_first_heard_of_is_taken_as_old():
    story = Story().hears(an_alert("db", FIRING, 1, since=None), minute=1)

    assert [(await story.looks(minute)).because for minute in (2, 3, 4)] == [Because.BAD_BEFORE] * 3


async def test_what_ends_and_was_there_before_is_well_again():
    story = Story().hears(an_alert("db", FIRING, -20), minute=-19)
    await story.looks(3)

    assert (await story.hears(an_alert("db", WELL, 3.5), minute=3.6).looks(3.7)).outcome is Outcome.HEALTHY


async def test_a_push_counts_at_once_where_the_rule_does_not_wait():
    story = Story(lasting=timedelta(seconds=1)).hears(an_alert("db", WELL, -20), minute=-19)
    assert (await story.looks(4)).outcome is Outcome.HEALTHY

    story.hears(an_alert("db", FIRING, 4.1), minute=4.15)

    assert (await story.looks(4.17)).outcome is Outcome.BREACHED


async def test_many_pushes_in_a_minute_leave_no_holes():
    story = Story()
    moods = (WELL, UNKNOWN, WELL, WELL)
    for step in range(80):
        minute = step / 8
        story.hears(an_alert("db", moods[step % 4], minute), minute=minute)
        await story.looks(minute + 0.01)

    assert (await story.looks(10.2)).outcome is Outcome.HEALTHY


async def test_a_sender_that_falls_silent_makes_the_rule_blind():
    story = Story(repeats=True).hears(minute=-250)
    for minute in range(1, 50):
        assert (await story.looks(minute)).outcome is Outcome.HEALTHY

    verdicts = [await story.looks(minute) for minute in range(50, 60)]

    assert verdicts[-1].outcome is Outcome.BLIND
    assert "am was not heard for 5h" in verdicts[-1].words
