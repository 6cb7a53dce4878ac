"""What an announcement means."""

from dataclasses import replace

import pytest

from deploy.model import Deployment, Live, PartChange, Phase, Release
from deploy.tags import Grade
from rules.model import Indicator, Kind, RuleSet
from tests.builders import (
    CHANNEL,
    NOON,
    a_back,
    a_ledger,
    a_live,
    a_plan,
    a_policy,
    a_release,
    a_service,
    a_watch,
    an_announcement,
    an_order,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import intake
from watcher.core import lifecycle
from watcher.core.freeze import Freeze
from watcher.core.intake import READING, Joined, Known, Opened, Part, Recorded, Rejected, alike, ordered_back
from watcher.core.service import Mode, Speak
from watcher.core.watch import Arms, Closing, NoOpenAction, OrderKind, Serves, State
from watcher.core.wording import story
from watcher.errors import OrderIncomplete

SERVED = a_ledger("v41", "v42", passed=("v42",))  # v42 serves, and is proven
DEPLOYED = a_ledger("v41", "v42", "v43", passed=("v42",))  # v43 serves


SERVICE = a_service()


def a_part(tag="v43", ledger=SERVED, live=..., **changes):
    """News of *tag*, which runs already if nothing else is said."""
    return replace(Part("service", a_release(tag), ledger, a_live(tag) if live is ... else live), **changes)


def meaning_of(
    announcement=None,
    part=None,
    *,
    service=SERVICE,
    living=None,
    last=None,
    item=None,
    ledgers=None,
    freezes=(),
):
    known = Known(service, living, last, ledgers or {}, freezes=freezes)
    return intake(announcement or an_announcement(), [part or a_part()], known, NOON, "w_2", item)


def opened(*args, **changes):
    meaning = meaning_of(*args, **changes)
    assert isinstance(meaning, Opened), meaning
    return meaning


# --------------------------------------------------------------------------------------------------------- a deployment


def test_a_new_release_opens_a_watch():
    step = opened().step

    watch = step.watch
    assert (watch.id, watch.revision, step.before, watch.state) == ("w_2", 1, 0, State.WATCHING)
    assert (watch.opened_at, watch.since, watch.due_at) == (NOON, NOON, NOON)
    assert watch.policy == a_policy()
    (part,) = watch.deployment.parts
    assert (part.before, part.after) == (a_release("v42"), a_release("v43"))
    assert (watch.deployment.author, watch.deployment.source) == ("ada", "queue")
    assert watch.way_back is not None
    assert (watch.way_back.release, watch.way_back.grade) == (a_release("v42"), Grade.PROVEN)
    assert watch.brief is None
    assert step.actions == ()


def test_a_source_that_only_tells_of_completion_sets_both_clocks():
    watch = opened(an_announcement(Phase.COMPLETE, at=NOON - minutes(2))).step.watch

    assert watch.traffic_at == watch.complete_at == NOON - minutes(2)


@pytest.mark.parametrize(
    ("phase", "live", "traffic", "complete"),
    [
        (Phase.STARTED, a_live("v42"), None, None),
        (Phase.STARTED, None, None, None),
        (Phase.STARTED, a_live("v42", in_flight=a_release("v43")), NOON, None),
        (Phase.STARTED, a_live("v43"), NOON, NOON),
        (Phase.SHIFTED, a_live("v42", in_flight=a_release("v43")), NOON - minutes(2), None),
        (Phase.SHIFTED, a_live("v43"), NOON - minutes(2), NOON),
        (Phase.SHIFTED, None, NOON - minutes(2), None),
    ],
)
def test_the_clocks_start_with_what_is_known(phase, live, traffic, complete):
    step = opened(an_announcement(phase, at=NOON - minutes(2)), a_part(live=live)).step

    assert (step.watch.traffic_at, step.watch.complete_at) == (traffic, complete)
    assert step.serves == ((Serves("service", a_release("v43"), complete),) if complete else ())


def test_what_runs_beside_the_first_release_ever_announced_is_adopted():
    live = a_live("v42", in_flight=a_release("v43"))

    step = opened(an_announcement(Phase.STARTED), a_part(ledger=a_ledger(), live=live)).step

    assert step.serves[0] == Serves("service", a_release("v42"), NOON, adopted=True)
    assert step.watch.deployment.parts[0].before == a_release("v42")


def a_new_service():
    return a_part(ledger=a_ledger(), live=a_live(None))


def test_a_first_ever_deployment_is_watched_without_a_way_back():
    watch = opened(an_announcement(Phase.STARTED), a_new_service()).step.watch

    assert watch.deployment.parts[0].before is None
    assert watch.way_back is None
    assert watch.arms == Arms({"tag": "v43", "fingerprint": "sha256:v43", "version": "v43"}, None)


def test_opening_is_told_to_those_who_like_it():
    loud = a_service(a_policy(speak=Speak.ALL))

    assert opened().step.messages == ()
    assert not opened().step.watch.spoken
    (message,) = opened(service=loud).step.messages
    assert (message.id, message.kind, message.channel) == ("w_2.1.0", "show", CHANNEL)
    assert opened(service=loud).step.watch.spoken


SALE = Freeze("f_1", "*", "production", "olga", "the sale", NOON - hours(1), NOON + hours(2))


def test_what_is_deployed_past_the_gate_in_a_freeze_is_told_and_recorded():
    step = opened(freezes=(SALE,), service=a_service(a_policy(speak=Speak.ALL))).step

    words = "in a freeze (until 14:00:00 UTC, by olga: the sale)"
    assert f"Deployed {words}" in step.messages[0].notice.lines
    assert step.why == f"v43 was deployed {words}"
    assert f"deployed by ada {words.replace(' UTC', '')}" in "\n".join(story(step.watch, NOON))


def test_what_was_deployed_before_the_freeze_began_is_none_that_went_past_it():
    begun = replace(SALE, start=NOON - minutes(1))
    step = opened(an_announcement(at=NOON - minutes(5)), freezes=(begun,)).step

    assert step.watch.frozen is None
    assert step.why == "v43 was deployed"


def test_the_inbox_is_closed_in_the_step():
    assert opened(item="a_9").step.closes == (Closing("a_9", "watching", watch="w_2"),)


# -------------------------------------------------------------------------------------------------------------- lineage


def test_it_is_compared_with_the_last_known_good_release_never_with_an_unproven_predecessor():
    ledger = a_ledger("v41", "v42", "v43", passed=("v41",))

    watch = opened(part=a_part("v44", ledger)).step.watch

    assert watch.deployment.parts[0].before == a_release("v43")
    assert watch.way_back is not None
    assert watch.way_back.release == a_release("v41")
    assert watch.arms.baseline is not None
    assert watch.arms.baseline["version"] == "v41"


def test_names_that_templates_make_are_resolved_and_frozen():
    service = a_service(names={"sentry": "checkout@${version}", "trace": "${image_tag}"})

    watch = opened(service=service).step.watch

    assert watch.arms.canary["sentry"] == "checkout@v43"
    assert "trace" not in watch.arms.canary
    assert watch.deployment.parts[0].after.names["sentry"] == "checkout@v43"


def test_a_known_good_release_that_was_only_read_has_the_names_of_the_templates_and_one_that_was_announced_its_own():
    templates = {"sentry": "checkout@${version}"}
    was = replace(a_release("v42"), names={"version": "v42", "sentry": "shop@v42"})
    read = a_ledger("v42", passed=("v42",))
    announced = replace(read, entries=tuple(replace(each, release=was) for each in read.entries))

    def compared(ledger):
        arms = opened(part=a_part("v43", ledger), service=a_service(names=templates)).step.watch.arms
        return arms.baseline and arms.baseline["sentry"]

    assert compared(read) == "checkout@v42"
    assert compared(announced) == "shop@v42"


def test_arms_that_cannot_be_told_apart_are_said_at_once():
    same = Release("sha256:v43", "v43", names={"version": "v42"})

    step = opened(part=a_part(release=same)).step

    assert [message.notice.event for message in step.messages] == ["watch.not_comparable"]


def test_arms_are_alike_only_where_a_query_asks_for_nothing_that_differs():
    def asks(query, **changes):
        return RuleSet((Indicator("errors", Kind.RATIO, "scrape", query, **changes),), ())

    arms = Arms({"version": "v1", "pod": "a"}, {"version": "v1", "pod": "b"})

    assert alike(asks('{"x":"${arm.version}"}', compares_arms=True), arms) == {
        "errors": "both releases go by version=v1"
    }
    assert alike(asks('{"x":"${arm.version} ${arm.pod}"}', compares_arms=True), arms) == {}
    assert alike(asks('{"x":"${arm.sentry}"}', compares_arms=True), arms) == {
        "errors": "both releases go by sentry=nothing"
    }
    assert alike(asks('{"x":"up"}'), arms) == {}
    assert alike(asks('{"x":"${arm.version}"}', compares_arms=True), Arms({"version": "v1"})) == {}


# ------------------------------------------------------------------------------------------------------------- rejected


def test_a_service_that_nobody_configured_is_rejected():
    meaning = meaning_of(service=None, item="a_9")

    assert meaning == Rejected(
        "no service checkout is configured for production",
        Closing("a_9", "rejected", "no service checkout is configured for production"),
    )


def test_a_source_that_is_not_listened_to_is_rejected():
    meaning = meaning_of(an_announcement(source="somebody"))

    assert meaning == Rejected("checkout is not heard from somebody: see `heard_from`")


@pytest.mark.parametrize("source", ["live", "http", "queue", "github"])
def test_what_we_read_and_what_came_with_a_token_is_always_believed(source):
    assert isinstance(meaning_of(an_announcement(source=source)), Opened)


# ------------------------------------------------------------------------------------------------------------- recorded


def recorded(*args, **changes):
    meaning = meaning_of(*args, **changes)
    assert isinstance(meaning, Recorded), meaning
    return meaning


def test_news_of_yesterday_are_recorded():
    meaning = recorded(an_announcement(at=NOON - hours(26)), item="a_9")

    assert meaning.why == "it happened 26 h ago: too old to be acted on"
    assert meaning.closing == Closing("a_9", "recorded", meaning.why)


def test_news_of_tomorrow_are_recorded_and_those_of_a_clock_that_is_a_little_fast_believed():
    assert (
        recorded(an_announcement(at=NOON + minutes(6))).why
        == "it lies in the future: one of the clocks is wrong"
    )
    assert isinstance(meaning_of(an_announcement(at=NOON + minutes(4))), Opened)


@pytest.mark.parametrize("phase", Phase)
def test_the_same_release_again_is_a_restart(phase):
    meaning = recorded(an_announcement(phase), a_part("v42"))

    assert meaning.why == "the same release serves already: a restart"
    assert meaning.serves == ()


def test_a_restart_of_what_the_ledger_does_not_know_is_adopted():
    meaning = recorded(part=a_part("v42", ledger=a_ledger()))

    assert meaning.serves == (Serves("service", a_release("v42"), NOON, adopted=True),)


def test_a_failed_deployment_is_recorded():
    assert recorded(an_announcement(Phase.FAILED), a_part(live=a_live("v42"))).why.startswith(
        "the deployment failed"
    )


def test_what_is_said_to_be_complete_but_does_not_run_is_old_news():
    assert (
        recorded(part=a_part(live=a_live("v42"))).why == "older news: it does not run, and is not on its way"
    )


def test_a_start_that_is_older_than_what_is_watched_is_old_news():
    late = an_announcement(Phase.STARTED, at=NOON - minutes(11))
    part = a_part("v40", ledger=DEPLOYED, live=a_live("v43"))

    assert isinstance(meaning_of(late, part, living=a_watch()), Recorded)
    assert isinstance(meaning_of(late, part, last=a_watch(State.PASSED, ended_at=NOON)), Recorded)
    assert isinstance(meaning_of(replace(late, at=NOON), part, living=a_watch()), Opened)
    assert isinstance(meaning_of(late, part), Opened)


def test_a_release_that_still_serves_though_another_was_announced_is_a_restart():
    waiting = a_watch(traffic_at=None, complete_at=None)

    assert isinstance(meaning_of(part=a_part("v42"), living=waiting), Recorded)


# ----------------------------------------------------------------------------------------------------------------- join


@pytest.mark.parametrize(
    ("state", "runs", "ledger"), [(State.ROLLED_BACK, "v42", SERVED), (State.PASSED, "v43", DEPLOYED)]
)
def test_news_that_waited_until_the_watch_of_that_deployment_was_over_lead_to_it(state, runs, ledger):
    over = a_watch(state, ended_at=NOON - minutes(1))
    late = an_announcement(at=NOON - minutes(11))

    meaning = joined(late, a_part(ledger=ledger, live=a_live(runs)), last=over, item="a_9")

    assert (meaning.watch, meaning.step) == (over, None)
    assert meaning.closing == Closing("a_9", "joined", watch="w_1")


def test_news_of_what_came_after_the_end_of_that_watch_do_not_lead_to_it():
    over = a_watch(State.ROLLED_BACK, ended_at=NOON - minutes(1))

    assert isinstance(meaning_of(part=a_part(live=a_live("v42")), last=over), Recorded)
    assert isinstance(meaning_of(an_announcement(at=NOON - minutes(11)), last=over), Opened)  # it runs again


def joined(*args, **changes):
    meaning = meaning_of(*args, **changes)
    assert isinstance(meaning, Joined), meaning
    return meaning


def test_other_news_of_the_same_deployment_join_its_watch():
    meaning = joined(an_announcement(source="github"), living=a_watch(), item="a_9")

    assert meaning.step is None
    assert meaning.watch == a_watch()
    assert meaning.closing == Closing("a_9", "joined", watch="w_1")


def test_news_that_it_is_complete_start_the_clocks():
    meaning = joined(living=a_watch(complete_at=None), item="a_9")

    assert meaning.step is not None
    assert meaning.step.watch.complete_at == NOON
    assert meaning.step.closes == (Closing("a_9", "joined", watch="w_1"),)
    assert meaning.closing is None


def test_what_we_read_ourselves_is_so_now_though_its_deployment_began_a_while_ago():
    read = an_announcement(Phase.COMPLETE, source="live", at=NOON - minutes(8))

    meaning = joined(read, living=a_watch(complete_at=None))

    assert meaning.step is not None
    assert meaning.step.watch.complete_at == NOON


def test_news_of_a_start_bring_what_runs_meanwhile():
    waiting = a_watch(traffic_at=None, complete_at=None)

    assert joined(an_announcement(Phase.STARTED), living=waiting).step.watch.complete_at == NOON
    assert joined(an_announcement(Phase.STARTED), a_part(live=a_live("v42")), living=waiting).step is None


def test_news_that_it_failed_keep_it_from_passing_by_itself_and_bring_what_runs():
    half = a_live("v42", in_flight=a_release("v43"))
    waiting = a_watch(traffic_at=None, complete_at=None)

    step = joined(an_announcement(Phase.FAILED), a_part(live=half), living=waiting).step

    assert (step.watch.incomplete, step.watch.traffic_at, step.watch.complete_at) == (True, NOON, None)


def test_news_that_it_failed_say_nothing_against_what_runs_everywhere():
    waiting = a_watch(traffic_at=None, complete_at=None)

    step = joined(an_announcement(Phase.FAILED), living=waiting).step

    assert (step.watch.incomplete, step.watch.complete_at) == (False, NOON)
    assert joined(an_announcement(Phase.FAILED), living=a_watch()).step is None


@pytest.mark.parametrize(
    "state", [State.HELD, State.ASKING, State.COUNTING_DOWN, State.ROLLING_BACK, State.STUCK]
)
def test_it_joins_in_every_state_in_which_the_release_may_still_run(state):
    assert joined(living=a_watch(state), part=a_part(ledger=DEPLOYED)).step is None


def test_a_tag_that_is_all_that_is_known_of_a_release_joins_too():
    assert joined(part=a_part(release=Release.of_tag("v43")), living=a_watch()).watch.id == "w_1"


# -------------------------------------------------------------------------------------------------- our own rollback


@pytest.mark.parametrize("state", [State.ROLLING_BACK, State.RECOVERING, State.STUCK])
@pytest.mark.parametrize("phase", [each for each in Phase if each is not Phase.PAUSED])
def test_our_own_rollback_arriving_is_never_a_new_watch(state, phase):
    moving = Live(a_release("v43"), in_flight=a_release("v42"), key="w_1.6.0")

    meaning = joined(an_announcement(phase), a_part("v42", DEPLOYED, moving), living=a_watch(state))

    assert meaning.step is None


def test_our_own_rollback_that_serves_though_it_was_stuck_makes_it_recover():
    meaning = joined(part=a_part("v42", DEPLOYED), living=a_watch(State.STUCK))

    assert meaning.step is not None
    assert meaning.step.watch.state is State.RECOVERING


def test_after_its_watch_ended_it_is_a_restart_for_the_ledger_knows_that_it_serves():
    back = a_ledger("v41", "v42", "v43", serving="v42")

    assert isinstance(meaning_of(part=a_part("v42", back), last=a_watch(State.ROLLED_BACK)), Recorded)


def gave_up_on_v42(state, **changes):
    """It ordered v42 an hour ago, and never saw it serve."""
    ordered = {
        "action": "w_1.6.0",
        "plan": a_plan(),
        "decided_at": NOON - hours(1),
        "ended_at": NOON - hours(1),
    }
    return a_watch(state, **(ordered | changes))


@pytest.mark.parametrize("state", [State.KEPT, State.SUPERSEDED])
@pytest.mark.parametrize("key", ["w_1.6.0", "w_1.6.0.1"])
def test_our_own_rollback_that_comes_after_its_watch_gave_up_is_known_by_its_key(state, key):
    gave_up = gave_up_on_v42(state)

    meaning = recorded(part=a_part("v42", DEPLOYED, a_live("v42", key=key)), last=gave_up)

    assert meaning.why == "our own rollback, which arrived late"
    assert meaning.serves == (Serves("service", a_release("v42"), NOON),)


def test_our_own_rollback_that_comes_into_the_way_of_another_watch_is_left_to_people():
    gave_up = gave_up_on_v42(State.SUPERSEDED)
    living = a_watch(id="w_3", deployment=a_watch().deployment)
    living = replace(
        living, deployment=replace(living.deployment, parts=(PartChange("service", None, a_release("v44")),))
    )
    ledger = a_ledger("v41", "v42", "v43", "v44")
    part = a_part("v42", ledger, a_live("v42", key="w_1.6.0"))

    meaning = opened(part=part, living=living, last=gave_up)

    assert meaning.step.watch.policy.mode is Mode.ASK
    assert meaning.supersedes is not None
    shadow = opened(part=part, living=living, last=gave_up, service=a_service(a_policy(Mode.SHADOW)))
    assert shadow.step.watch.policy.mode is Mode.SHADOW


def test_where_the_platform_keeps_no_key_it_is_ours_for_as_long_as_a_rollback_may_take():
    lately, long_ago = (gave_up_on_v42(State.KEPT, decided_at=NOON - minutes(age)) for age in (30, 31))

    assert isinstance(meaning_of(part=a_part("v42", DEPLOYED), last=lately), Recorded)
    assert isinstance(meaning_of(part=a_part("v42", DEPLOYED), last=long_ago), Opened)


def test_it_is_known_though_several_watches_took_over_since():
    newest = gave_up_on_v42(State.SUPERSEDED)
    for tag in ("v44", "v45"):
        newest = opened(part=a_part(tag, DEPLOYED), last=newest).step.watch
        newest = replace(newest, state=State.SUPERSEDED, ended_at=NOON)

    meaning = recorded(part=a_part("v42", DEPLOYED, a_live("v42", key="w_1.6.0")), last=newest)

    assert meaning.why == "our own rollback, which arrived late"


def test_after_a_day_it_is_forgotten():
    long_ago = gave_up_on_v42(State.KEPT, decided_at=NOON - hours(25))

    assert (
        opened(
            part=a_part("v42", DEPLOYED, a_live("v42", key="w_1.6.0")), last=long_ago
        ).step.watch.unfinished
        == ()
    )


def test_a_rollback_that_was_tried_once_more_is_ours_both_times():
    stuck = a_watch(State.STUCK)
    again = lifecycle.ordered(
        stuck, an_order(OrderKind.ROLL_BACK, to="v41"), NOON, some_facts(), a_back("v41")
    ).watch

    meaning = opened(part=a_part("v42", DEPLOYED, a_live("v42", key="w_1.6.0")), living=again)

    assert meaning.step.watch.policy.mode is Mode.ASK


def test_the_same_release_by_another_hand_is_a_deployment():
    gave_up = gave_up_on_v42(State.KEPT)

    by_hand = a_part("v42", DEPLOYED, a_live("v42", key="somebody"))

    assert isinstance(meaning_of(part=by_hand, last=gave_up), Opened)
    assert isinstance(meaning_of(part=a_part("v42", DEPLOYED), last=a_watch(State.PASSED)), Opened)


# ------------------------------------------------------------------------------------------------------------ supersede


@pytest.mark.parametrize(
    "state", [State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD, State.ROLLING_BACK, State.STUCK]
)
def test_another_release_takes_over(state):
    meaning = opened(part=a_part("v44", DEPLOYED), living=a_watch(state))

    assert meaning.supersedes is not None
    assert meaning.supersedes.watch.state is State.SUPERSEDED
    assert meaning.supersedes.watch.superseded_by == "w_2"
    assert meaning.supersedes.before == 7


def test_a_person_who_puts_the_old_release_back_has_made_a_deployment():
    meaning = opened(part=a_part("v42", DEPLOYED), living=a_watch(State.ASKING))

    assert meaning.step.watch.deployment.parts[0].before == a_release("v43")
    assert meaning.supersedes is not None


def test_a_rollout_that_another_hand_breaks_off_is_a_deployment_of_what_served_before():
    half = a_watch(complete_at=None, seen_at=NOON)

    meaning = opened(part=a_part("v42"), living=half)

    (part,) = meaning.step.watch.deployment.parts
    assert (part.before, part.after) == (a_release("v43"), a_release("v42"))
    assert meaning.supersedes is not None
    ended = meaning.supersedes.watch
    assert (ended.state, ended.superseded_by, ended.was_taken_back) == (State.SUPERSEDED, "w_2", True)
    assert ended.ending.words.endswith("and v42 serves again")


def test_what_another_hand_has_put_back_is_watched_and_never_moved_by_the_machine():
    meaning = opened(part=a_part("v42"), living=a_watch(complete_at=None, seen_at=NOON))

    assert meaning.step.watch.policy.mode is Mode.ASK
    assert SERVICE.policy.mode is Mode.AUTO


def test_a_restart_of_a_part_that_was_not_deployed_takes_nothing_back():
    beside = replace(a_part("v42"), name="web")

    assert isinstance(meaning_of(part=beside, living=a_watch(complete_at=None, seen_at=NOON)), Recorded)


@pytest.mark.parametrize(("live", "seen_at"), [(a_live("v43"), NOON), (a_live("v42"), None)])
def test_a_watch_knows_whether_its_release_was_seen_when_it_opened(live, seen_at):
    meaning = opened(an_announcement(Phase.STARTED), a_part("v43", live=live))

    assert meaning.step.watch.seen_at == seen_at


@pytest.mark.parametrize(
    ("living", "live"),
    [
        (a_watch(traffic_at=None, complete_at=None, seen_at=NOON), a_live("v42")),
        (a_watch(State.STUCK, plan=a_plan("v41"), complete_at=None, seen_at=NOON), a_live("v42")),
        (a_watch(complete_at=None, seen_at=NOON), a_live("v42", in_flight=a_release("v42"))),
        (a_watch(complete_at=None, seen_at=NOON), None),
        (a_watch(complete_at=None), a_live("v42")),
    ],
    ids=["no traffic yet", "goes back itself", "still moving", "not read", "never seen"],
)
def test_otherwise_what_served_before_and_serves_still_is_no_deployment(living, live):
    assert isinstance(meaning_of(part=a_part("v42", live=live), living=living), Recorded)


def test_late_news_of_what_served_before_the_rollout_say_nothing_of_it_and_what_we_read_does():
    half = a_watch(complete_at=None, seen_at=NOON - minutes(9))
    late = an_announcement(at=half.opened_at - seconds(1))

    assert isinstance(meaning_of(late, a_part("v42"), living=half), Recorded)
    assert opened(replace(late, source=READING), a_part("v42"), living=half).supersedes.watch.was_taken_back


def test_what_is_deployed_while_the_last_one_recovers_ends_it_rolled_back():
    back = a_ledger("v41", "v42", "v43", serving="v42")

    meaning = opened(part=a_part("v44", back), living=a_watch(State.RECOVERING))

    assert meaning.supersedes is not None
    assert meaning.supersedes.watch.state is State.ROLLED_BACK


def test_other_parts_that_are_under_watch_are_taken_over_with_the_suspicion():
    web = Part("web", a_release("web8"), a_ledger("web7", part="web", passed=("web7",)), a_live("web8"))
    known = Known(a_service(parts=("service", "web")), a_watch(), ledgers={"service": DEPLOYED})

    meaning = intake(an_announcement(), [web], known, NOON, "w_2")

    assert isinstance(meaning, Opened)
    assert [(part.part, part.after.tag) for part in meaning.step.watch.deployment.parts] == [
        ("service", "v43"),  # as the service declares them, whichever is heard of last
        ("web", "web8"),
    ]
    assert meaning.step.watch.way_back is not None
    assert meaning.step.watch.arms.baseline is not None
    assert meaning.step.watch.arms.canary["version"] == "v43"


@pytest.mark.parametrize(
    ("ledger", "phase", "serves"),
    [
        (a_ledger("web7", part="web"), Phase.COMPLETE, [("web", "web8", NOON)]),
        (a_ledger("web7", part="web"), Phase.SHIFTED, None),
        (a_ledger("web7", "web8", part="web"), Phase.COMPLETE, None),
    ],
    ids=["news to the ledger", "not complete yet", "known already"],
)
def test_a_part_that_is_complete_after_the_others_is_told_to_the_ledger_once(ledger, phase, serves):
    living = a_watch()
    parts = (*living.deployment.parts, PartChange("web", a_release("web7"), a_release("web8")))
    both = replace(living, deployment=replace(living.deployment, parts=parts))
    web = Part("web", a_release("web8"), ledger, a_live("web8"))

    meaning = intake(
        an_announcement(phase=phase), [web], Known(a_service(parts=("service", "web")), both), NOON, "w_2"
    )

    assert isinstance(meaning, Joined)
    told = meaning.step and [(each.part, each.release.tag, each.at) for each in meaning.step.serves]
    assert told == serves
    assert meaning.step is None or meaning.step.watch.complete_at == both.complete_at


def test_parts_that_go_back_already_are_not_taken_over():
    web = Part("web", a_release("web8"), a_ledger("web7", part="web"), a_live("web8"))
    known = Known(a_service(parts=("service", "web")), a_watch(State.STUCK))

    meaning = intake(an_announcement(), [web], known, NOON, "w_2")

    assert isinstance(meaning, Opened)
    assert [part.part for part in meaning.step.watch.deployment.parts] == ["web"]


def test_a_part_whose_ledger_is_not_known_has_no_way_back():
    web = Part("web", a_release("web8"), a_ledger("web7", part="web", passed=("web7",)), a_live("web8"))
    known = Known(a_service(parts=("service", "web")), a_watch())

    meaning = intake(an_announcement(), [web], known, NOON, "w_2")

    assert isinstance(meaning, Opened)
    assert meaning.step.watch.way_back is None
    assert meaning.step.watch.arms.baseline is None


# ----------------------------------------------------------------------------------------------------------- quarantine

BACK_AGAIN = a_ledger("v41", "v42", "v43", serving="v42", quarantined={"v43": "it failed 5.2 %"})


def test_a_quarantined_release_that_comes_back_is_watched_and_people_are_told_loudly():
    step = opened(part=a_part("v43", BACK_AGAIN)).step

    assert step.watch.returning == "it failed 5.2 %, 24 Nov"
    assert {message.notice.event for message in step.messages} == {"release.returned"}
    assert [message.kind for message in step.messages] == ["show", "append"]
    assert step.messages[0].notice.tone.value == "alarm"
    assert step.watch.spoken


def test_it_is_known_by_its_content_whatever_it_is_called():
    renamed = Release("sha256:v43", "v43-again")

    assert opened(part=a_part("v43", BACK_AGAIN, release=renamed)).step.watch.returning


def test_deployed_again_while_its_rollback_recovers_it_comes_back_and_is_no_late_news():
    recovering = a_watch(State.RECOVERING)

    again = opened(part=a_part("v43", BACK_AGAIN), living=recovering)
    late = meaning_of(part=a_part("v43", BACK_AGAIN, a_live("v42")), living=recovering)
    unread = meaning_of(part=a_part("v43", BACK_AGAIN, None), living=recovering)

    assert again.step.watch.returning
    assert again.supersedes is not None
    assert isinstance(late, Joined)
    assert isinstance(unread, Joined)


# ------------------------------------------------------------------------------------------------------ by order


def test_an_order_to_a_service_that_nobody_watches_opens_a_watch_that_rolls_back():
    order = an_order(OrderKind.ROLL_BACK)

    step = ordered_back(a_service(), order, {"service": a_release("v43")}, some_facts(), NOON, "w_2")

    assert (step.before, step.watch.revision, step.watch.state) == (0, 1, State.ROLLING_BACK)
    assert step.watch.deployment == Deployment(
        "checkout", "production", (PartChange("service", None, a_release("v43")),), NOON, "order"
    )
    assert step.actions[0].id == step.watch.action == "w_2.1.0"
    assert NoOpenAction("checkout", "production") in step.requires
    assert step.by == "olga"


def test_such_an_order_may_name_the_release_and_must_have_one():
    order, runs = an_order(OrderKind.ROLL_BACK, to="v41"), {"service": a_release("v43")}

    assert (
        ordered_back(a_service(), order, runs, some_facts(), NOON, "w_2", a_back("v41")).watch.goes_to
        == "v41"
    )
    with pytest.raises(OrderIncomplete):
        ordered_back(a_service(), replace(order, to=None), runs, some_facts(way_back=None), NOON, "w_2")


def test_news_of_a_watch_do_not_put_off_when_it_is_judged():
    living = a_watch(traffic_at=None, complete_at=None, due_at=NOON + seconds(1))
    known = Known(SERVICE, living, beats=((seconds(2), seconds(1)),))

    meaning = intake(an_announcement(Phase.COMPLETE), [a_part()], known, NOON, "w_2", "a_1")

    assert isinstance(meaning, Joined)
    assert meaning.step is not None
    assert meaning.step.watch.due_at == NOON + seconds(1)


BROUGHT_BACK = a_live("v42", in_flight=a_release("v43"), shares={"sha256:v43": 0.0})


@pytest.mark.parametrize("phase", [Phase.STARTED, Phase.SHIFTED, Phase.COMPLETE])
def test_late_news_of_what_serves_while_another_release_is_on_its_way_open_nothing(phase):
    """Our own rollback to v42 is over; v43 is deployed once more; and now the queue tells how v42 came."""
    late = an_announcement(phase, at=NOON - hours(1))

    meaning = meaning_of(late, a_part("v42", live=BROUGHT_BACK), living=a_watch())

    assert isinstance(meaning, Recorded)
    assert meaning.why == "older news: it serves, and another release is on its way"


def test_what_serves_and_is_deployed_once_more_over_another_is_watched_and_left_alone_by_the_machine():
    step = opened(part=a_part("v42", live=BROUGHT_BACK), living=a_watch()).step

    assert (step.watch.tag, step.watch.policy.mode) == ("v42", Mode.ASK)
