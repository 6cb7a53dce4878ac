"""What else moved, from the event in a queue to what people read; and as a control."""

import json
from dataclasses import replace

from deploy.errors import AwsRefused
from rules.model import CanaryVsBaseline, Consequence, Indicator, InState, Kind, RuleSet
from tests.builders import minutes
from tests.scenarios.queue import failover, opened, parameter, puts
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_rule, a_service, a_world, an_indicator, killed, release, together
from watcher.core.service import Around
from watcher.core.watch import Doubtful, State

AROUND = Around(
    told_by=("events",), own=("/checkout/*",), places=frozenset({("111122223333", "eu-central-1")})
)
CHECKOUT = replace(a_service(), around=AROUND)
BAD = release("v2", at=minutes(10), fails=0.05)
CONTROL = "no parameter moved"


def guarded():
    """No more errors than the release beside it; and nothing was changed by hand meanwhile."""
    moves = Indicator("moves", Kind.STATE, "changes", json.dumps({"kinds": ["parameter"], "within": "30m"}))
    compares = RuleSet((an_indicator("errors"),), (a_rule(CanaryVsBaseline()),))
    control = a_rule(InState(), "moves", Consequence.DOUBT, name=CONTROL)
    return together(compares, RuleSet((moves,), (control,)))


def told(*happens, service=CHECKOUT, others=(), lasting=25):
    return in_virtual_time(watched(a_world(service, *others, *happens), minutes=lasting))


def lines_of(story, event):
    """What the first message of *event* says of changes."""
    notice = next(notice for _, notice in story.told if notice.event == event)
    titles = ("Moved besides", "Does not undo", "No other change", "Against", "Suspects")
    return [line for line in notice.lines if line.startswith(titles)]


def test_what_moved_stands_beside_the_evidence_and_what_going_back_leaves_as_it_is():
    story = told(
        opened(),
        puts(minutes(6), parameter("/checkout/limits")),
        puts(minutes(7), failover("payments-db")),
        puts(minutes(8), parameter("/cart/limits")),
        BAD,
        service=CHECKOUT,
        others=(replace(a_service("cart"), around=replace(AROUND, own=("/cart/*",))),),
    )

    assert lines_of(story, "watch.rolling_back") == [
        "Moved besides: database `payments-db` failover: Started failover 12:07:00",
        "Does not undo: parameter `/checkout/limits`, changed 12:06:00",
    ]
    assert story.calls_that_change == ["UpdateService v1"]


def test_where_nothing_moved_that_is_said():
    assert lines_of(told(BAD), "watch.rolling_back") == ["No other change in the hour"]


def test_where_nobody_would_have_told_nothing_is_said():
    assert lines_of(told(BAD, service=a_service()), "watch.rolling_back") == []


def test_while_the_queue_cannot_be_asked_it_is_not_said_that_nothing_moved():
    class Away:
        async def receive(self):
            raise AwsRefused("receive_message", "AccessDenied", "not yours", may_have_happened=False)

        async def acknowledge(self, receipts):
            """Nothing was received."""

    async def breaks(stage):
        source, _ = stage.feeds["events"]
        stage.feeds["events"] = source, Away()

    assert lines_of(told(opened(), Act(minutes(5), breaks), BAD), "watch.rolling_back") == []


def test_one_event_that_comes_ten_times_is_one_change_though_the_daemon_is_killed_in_between():
    story = told(
        opened(),
        puts(minutes(6), failover("payments-db"), times=5),
        killed(minutes(7)),
        puts(minutes(8), failover("payments-db"), times=5),
        BAD,
    )

    (line,) = lines_of(story, "watch.rolling_back")
    assert line.count("failover: Started failover") == 1
    assert "×" not in line


def test_that_another_service_was_deployed_is_told_though_nobody_wrote_it_down():
    cart = a_service("cart")

    story = told(release("v7", at=minutes(9), of="cart"), BAD, others=(cart,))

    (line,) = lines_of(story, "watch.rolling_back")
    assert line.startswith("Moved besides: cart v7 deployed 12:09:")


def test_a_control_beside_which_something_moved_makes_a_rollback_a_question():
    service = replace(a_service(rules=guarded()), around=AROUND)

    story = told(opened(), BAD, puts(minutes(10.3), parameter("/checkout/limits")), service=service)

    question = known(story.watch.question)
    assert story.watch.state is State.ASKING
    assert question.because == (Doubtful.CONTROL,)
    assert f"“{CONTROL}” does not hold any more either" in question.words
    assert story.calls_that_change == []


def test_a_control_beside_which_nothing_moved_lets_it_go_back():
    service = replace(a_service(rules=guarded()), around=AROUND)

    story = told(opened(), BAD, puts(minutes(5), parameter("/checkout/limits")), service=service)

    assert story.calls_that_change == ["UpdateService v1"]
