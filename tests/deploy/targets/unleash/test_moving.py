"""A flag is set back by one call at a time: turned on or off, or a share by a patch that tests what was read."""

import json
from datetime import timedelta

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Moving,
    Refused,
    Release,
    Serving,
    Unclear,
    Unfinished,
    Unreadable,
)
from tests.fakes.launchdarkly.world import Told
from tests.fakes.unleash import FLAG, READER, WRITER, strategy
from tests.fakes.unleash.world import OTHER, SKIPS, TOGGLES, UPDATES

SECRET = {"name": "blue", "weight": 1000, "payload": {"type": "string", "value": "hunter2"}}


@pytest.fixture
def off_and_on(stage) -> tuple[Release, Release]:
    """It was off, and is on for 5 %."""
    off = stage.later()
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    return off, stage.later()


@pytest.fixture
def few_and_more(stage, off_and_on) -> tuple[Release, Release]:
    """It was on for 5 %, and is for 50 %."""
    stage.world.changes_strategy(parameters={"rollout": "50"})
    return off_and_on[1], stage.later()


def test_it_is_turned_off_and_nothing_else_is_touched(stage, off_and_on):
    off, on = off_and_on
    before = stage.world.states[-1][1]

    assert isinstance(stage.begin(on, off), Begun)

    assert stage.sent() == ["POST off"]
    assert stage.world.production == before["production"] | {"enabled": False}
    assert stage.world.states[-1][1][OTHER] == before[OTHER]
    assert stage.progress(on, off) == Serving()


def test_a_share_that_rose_goes_back_to_what_it_was_and_all_else_of_the_strategy_stays(stage, off_and_on):
    stage.world.changes_strategy(
        title="everybody", constraints=[{"contextName": "x"}], segments=[1], variants=[SECRET]
    )
    few = stage.later()
    stage.world.changes_strategy(parameters={"rollout": "50"})
    more = stage.later()
    before = stage.world.production["strategies"][0]

    assert isinstance(stage.begin(more, few), Begun)

    after = stage.world.production["strategies"][0]
    assert after == before | {"parameters": before["parameters"] | {"rollout": "5"}}
    assert stage.progress(more, few) == Serving()


def test_stickiness_and_group_go_back_too(stage, off_and_on):
    _, on = off_and_on
    stage.world.changes_strategy(parameters={"stickiness": "userId", "groupId": "checkout"})
    other = stage.later()

    stage.begin(other, on)

    assert stage.world.production["strategies"][0]["parameters"] == {
        "rollout": "5",
        "stickiness": "default",
        "groupId": FLAG,
    }
    assert stage.progress(other, on) == Serving()


def test_from_off_its_strategies_are_set_first_and_then_it_is_turned_on(stage, few_and_more):
    few, _ = few_and_more
    stage.world.turns(on=False)
    off, target = stage.later(), stage.target()

    assert isinstance(stage.begin(off, few, target), Begun)
    assert stage.world.share() == 0  # between the two nobody gets anything
    assert isinstance(stage.progress(off, few, target), Unfinished)
    assert isinstance(stage.begin(off, few, target), Begun)

    assert [each.partition(" ")[0] for each in stage.sent()] == ["PATCH", "POST"]
    assert stage.world.share() == 0.05
    assert stage.progress(off, few, target) == Serving()


def test_a_daemon_that_was_killed_between_the_two_goes_on(stage, few_and_more):
    few, _ = few_and_more
    stage.world.turns(on=False)
    off = stage.later()
    stage.begin(off, few)

    assert isinstance(stage.progress(off, few), Unfinished)
    stage.begin(off, few)

    assert stage.world.changes == [(False, ["5"]), (True, ["5"])]


def test_turning_on_what_has_no_active_strategy_would_give_it_to_everybody_and_is_refused(stage, off_and_on):
    _, on = off_and_on
    stage.world.changes_strategy(disabled=True)
    off = stage.later()

    answer = stage.begin(off, on)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "cannot be set back" in answer.words
    assert stage.sent() == []


