"""A rollout that is ordered to begin: what that means, what stands against it, and what becomes of it until it has traffic."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.model import Live, Phase, Shift
from deploy.rollback import Done, standing
from tests.builders import (
    NOON,
    a_blind_judgement,
    a_breach,
    a_judgement,
    a_ledger,
    a_policy,
    a_release,
    a_service,
    a_watch,
    an_announcement,
    an_order,
    hours,
    minutes,
    some_facts,
)
from tests.watcher.core.taken import due, forwarded, intake, judged, ordered, refused, staged
from watcher.core.freeze import Freeze
from watcher.core.intake import Joined, Known, Opened, Part, must_be_staged, started
from watcher.core.lifecycle import orders_allowed
from watcher.core.service import Mode, Rollout, Stage
from watcher.core.watch import (
    ActionResult,
    ActionState,
    Armed,
    AtStage,
    Breach,
    Doubtful,
    NoOpenAction,
    NotQuarantined,
    OrderKind,
    State,
    Watch,
)
from watcher.core.wording import story
from watcher.errors import CannotStart

SERVED = a_ledger("v41", "v42", passed=("v42",))
STAGES = Rollout(stages=(Stage(0.05), Stage(0.25), Stage(1.0)))
V42, V43 = a_release("v42"), a_release("v43")
ALONE = Live(V42, None, {V42.fingerprint: 1.0})
FACTS = some_facts()
START = an_order(OrderKind.START, by="token:ci", reason="run 7", to="v43")


def staged_service(mode: Mode = Mode.AUTO, **changes: Any):
    return a_service(a_policy(mode, rollout=STAGES), **changes)


def start(
    *, mode=Mode.AUTO, live=ALONE, living=None, facts=FACTS, freezes=(), service=None, tag="v43", **how
) -> Any:
    part = Part("service", a_release(tag), SERVED, live)
    known = Known(service or staged_service(mode), living, None, {"service": SERVED}, freezes=freezes)
    return started(START, part, known, facts, NOON, "w_2", **how)


def begun(**changes: Any) -> Watch:
    """The watch that was opened, before its first stage."""
    watch: Watch = start(**changes).step.watch
    return watch


def its_move(watch: Watch, **changes: Any):
    """The round of the patrol after that."""
    return judged(watch, a_blind_judgement(), None, NOON, replace(FACTS, **changes))


# --------------------------------------------------------------------------------------------------------- it is opened


def test_it_opens_a_watch_that_stands_before_its_first_stage():
    meaning = start()

    watch = meaning.step.watch
    assert isinstance(meaning, Opened)
    assert (watch.id, watch.revision, meaning.step.before, watch.state) == ("w_2", 1, 0, State.WATCHING)
    assert watch.at == AtStage(NOON, "service", 0.0, before=V42, ordered_by="token:ci")
    assert (watch.stages, watch.stage, watch.due_at) == (STAGES.stages, 0, NOON)
    assert (watch.traffic_at, watch.complete_at, watch.seen_at) == (None, None, None)
    assert (watch.deployment.source, watch.deployment.author) == ("order", "token:ci")
    assert (meaning.step.by, meaning.step.why) == ("token:ci", "start: run 7")
    assert meaning.step.serves == ()
    assert meaning.supersedes is None


@pytest.mark.parametrize("state", [State.COUNTING_DOWN, State.ASKING, State.HELD])
def test_what_serves_and_breached_is_decided_about_before_a_hotfix_begins(state):
    """Any other waits at the gate for that."""
    bad = a_watch(state, id="w_1", complete_at=NOON, breach=Breach(NOON, a_breach()))

    with pytest.raises(CannotStart, match=r"v43 serves, and breached: it is .*, watched as w_1") as refusal:
        start(living=bad, tag="v44", live=replace(ALONE, release=V43), hotfix=True)

    assert "rollbackd rollback w_1" in refusal.value.remedy


def test_what_bakes_with_all_its_traffic_gives_way_as_to_any_newer_deployment():
    living = a_watch(id="w_1", deployment=replace(a_watch().deployment), complete_at=NOON)

    meaning = start(living=living, tag="v44")

    assert meaning.supersedes.watch.state is State.SUPERSEDED
    assert meaning.supersedes.watch.superseded_by == "w_2"


def test_a_hotfix_that_begins_in_a_freeze_is_let_go_on_in_it():
    sale = Freeze("f_1", "*", "*", "ann", "the sale", NOON - hours(1), NOON + hours(1))

    watch = begun(freezes=(sale,))

    assert watch.frozen is not None
    assert its_move(watch, frozen="the sale").actions != ()


# --------------------------------------------------------------------------------------------------- what stands against


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": Mode.SHADOW}, "it would have given v43 5 % of the traffic, and left the rest to v42"),
        ({"tag": "v42"}, "v42 is what serves already"),
        ({"live": replace(ALONE, in_flight=a_release("v9"), shares={"sha256:v9": 0.1})}, "v9 has 10 % of the traffic"),
        ({"facts": some_facts(armed=False, disarmed="by olga: a migration")}, "disarmed: by olga: a migration"),
        ({"living": a_watch(id="w_1", complete_at=None), "tag": "v44"}, "v43 is watching, watched as w_1"),
        ({"living": a_watch(id="w_1", incomplete=True), "tag": "v44"}, "another rollout is under way: v43"),
        ({"living": a_watch(State.ROLLING_BACK, id="w_1"), "tag": "v44"}, "v43 is rolling back"),
        ({"living": a_watch(State.ROLLING_BACK, id="w_1")}, "it is under way already: v43 is rolling back"),
        ({"live": replace(ALONE, release=None)}, "nothing serves of service"),
        ({"service": a_service()}, "has no stages"),
        ({"service": staged_service(parts=("service", "worker"))}, "has no stages"),
    ],
)  # fmt: skip
def test_it_is_refused_in_words(changes, words):
    with pytest.raises(CannotStart, match=words) as refusal:
        start(**changes)

    assert refusal.value.remedy


def test_a_service_without_stages_is_refused_before_anything_is_read():
    must_be_staged(staged_service())
    with pytest.raises(CannotStart, match="no first one to begin with"):
        must_be_staged(a_service())


# ------------------------------------------------------------------------------------------ it was announced, or begun


def announced() -> Watch:
    """A pipeline has told that it deploys v43, and nobody has given it traffic."""
    part = Part("service", V43, SERVED, ALONE)
    news = an_announcement(Phase.STARTED, at=NOON)
    watch: Watch = intake(news, [part], Known(staged_service()), NOON, "w_1").step.watch
    return watch


def test_a_watch_that_heard_of_it_begins_and_no_second_one_is_opened():
    meaning = start(living=announced())

    assert isinstance(meaning, Joined)
    assert meaning.step is not None
    assert meaning.step.watch.id == "w_1"
    assert meaning.step.watch.at == AtStage(NOON, "service", 0.0, before=V42, ordered_by="token:ci")
    assert (meaning.step.watch.revision, meaning.step.watch.due_at) == (2, NOON)


def test_that_watch_does_not_begin_in_shadow_or_while_it_is_disarmed():
    with pytest.raises(CannotStart, match="disarmed"):
        start(living=announced(), facts=some_facts(armed=False, disarmed="by olga"))
    with pytest.raises(CannotStart, match="in shadow"):
        start(living=announced(), mode=Mode.SHADOW)


def test_a_watch_that_was_opened_in_shadow_begins_nothing_that_it_could_not_take_back():
    heard = announced()
    in_shadow = replace(heard, policy=replace(heard.policy, mode=Mode.SHADOW))

    with pytest.raises(CannotStart, match="since the service was in shadow"):
        start(living=in_shadow)


def test_a_hotfix_that_was_announced_before_the_freeze_is_let_go_on_in_it():
    sale = Freeze("f_1", "*", "*", "ann", "the sale", NOON - minutes(1), NOON + hours(1))

    watch = start(living=announced(), freezes=(sale,)).step.watch

    assert its_move(watch, frozen="the sale").actions != ()


def test_what_was_begun_is_not_begun_again():
    watch = begun()
    has_a_share = replace(watch, at=AtStage(NOON, "service", 0.05, before=V42), traffic_at=NOON)

    assert start(living=watch) == Joined(watch)
    assert start(living=has_a_share, live=replace(ALONE, in_flight=V43)) == Joined(has_a_share)


@pytest.mark.parametrize("phase", [Phase.STARTED, Phase.SHIFTED, Phase.COMPLETE])
@pytest.mark.parametrize("live", [ALONE, None])
def test_a_pipeline_that_says_it_is_done_means_that_it_stands_there(phase, live):
    """Read or not: what has no traffic must not be baked, and pass, on the word of who has put it there."""
    watch = begun()
    part = Part("service", V43, SERVED, live)

    joined = intake(an_announcement(phase, at=NOON), [part], Known(staged_service(), watch), NOON, "w_3")

    after = joined.step.watch if joined.step else joined.watch
    assert after.at == watch.at
    assert (after.traffic_at, after.complete_at) == (None, None)


# ------------------------------------------------------------------------------------------------------ its first share


def test_its_first_share_is_given_in_the_next_round_though_nothing_can_be_seen_yet():
    step = its_move(begun())

    (action,) = step.actions
    assert action.forward == Shift("service", V42, V43, 0.05, expect=0.0)
    assert (action.ordered_by, step.by, step.why, action.bound) == ("token:ci", "token:ci", "start", True)
    assert step.watch.at.action == action.id
    assert step.requires == {
        NoOpenAction("checkout", "production"),
        Armed("checkout", "production"),
        NotQuarantined("checkout", "production", "service", V43.fingerprint),
    }
    assert "It is moved on to 5 % of the traffic, ordered by token:ci" in "\n".join(story(step.watch, NOON))


def test_the_order_is_the_word_of_a_person_for_the_first_stage_and_not_for_the_next():
    watch = its_move(begun(mode=Mode.ASK)).watch

    there = forwarded(watch, ActionResult(watch.at.action, ActionState.DONE), NOON, FACTS).watch
    well = replace(a_judgement(at=NOON + hours(1)))
    step = judged(there, well, None, NOON + hours(1), FACTS)

    assert there.at == AtStage(NOON, "service", 0.05, before=V42)
    assert (there.traffic_at, there.stage) == (NOON, 0)
    assert step.actions == ()


def test_one_that_comes_back_marked_is_begun_with_peoples_knowledge():
    requires = its_move(replace(begun(), returning="rolled back on Monday")).requires

    assert not any(isinstance(each, NotQuarantined) for each in requires)


@pytest.mark.parametrize(
    ("facts", "because", "words"),
    [
        ({"frozen": "until Monday"}, Doubtful.STAGE_FROZEN, "a freeze began before it was moved on to 5 %"),
        ({"armed": False, "disarmed": "by olga"}, Doubtful.STAGE_DISARMED, "while it is disarmed"),
    ],
)
def test_in_a_freeze_and_while_it_is_disarmed_a_person_is_asked(facts, because, words):
    later = NOON + hours(2)

    step = judged(begun(), a_blind_judgement(), None, later, replace(FACTS, **facts))

    assert step.watch.question.because == (because,)
    assert step.watch.question.words.startswith("it was ordered to begin, and ")
    assert words in step.watch.question.words
    assert "v43 stays without traffic. A person is needed" in step.messages[0].notice.headline


def test_for_a_while_it_waits_until_it_is_armed_again():
    step = its_move(begun(), armed=False, disarmed="by olga")

    assert (step.watch.state, step.actions) == (State.WATCHING, ())


def test_a_switch_that_was_turned_just_then_puts_it_off():
    watch = begun()
    step = refused(watch, its_move(watch), Armed("checkout", "production"), "disarmed", NOON, FACTS)

    assert (step.watch.state, step.actions, step.watch.at) == (State.WATCHING, (), watch.at)


def test_while_it_is_held_nothing_begins_and_afterwards_it_does():
    held = ordered(begun(), an_order(OrderKind.HOLD), NOON, FACTS).watch
    assert its_move(held).actions == ()

    resumed = ordered(held, an_order(OrderKind.RESUME), NOON, FACTS).watch

    assert its_move(resumed).actions[0].ordered_by == "token:ci"


def test_after_a_hold_of_hours_it_begins_and_nobody_is_asked():
    held = ordered(begun(), an_order(OrderKind.HOLD, lasting=hours(5)), NOON, FACTS).watch
    later = NOON + hours(5)

    resumed = due(held, later, FACTS).watch

    assert due(resumed, later, FACTS) is None
    assert judged(resumed, a_blind_judgement(), None, later, FACTS).actions[0].ordered_by == "token:ci"


def test_who_takes_it_back_before_it_has_traffic_leaves_what_serves_where_it_is():
    """What serves is not known to be good: it took over while that baked."""
    living = a_watch(id="w_1", complete_at=NOON)
    watch = start(living=living, tag="v44", live=replace(ALONE, release=V43)).step.watch

    step = ordered(watch, an_order(OrderKind.ROLL_BACK), NOON, FACTS)

    (move,) = step.actions[0].plan.moves
    assert (move.expect.tag, move.to) == ("v44", V43)
    assert standing(Live(V43), move) == Done()


def test_what_could_not_be_begun_is_asked_about_and_tried_again_by_order():
    watch = its_move(begun()).watch
    no = ActionResult(watch.at.action, ActionState.FAILED, "AccessDenied")

    asking = forwarded(watch, no, NOON, FACTS).watch
    again = ordered(asking, an_order(OrderKind.ADVANCE), NOON, FACTS)

    assert (asking.state, asking.at.share) == (State.ASKING, 0.0)
    assert "it could not be moved on to 5 % of the traffic: AccessDenied" in asking.question.words
    assert again.actions[0].forward == Shift("service", V42, V43, 0.05, expect=0.0)


def test_a_question_that_nobody_answers_leaves_it_without_traffic():
    watch = its_move(begun()).watch
    asking = forwarded(watch, ActionResult(watch.at.action, ActionState.FAILED, "no"), NOON, FACTS).watch

    step = due(asking, NOON + hours(25), FACTS)

    assert step.watch.state is State.UNPROVEN
    assert step.watch.ending.words == "left without traffic, neither proven nor refuted: nobody answered"


def test_a_patrol_that_never_comes_is_noticed():
    step = due(begun(), NOON + hours(4), FACTS)

    assert step.watch.question.because == (Doubtful.STAGE_UNDECIDED,)
    assert "it could not be given its first traffic within 2 h" in step.watch.question.words


def test_another_hand_may_give_it_the_first_share():
    shared = {"service": Live(V42, V43, {V42.fingerprint: 0.95, V43.fingerprint: 0.05})}
    other = {"service": Live(V42, V43, {V42.fingerprint: 0.6, V43.fingerprint: 0.4})}

    assert staged(begun(), shared, NOON, FACTS).watch.at == AtStage(NOON, "service", 0.05, before=V42)
    assert staged(begun(), other, NOON, FACTS).watch.question.because == (Doubtful.STAGE_MOVED,)
    assert staged(begun(), {"service": ALONE}, NOON, FACTS) is None


def test_before_it_has_traffic_a_person_may_take_it_back_or_let_it_go_on():
    allowed = orders_allowed(begun())

    assert {OrderKind.ROLL_BACK, OrderKind.HOLD, OrderKind.ADVANCE, OrderKind.PASS} <= set(allowed)
    assert judged(begun(), a_breach(), None, NOON, FACTS).watch.state is State.ROLLING_BACK


def test_it_says_where_it_stands():
    assert "it is without traffic; it begins with 5 % of the traffic, ordered by token:ci" in "\n".join(
        story(begun(), NOON + minutes(1))
    )
