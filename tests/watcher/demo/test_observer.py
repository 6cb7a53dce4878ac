"""What is written down of a watch, as the daemon tells it over HTTP."""

from typing import Any

from tests.watcher.demo.plays import START, a_bad_act
from watcher.demo.play.observer import hear, moment, note
from watcher.demo.story import Act, Began, Said


def an_act() -> Act:
    return Act("errors", "auto", "v1", "v2", start=START, deployed=START)


def a_watch(state: str = "watching", **changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "state": state,
        "breached_at": None,
        "times": {"decided_at": None, "back_at": None, "ended_at": None, "countdown_until": None},
        "ending": None,
        "judgement": None,
    }
    return told | changes


def a_judgement(
    log10_e: float | None = 0.5, at: str = "2027-01-15T08:00:01Z", **verdict: Any
) -> dict[str, Any]:
    blamed = {"rule": "errors", "estimate": None, "onset": None} | verdict
    return {"at": at, "log10_e": log10_e, "threshold": 3.0, "breached_by": ["errors"], "verdicts": [blamed]}


def test_each_state_is_written_down_once():
    act = an_act()

    for at, state in enumerate(["watching", "watching", "counting_down", "rolling_back", "rolling_back"]):
        note(act, a_watch(state), float(at))

    assert act.states == [(0.0, "watching"), (2.0, "counting_down"), (3.0, "rolling_back")]
    assert act.saw("rolling_back") == 3.0
    assert act.saw("stuck") is None
    assert act.state == ""


def test_only_a_final_state_is_the_end():
    act = an_act()

    note(act, a_watch("passed", times=a_watch()["times"] | {"ended_at": "2027-01-15T08:00:09Z"}), 9.0)

    assert act.state == "passed"
    assert act.ended == moment("2027-01-15T08:00:09+00:00")


def test_each_weighing_is_written_down_once():
    act = an_act()

    note(act, a_watch(judgement=a_judgement(0.5)), 1.0)
    note(act, a_watch(judgement=a_judgement(0.5)), 1.2)
    note(act, a_watch(judgement=a_judgement(None, at="2027-01-15T08:00:02Z")), 2.0)
    note(act, a_watch(judgement=a_judgement(1.5, at="2027-01-15T08:00:03Z")), 3.0)

    assert [each.log10_e for each in act.trail] == [0.5, 1.5]


def test_the_onset_and_the_estimate_are_those_of_the_rule_that_is_blamed():
    act = an_act()
    onset = {"at": "2027-01-15T08:00:00Z", "low": "2027-01-15T07:59:59Z", "high": "2027-01-15T08:00:02Z"}

    note(
        act,
        a_watch(judgement=a_judgement(3.5, estimate={"value": 0.06, "baseline": 0.002}, onset=onset)),
        1.0,
    )

    assert act.began == Began(START, START - 1, START + 2)
    assert (act.estimate, act.baseline) == (0.06, 0.002)


def test_what_would_have_been_done_is_what_people_were_told():
    act = an_act()

    hear(act, [Said(START + 1, "v2 is watched", event="watch.opened")])
    assert act.would_have is None

    hear(act, [*act.said, Said(START + 5, "would have gone back", event="watch.would_have")])
    assert act.would_have == START + 5


def test_a_bad_release_should_go_back_and_others_should_not():
    assert a_bad_act().is_bad
    assert not a_bad_act(kind="flaky").is_bad