def test_what_never_had_a_strategy_is_not_turned_on(stage):
    off = stage.later()
    nothing = Release("sha256:0", "on.nothing")

    answer = stage.begin(off, nothing)

    assert isinstance(answer, Refused)
    assert stage.sent() == []


def test_two_shares_at_once_are_not_set_while_people_get_it(stage, off_and_on):
    second = stage.world.adds(strategy(10, constraints=[{"contextName": "x"}]))
    both = stage.later()
    stage.world.changes_strategy(parameters={"rollout": "6"})
    stage.world.changes_strategy(second, parameters={"rollout": "11"})
    after = stage.later()

    answer = stage.begin(after, both)

    assert isinstance(answer, Refused)
    assert "2 of its strategies were changed" in answer.words
    assert answer.words in stage.foretell(after, both).obstacles
    assert stage.sent() == []


def test_one_of_two_shares_is_set_back(stage, off_and_on):
    second = stage.world.adds(strategy(10, constraints=[{"contextName": "x"}]))
    both = stage.later()
    stage.world.changes_strategy(second, parameters={"rollout": "100"})
    after = stage.later()

    stage.begin(after, both)

    assert stage.world.changes == [(True, ["5", "10"])]
    assert stage.progress(after, both) == Serving()


def test_what_somebody_changes_between_the_look_and_the_patch_is_found_and_never_written_over(
    stage, few_and_more
):
    stage.world.changes_strategy(variants=[SECRET])
    few, more = release_like(stage, "5"), release_like(stage, "50")
    real = stage.send

    async def meddled(method, *rest, **words):
        if method == "PATCH":
            stage.world.changes_strategy(parameters={"rollout": "99"}, by="eve")
        return await real(method, *rest, **words)

    stage.send = meddled
    answer = stage.begin(more, few)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "changed meanwhile" in answer.words
    assert "hunter2" not in answer.words
    assert stage.world.share() == 0.99
    assert stage.world.changes == []
    drifted = stage.progress(more, few)
    assert isinstance(drifted, Drifted)
    assert "(eve, at " in drifted.words


def release_like(stage, share):
    stage.world.changes_strategy(parameters={"rollout": share})
    return stage.later()


def test_what_somebody_does_in_the_moment_in_which_it_is_turned_off_is_found_just_after(stage, off_and_on):
    off, on = off_and_on
    real = stage.send

    async def meddled(method, *rest, **words):
        got = await real(method, *rest, **words)
        if method == "POST":
            stage.world.changes_strategy(parameters={"rollout": "99"}, by="eve")
            stage.world.turns(on=True, by="eve")
        return got

    stage.send = meddled
    stage.begin(on, off)
    stage.send = real

    drifted = stage.progress(on, off)
    assert isinstance(drifted, Drifted)
    assert drifted.tag == "on.99"


def test_a_person_who_has_set_it_otherwise_since_is_not_undone(stage, off_and_on):
    off, on = off_and_on
    stage.world.changes_strategy(constraints=[{"contextName": "x"}])
    other = stage.later()

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.third_tag == other.tag
    assert stage.sent() == []


def test_a_state_whose_constraints_are_not_those_any_more_is_not_set_by_halves(stage, off_and_on):
    _, few = off_and_on
    stage.world.changes_strategy(parameters={"rollout": "50"}, constraints=[{"contextName": "x"}])
    after = stage.later()

    answer = stage.begin(after, few)

    assert isinstance(answer, Refused)
    assert "were changed since" in answer.words
    assert "/projects/default/features/new-checkout" in stage.foretell(after, few).by_hand
    assert stage.sent() == []


def test_what_is_there_already_is_not_sent(stage, off_and_on):
    off, on = off_and_on

    assert stage.begin(off, on) == AlreadyThere()
    assert stage.sent() == []


def test_an_archived_flag_is_refused_with_what_to_do(stage, off_and_on):
    off, on = off_and_on
    stage.world.archived = True

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert "revive it first" in answer.words
    assert isinstance(stage.progress(on, off), Failed)
    assert stage.findings()[0][0] == "fail"


