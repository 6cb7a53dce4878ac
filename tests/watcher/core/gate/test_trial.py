"""Whether it passed in an environment that comes before."""

import pytest

from deploy.model import PartChange
from deploy.tags import Span
from tests.builders import NOON, a_deployment, a_policy, a_watch, hours, minutes, seconds
from tests.watcher.core.gate.builders import (
    DIGEST,
    PASSED,
    STAGED,
    V43,
    a_ledger,
    a_mark,
    a_release,
    an_ending,
    an_entry,
    staging,
)
from watcher.core.gate import Before, Candidate, Trial, tried
from watcher.core.service import Bake
from watcher.core.watch import State


def how(before, asked=V43, now=NOON):
    found = tried(asked, before, now)
    assert found.words.startswith("staging: ")
    return found.trial, found.words.removeprefix("staging: "), found.until


def watched(state=State.WATCHING, **changes):
    part = PartChange("service", None, STAGED)
    start = NOON - minutes(18)
    return a_watch(
        state,
        environment="staging",
        deployment=a_deployment(environment="staging", parts=(part,)),
        opened_at=start,
        traffic_at=None,
        complete_at=start,
        **changes,
    )


def test_it_passed_with_other_settings_and_under_another_name():
    assert how(PASSED) == (Trial.PASSED, "v43 passed", None)


def test_it_passed_by_its_tag_where_no_digest_is_told():
    assert how(PASSED, Candidate("v43"))[0] is Trial.PASSED


def test_it_was_never_seen():
    assert how(PASSED, Candidate("v44")) == (Trial.UNSEEN, "v44 was never seen", None)
    assert how(Before("staging", ()))[0] is Trial.UNSEEN


def test_it_is_still_watched_and_for_how_long():
    policy = a_policy(bake=Bake(at_least=minutes(30)))
    before = staging(living=watched(policy=policy))

    assert how(before) == (Trial.WATCHED, "v43 is still watched, 12 min more", NOON + minutes(12))
    soon = NOON + minutes(11)
    assert how(before, now=soon)[1] == "v43 is still watched, 1m more"
    assert how(before, now=NOON + minutes(12) - seconds(0.2))[1] == "v43 is still watched, 1s more"


def test_it_is_watched_until_enough_was_seen():
    bake = Bake(at_least=minutes(10), at_most=hours(1))
    before = staging(living=watched(policy=a_policy(bake=bake)))

    assert how(before) == (
        Trial.WATCHED,
        "v43 is still watched, until enough was seen",
        NOON + minutes(42),
    )
    assert how(before, now=NOON + hours(2))[2] is None


def test_a_bake_of_runs_ends_when_it_ends():
    bake = Bake(runs=3)
    before = staging(living=watched(policy=a_policy(bake=bake)))

    assert how(before)[1] == "v43 is still watched, until enough was seen"


def test_a_watch_in_trouble_is_waited_for():
    before = staging(an_ending(STAGED), living=watched(State.ASKING))

    assert how(before)[:2] == (Trial.WATCHED, "v43 is asking: w_1")


def test_the_watch_of_another_release_says_nothing_of_it():
    before = staging(an_ending(STAGED), living=a_watch())

    assert how(before)[0] is Trial.PASSED


@pytest.mark.parametrize(
    ("ending", "marks", "trial", "words"),
    [
        (an_ending(STAGED, "rolled_back", breached=True), {}, Trial.FAILED, "v43 ended rolled back there"),
        (an_ending(STAGED, "kept", breached=True), {}, Trial.FAILED, "v43 ended kept there"),
        (
            an_ending(STAGED, "superseded", breached=True),
            {},
            Trial.FAILED,
            "v43 ended superseded there",
        ),
        (an_ending(STAGED, "unproven"), {}, Trial.UNPROVEN, "the watch of v43 ended unproven"),
        (an_ending(STAGED, "superseded"), {}, Trial.UNPROVEN, "the watch of v43 ended superseded"),
        (an_ending(STAGED, by_person=True), {}, Trial.UNPROVEN, "v43 passed by a person's word"),
        (None, {}, Trial.UNPROVEN, "v43 was seen, and no watch of it has ended"),
        (
            an_ending(STAGED),
            {"quarantined": a_mark()},
            Trial.FAILED,
            "v43 is quarantined: it failed 5 % of requests",
        ),
        (
            an_ending(STAGED),
            {"distrusted": a_mark(why="a hole")},
            Trial.FAILED,
            "v43 is distrusted: a hole",
        ),
        (
            an_ending(STAGED, "rolled_back", breached=True),
            {"allowed": a_mark(at=minutes(0))},
            Trial.UNPROVEN,
            "the watch of v43 ended rolled back",
        ),
    ],
)
def test_only_what_a_watch_has_proven_is_passed(ending, marks, trial, words):
    before = staging(*([ending] if ending else []), entries=(an_entry(STAGED, **marks),))

    assert how(before)[:2] == (trial, words)


def test_of_one_content_under_several_settings_the_last_counts():
    older = a_release(fingerprint="sha256:older")
    entries = (an_entry(older, seen=-hours(5)), an_entry(STAGED))
    failed = an_ending(older, "rolled_back", breached=True, at=-hours(4))

    assert how(staging(failed, an_ending(STAGED), entries=entries))[0] is Trial.PASSED
    later = an_ending(older, "rolled_back", breached=True, at=-minutes(1))
    assert how(staging(later, an_ending(STAGED), entries=entries))[0] is Trial.FAILED


def test_what_served_last_is_the_last():
    older = a_release(fingerprint="sha256:older")
    entries = (an_entry(older, seen=-hours(5)), an_entry(STAGED))
    ledger = a_ledger(
        *entries,
        endings=[an_ending(STAGED)],
        spans=[Span("sha256:older", NOON - minutes(1))],
        environment="staging",
    )

    assert tried(V43, Before("staging", (ledger,)), NOON).trial is Trial.UNPROVEN


def test_a_name_of_several_contents_passed_only_if_all_of_them_did():
    other = a_release(fingerprint="sha256:other", digest="sha256:" + "5" * 64)
    entries = (an_entry(STAGED), an_entry(other))
    asked = Candidate("v43")

    trial, words, _ = how(staging(an_ending(STAGED), entries=entries), asked)
    assert trial is Trial.UNPROVEN
    assert words == "several releases are called v43, and not all of them passed; name it by its digest"
    assert how(staging(an_ending(STAGED), an_ending(other), entries=entries), asked)[0] is Trial.PASSED
    assert how(staging(an_ending(STAGED), entries=entries))[0] is Trial.PASSED, DIGEST


def test_of_several_parts_all_that_it_is_have_to_pass():
    worker = a_release(fingerprint="sha256:worker")
    parts = (
        a_ledger(an_entry(STAGED), endings=[an_ending(STAGED)], part="api"),
        a_ledger(an_entry(worker), endings=[an_ending(worker, "kept", breached=True)], part="worker"),
    )

    assert tried(V43, Before("staging", parts), NOON).trial is Trial.FAILED
