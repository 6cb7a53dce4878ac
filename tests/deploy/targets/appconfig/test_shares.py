"""The percentage in the rule of a variant is the share of what is rolled out: each stage is a version of its own."""

import json
import re
import shlex

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Gone,
    Level,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    Serving,
    Shift,
    Unfinished,
    Unreadable,
)
from deploy.rollout import Beside, beside, standing
from deploy.target import Staged
from deploy.targets.appconfig import KIND, Settings
from deploy.targets.appconfig.flag.rule import Percentage, percentage_in
from deploy.targets.appconfig.trace import TAG_KEY
from tests.deploy.targets.appconfig.flag_stage import (
    FLAG,
    FLAGS,
    NEW,
    PRICING,
    RULE,
    FlagStage,
    Sharing,
    document,
    pricing,
)
from tests.deploy.targets.appconfig.stage import ALARM, BARE, KEY, PLACE, PROFILE, READS_ONLY, SLOWLY
from tests.fakes.aws import AwsError

SECOND = "w_1.9.0"
WRITES = ["CreateHostedConfigurationVersion", "StartDeployment"]


@pytest.fixture
def stage():
    made = Sharing()
    yield made
    assert made.world.bugs == []


def the_two(stage: Sharing) -> tuple[Release, Release]:
    """What all others get, and the variant that is rolled out."""
    found = stage.run(stage.target().stands_by({"tag": NEW}))
    assert isinstance(found, Release), found
    return stage.now(), found


def to(stage: Sharing, share: float, expect: float) -> Shift:
    return Shift("service", *the_two(stage), share, expect)


# -------------------------------------------------------------------------------------------------------------- stages


def test_only_where_a_variant_is_named_can_it_be_shared_out():
    said = {"application": PLACE[0], "environment": PLACE[1], "profile": PROFILE}
    whole, flag, variant = (
        Settings.model_validate(said | more)
        for more in ({}, {"flag": FLAG}, {"flag": PRICING, "variant": NEW})
    )

    assert "takes no percentage" in (KIND.unstaged(whole) or ("", ""))[0]
    assert "write `variant:`" in (KIND.unstaged(flag) or ("", ""))[1]
    assert KIND.unstaged(variant) is None
    assert KIND.least_share == 0.01
    assert isinstance(Sharing().target(), Staged)
    assert not isinstance(FlagStage().target(), Staged)


def test_a_stage_is_one_version_in_which_nothing_but_the_number_is_another(stage):
    answer = stage.shifts(to(stage, 0.05, 0.0))
    given = stage.is_given()

    assert isinstance(answer, Begun), answer
    assert stage.changed() == WRITES
    assert stage.served() == document(prices=pricing(5))
    assert given[NEW] == pytest.approx(0.05, abs=0.02)
    assert given["Default"] == pytest.approx(0.95, abs=0.02)


def test_its_label_says_what_of_which_release_and_its_deployment_has_our_key_which_is_no_way_back(stage):
    old, new = the_two(stage)
    stage.shifts(Shift("service", old, new, 0.25, 0.0))
    told = stage.last("CreateHostedConfigurationVersion")

    assert told["VersionLabel"].startswith(f"rollbackd-{new.tag}-25-")
    assert told["Description"] == f"rollbackd {KEY}: {PRICING}: 25 % to {new.tag}, the rest to {old.tag}"
    assert stage.appconfig.tags(PLACE, 3, stage.clock.time)[TAG_KEY].startswith(f"{KEY} ")
    assert stage.live().key is None
    assert isinstance(stage.moves(new, old, SECOND), Begun)
    assert stage.live().key == SECOND


def test_from_stage_to_stage_who_has_the_variant_keeps_it_and_both_stay_what_they_are(stage):
    old, new = the_two(stage)
    for share, expect, key in ((0.05, 0.0, KEY), (0.5, 0.05, SECOND)):
        assert isinstance(stage.shifts(Shift("service", old, new, share, expect), key), Begun)
    live = stage.live()
    stage.shifts(Shift("service", old, new, 1.0, 0.5), "w_2.0.0")

    assert (live.release, live.in_flight) == (old, new)
    assert live.shares == {old.fingerprint: 0.5, new.fingerprint: 0.5}
    assert stage.of() == (new.tag, None)
    assert stage.is_given() == {NEW: 1.0}


def test_the_tags_name_the_variant_and_the_rest_and_say_for_queries_which_is_which(stage):
    old, new = the_two(stage)

    assert new.tag.startswith("New@")
    assert old.tag.startswith("rest@")
    assert (new.names["variant"], old.names["variant"]) == ("New", "Default")


