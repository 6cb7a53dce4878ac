"""``rollbackd init appconfig``: files that can be used as they are, policies that allow what is needed and nothing else."""

import json

import pytest
from click.testing import CliRunner, Result

from deploy.model import WHOLE, Begun, Live, Move, Release, Shift, Standing
from deploy.ports import AwsAccount
from deploy.targets.appconfig import KIND, Settings
from tests.deploy.targets.appconfig.flag_stage import FLAGS, NEW, PRICING, Sharing, pricing
from tests.deploy.targets.appconfig.stage import BARE, KEY, OTHER, PLACE, PROFILE, SLOWLY, Stage
from tests.fakes.aws import Direct, Scope
from tests.fakes.aws.fixtures import NOON
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission
from watcher.commands import check, init
from watcher.commands._init import policies
from watcher.commands._init.names import Names, Profiles
from watcher.config import read_configuration
from watcher.config.registries import all_kinds

NAMES = Names(region="eu-central-1", account="123456789012")
ACCOUNT = AwsAccount("main", "eu-central-1", "123456789012", may_act=True)
PROFILES = Profiles(NAMES, *PLACE, (PROFILE,), BARE)
READ, ACT = policies.profiles_read_policy(PROFILES), policies.profiles_act_policy(PROFILES)
OF_A_FLAG = Profiles(NAMES, *PLACE, (FLAGS,), BARE, PRICING, NEW)
READ_FLAG, ACT_FLAG = policies.profiles_read_policy(OF_A_FLAG), policies.profiles_act_policy(OF_A_FLAG)
WRITING = {"appconfig:ListHostedConfigurationVersions", "appconfig:CreateHostedConfigurationVersion"}


def run(*words: str) -> Result:
    environment = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    return CliRunner().invoke(init.command, ("appconfig", *words), env=environment)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--profile", "ga3tqep", "--profile", "flags77", "--strategy", "bare"),
        ("--flag", "new-checkout"),
        ("--flag", "pricing", "--variant", 'The "new" one'),
    ],
)
def test_what_it_writes_is_without_a_mistake_as_it_stands(tmp_path, words):
    result = run(*words, "--directory", str(tmp_path))

    checked = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])

    assert result.exit_code == 0
    assert checked.stderr == ""
    assert checked.stdout.endswith("0 mistakes\n")


def test_what_it_is_told_stands_in_the_files(tmp_path):
    words = (
        "--application",
        PLACE[0],
        "--environment-id",
        PLACE[1],
        "--profile",
        PROFILE,
        "--strategy",
        BARE,
    )
    told = run(*words, "--account-id", "123456789012", "--directory", str(tmp_path))

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    assert found.targets[PROFILE, "production"][WHOLE].settings == Settings(
        application=PLACE[0], environment=PLACE[1], profile=PROFILE, strategy=BARE
    )
    assert json.loads((tmp_path / "act-policy.json").read_text())["Statement"] == ACT["Statement"]
    assert "docs/flags.md" in told.stderr
    assert "--application" not in told.stderr.partition("Next:")[0]


