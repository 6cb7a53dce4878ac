"""A flag is set back by one patch that tests its version, and touches nothing else."""

import json
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Move,
    Moving,
    Refused,
    Serving,
    Unclear,
    Unreadable,
)
from tests.deploy.targets.launchdarkly.stage import KEY
from tests.fakes.launchdarkly import ENVIRONMENT, READER, WRITER, weighted
from tests.fakes.launchdarkly.world import OTHER, Told


def test_it_is_turned_off_and_nothing_else_is_touched(stage):
    off = stage.sets(on=False)
    on = stage.sets(on=True)
    before = dict(stage.world.production)
    stage.clock.go_on(seconds=1)

    assert isinstance(stage.begin(on, off), Begun)

    changed = {name for name, value in stage.world.production.items() if before[name] != value}
    assert changed == {"on", "version", "lastModified"}
    assert stage.progress(on, off) == Serving()
    assert stage.world.states[-1][1][OTHER] == stage.world.states[0][1][OTHER]


def test_a_rollout_that_rose_goes_back_to_what_it_was(stage):
    few = stage.sets(on=True, fallthrough=weighted(v0=5, v1=95))
    everybody = stage.sets(fallthrough={"variation": 0})

    stage.begin(everybody, few)

    assert stage.world.shares() == {0: 0.05, 1: 0.95}
    assert stage.progress(everybody, few) == Serving()


def test_a_rollout_goes_back_in_the_order_that_it_had_since_that_says_who_belongs_to_which_share(stage):
    few = stage.sets(on=True, fallthrough=weighted(v1=95, v0=5))
    everybody = stage.sets(fallthrough={"variation": 0})

    stage.begin(everybody, few)

    written = stage.world.production["fallthrough"]["rollout"]["variations"]
    assert [each["variation"] for each in written if each["weight"]] == [1, 0]
    assert stage.progress(everybody, few) == Serving()


def test_from_off_it_goes_back_on_with_what_it_gave(stage):
    few = stage.sets(on=True, fallthrough=weighted(v0=5, v1=95))
    off = stage.sets(on=False, fallthrough={"variation": 2})

    stage.begin(off, few)

    assert stage.world.production["on"] is True
    assert stage.world.shares() == {0: 0.05, 1: 0.95}