def test_a_variant_that_gives_something_else_is_another_release(stage):
    _, new = the_two(stage)
    stage.gives(prices=pricing(10, price=3))
    found = stage.both()[1]
    shift = Shift("service", stage.now(), new, 0.25, 0.1)

    assert not found.is_same_as(new)
    answer = stage.shifts(shift)
    assert isinstance(answer, Refused)
    assert answer.third_tag == found.tag
    assert isinstance(stage.run(stage.target().shifted(shift, KEY)), Drifted)


def test_what_all_others_get_is_another_release_whatever_of_the_flag_is_changed_beside_the_variant(stage):
    before = stage.now()
    stage.gives(prices=pricing(0) | {"enabled": False})
    after = stage.now()

    assert not after.is_same_as(before)
    assert after.tag.startswith("rest@")


def test_what_stands_by_goes_by_its_name_and_another_is_gone(stage):
    target = stage.target()
    found = stage.run(beside(target, {"tag": NEW}))
    gone = stage.run(target.stands_by({"tag": "Newer"}))

    assert isinstance(found, Beside)
    assert found.live.share_of(found.release) == 0
    assert isinstance(gone, Gone)
    assert "name it by its tag, or as New" in gone.words
    assert stage.run(target.unready(found.release)) == ""
    stage.gives(prices=pricing(0, price=3))
    assert "any more" in stage.run(target.unready(found.release))


# -------------------------------------------------------------------------------------------------------------- the way back


@pytest.mark.parametrize("pct", [5, 25, 100])
def test_from_any_share_it_goes_back_to_nothing_at_once_and_other_flags_stay(stage, pct):
    old, new = the_two(stage)
    stage.gives(prices=pricing(pct))
    stage.gives(prices=pricing(pct), other=True)

    assert isinstance(stage.moves(new, old), Begun)
    assert stage.served() == document(prices=pricing(0), other=True)
    assert stage.is_given() == {"Default": 1.0}
    assert stage.run(stage.target().progress(Move("service", new, old), KEY)) == Serving()


def test_a_stage_that_is_still_on_its_way_is_stopped_first_and_then_nobody_gets_it(stage):
    old, new = the_two(stage)
    stage.shifts(Shift("service", old, new, 0.05, 0.0))
    slow = stage.target(strategy=SLOWLY)
    stage.run(slow.shift(Shift("service", old, new, 0.25, 0.05), SECOND))
    stage.goes_on(minutes=1)
    move = Move("service", new, old)
    assert isinstance(stage.moves(new, old, "w_2.0.0"), Begun)
    after_the_stop = stage.run(stage.target().progress(move, "w_2.0.0"))

    assert stage.changed()[-1] == "StopDeployment"
    assert isinstance(after_the_stop, Unfinished)
    assert isinstance(stage.restarted().moves(new, old, "w_2.0.0"), Begun)
    assert stage.is_given() == {"Default": 1.0}
    assert stage.run(stage.target().progress(move, "w_2.0.0")) == Serving()


def test_a_step_that_appconfig_takes_back_at_an_alarm_has_failed_and_the_share_is_the_one_before(stage):
    old, new = the_two(stage)
    stage.shifts(Shift("service", old, new, 0.05, 0.0))
    shift, target = Shift("service", old, new, 0.25, 0.05), stage.target(strategy="AppConfig.AllAtOnce")
    stage.run(target.shift(shift, SECOND))
    stage.goes_on(minutes=1)
    stage.appconfig.take_back(PLACE, 4, stage.clock.time, by="CLOUDWATCH_ALARM", words=ALARM)
    found = stage.run(target.shifted(shift, SECOND))

    assert isinstance(found, Failed)
    assert "by AppConfig, at an alarm" in found.words
    assert stage.live().shares[new.fingerprint] == 0.05
    assert isinstance(stage.run(target.shift(shift, SECOND)), Refused)


# ------------------------------------------------------------------------------------------------ between any two calls


def test_killed_between_writing_and_deploying_what_was_written_is_deployed(stage):
    shift = to(stage, 0.05, 0.0)
    stage.world.faults.fail(
        "appconfig", "StartDeployment", error=AwsError("ThrottlingException", "slow", 400)
    )
    waits = stage.shifts(shift)

    assert isinstance(waits, Refused)
    assert waits.again_in is not None
    assert isinstance(stage.restarted().shifts(shift), Begun)
    assert stage.versions() == ["1", "2"]


def test_killed_between_deploying_and_writing_it_down_the_stage_is_there_already(stage):
    shift = to(stage, 0.05, 0.0)
    stage.shifts(shift)

    assert stage.restarted().shifts(shift) == AlreadyThere()
    assert stage.changed() == WRITES
    assert stage.run(stage.target().shifted(shift, KEY)) == Serving()