@pytest.mark.parametrize(
    "words",
    [
        ("--application", "Checkout"),
        ("--environment-id", "../x"),
        ("--strategy", "at once"),
        ("--profile", "flags77", "--profile", "flags77"),
        ("--flag", "New"),
        ("--variant", "New"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path, words):
    result = run(*words, "--directory", str(tmp_path / "new"))

    assert result.exit_code == 2
    assert not (tmp_path / "new").exists()


# -------------------------------------------------------------------------------------------------------------- policies


def test_the_policies_allow_what_the_code_calls_and_nothing_else_of_appconfig():
    called = {permission(*each) for each in operations() if each[0] == "appconfig"}
    whole, flag = (
        {each for each in iam.actions(*them) if each.startswith("appconfig:")}
        for them in ((READ, ACT), (READ_FLAG, ACT_FLAG))
    )

    assert flag == called
    assert (
        whole == called - WRITING
    )  # what writes versions is asked for only where one flag is put back alone
    for reads in (READ, READ_FLAG):
        assert [
            action for action in iam.actions(reads) if iam.changes(action) and "appconfig" in action
        ] == []


def test_of_a_flag_no_queue_is_read_and_what_is_written_says_which_flag_and_in_which_stages(tmp_path):
    words = (
        "--flag",
        PRICING,
        "--variant",
        NEW,
        "--account-id",
        "123456789012",
        "--directory",
        str(tmp_path),
    )
    told = run("--profile", FLAGS, *words)

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    settings = found.targets[FLAGS, "production"][WHOLE].settings
    assert isinstance(settings, Settings)
    assert (settings.flag, settings.variant) == (PRICING, NEW)
    assert [each.share for each in found.services[FLAGS, "production"].policy.rollout.stages] == [
        0.05,
        0.25,
        1.0,
    ]
    assert "sqs:ReceiveMessage" not in iam.actions(json.loads((tmp_path / "read-policy.json").read_text()))
    assert "sources:" not in (tmp_path / "rollbackd.yaml").read_text()
    assert "there is no queue" in told.stderr


def test_with_these_two_policies_a_stage_is_written_and_deployed_and_goes_back():
    stage = Sharing().allowed(READ_FLAG, ACT_FLAG)
    stage.gives(prices=pricing(5))
    target = stage.target()
    old, new = stage.both()

    assert isinstance(stage.shifts(Shift("service", old, new, 0.25, 0.05)), Begun)
    assert isinstance(stage.moves(new, old, "w_2.1.0"), Begun)
    stage.run(target.foretell(Move("service", new, old)))
    stage.run(target.examine())
    stage.run(target.recall(NOON))
    assert stage.run(target.mark([Standing(old, "proven", NOON)])) == ""
    assert [call.action for call in stage.world.calls if call.refused] == []


def test_the_role_of_a_flag_may_do_what_doctor_asks_for_and_write_no_other_profile():
    here, there = (
        KIND.needs(
            Settings(application=PLACE[0], environment=PLACE[1], profile=each, strategy=BARE, flag=PRICING),
            ACCOUNT,
            Release.of_tag("off"),
        )
        for each in (FLAGS, "other77")
    )

    assert "appconfig:CreateHostedConfigurationVersion" in {need.action for need in here}
    assert [need for need in here if not iam.allows(ACT_FLAG, need)] == []
    assert [
        need for need in there if "/configurationprofile/" in need.resource and iam.allows(ACT_FLAG, need)
    ] == []


def test_the_role_to_act_may_do_what_doctor_asks_for_and_nothing_of_another_environment():
    here, there = (
        KIND.needs(
            Settings(application=PLACE[0], environment=each, profile=PROFILE, strategy=BARE),
            ACCOUNT,
            Release.of_tag("1"),
        )
        for each in (PLACE[1], "other77")
    )

    assert [need for need in here if not iam.allows(ACT, need)] == []
    assert [need for need in there if "/environment/" in need.resource and iam.allows(ACT, need)] == []


def test_with_these_two_policies_it_looks_marks_and_goes_back_both_ways():
    stage = Stage()
    read = stage.world.identities.role("arn:aws:iam::123456789012:role/r", policies=[READ])
    act = stage.world.identities.role("arn:aws:iam::123456789012:role/a", policies=[ACT])
    stage.aws = Direct(stage.world, {"shop": Scope("eu-central-1", read, act)})
    stage = stage.restarted()
    stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=4)
    target = stage.target(strategy=BARE)

    assert isinstance(stage.run(target.observe()), Live)
    stage.run(target.foretell(stage.move()))
    stage.run(target.examine())
    stage.run(target.recall(NOON))
    assert stage.run(target.mark([Standing(stage.release("1"), "proven", NOON)])) == ""
    assert isinstance(stage.run(target.begin(stage.move(), KEY)), Begun)
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    assert isinstance(stage.run(target.begin(stage.move(), "w_2.1.0")), Begun)
    assert [call.action for call in stage.world.calls if call.refused] == []


def test_with_them_the_profile_of_somebody_else_is_not_deployed():
    stage = Stage()
    act = stage.world.identities.role("arn:aws:iam::123456789012:role/a", policies=[ACT])
    stage.aws = Direct(stage.world, {"shop": Scope("eu-central-1", None, act)})
    asked = {
        "ApplicationId": PLACE[0],
        "EnvironmentId": PLACE[1],
        "DeploymentStrategyId": BARE,
        "ConfigurationProfileId": OTHER,
        "ConfigurationVersion": "1",
    }

    answer = stage.world.ask(
        "appconfig", "StartDeployment", asked, stage.world.identities.named(act), "eu-central-1"
    )

    assert answer.error is not None
    assert answer.error.code == "AccessDeniedException"


@pytest.mark.parametrize(
    "policy", [READ, ACT, READ_FLAG, ACT_FLAG], ids=["read", "act", "read a flag", "act on a flag"]
)
def test_each_action_is_awss_and_allowed_on_everything_only_where_it_cannot_be_narrowed(policy):
    for action, resources, statement in iam.statements(policy):
        assert iam.is_known(action)
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
        assert not (iam.changes(action) and "*" in resources)
