"""What a move would do is said before it is made, and what stands in its way before it is needed."""

import shlex

import pytest

from tests.deploy.targets.appconfig.stage import (
    ALARM,
    BARE,
    PLACE,
    PROFILE,
    SLOWLY,
    Stage,
)


def test_what_would_be_called_is_foretold_and_what_a_person_can_run(stage):
    stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=4)
    foretold = stage.run(stage.target().foretell(stage.move()))

    assert [call.split()[0] for call in foretold.calls] == [
        "appconfig:TagResource",
        "appconfig:StopDeployment",
    ]
    assert shlex.split(foretold.by_hand, comments=True)[:3] == ["aws", "appconfig", "stop-deployment"]
    assert foretold.obstacles == ()
    assert "when they ask next" in foretold.takes
    assert (foretold.gone, foretold.unread) == ((), False)


def test_that_alarms_would_take_the_way_back_back_is_foretold(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    stage.appconfig.find(*PLACE).alarms = (ALARM,)
    foretold = stage.run(stage.target().foretell(stage.move()))

    assert foretold.calls[0].startswith("appconfig:StartDeployment")
    assert any("1 alarm" in words and "10 min more" in words for words in foretold.obstacles)


def test_a_version_that_was_deleted_is_said_before_it_is_needed(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    move = stage.move()
    stage.appconfig.delete(PLACE[0], PROFILE, "1")
    foretold = stage.run(stage.restarted().target().foretell(move))
    (found,) = stage.run(stage.target().examine())

    assert any("version 1 was deleted" in words for words in foretold.obstacles)
    assert foretold.gone == ("version 1 was deleted: create it anew with the same content, and deploy that",)
    assert not foretold.unread
    assert "version 1 was deployed, and is deleted" in found.words


def test_doctor_says_that_all_is_well_or_which_strategy_is_wanting(stage):
    fine = stage.run(stage.target(strategy=BARE).examine())
    stage.appconfig.find(*PLACE).alarms = (ALARM, ALARM)
    rings = stage.run(stage.target().examine())
    slow = stage.run(stage.target(strategy=SLOWLY).examine())
    missing = stage.run(stage.target(strategy="gone777").examine())

    assert [each.level.value for each in fine] == ["ok"]
    assert "2 alarms" in rings[0].words
    assert "create-deployment-strategy" in rings[0].remedy
    assert "only after 30 min" in slow[0].words
    assert (missing[0].level.value, missing[0].words) == ("fail", "there is no deployment strategy gone777")


def test_a_name_that_climbs_or_is_no_id_is_refused_by_the_settings():
    for wrong in ("../x", "Checkout", "abc", "a" * 8, ""):
        with pytest.raises(ValueError, match="application"):
            Stage().target(application=wrong)
    with pytest.raises(ValueError, match="strategy"):
        Stage().target(strategy="All at once")
