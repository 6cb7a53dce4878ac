"""Each claim holds where it happened, and not where it did not: a demo that cannot fail shows nothing."""

import pytest

from tests.watcher.demo.plays import BACK, START, USUAL, a_bad_act, a_good_act, a_record
from watcher.demo.claims import claims
from watcher.demo.figures import failed_by, figures
from watcher.demo.record import Answer, Record
from watcher.demo.story import Act, Claim


def claimed(act: Act, fails: float = 0.06, record: Record | None = None) -> list[Claim]:
    return claims(act, record or a_record(act, fails))


def broken(act: Act, fails: float = 0.06) -> list[str]:
    return [claim.words for claim in claimed(act, fails) if not claim.held]


def test_a_play_that_went_well_holds_all_claims():
    assert broken(a_bad_act()) == []
    assert broken(a_good_act(), USUAL) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"breached": None}, "v45 was found out"),
        ({"said": []}, "people were told"),
        ({"states": [(START, "watching"), (START + 9, "rolling_back")]}, "counted down"),
        ({"asked": 2}, "exactly one move"),
        ({"calls": []}, "exactly one move"),
        ({"calls": [START + 11, START + 12], "asked": 2}, "exactly one move"),
        ({"state": "stuck"}, "exactly one move"),
        ({"exit": 0}, "exited with 1"),
        ({"killed": START + 10.0}, "in the middle"),
        ({"killed": START + 18.0}, "in the middle"),
        ({"restarted": None}, "in the middle"),
        ({"served": None}, "served again"),
        ({"recovered": False}, "served again"),
    ],
)
def test_what_did_not_happen_is_not_claimed(changes, words):
    assert any(words in claim for claim in broken(a_bad_act(**changes)))


def test_users_that_still_suffer_are_not_served():
    act = a_bad_act()
    after = a_record(a_bad_act(served=None), 0.3)

    assert any(not claim.held for claim in claimed(act, record=after) if "served again" in claim.words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "rolled_back"}, "was not rolled back"),
        ({"state": "unproven"}, "was not rolled back"),
        ({"asked": 1}, "was not rolled back"),
        ({"exit": 5}, "exited with 0"),
    ],
)
def test_a_good_release_that_did_not_pass_is_said(changes, words):
    assert any(words in claim for claim in broken(a_good_act(**changes), USUAL))


def test_a_hiccup_that_nobody_felt_was_none():
    act = a_good_act(hiccup=(START - 10, START - 5))

    found = claims(act, Record())

    assert [claim.words for claim in found if not claim.held][:2] == [
        "both releases suffered the same hiccup",
        "a fixed threshold would have rolled it back",
    ]


def test_flaky_is_worse_and_stays():
    act = a_good_act(kind="flaky", hiccup=None)

    assert broken(act, fails=0.02) == []
    assert any("more than" in words for words in broken(act, fails=0.0))


@pytest.mark.parametrize(
    ("would_have", "asked", "held"), [(START + 8, 0, True), (START + 8, 1, False), (None, 0, False)]
)
def test_shadow_says_and_does_nothing(would_have, asked, held):
    act = a_bad_act(mode="shadow", would_have=would_have, asked=asked)

    assert [claim.held for claim in claimed(act)] == [held]


def test_the_figures_are_those_of_the_client():
    act = a_bad_act()
    record = a_record(act, 0.06)

    found = figures(act, record)

    assert (found.detected, found.moved, found.back) == pytest.approx((8.0, 11.2, 17.0))
    assert found.harm.bad == sum(each.bad for each in record.between(act.deployed, START + BACK))
    assert found.usual == pytest.approx(USUAL, abs=0.005)
    assert found.speed == pytest.approx(found.new.bad / 11.2)


def test_a_cloudwatch_alarm_costs_its_five_minutes():
    act = a_bad_act()
    found = figures(act, a_record(act, 0.5))
    cloudwatch = found.alarms[0]

    assert failed_by(cloudwatch, 4.0) == 4.0 * 300
    assert failed_by(type(cloudwatch)(cloudwatch.peer), 4.0) is None


def test_late_answers_count_where_the_release_is_slow():
    act = a_bad_act()
    slow = Record([Answer(act.deployed + n / 100, 0.5, 200, act.new) for n in range(500)])

    assert figures(act, slow).harm.bad == 0
    assert figures(a_bad_act(kind="slow"), slow).harm.bad == 500
