"""What people read of a rollout that rollbackd moves forward."""

from dataclasses import replace
from typing import Any

from deploy.model import Pause
from tests.builders import (
    NOON,
    a_blind_judgement,
    a_judgement,
    an_order,
    hours,
    minutes,
    some_facts,
)
from tests.watcher.core.lifecycle.test_stages import AT_HOOK, HERE, PAUSE, at_hook, at_work, in_stages, well
from tests.watcher.core.taken import judged, ordered
from watcher.core.service import Mode, Speak, Unseen
from watcher.core.stages import may_advance
from watcher.core.watch import OrderKind, Tone
from watcher.core.wording import Event, notice, story
from watcher.core.wording.stages import advance_button, asked_to_go_on, here, onward, undecided

FACTS = some_facts()


def said(watch, now=NOON):
    return [line.strip() for line in story(watch, now)]


def test_a_question_says_where_it_stays_what_is_missing_and_what_can_be_said():
    late = in_stages(replace(HERE, since=NOON - hours(2)))
    step = judged(late, a_blind_judgement(), None, NOON, FACTS)

    told = step.messages[0].notice

    assert told.headline == (
        "checkout · production: v43 stays at 5 % of the traffic. A person is needed: it was not seen well at 5 % of the traffic"
        " within 2 h, so it does not go on by itself"
    )
    assert told.lines == (
        "Blind: ready (no data since 11:50)",
        "Way back: v42 (proven)",
        "If nobody answers until 13:00:00 UTC: it stays at 5 % of the traffic, and is watched no longer",
    )
    assert [button.label for button in told.buttons] == [
        "Go on to 25 % of the traffic",
        "Roll back to v42",
        "Ask again in 15 min",
    ]
    assert told.tone is Tone.ALARM


def test_at_a_hook_it_says_what_the_platform_does_by_itself():
    step = judged(at_hook(mode=Mode.ASK), well(), None, NOON, FACTS)
    untold = replace(AT_HOOK, pause=replace(PAUSE, otherwise=""))
    silent = judged(at_hook(untold, mode=Mode.ASK), well(), None, NOON, FACTS)

    told = step.messages[0].notice

    assert "may go on past the hook AFTER_A_TENTH; the mode of this service is to ask" in told.headline
    assert told.lines[-1].endswith("and is watched no longer. At 17:00:00: ECS rolls back")
    assert silent.messages[0].notice.lines[-1].endswith("the platform goes on by its own setting")


def test_a_hook_that_waits_for_less_than_its_bake_is_said_to():
    short = replace(AT_HOOK, since=NOON, pause=replace(PAUSE, until=NOON + minutes(8)))
    step = judged(at_hook(short), a_blind_judgement(), None, NOON, FACTS)

    assert step.messages[0].notice.headline.endswith(
        "it was not seen well at the hook AFTER_A_TENTH for 10 min, and its platform waits there only until 12:08:00 UTC"
    )


def test_what_nobody_could_see_is_not_said_to_have_been_seen_well():
    unseen: dict[str, Any] = {"traffic_at": None, "rollout": {"before_traffic": Unseen.GO_ON}}
    policy = replace(at_hook(**unseen).policy, speak=Speak.ALL)
    goes = judged(at_hook(traffic_at=None, policy=policy), well(), None, NOON, FACTS)
    asks = judged(at_hook(**unseen, mode=Mode.ASK), well(), None, NOON, FACTS)

    no_traffic = "it has no traffic yet at the hook AFTER_A_TENTH, so nothing was seen"
    assert goes.messages[0].notice.headline.endswith(f"past the hook AFTER_A_TENTH: {no_traffic}")
    assert f"{no_traffic}, and may go on past" in asks.messages[0].notice.headline


def test_what_failed_is_told_in_the_platforms_words_with_what_a_person_can_run():
    asked = judged(in_stages(mode=Mode.ASK), well(), None, NOON, FACTS).watch
    question = replace(asked.question, words="it could not be moved on: AccessDenied\nBy hand: aws …")
    watch = replace(asked, question=question)

    told = notice(Event.ASKED, watch, NOON, FACTS)

    assert told.headline.endswith("A person is needed: it could not be moved on: AccessDenied")
    assert told.lines[0] == "By hand: aws …"


def test_going_on_is_told_to_those_who_like_it_and_by_whose_order():
    policy = replace(in_stages().policy, speak=Speak.ALL)
    by_itself = judged(in_stages(policy=policy), well(), None, NOON, FACTS)
    by_order = ordered(in_stages(policy=policy), an_order(OrderKind.ADVANCE), NOON, FACTS)

    headlines = [step.messages[0].notice.headline for step in (by_itself, by_order)]

    assert headlines == [
        "checkout · production: v43 goes on to 25 % of the traffic: it was seen well at 5 % of the traffic",
        "checkout · production: v43 goes on to 25 % of the traffic, ordered by olga",
    ]
    assert judged(in_stages(), well(), None, NOON, FACTS).messages == ()


def test_in_shadow_it_says_what_would_have_been_done():
    step = judged(in_stages(mode=Mode.SHADOW), well(), None, NOON, FACTS)

    assert step.messages[0].notice.headline == (
        "checkout · production: would have moved v43 on to 25 % of the traffic: it was seen well at 5 % of the traffic."
        " Nothing was done"
    )


def test_the_story_says_where_it_stands_and_what_comes_next():
    plain = "Since 11:40:00 it is at 5 % of the traffic; {} to 25 % of the traffic once it was seen well for 10 min"
    last = in_stages(replace(HERE, share=1.0))

    assert plain.format("it goes on") in said(in_stages())
    assert plain.format("a person is asked whether it goes on") in said(in_stages(mode=Mode.ASK))
    assert plain.format("it would go on") in said(in_stages(mode=Mode.SHADOW))
    assert "It is moved on to 25 % of the traffic" in said(in_stages(at_work()))
    by = replace(at_work(), ordered_by="olga")
    assert "It is moved on to 25 % of the traffic, ordered by olga" in said(in_stages(by))
    assert "Since 11:40:00 it is at 100 % of the traffic" in said(last)
    over = at_hook(replace(AT_HOOK, is_over=True))
    assert "The hook AFTER_A_TENTH was answered; its platform goes on" in said(over)


def test_where_nothing_is_moved_nothing_is_said_of_it():
    unnamed = at_hook(replace(AT_HOOK, pause=Pause("ecs-hook-7")))

    assert here(in_stages(None)) == ""
    assert undecided(in_stages(None)) == "it was not seen well in time"
    assert asked_to_go_on(in_stages(), NOON, FACTS).lines[-1] == ""
    assert onward(in_stages(replace(HERE, share=1.0))) == "no further"
    assert here(unnamed) == "at the hook ecs-hook-7"
    assert advance_button(in_stages(None)) == ()
    assert not may_advance(in_stages(None))


def test_a_rule_that_is_blind_asks_in_its_own_words_though_it_is_at_a_stage():
    blind = in_stages(blind_since=NOON - minutes(6))
    step = judged(blind, a_blind_judgement(asks=True), None, NOON, FACTS)

    assert "asks when it sees nothing" in step.messages[0].notice.headline
    assert "it ends unproven" in step.messages[0].notice.lines[-1]
    assert a_judgement().outcome == "healthy"