def test_killed_while_its_stage_goes_out_slowly_it_is_still_our_step_and_nobody_elses(stage):
    shift, slow = to(stage, 0.25, 0.0), stage.target(strategy=SLOWLY)
    stage.run(slow.shift(shift, KEY))
    stage.goes_on(minutes=10)
    live = stage.live(stage.restarted().target())

    assert standing(live, shift) is None  # it is asked for again, with the same key
    assert stage.shifts(shift) == AlreadyThere()
    assert isinstance(stage.run(stage.target().shifted(shift, KEY)), Moving)
    stage.goes_on(hours=1)
    assert stage.run(stage.target().shifted(shift, KEY)) == Serving()


# ---------------------------------------------------------------------------------------------------------- other hands


def test_the_deployment_of_somebody_else_is_waited_for(stage):
    shift = to(stage, 0.05, 0.0)
    stage.gives(SLOWLY, other=True)
    waits = stage.shifts(shift)
    stage.goes_on(hours=1)

    assert isinstance(waits, Refused)
    assert waits.again_in is not None
    assert isinstance(stage.shifts(shift), Begun)
    assert stage.served() == document(other=True, prices=pricing(5))


def test_a_percentage_that_a_person_has_set_is_not_written_over(stage):
    old, new = the_two(stage)
    stage.gives(prices=pricing(40))
    answer = stage.shifts(Shift("service", old, new, 0.25, 0.05))

    assert isinstance(answer, Refused)
    assert answer.third_tag == new.tag
    assert "40 %" in answer.words
    assert stage.changed() == []


def test_a_share_that_a_person_deploys_slowly_is_that_of_those_who_have_it_so_far(stage):
    old, new = the_two(stage)
    stage.gives(SLOWLY, prices=pricing(50))
    stage.goes_on(
        minutes=4
    )  # 20 % of the clients have a version by which every other one of their users gets it
    live = stage.live()

    assert (live.release, live.in_flight) == (old, new)
    assert live.shares[new.fingerprint] == pytest.approx(0.1)


def test_marks_and_a_lost_store_a_step_forward_is_no_rollback_of_what_served_before(stage):
    old, new = the_two(stage)
    stage.shifts(Shift("service", old, new, 0.05, 0.0))
    in_the_middle = stage.run(stage.restarted().target().recall(stage.clock.time))
    stage.moves(new, old, SECOND)
    after = stage.run(stage.restarted().target().recall(stage.clock.time))

    assert [release.tag for release, _ in in_the_middle.served] == [old.tag]
    assert in_the_middle.quarantined == {}
    assert set(after.quarantined) == {new.fingerprint}
    assert [each.tag for each in after.others] == [new.tag]


def test_what_has_everything_by_our_last_step_is_watched_still_where_the_store_is_lost(stage):
    old, new = the_two(stage)
    stage.shifts(Shift("service", old, new, 1.0, 0.0))
    young = stage.run(stage.restarted().target().recall(stage.clock.time))
    stage.goes_on(hours=25)
    settled = stage.run(stage.restarted().target().recall(stage.clock.time))

    assert [release.tag for release, _ in young.served] == [old.tag]
    assert [release.tag for release, _ in settled.served] == [old.tag, new.tag]