def test_one_that_is_archived_between_the_look_and_the_call_is_told_in_unleashs_words(stage, off_and_on):
    off, on = off_and_on
    real = stage.send

    async def meddled(method, *rest, **words):
        stage.world.archived = method == "POST"
        return await real(method, *rest, **words)

    stage.send = meddled
    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert "ArchivedFeatureError" in answer.words


def test_where_changes_are_to_be_requested_a_person_is_told_before_and_then(stage, off_and_on):
    off, on = off_and_on
    stage.world.requests = True

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "a person has to request this change" in answer.words
    assert any("has change requests" in each for each in stage.foretell(on, off).obstacles)
    assert [level for level, words in stage.findings() if "has change requests" in words] == ["warn"]


@pytest.mark.parametrize(("environment", "enabled"), [(OTHER, True), ("production", False)])
def test_what_is_to_be_requested_elsewhere_or_not_any_more_is_in_nobodys_way(
    stage, off_and_on, environment, enabled
):
    off, on = off_and_on
    stage.world.requests = True
    real = stage.send

    async def configured(method, url, *rest, **words):
        got = await real(method, url, *rest, **words)
        body = json.dumps([{"environment": environment, "changeRequestEnabled": enabled}]).encode()
        return type(got)(200, {}, body) if url.endswith("/change-requests/config") else got

    stage.send = configured

    assert stage.foretell(on, off).obstacles == ()


def test_a_token_that_may_skip_them_is_let_through(stage, off_and_on):
    off, on = off_and_on
    stage.world.requests, stage.world.may[WRITER] = True, [TOGGLES, UPDATES, SKIPS]

    assert stage.foretell(on, off).obstacles == ()
    assert isinstance(stage.begin(on, off), Begun)


@pytest.mark.parametrize(
    ("has", "lacks"), [([], f"{TOGGLES} and {UPDATES}"), ([TOGGLES], UPDATES), ([UPDATES], TOGGLES)]
)
def test_what_the_token_may_not_do_is_said_before_it_is_needed(stage, off_and_on, has, lacks):
    off, on = off_and_on
    stage.world.may[READER] = has

    words = f"the token has not {lacks} in default and production: a rollback is refused"
    assert ("warn", words) in stage.findings(token=READER)
    assert words in stage.foretell(on, off, token=READER).obstacles


def test_what_the_token_may_do_elsewhere_is_nothing_here(stage):
    words = f"the token has not {TOGGLES} and {UPDATES} in default and development: a rollback is refused"

    assert stage.findings(environment=OTHER) == [("warn", words)]
    assert stage.run(stage.target(project="shop")._client.lacks()) == (TOGGLES, UPDATES, SKIPS)


def test_a_readers_token_reads_and_what_it_lacks_is_said_when_it_is_refused(stage, off_and_on):
    off, on = off_and_on

    answer = stage.begin(on, off, stage.target(token=READER))

    assert isinstance(answer, Refused)
    assert TOGGLES in answer.words
    assert READER not in answer.words


@pytest.mark.parametrize(("told", "seconds"), [("7", 7), ("", 10), ("soon", 10), ("999999", 300), ("0", 1)])
def test_too_many_requests_are_waited_for_as_long_as_is_asked(stage, off_and_on, told, seconds):
    off, on = off_and_on
    stage.world.befalls("POST", Told(429, {"name": "TooManyRequests"}, {"Retry-After": told}))

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "told", [Told(500, {}), Told(502, b"<html>"), Told(408, {}), Told(202, {}), Told(200, {}, lost=True)]
)
@pytest.mark.parametrize("before", [True, False])
def test_what_may_have_happened_is_read_and_never_sent_again(stage, off_and_on, told, before):
    off, on = off_and_on
    stage.world.befalls("POST", told, before=before)

    assert isinstance(stage.begin(on, off), Unclear)
    assert isinstance(stage.progress(on, off), Moving if before else Serving)
    assert len(stage.sent()) == 1


