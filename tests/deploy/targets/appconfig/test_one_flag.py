"""One flag of a profile goes back alone: what others have changed of the others stays."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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
    Standing,
    Unclear,
    Unfinished,
    Unreadable,
)
from deploy.ports import Aws, AwsCall
from deploy.targets.appconfig import KIND, Settings
from tests.deploy.targets.appconfig.flag_stage import FLAG, FLAGS, OTHER, PRICING, FlagStage, document, plain
from tests.deploy.targets.appconfig.stage import ALARM, BARE, KEY, MARK, PLACE, PROFILE, READS_ONLY, SLOWLY
from tests.fakes.aws import AwsError

WRITES = ["CreateHostedConfigurationVersion", "StartDeployment"]


@pytest.fixture
def stage():
    made = FlagStage()
    yield made
    assert made.world.bugs == []


def turned_on(stage: FlagStage, checkout: Any = True, **more: Any) -> tuple[Release, Release]:
    """The flag was off, and is on; what it is then, and what it was."""
    off = stage.now()
    stage.gives(checkout=checkout, **more)
    return stage.now(), off


# ------------------------------------------------------------------------------------------------------- one flag off


def test_the_flag_goes_off_in_a_version_of_its_own_and_all_others_stay_as_they_are_now(stage):
    on, off = turned_on(stage)
    stage.gives(checkout=True, other={"enabled": True})  # somebody else's change, made since
    answer = stage.moves(on, off)

    assert isinstance(answer, Begun), answer
    assert stage.changed() == WRITES
    assert stage.is_given() == {"off": 1.0}
    assert stage.is_given(OTHER) == {"on": 1.0}
    assert stage.served() == document(checkout=False, other=True)
    assert stage.run(stage.target().progress(Move("service", on, off), KEY)) == Serving()


def test_what_is_written_names_the_newest_version_and_says_what_it_is_for(stage):
    on, off = turned_on(stage)
    stage.moves(on, off)
    told = stage.last("CreateHostedConfigurationVersion")

    assert told["LatestVersionNumber"] == 2
    assert told["VersionLabel"].startswith("rollbackd-back-off-")
    assert told["Description"] == f"rollbackd {KEY}: {FLAG} back from on to off"
    assert stage.last("StartDeployment")["ConfigurationVersion"] == "3"
    assert stage.last("StartDeployment")["LatestDeploymentNumber"] == 3  # counted in the environment


def test_a_flag_that_was_on_with_attributes_gets_those_back_that_were_well(stage):
    stage.gives(checkout={"enabled": True, "limit": 10})
    well = stage.now()
    stage.gives(checkout={"enabled": True, "limit": 99}, other=True)
    bad = stage.now()

    assert well.tag.startswith("on@")
    assert well.tag != bad.tag
    assert isinstance(stage.moves(bad, well), Begun)
    assert stage.served()["values"][FLAG] == {"enabled": True, "limit": 10}
    assert stage.served()["values"][OTHER] == {"enabled": True}


def test_of_a_flag_with_variants_each_is_turned_off_since_none_is_over_all(stage):
    stage.flag = PRICING
    on = stage.now()
    off = Release.of_tag("off")

    assert isinstance(stage.moves(on, off), Begun)
    assert stage.is_given() == {"off": 1.0}
    assert stage.of() == ("off", None)
    assert [each["rule"] for each in stage.served()["values"][PRICING]["_variants"] if "rule" in each] == [
        '(split pct::0 by::$userId seed::"2026")'
    ]


def test_attributes_of_a_flag_that_is_off_are_no_content_and_times_are_none_either(stage):
    off = stage.now()
    stage.gives(checkout={"enabled": False, "limit": 7})

    assert stage.now() == off


def test_a_flag_whose_state_no_version_has_is_not_made_up(stage):
    on, _ = turned_on(stage)
    answer = stage.moves(on, Release("sha256:77", "on@00000000"))

    assert isinstance(answer, Refused)
    assert "none of the last 20 versions that were deployed has it" in answer.words
    assert stage.changed() == []


# ------------------------------------------------------------------------------------- other hands, and compare-and-set


@dataclass
class Overtaken:
    """AWS, on which somebody writes a version just after ours has looked for the newest; once."""

    aws: Aws
    writes: Callable[[], object]
    poll: AwsCall | None = None

    def __post_init__(self) -> None:
        self.read, self.poll = self.aws.read, self.aws.poll
        self._left = 1

    async def act(self, scope: str, service: str, operation: str, /, **told: Any) -> Mapping[str, Any]:
        if operation == "create_hosted_configuration_version" and self._left:
            self._left -= 1
            self.writes()
        return await self.aws.act(scope, service, operation, **told)


@pytest.mark.parametrize("error", ["ConflictException", "BadRequestException"])
def test_where_somebody_writes_first_it_is_read_again_and_nothing_is_forced(stage, error):
    stage.appconfig.profiles[PLACE[0], FLAGS].overtaken = error
    on, off = turned_on(stage)
    stage.aws = Overtaken(stage.aws, lambda: stage.writes(checkout=True, other=True))
    target = stage.restarted().target()
    answer = stage.moves(on, off, target=target)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "somebody else has written a version meanwhile" in answer.words
    assert stage.versions() == ["1", "2", "3"]
    assert isinstance(
        stage.moves(on, off, target=target), Begun
    )  # of what serves: what they wrote is not deployed
    assert stage.served() == document(checkout=False)


def test_a_deployment_that_was_made_meanwhile_is_not_covered_and_the_next_try_has_what_it_brought(stage):
    on, off = turned_on(stage)
    error = AwsError("ConflictException", "The latest deployment number is 4", 409)
    stage.world.faults.fail("appconfig", "StartDeployment", error=error)
    answer = stage.moves(on, off)
    stage.gives(checkout=True, other=True)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert isinstance(stage.moves(on, off), Begun)
    assert stage.served() == document(checkout=False, other=True)
    assert len(set(map(stage.label, ("3", "5")))) == 2  # what was written in vain stays, and serves nobody


def test_a_flag_that_somebody_else_has_changed_is_left_alone(stage):
    on, off = turned_on(stage)
    stage.gives(checkout={"enabled": True, "limit": 3})
    answer = stage.moves(on, off)

    assert isinstance(answer, Refused)
    assert answer.third_tag == stage.now().tag
    assert stage.changed() == []
    assert isinstance(stage.run(stage.target().progress(Move("service", on, off), KEY)), Drifted)


def test_the_deployment_of_another_flag_is_waited_for_and_never_taken_back(stage):
    on, off = turned_on(stage)
    stage.gives(SLOWLY, checkout=True, other=True)
    waits = stage.moves(on, off)
    stage.goes_on(minutes=45)

    assert isinstance(waits, Refused)
    assert waits.again_in is not None
    assert "one configuration to an environment at a time" in waits.words
    assert isinstance(stage.moves(on, off), Begun)
    assert stage.changed() == WRITES
    assert stage.served() == document(checkout=False, other=True)


def test_a_deployment_that_still_brings_the_bad_flag_is_stopped_and_that_is_enough(stage):
    off = stage.now()
    stage.gives(SLOWLY, checkout=True)
    stage.goes_on(minutes=4)
    assert stage.of() == ("off", "on")
    on = stage.both()[1]

    assert isinstance(stage.moves(on, off), Begun)
    assert stage.changed() == ["StopDeployment"]
    assert stage.run(stage.target().progress(Move("service", on, off), KEY)) == Serving()
    assert stage.is_given() == {"off": 1.0}


def test_a_version_that_appconfig_takes_back_itself_is_seen_and_nothing_is_sent(stage):
    on, off = turned_on(stage, strategy="AppConfig.AllAtOnce")
    at = stage.clock.time
    stage.appconfig.take_back(PLACE, 3, at, by="CLOUDWATCH_ALARM", words=ALARM)

    assert stage.moves(on, off) == AlreadyThere()
    assert stage.of() == ("off", None)
    assert stage.changed() == []


def test_our_own_that_is_taken_back_by_an_alarm_has_failed_and_says_by_whom(stage):
    on, off = turned_on(stage)
    target = stage.target(strategy="AppConfig.AllAtOnce")
    assert isinstance(stage.moves(on, off, target=target), Begun)
    stage.goes_on(minutes=1)
    stage.appconfig.take_back(PLACE, 4, stage.clock.time, by="CLOUDWATCH_ALARM", words=ALARM)
    found = stage.run(target.progress(Move("service", on, off), KEY))

    assert isinstance(found, Failed)
    assert "by AppConfig, at an alarm" in found.words
    assert "jq" in found.by_hand
    assert isinstance(stage.moves(on, off), Refused)


# ------------------------------------------------------------------------------------------------ between any two calls


def test_killed_between_writing_and_deploying_what_was_written_is_deployed_and_none_is_written_twice(stage):
    on, off = turned_on(stage)
    stage.world.faults.fail(
        "appconfig", "StartDeployment", error=AwsError("ThrottlingException", "slow", 400)
    )
    assert isinstance(stage.moves(on, off), Refused)

    assert isinstance(stage.restarted().moves(on, off), Begun)
    assert stage.versions() == ["1", "2", "3"]
    assert stage.is_given() == {"off": 1.0}


def test_killed_between_deploying_and_writing_it_down_nothing_is_done_twice(stage):
    on, off = turned_on(stage)
    stage.moves(on, off)

    assert stage.restarted().moves(on, off) == AlreadyThere()
    assert stage.live().key == KEY
    assert stage.changed() == WRITES


def test_a_version_whose_answer_is_lost_was_written_and_is_found(stage):
    on, off = turned_on(stage)
    stage.world.faults.lose_answer("appconfig", "CreateHostedConfigurationVersion")
    lost = stage.moves(on, off)

    assert isinstance(lost, Refused)
    assert lost.again_in is not None
    assert "nothing was moved" in lost.words
    assert isinstance(stage.moves(on, off), Begun)
    assert stage.versions() == ["1", "2", "3"]


def test_a_deployment_whose_answer_is_lost_is_unclear_and_is_seen(stage):
    on, off = turned_on(stage)
    stage.world.faults.lose_answer("appconfig", "StartDeployment")

    assert isinstance(stage.moves(on, off), Unclear)
    assert isinstance(stage.run(stage.target().progress(Move("service", on, off), KEY)), Moving | Serving)


def test_what_was_written_for_a_version_that_serves_no_more_is_not_deployed(stage):
    """Else it would undo what somebody has deployed since."""
    on, off = turned_on(stage)
    stage.world.faults.fail(
        "appconfig", "StartDeployment", error=AwsError("ThrottlingException", "slow", 400)
    )
    stage.moves(on, off)
    stage.gives(checkout=True, other=True)
    stage.moves(on, off)

    assert stage.served() == document(checkout=False, other=True)


def test_a_version_of_somebody_else_that_has_our_label_is_not_deployed(stage):
    on, off = turned_on(stage)
    stage.moves(on, off)
    label = stage.label("3")
    other = FlagStage()
    on, off = turned_on(other)
    other.writes(label, checkout=False, other=True)
    answer = other.moves(on, off)

    assert isinstance(answer, Refused)
    assert f"version 3 has the label {label}, and says something else: delete it" in answer.words
    assert other.changed() == []


def test_a_version_that_is_encrypted_with_a_key_of_ones_own_stays_so(stage):
    on, off = turned_on(stage)
    stage.appconfig.find(*PLACE).deployments[-1].kms = "alias/flags"
    stage.moves(on, off)

    assert stage.last("StartDeployment")["KmsKeyIdentifier"] == "alias/flags"


@pytest.mark.parametrize(
    ("many", "words"),
    [
        (120, ""),
        pytest.param(1_001, "too many versions to read them all", marks=pytest.mark.long),
    ],
)
def test_the_newest_of_many_versions_is_named_and_of_too_many_none_is_written(stage, many, words):
    on, off = turned_on(stage)
    versions = stage.appconfig.profiles[PLACE[0], FLAGS].versions
    versions |= {str(number): versions["1"] for number in range(3, many + 1)}
    answer = stage.moves(on, off)
    found = " ".join(each.words for each in stage.run(stage.target().examine()))

    assert isinstance(answer, Refused if words else Begun)
    assert words in found
    if not words:
        assert stage.last("CreateHostedConfigurationVersion")["LatestVersionNumber"] == many


# --------------------------------------------------------------------------------------------------------- what is seen


def test_where_nothing_was_deployed_yet_each_operation_says_so(stage):
    on, off = turned_on(stage)
    stage.appconfig.find(*PLACE).deployments.clear()
    target = stage.restarted().target()
    answer = stage.moves(on, off, target=target)

    assert stage.live(target).release is None
    assert isinstance(answer, Refused)
    assert "nothing was deployed yet" in answer.words
    assert isinstance(stage.run(target.resolve({})), Unreadable)
    assert "nothing was deployed yet" in stage.run(target.foretell(Move("service", on, off))).gone[0]


def test_a_deployment_is_the_newest_or_it_is_over_or_not_there_yet_or_of_somewhere_else(stage):
    turned_on(stage)
    target, at = stage.target(), "/".join(PLACE)
    over, later, elsewhere = (
        stage.run(target.resolve({"deployment": each})) for each in (f"{at}/2", f"{at}/9", "x/y/3")
    )

    assert isinstance(over, Gone)
    assert isinstance(later, Unreadable)
    assert later.awaited is True
    assert isinstance(elsewhere, Gone)
    assert stage.run(target.resolve({})) == stage.now()


def test_what_is_being_taken_back_is_waited_for_whoever_does_it(stage):
    off = stage.now()
    stage.appconfig.find(*PLACE).takes_back = timedelta(minutes=3)
    stage.gives(SLOWLY, checkout=True)
    stage.goes_on(minutes=4)
    on = stage.both()[1]
    assert isinstance(stage.moves(on, off), Begun)
    move = Move("service", on, off)
    twice = stage.moves(on, off)
    other = stage.moves(on, off, "w_9.9.0")
    on_its_way = stage.run(stage.target().progress(move, KEY))
    stage.goes_on(minutes=5)

    assert all(isinstance(each, Refused) and each.again_in is not None for each in (twice, other))
    assert isinstance(on_its_way, Moving)
    assert stage.run(stage.target().progress(move, KEY)) == Serving()
    assert stage.changed() == ["StopDeployment"]


def test_an_order_of_which_nothing_is_seen_for_two_minutes_was_lost(stage):
    on, off = turned_on(stage)
    target, move = stage.target(), Move("service", on, off)
    soon = stage.run(target.progress(move, KEY))
    stage.goes_on(minutes=3)
    late = stage.run(target.progress(move, KEY))

    assert isinstance(soon, Moving)
    assert isinstance(late, Failed)
    assert "the order was lost" in late.words
    assert "create-hosted-configuration-version" in late.by_hand


def test_a_version_that_leaves_the_flag_as_it_is_brings_nothing(stage):
    before = stage.live()
    stage.gives(SLOWLY, other=True)
    stage.goes_on(minutes=10)
    live = stage.live()

    assert (live.release, live.in_flight, live.shares) == (before.release, None, {})
    assert live.key is None


def test_the_move_of_another_flag_of_the_profile_is_none_of_this_one(stage):
    on, off = turned_on(stage)
    stage.moves(on, off)
    stage.flag = OTHER

    assert stage.live().key is None
    assert stage.live().since is None


def test_a_flag_whose_variants_were_all_on_is_turned_on_again_without_a_version_that_has_it(stage):
    stage.flag = PRICING
    on, off = stage.now(), Release.of_tag("off")
    stage.moves(on, off)
    stage.appconfig.delete(PLACE[0], FLAGS, "1")

    assert isinstance(stage.restarted().moves(stage.now(), on, "w_2.0.0"), Begun)
    assert stage.served() == document()


def test_a_flag_that_goes_out_step_by_step_is_on_its_way_with_its_share(stage):
    stage.gives(SLOWLY, checkout=True)
    stage.goes_on(minutes=4)
    live = stage.live()

    assert live.in_flight is not None
    assert live.shares[live.in_flight.fingerprint] == pytest.approx(0.2)
    assert live.since is not None


def test_it_goes_by_its_tag_or_by_the_label_of_the_version_that_brought_it(stage):
    stage.gives(checkout=True, label="v2")
    target = stage.target()
    by_label, by_tag = (stage.run(target.resolve({"tag": each})) for each in ("v2", "on"))
    by_number = stage.run(target.resolve({"deployment": f"{'/'.join(PLACE)}/3"}))

    assert by_label == by_tag == by_number == stage.now()
    assert isinstance(stage.run(target.resolve({"tag": "v9"})), Unreadable)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"version": "1", "flags": {}, "values": {}}', "there is no flag new-checkout: there is none"),
        ('{"version": "1", "values": {"new-checkot": {"enabled": true}}}', "is new-checkot meant?"),
        ('{"version": "1"}', "no object `values`"),
        ("[", "it is not JSON"),
        ('{"version": "1", "values": {"new-checkout": {"limit": 1}}}', "does not say whether it is enabled"),
        (
            '{"version": "1", "values": {"new-checkout": {"_variants": [{"name": 3}]}}}',
            "as AppConfig's schema",
        ),
        (
            '{"version": "1", "values": {"new-checkout": {"enabled": true, "p": 0.1000000000000000000001}}}',
            "has more digits than can be written again",
        ),
    ],
)
def test_what_is_no_such_flag_is_unreadable_with_its_place_and_the_nearest(stage, content, words):
    number = stage.appconfig.write(PLACE[0], FLAGS, content)
    stage.deploys(number, profile=FLAGS)
    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert words in found.words
    assert "version 2" in found.words


@pytest.mark.parametrize(
    ("kind", "location", "words"),
    [
        ("AWS.Freeform", "hosted", "has no flags: `flag` needs one of AWS.AppConfig.FeatureFlags"),
        ("AWS.AppConfig.FeatureFlags", "s3://flags/checkout.json", "only what AppConfig itself hosts has"),
        ("AWS.AppConfig.FeatureFlags", "codepipeline://flags", "leave `flag` out"),
    ],
)
def test_a_profile_without_flags_that_are_hosted_is_refused_with_words(stage, kind, location, words):
    profile = stage.appconfig.profiles[PLACE[0], FLAGS]
    profile.kind, profile.location = kind, location
    (found,) = stage.run(stage.target().examine())
    live = stage.run(stage.target().observe())

    assert found.level is Level.FAIL
    assert words in found.words
    assert isinstance(live, Unreadable)
    assert words in live.words


def test_of_one_flag_no_event_tells_for_several_of_a_profile_may_each_be_a_service():
    said = {"application": PLACE[0], "environment": PLACE[1], "profile": FLAGS}
    whole, flag = Settings.model_validate(said), Settings.model_validate(said | {"flag": FLAG})

    assert len(KIND.addresses(whole, READS_ONLY)) == 1
    assert KIND.addresses(flag, READS_ONLY) == ()


def test_a_variant_needs_its_flag_and_both_their_grammar():
    said = {"application": PLACE[0], "environment": PLACE[1], "profile": PROFILE}
    for more, words in (
        ({"variant": "New"}, "write `flag`"),
        ({"flag": "New"}, "flag"),
        ({"flag": "a", "variant": "x\ny"}, "variant"),
    ):
        with pytest.raises(ValueError, match=words):
            Settings.model_validate(said | more)


# ------------------------------------------------------------------------------------------- before, and after it is needed


def test_what_would_be_called_is_foretold_and_what_a_person_can_run(stage):
    on, off = turned_on(stage)
    told = stage.run(stage.target().foretell(Move("service", on, off)))

    assert [call.split()[0].partition(":")[2] for call in told.calls] == WRITES
    assert "enabled" not in " ".join(told.calls)
    assert told.obstacles == ()
    assert told.gone == ()
    assert "other flags of the profile stay as they are" in told.capacity
    assert "get-hosted-configuration-version" in told.by_hand
    assert ".enabled = false" in told.by_hand
    assert stage.changed() == []


def test_what_is_stopped_is_foretold_with_what_goes_back_beside_it(stage):
    off = stage.now()
    stage.gives(SLOWLY, checkout=True)
    stage.goes_on(minutes=4)
    told = stage.run(stage.target().foretell(Move("service", stage.both()[1], off)))

    assert [call.split()[0] for call in told.calls] == ["appconfig:TagResource", "appconfig:StopDeployment"]
    assert "other flags that the version changed go back with it" in told.capacity


def test_a_state_that_no_version_has_is_foretold_as_gone(stage):
    on, _ = turned_on(stage)
    told = stage.run(stage.target().foretell(Move("service", on, Release("sha256:7", "on@7"))))

    assert len(told.gone) == 1
    assert "cannot be put back to on@7" in told.gone[0]


def test_doctor_says_that_all_is_well_or_which_strategy_is_wanting(stage):
    fine = stage.run(stage.target().examine())
    missing = stage.run(stage.target(strategy="gone777").examine())

    assert [(each.level, each.words) for each in fine] == [
        (Level.OK, f"{FLAG} in ba8toh7/pgil2o7/{FLAGS} is off")
    ]
    assert missing[0].level is Level.FAIL


def test_in_shadow_every_call_only_reads_and_nothing_is_begun(stage):
    on, off = turned_on(stage)
    target = stage.target(READS_ONLY)
    stage.run(target.foretell(Move("service", on, off)))
    stage.run(target.recall(stage.clock.time))

    assert isinstance(stage.moves(on, off, target=target), Refused)
    assert stage.run(target.mark([Standing(on, "proven", stage.clock.time)])) == ""
    assert stage.world.mutating_calls() == []


def test_marks_stand_on_the_deployments_that_brought_the_state_and_a_lost_store_reads_them(stage):
    on, off = turned_on(stage)
    stage.goes_on(hours=30)
    target = stage.target()
    assert stage.run(target.mark([Standing(off, "proven", stage.clock.time)])) == ""
    stage.moves(on, off)
    stage.goes_on(minutes=1)
    recalled = stage.run(stage.restarted().target().recall(stage.clock.time))

    assert [release.tag for release, _ in recalled.served] == ["off", "on", "off"]
    assert set(recalled.proven) == {off.fingerprint}
    assert set(recalled.quarantined) == {on.fingerprint}
    assert MARK in stage.appconfig.tags(PLACE, 2, stage.clock.time)
    stage.run(stage.target().mark([Standing(off, "proven", stage.clock.time)]))
    newest = stage.appconfig.tags(PLACE, 4, stage.clock.time)[MARK]
    assert newest.startswith("proven ")
    assert stage.appconfig.tags(PLACE, 2, stage.clock.time)[MARK] != newest  # the older one stays as it was


@pytest.mark.parametrize(
    "operation",
    [
        *("ListDeployments", "GetDeployment", "GetConfigurationProfile", "GetHostedConfigurationVersion"),
        *("ListHostedConfigurationVersions", "ListTagsForResource", "GetEnvironment"),
        *("GetDeploymentStrategy", *WRITES),
    ],
)
def test_whatever_is_refused_each_operation_answers_with_a_value(operation):
    stage = FlagStage()
    on, off = turned_on(stage)
    stage.world.faults.fail("appconfig", operation, times=None)
    target, move = stage.restarted().target(), Move("service", on, off)

    assert isinstance(stage.run(target.observe()), Live | Unreadable)
    assert stage.run(target.foretell(move)).by_hand
    assert stage.run(target.examine())
    assert isinstance(stage.moves(on, off, target=target), Begun | Refused | Unclear)
    assert isinstance(stage.run(target.progress(move, KEY)), Moving | Serving | Unreadable | Unfinished)
    stage.run(target.recall(stage.clock.time))
    assert stage.world.bugs == []


def test_a_version_that_would_be_too_large_is_told_in_awss_words(stage):
    on, off = turned_on(stage)
    error = AwsError("PayloadTooLargeException", "The configuration size is too large", 413)
    stage.world.faults.fail("appconfig", "CreateHostedConfigurationVersion", error=error)
    answer = stage.moves(on, off)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "too large" in answer.words
    assert "delete versions" in answer.words


def test_the_permission_that_is_missing_is_named(stage):
    on, off = turned_on(stage)
    error = AwsError(
        "AccessDeniedException", "not authorized to perform: appconfig:CreateHostedConfigurationVersion", 403
    )
    stage.world.faults.fail("appconfig", "CreateHostedConfigurationVersion", error=error)
    answer = stage.moves(on, off)

    assert isinstance(answer, Refused)
    assert "appconfig:CreateHostedConfigurationVersion" in answer.words
    assert answer.again_in is None


def test_what_is_written_is_the_version_that_serves_but_for_the_one_value(stage):
    on, off = turned_on(stage)
    before = stage.written("2")
    stage.moves(on, off)
    after = stage.written("3")

    assert {name: each for name, each in after["values"].items() if name != FLAG} == {
        name: each for name, each in before["values"].items() if name != FLAG
    }
    assert after["flags"] == before["flags"]
    assert plain(json.loads(json.dumps(after)))["values"][FLAG] == {"enabled": False}
    assert stage.last("StartDeployment")["DeploymentStrategyId"] == BARE
