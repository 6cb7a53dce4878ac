"""A rollout that waits for somebody's word: people are told so, loudly, and once for each pause."""

from dataclasses import replace

import pytest

from deploy.model import Live, Pause, Phase
from tests.builders import (
    CHANNEL,
    NOON,
    a_ledger,
    a_live,
    a_plan,
    a_policy,
    a_release,
    a_service,
    a_watch,
    an_announcement,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import intake, paused
from watcher.core.intake import Joined, Known, Opened, Part, Recorded
from watcher.core.lifecycle.news import MOST_PAUSES
from watcher.core.service import Speak
from watcher.core.watch import State, Tone
from watcher.core.wording import Event, notice

PAUSE = Pause(
    hook="ecs-pause-1",
    stage="POST_TEST_TRAFFIC_SHIFT",
    until=NOON + minutes(10),
    otherwise="ECS rolls the deployment back",
    go_on="aws … --action CONTINUE",
    go_back="aws … --action ROLLBACK",
)
MOVING = Live(a_release("v42"), in_flight=a_release("v43"), shares={"sha256:v43": 0.0})
SERVED = a_ledger("v41", "v42", passed=("v42",))
DEPLOYED = a_ledger("v41", "v42", "v43", passed=("v42",))
FACTS = some_facts()


def heard(
    pause: Pause | None = PAUSE, tag="v43", live=MOVING, ledger=SERVED, *, living=None, last=None, **more
):
    said = an_announcement(Phase.PAUSED, pause=pause, **more)
    return intake(
        said,
        [Part("service", a_release(tag), ledger, live)],
        Known(a_service(), living, last),
        NOON,
        "w_2",
        "a_1",
    )


def told(step):
    return [(message.kind, message.notice.event) for message in step.messages]


# ------------------------------------------------------------------------------------------------------------ the watch


def test_a_rollout_that_waits_is_watched_like_one_that_began():
    meaning = heard()

    assert isinstance(meaning, Opened)
    assert (meaning.step.watch.traffic_at, meaning.step.watch.complete_at) == (None, None)
    assert meaning.step.closes[0].state == "watching"


def test_that_it_waits_is_told_by_itself_though_nobody_wants_to_hear_of_deployments():
    step = heard().step

    assert told(step) == [("append", "watch.paused")]
    assert step.messages[0].channel == CHANNEL
    assert step.watch.pauses == (PAUSE,)
    assert step.watch.spoken


def test_those_who_hear_of_deployments_hear_of_both():
    said = an_announcement(Phase.PAUSED, pause=PAUSE)
    service = a_service(a_policy(speak=Speak.ALL))
    step = intake(said, [Part("service", a_release("v43"), SERVED, MOVING)], Known(service), NOON, "w_2").step

    assert told(step) == [("show", "watch.opened"), ("append", "watch.paused")]
    assert [message.id for message in step.messages] == ["w_2.1.0", "w_2.1.1"]


def test_news_of_a_pause_join_the_watch():
    meaning = heard(ledger=DEPLOYED, living=a_watch())

    assert isinstance(meaning, Joined)
    assert meaning.step is not None
    assert told(meaning.step) == [("append", "watch.paused")]
    assert meaning.step.closes[0].state == "joined"


def test_news_of_a_pause_start_the_clocks_that_what_runs_starts():
    shifting = replace(MOVING, shares={"sha256:v43": 0.1})
    step = heard(ledger=DEPLOYED, live=shifting, living=a_watch(traffic_at=None, complete_at=None)).step

    assert (step.watch.traffic_at, step.watch.complete_at) == (NOON, None)
    assert step.watch.revision == 8
    assert [message.id for message in step.messages] == ["w_1.8.0"]


def test_one_hook_is_told_once():
    again = heard(ledger=DEPLOYED, living=a_watch(pauses=(PAUSE,)))

    assert again.step is None
    assert again.closing.state == "joined"


def test_the_next_hook_of_the_same_rollout_is_told_again():
    step = heard(replace(PAUSE, hook="ecs-pause-2"), ledger=DEPLOYED, living=a_watch(pauses=(PAUSE,))).step

    assert [each.hook for each in step.watch.pauses] == ["ecs-pause-1", "ecs-pause-2"]
    assert told(step) == [("append", "watch.paused")]


def test_a_pause_that_is_over_when_it_is_heard_of_is_no_news():
    over = replace(PAUSE, until=NOON - seconds(1))

    assert heard(over, ledger=DEPLOYED, living=a_watch()).step is None
    assert heard(over).step.messages == ()


def test_no_more_pauses_are_remembered_than_a_rollout_can_have():
    many = tuple(Pause(str(number)) for number in range(MOST_PAUSES))

    step = paused(a_watch(pauses=many), None, PAUSE, NOON, FACTS)

    assert len(step.watch.pauses) == MOST_PAUSES
    assert step.watch.pauses[-1] == PAUSE


def test_where_nobody_is_to_be_told_it_is_remembered():
    step = paused(a_watch(), None, PAUSE, NOON, some_facts(channels=()))

    assert (step.messages, step.watch.pauses, step.watch.spoken) == ((), (PAUSE,), False)


@pytest.mark.parametrize("live", [a_live("v42"), None])
def test_one_that_is_not_seen_on_its_way_yet_is_believed_as_a_start_is(live):
    assert isinstance(heard(live=live), Opened)


def test_one_that_is_older_than_what_is_watched_and_does_not_run_is_old_news():
    meaning = heard(tag="v41", live=a_live("v43"), ledger=DEPLOYED, living=a_watch(), at=NOON - hours(1))

    assert isinstance(meaning, Recorded)


# ------------------------------------------------------------------------------------------------------- the way back


def test_a_rollback_of_ours_that_waits_is_told_and_stays_under_way():
    moving = Live(a_release("v43"), in_flight=a_release("v42"))

    step = heard(tag="v42", live=moving, ledger=DEPLOYED, living=a_watch(State.ROLLING_BACK)).step

    assert step.watch.state is State.ROLLING_BACK
    assert step.results == ()
    assert step.messages[0].notice.headline == (
        "checkout · production: the way back to v42 is paused at POST_TEST_TRAFFIC_SHIFT, and waits for somebody's "
        "word until 12:10:00 UTC"
    )
    assert "To break it off, and have v43 again: aws … --action ROLLBACK" in step.messages[0].notice.lines


def test_that_what_is_rolled_back_waited_is_no_news_any_more():
    meaning = heard(ledger=DEPLOYED, living=a_watch(State.ROLLING_BACK))

    assert isinstance(meaning, Joined)
    assert meaning.step is None


def test_ids_of_another_kind_do_not_hide_our_own_rollback_that_arrives_late():
    """The platform keeps no key of ours, and the event has ids of its own: it is known by its time, as where there are none."""
    ended = a_watch(
        State.KEPT, action="w_1.6.0", plan=a_plan(), decided_at=NOON - minutes(5), ended_at=NOON - minutes(4)
    )
    said = an_announcement(Phase.COMPLETE, platform_ids=("ecs-svc/123",))
    part = Part("service", a_release("v42"), DEPLOYED, a_live("v42"))

    meaning = intake(said, [part], Known(a_service(), last=ended), NOON, "w_2")

    assert isinstance(meaning, Recorded)
    assert meaning.why == "our own rollback, which arrived late"


# ---------------------------------------------------------------------------------------------------------- the message


def read(pause, **changes):
    said = notice(Event.PAUSED, a_watch(pauses=(pause,), **changes), NOON, FACTS)
    assert said.tone is Tone.ALARM
    return "\n".join([said.headline, *said.lines])


def test_the_message_says_what_waits_until_when_what_then_and_what_a_person_can_do():
    assert read(PAUSE) == (
        "checkout · production: v43 is paused at POST_TEST_TRAFFIC_SHIFT, and waits for somebody's word until 12:10:00 UTC\n"
        "If nobody gives it: ECS rolls the deployment back\n"
        "rollbackd answers no hook: a person does, or your pipeline\n"
        "To let it go on: aws … --action CONTINUE\n"
        "To break it off: aws … --action ROLLBACK"
    )


def test_a_source_that_knows_no_more_than_that_it_waits_is_believed():
    step = heard(None).step

    assert step.watch.pauses == (Pause(),)
    assert step.messages[0].notice.lines == (
        "If nobody gives it: the platform goes on by its own setting",
        "rollbackd answers no hook: a person does, or your pipeline",
    )
    assert step.messages[0].notice.headline.endswith("v43 is paused, and waits for somebody's word")