def test_an_order_of_which_nothing_is_seen_was_lost_and_a_person_is_told_what_to_run(stage, few_and_more):
    few, more = few_and_more
    target = stage.target()
    stage.world.befalls("PATCH", Told(502, {}))

    stage.begin(more, few, target)
    assert isinstance(stage.progress(more, few, target), Moving)
    stage.clock.go_on(minutes=3)
    found = stage.progress(more, few, target)

    assert isinstance(found, Failed)
    assert f"curl -f -X PATCH {'https://unleash.shop.example/api/admin/projects/default'}" in found.by_hand
    assert "$UNLEASH_TOKEN" in found.by_hand
    assert WRITER not in found.by_hand


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_whatever_is_refused_each_reading_answers_with_a_value_and_no_token(stage, off_and_on, status):
    off, on = off_and_on
    stage.world.befalls("GET", Told(status, {"name": "no", "message": "not now"}))

    found, foretold, answer = (
        stage.run(stage.target().observe()),
        stage.foretell(on, off),
        stage.begin(on, off),
    )

    assert isinstance(found, Unreadable)
    assert isinstance(foretold, Foretold)
    assert foretold.unread
    assert "off" in foretold.by_hand
    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert WRITER not in f"{found}{foretold}{answer}{stage.findings()}"
    assert stage.sent() == []


@pytest.mark.parametrize("status", [500, 400])
def test_words_that_may_repeat_a_strategy_are_shown_nowhere(stage, off_and_on, status):
    off, on = off_and_on
    stage.world.befalls("*", Told(status, {"name": "UnknownError", "message": "tree: hunter2"}))

    found = (
        stage.run(stage.target().observe()),
        stage.foretell(on, off),
        stage.begin(on, off),
        stage.findings(),
    )

    assert "hunter2" not in str(found)
    assert f"HTTP {status}: UnknownError" in str(found)


def test_what_would_be_sent_is_foretold_all_of_it(stage, few_and_more):
    few, _ = few_and_more
    stage.world.turns(on=False)

    foretold = stage.foretell(stage.later(), few)

    patch, turned = foretold.calls
    operations = json.loads(patch.partition(" [")[1].strip() + patch.partition(" [")[2])
    assert [each["op"] for each in operations] == ["test", "add"]
    assert operations[0]["value"]["rollout"] == "50"
    assert operations[1] == {"op": "add", "path": "/parameters/rollout", "value": "5"}
    assert turned.endswith("/environments/production/on")
    assert foretold.obstacles == ()
    assert foretold.by_hand.index("PATCH") < foretold.by_hand.index("/on")


def test_all_is_well_says_how_it_is_set(stage, off_and_on):
    assert stage.findings() == [("ok", "default/new-checkout in production is on.5")]


@pytest.mark.parametrize("path", ["/user", "/change-requests/config", "/search/events"])
def test_what_cannot_be_found_out_is_said_and_is_not_taken_for_well(stage, off_and_on, path):
    real = stage.send

    async def without(method, url, *rest, **words):
        got = await real(method, url, *rest, **words)
        return type(got)(500, {}, b"{}") if url.partition("?")[0].endswith(path) else got

    stage.send = without

    ((level, words),) = stage.findings()
    assert level == "warn"
    assert "HTTP 500" in words


def test_a_share_that_was_once_written_as_a_number_is_read_and_set_back(stage):
    of = stage.world.adds(strategy(5, parameters={"rollout": 5, "groupId": None}))
    stage.world.turns(on=True)
    few = stage.later()
    stage.world.changes_strategy(of, parameters={"rollout": 50})
    more = stage.later()

    assert (few.tag.partition("@")[0], more.tag.partition("@")[0]) == ("on.5", "on.50")
    assert isinstance(stage.begin(more, few), Begun)
    assert stage.world.changes == [(True, ["5"])]
    assert stage.progress(more, few) == Serving()
