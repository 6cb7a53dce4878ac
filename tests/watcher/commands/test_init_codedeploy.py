"""``rollbackd init codedeploy``: files that can be used as they are, policies that allow what is needed and no more."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from deploy.model import WHOLE, Release
from deploy.ports import AwsAccount
from deploy.targets.codedeploy import KIND, Settings
from deploy.targets.codedeploy.marking import prefix_of
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission
from watcher.commands import check, init
from watcher.commands._init.names import Fleet, Names
from watcher.commands._init.policies import fleet_act_policy, fleet_read_policy
from watcher.config import read_configuration
from watcher.config.registries import all_kinds

FLEET = Fleet(Names(region="eu-west-1", account="111122223333"), "orders", ("production", "staging"))
READ, ACT = fleet_read_policy(FLEET), fleet_act_policy(FLEET)
ACCOUNT = AwsAccount("main", "eu-west-1", "111122223333", may_act=True)
# What CreateDeployment asks for in the name of who calls it; nobody calls it.
ASKED_FOR_BESIDE = {"codedeploy:RegisterApplicationRevision"}
BEHIND = (
    "--load-balancer",
    "app/shop/0123456789abcdef",
    "--target-group",
    "targetgroup/web/fedcba9876543210",
)


def run(*words: str) -> Result:
    empty = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    return CliRunner().invoke(init.command, ["codedeploy", *words], env=empty)


def needs(group: str = "production"):
    return KIND.needs(Settings(application="orders", deployment_group=group), ACCOUNT, Release.of_tag("v1"))


# ---------------------------------------------------------------------------------------------------------- what it writes


@pytest.mark.parametrize(
    ("words", "pack"),
    [((), "iis"), (("--url", "http://10.0.1.12/ready"), "iis"), (BEHIND, "alb")],
)
def test_what_it_writes_is_without_a_mistake_as_it_stands_and_has_the_pack_of_its_stack(
    tmp_path, words, pack
):
    run("--directory", str(tmp_path), *words)

    result = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])

    assert result.stderr == ""
    assert f"has the pack {pack} of its stack" in result.stdout
    assert result.stdout.endswith("0 mistakes\n")


@pytest.mark.parametrize("words", [(), BEHIND])
def test_what_is_offered_as_a_comment_is_without_a_mistake_too(tmp_path, words):
    run("--directory", str(tmp_path), *words)
    path = tmp_path / "rollbackd.yaml"
    text, at = path.read_text(), "      # It names no rules"
    head, _, tail = text.partition(at)
    offered = "\n".join(line.replace("# ", "", 1) for line in tail.splitlines()[1:])
    path.write_text(f"{head}{offered}\n")

    result = CliRunner().invoke(check.command, ["--config", str(path)])

    assert result.stderr == ""
    assert "of its stack" not in result.stdout


def test_what_it_is_told_stands_in_the_files(tmp_path):
    run(
        *(
            "--directory",
            str(tmp_path),
            "--application",
            "Orders",
            "--group",
            "production",
            "--group",
            "staging",
        ),
        *("--url", "http://10.0.1.11/up", "--url", "http://10.0.1.12/up", "--region", "us-east-1"),
        *("--account-id", "111122223333"),
    )

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    assert list(found.services) == [("orders", "production"), ("orders", "staging")]
    settings = found.targets["orders", "staging"][WHOLE].settings
    assert isinstance(settings, Settings)
    assert settings.iis is not None
    assert (settings.application, settings.deployment_group) == ("Orders", "staging")
    assert settings.iis.urls == ("http://10.0.1.11/up", "http://10.0.1.12/up")
    assert found.accounts["main"].region == "us-east-1"


def test_the_policies_are_written_beside_it(tmp_path):
    run("--directory", str(tmp_path), "--region", "eu-west-1", "--account-id", "111122223333", *BEHIND)

    written = json.loads((tmp_path / "act-policy.json").read_text())
    (create, *_) = written["Statement"]
    assert create["Resource"] == [
        "arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:my-application/production"
    ]
    assert {path.name for path in tmp_path.iterdir()} == {
        "rollbackd.yaml",
        *(f"{role}-{kind}.json" for role in ("read", "act", "daemon") for kind in ("policy", "trust")),
    }


def test_it_names_its_placeholders_and_none_where_all_was_told(tmp_path):
    result = run("--directory", str(tmp_path / "a"))
    told = run(
        "--directory", str(tmp_path / "b"), "--application", "o", "--account-id", "111122223333", *BEHIND
    )

    assert "--application, --url, --account-id" in result.stderr
    assert "Placeholders" not in told.stderr
    assert "docs/codedeploy.md" in told.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--application", "a b"),
        ("--group", "x/y"),
        ("--url", "file:///etc/passwd"),
        ("--url", "http://x/ }"),
        ("--url", "http://x:"),
        ("--load-balancer", "net/shop/0123456789abcdef"),
        ("--load-balancer", "app/shop/0123456789abcdef"),
        ("--account-id", "12"),
    ],
)
def test_what_aws_would_not_take_or_belongs_together_is_refused(tmp_path, option, value):
    result = run("--directory", str(tmp_path), option, value)

    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_two_groups_that_would_be_called_alike_are_refused(tmp_path):
    result = run("--directory", str(tmp_path), "--group", "Prod", "--group", "prod")

    assert result.exit_code == 2
    assert "would both be called 'prod'" in result.stderr


def test_a_file_that_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "rollbackd.yaml").write_text("mine")

    result = run("--directory", str(tmp_path))

    assert result.exit_code == 3
    assert (tmp_path / "rollbackd.yaml").read_text() == "mine"


def test_any_name_of_codedeploy_arrives_in_the_yaml_as_it_is(tmp_path):
    run("--directory", str(tmp_path), "--application", "+=,.@no", "--group", "yes")

    written = yaml.safe_load(Path(tmp_path / "rollbackd.yaml").read_text())

    (environments,) = written["services"].values()
    (service,) = environments.values()
    told = service["runs_on"][0]["codedeploy"]
    assert (told["application"], told["deployment_group"]) == ("+=,.@no", "yes")


# --------------------------------------------------------------------------------------------------------------- policies


def test_the_policies_allow_what_the_code_calls_and_nothing_else():
    called = {permission(*each) for each in operations() if each[0] == "codedeploy"}

    allowed = {action for action in iam.actions(READ, ACT) if action.startswith("codedeploy:")}

    assert allowed == called | ASKED_FOR_BESIDE


def test_the_role_to_act_may_do_what_doctor_asks_for():
    assert [need for group in FLEET.groups for need in needs(group) if not iam.allows(ACT, need)] == []


def test_it_may_not_deploy_to_another_group():
    create, *_ = needs("payments")

    assert create.action == "codedeploy:CreateDeployment"
    assert not iam.allows(ACT, create)


def test_the_role_to_read_changes_nothing_but_its_own_queue():
    assert {action for action in iam.actions(READ) if iam.changes(action)} == {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "iam:SimulatePrincipalPolicy",
    }


@pytest.mark.parametrize("policy", [READ, ACT], ids=["read", "act"])
def test_each_action_is_awss_and_allowed_on_everything_only_where_it_cannot_be_narrowed(policy):
    for action, resources, statement in iam.statements(policy):
        if not action.startswith("codedeploy:"):
            continue
        assert iam.is_known(action)
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
        assert ("*" in resources) == (not iam.kinds(action)), action
        if "*" not in resources:
            assert {arn.split(":")[5] for arn in resources} <= iam.kinds(action), action


@pytest.mark.parametrize("key", ["rollbackd:move", f"{prefix_of('checkout', 'production')}0123456789abcdef"])
def test_the_tags_that_the_code_writes_may_be_written(key):
    conditions = [
        each["Condition"] for action, _, each in iam.statements(ACT) if action.endswith("agResource")
    ]

    patterns = [condition["ForAllValues:StringLike"]["aws:TagKeys"] for condition in conditions]
    assert len(patterns) == 2
    assert all(fnmatchcase(key, pattern) for each in patterns for pattern in each)