# -------------------------------------------------------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("rule", "share"),
    [
        ("(split pct::10 by::$userId)", 0.1),
        ('(split by::$userId pct::25 seed::"pct::99")', 0.25),
        ("(split by:: $userId pct:: 7)", 0.07),
        ('(and (eq $group "Tier 1") (split by::$userId pct::0))', 0.0),
        ('(and (in $userId ["a", "b)"]) (and (split by::$userId pct::100)))', 1.0),
        ("(split pct::12.5 by::$userId)", 0.125),
    ],
)
def test_the_one_percentage_is_found_and_nothing_else_of_the_rule_is_touched(rule, share):
    found = percentage_in(rule)

    assert isinstance(found, Percentage)
    assert found.share == pytest.approx(share)
    number = rule[found.begin : found.end]
    assert found.set_to(0.42) == f"{rule[: found.begin]}42{rule[found.begin + len(number) :]}"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "it has 0 percentages"),
        ('(eq $email "pct::5")', "it has 0 percentages"),
        ("(and (split pct::5 by::$a) (split pct::6 by::$b))", "it has 2 percentages"),
        ('(or (eq $group "beta") (split pct::5 by::$a))', "stands within `or`"),
        ("(split pct::5 pct::6 by::$a)", "it has 2 percentages"),
        ("(and (split by::$a) (split pct::5 by::$b))", "and 2 `(split …)`"),
        ("(not (split pct::5 by::$userId))", "with pct::0 some would have it still"),
        ("(and (not (and (split pct::5 by::$userId))))", "within `not`"),
        ("(split pct::101 by::$userId)", "no percentage from 0 to 100"),
        ("(split pct::$much by::$userId)", "no percentage from 0 to 100"),
        ("(eq pct::5 $userId)", "outside of `(split"),
        ("(split pct::5 by::$userId", "brackets do not match"),
        ("split pct::5)", "outside of"),
    ],
)
def test_a_rule_whose_percentage_is_no_share_is_refused_with_its_reason(rule, words):
    found = percentage_in(rule)

    assert isinstance(found, str)
    assert words in found


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({"enabled": True}, "there is no variant New: there is none"),
        (
            {"_variants": [{"name": "Newer", "enabled": True, "rule": RULE.format(5)}]},
            "is Newer meant?",
        ),
        (
            {"_variants": [{"name": "New", "enabled": True}, {"name": "New", "enabled": True}]},
            "2 variants of pricing are called New",
        ),
        (
            {"_variants": [{"name": "New", "enabled": True, "rule": '(eq $userId "ada")'}]},
            "the rule of New: it has 0 percentages",
        ),
        (
            {
                "_variants": [
                    {"name": "A", "enabled": True, "rule": RULE.format(20)},
                    {"name": "New", "enabled": True, "rule": RULE.format(25)},
                ]
            },
            "another variant of pricing shares people out too",
        ),
    ],
)
def test_a_flag_without_one_percentage_that_is_its_share_is_unreadable_and_doctor_says_so(
    stage, prices, words
):
    stage.gives(prices=prices)
    found = stage.run(stage.target().observe())
    (told,) = stage.run(stage.target().examine())

    assert isinstance(found, Unreadable)
    assert words in found.words
    assert told.level is Level.FAIL
    assert words in told.words


def test_doctor_says_what_a_strategy_that_takes_its_time_does_to_stages(stage):
    told = stage.run(stage.target(strategy=SLOWLY).examine())
    fine = stage.run(stage.target(strategy=BARE).examine())

    assert any("each stage is a deployment" in each.words and "40 min" in each.words for each in told)
    assert [each.level for each in fine] == [Level.OK]


def test_the_way_back_is_foretold_with_the_number_that_a_person_would_write(stage):
    old, new = the_two(stage)
    stage.gives(prices=pricing(25))
    told = stage.run(stage.target().foretell(Move("service", new, old)))

    assert [call.split()[0].partition(":")[2] for call in told.calls] == WRITES
    assert "pct::0" in told.by_hand
    assert isinstance(stage.live(), Live)
    assert stage.changed() == []


@pytest.mark.parametrize(
    "rule",
    [
        '(and (eq $plan "a \\"pct::7") (split pct::{} by::$userId))',
        '(split seed::"pct::7" by::$userId pct::{})',
    ],
)
def test_the_line_for_a_person_changes_the_number_and_no_text_that_looks_like_it(stage, rule):
    old, new = the_two(stage)
    told = stage.run(stage.target().foretell(Move("service", new, old)))
    (change,) = [each for each in shlex.split(told.by_hand) if "sub(" in each]
    pattern, _ = json.JSONDecoder().raw_decode(change.partition("sub(")[2])

    assert change.endswith('; "\\(.before)pct::0")')
    assert re.sub(pattern.replace("(?<", "(?P<"), r"\g<before>pct::0", rule.format(25)) == rule.format(0)


def test_where_nothing_was_deployed_or_a_role_may_not_act_nothing_is_shared_out(stage):
    shift = to(stage, 0.05, 0.0)
    denied = stage.run(stage.target(READS_ONLY).shift(shift, KEY))
    stage.appconfig.find(*PLACE).deployments.clear()
    target = stage.restarted().target()

    assert isinstance(denied, Refused)
    assert "no role to act" in denied.words
    assert isinstance(stage.run(target.stands_by({"tag": NEW})), Unreadable)
    assert isinstance(stage.run(target.shift(shift, KEY)), Refused)
    assert stage.changed() == []


def test_an_appconfig_that_is_down_is_asked_again_and_nothing_was_sent(stage):
    shift = to(stage, 0.05, 0.0)
    stage.world.faults.fail("appconfig", times=None)
    target = stage.restarted().target()
    answer = stage.run(target.shift(shift, KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "nothing was sent" in answer.words
    assert isinstance(stage.run(target.shifted(shift, KEY)), Unreadable)


def test_what_is_no_flag_of_the_profile_has_no_variant_that_stands_by(stage):
    number = stage.appconfig.write(PLACE[0], FLAGS, '{"version": "1", "values": {}}')
    stage.deploys(number, profile=FLAGS)
    target = stage.target()

    assert isinstance(stage.run(target.stands_by({"tag": NEW})), Unreadable)
    assert isinstance(stage.run(target.unready(Release.of_tag(NEW))), Unreadable)