def test_our_own_move_is_told_by_its_comment_also_to_a_daemon_that_has_just_started(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.begin(on, off)

    assert stage.live().key == KEY
    assert stage.live().since == stage.clock.time
    stage.sets(comment="back on", on=True)
    assert stage.live().key is None


def test_what_was_said_to_an_earlier_change_is_not_taken_for_that_of_a_later_one(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    target = stage.target()
    stage.begin(on, off)
    stage.clock.go_on(seconds=30)
    stage.world.logged_after = timedelta(seconds=20)
    stage.world.sets(on=True)

    assert stage.run(target.observe()).key is None
    stage.begin(on, off)
    assert stage.run(target.observe()).key is None
    stage.clock.go_on(seconds=30)
    assert stage.run(target.observe()).key == KEY


def test_a_comment_of_somebody_that_looks_like_ours_proves_nothing_but_its_key(stage):
    stage.sets(comment="rollbackd x y: back from a to b", on=True)

    assert stage.live().key is None


def test_where_the_log_may_not_be_read_all_else_is_told(stage):
    real, seen = stage.send, []

    async def without_log(method: str, url: str, *more: Any, **words: Any) -> Any:
        seen.append(url)
        return await real(method, url.replace("auditlog", "nothing"), *more, **words)

    stage.send = without_log
    live = stage.live()

    assert (live.key, live.release.tag) == (None, "off")
    assert any("auditlog" in url for url in seen)


@pytest.mark.parametrize("mismatch", [400, 409])
def test_what_somebody_changes_between_the_look_and_the_call_is_found_and_never_written_over(stage, mismatch):
    stage.world.mismatch = mismatch
    off, on = stage.sets(on=False), stage.sets(on=True)
    real = stage.send

    async def meddled(method: str, *more: Any, **words: Any) -> Any:
        if method == "PATCH":
            stage.world.sets(rules=[{"_id": "r", "variation": 1, "clauses": []}])
        return await real(method, *more, **words)

    stage.send = meddled
    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "changed meanwhile" in answer.words
    assert stage.world.production["on"] is True
    assert stage.world.production["rules"] != []
    assert stage.world.changes == []


def test_a_person_who_has_changed_a_rule_since_is_not_undone(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    other = stage.sets(rules=[{"_id": "r", "variation": 1, "clauses": []}])

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.third_tag == other.tag
    assert isinstance(stage.progress(on, off), Drifted)
    assert stage.sent() == 0


def test_a_state_whose_rules_are_not_those_any_more_is_not_set_by_halves(stage):
    few = stage.sets(on=True, fallthrough=weighted(v0=5, v1=95))
    everybody = stage.sets(fallthrough={"variation": 0}, rules=[{"_id": "r", "variation": 1, "clauses": []}])

    answer = stage.begin(everybody, few)

    assert isinstance(answer, Refused)
    assert "were changed since" in answer.words
    assert answer.words in stage.foretell(everybody, few).obstacles
    assert stage.sent() == 0


def test_what_is_there_already_is_not_sent(stage):
    on, off = stage.sets(on=True), stage.sets(on=False)

    assert stage.begin(on, off) == AlreadyThere()
    assert stage.sent() == 0


def test_an_archived_flag_is_refused_with_what_to_do(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.archived = True

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert "was archived" in answer.words
    assert isinstance(stage.progress(on, off), Failed)
    assert stage.run(stage.target().examine())[0].level.value == "fail"


def test_where_approvals_are_needed_a_person_is_told_before_and_then(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.approvals = True

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "requires approvals" in answer.words
    assert any("requires approvals" in words for words in stage.foretell(on, off).obstacles)
    assert "requires approvals" in stage.run(stage.target().examine())[0].words


def test_a_token_that_may_bypass_them_is_let_through(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.approvals, stage.world.bypassing = True, frozenset({"api-bypass"})

    assert isinstance(stage.begin(on, off, token="api-bypass"), Begun)


def test_a_pending_scheduled_change_is_not_broken(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.scheduled = True

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "pending scheduled change" in answer.words


def test_a_readers_token_reads_and_what_it_lacks_is_said(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)

    answer = stage.begin(on, off, token=READER)

    assert stage.live(token=READER).release.is_same_as(on)
    assert isinstance(answer, Refused)
    assert "updateOn" in answer.words
    assert READER not in answer.words


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"X-Ratelimit-Reset": "1795521604000"}, 4),
        ({}, 10),
        ({"Retry-After": "999999"}, 300),
    ],
    ids=["after", "reset", "unsaid", "too long"],
)
def test_too_many_requests_are_waited_for_as_long_as_is_asked(stage, headers, seconds):
    off, on = stage.sets(on=False), stage.sets(on=True)
    now = int(stage.clock.time.timestamp() * 1000)
    given = {
        name: str(now + 4000) if name == "X-Ratelimit-Reset" else value for name, value in headers.items()
    }
    stage.world.befalls("PATCH", Told(429, {"code": "rate_limited"}, given))

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "told",
    [
        Told(500, {}),
        Told(502, b"<html>"),
        Told(408, {}),
        Told(202, {}),
        Told(200, {}, lost=True),
        Told(200, {}, hangs=True),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_what_may_have_happened_is_read_and_never_sent_again(stage, told, before):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.befalls("PATCH", told, before=before)

    assert isinstance(stage.begin(on, off), Unclear)
    assert isinstance(stage.progress(on, off), Moving if before else Serving)
    assert stage.sent() == 1


def test_an_order_of_which_nothing_is_seen_was_lost_and_a_person_is_told_what_to_run(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    target = stage.target()
    stage.world.befalls("PATCH", Told(500, {}))

    move = Move("service", on, off)
    stage.run(target.begin(move, KEY))
    stage.clock.go_on(minutes=3)
    found = stage.run(target.progress(move, KEY))

    assert isinstance(found, Failed)
    assert "curl -X PATCH https://app.launchdarkly.com/api/v2/flags/shop/new-checkout" in found.by_hand
    assert "$LAUNCHDARKLY_TOKEN" in found.by_hand


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_whatever_is_refused_each_reading_answers_with_a_value_and_no_token(stage, status):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.befalls("GET", Told(status, {"code": "no", "message": "not now"}))

    found = stage.run(stage.target().observe())
    foretold, answer = stage.foretell(on, off), stage.begin(on, off)

    assert isinstance(found, Unreadable)
    assert isinstance(foretold, Foretold)
    assert "off" in foretold.by_hand
    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert WRITER not in f"{found}{foretold}{answer}{stage.run(stage.target().examine())}"
    assert stage.sent() == 0


def test_what_would_be_sent_is_foretold(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)

    foretold = stage.foretell(on, off)

    (call,) = foretold.calls
    assert call.startswith("PATCH /api/v2/flags/shop/new-checkout ")
    operations = json.loads(call.partition("new-checkout ")[2])
    assert [each["op"] for each in operations] == ["test", "replace"]
    assert operations[0]["path"] == f"/environments/{ENVIRONMENT}/version"
    assert foretold.obstacles == ()


def test_all_is_well_says_how_it_is_set(stage):
    stage.sets(on=True)

    (found,) = stage.run(stage.target().examine())

    assert (found.level.value, found.words) == ("ok", "shop/new-checkout in production is on.true")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("flag", "../x"),
        ("flag", "a/b"),
        ("project", ""),
        ("environment", "a b"),
        ("url", "ftp://x"),
        ("url", "http://launchdarkly.shop.example"),
        ("url", "https://app.launchdarkly.com:99999"),
        ("url", "https://app.launchdarkly.com\n"),
        ("url", "https://user@x"),
        ("url", "https://app.launchdarkly.com/api"),
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(stage, name, wrong):
    with pytest.raises(ValueError, match=name):
        stage.target(**{name: wrong})
