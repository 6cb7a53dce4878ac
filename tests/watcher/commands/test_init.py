"""``rollbackd init``: files that can be used as they are, policies that allow what is needed and no more."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import SERVICE, WHOLE, Release
from deploy.ports import AwsAccount
from deploy.sources.registry import SOURCES
from deploy.sources.sqs import Settings as SqsSettings
from deploy.targets.ecs import Settings as EcsSettings
from deploy.targets.registry import TARGETS
from tests.examples.aws import cloudformation
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission
from watcher.aws.keys import ACTING, READING, SESSION
from watcher.cli import Commands
from watcher.commands import check, init
from watcher.commands._init import ecs, policies
from watcher.commands._init.names import Names
from watcher.commands._init.stack import called, next_steps
from watcher.config import read_configuration
from watcher.config.registries import all_kinds
from watcher.core.service import Mode

NAMES = Names(
    cluster="shop",
    services=("checkout", "cart"),
    families=("checkout", "cart"),
    passed=("shop-task", "shop-execution"),
    region="eu-west-1",
    account="111122223333",
)
READ, ACT, DAEMON = policies.read_policy(NAMES), policies.act_policy(NAMES), policies.daemon_policy(NAMES)
ECS_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)

# Allowed on `*`, although AWS knows a narrower resource: and why that one does not help.
NOT_NARROWED = {
    "ecs:ListTasks": "container instances, which Fargate has not; a condition narrows it to the cluster",
    "cloudwatch:GetMetricData": "data sets, which metrics of AWS are not in",
    "cloudwatch:ListMetrics": "data sets, which metrics of AWS are not in",
}


def run(*words: str) -> Result:
    return CliRunner().invoke(init.command, ["ecs", *words], env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})


# ---------------------------------------------------------------------------------------------------------- what it writes


def test_what_it_writes_is_without_a_mistake_as_it_stands(tmp_path):
    run("--directory", str(tmp_path))

    result = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])

    assert result.stderr == ""
    assert result.stdout.endswith("0 mistakes\n")


@pytest.mark.parametrize(
    ("words", "packs"),
    [
        ((), ["ecs"]),
        (("--port", "8080"), ["ecs", "ecs-probe"]),
        (("--no-balancer",), ["ecs-worker"]),
        (("--no-balancer", "--port", "9000", "--path", "/up"), ["ecs-worker", "ecs-probe"]),
    ],
)
def test_the_packs_are_those_that_fit_what_it_is_told_of_the_service(tmp_path, words, packs):
    result = run("--directory", str(tmp_path), *words)
    checked = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])
    written = yaml.safe_load((tmp_path / "rollbackd.yaml").read_text())

    (service,) = written["services"].values()
    rules = service["production"]["rules"]
    assert [entry["pack"] for entry in rules] == packs
    assert checked.stdout.endswith("0 mistakes\n")
    assert ("--load-balancer" in result.stderr) is ("--no-balancer" not in words)
    if "ecs-probe" in packs:
        assert rules[-1]["with"]["port"] == int(words[words.index("--port") + 1])


def test_what_it_is_told_stands_in_the_files(tmp_path):
    run(
        *("--directory", str(tmp_path), "--cluster", "shop", "--service", "Checkout", "--service", "cart"),
        *("--region", "us-east-1", "--account-id", "111122223333", "--environment", "staging"),
    )

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    assert list(found.services) == [("checkout", "staging"), ("cart", "staging")]
    assert found.accounts["main"].read == "arn:aws:iam::111122223333:role/rollbackd-read"
    assert found.accounts["main"].region == "us-east-1"
    assert found.targets["checkout", "staging"][WHOLE].settings.model_dump(
        include={"cluster", "service"}
    ) == {
        "cluster": "shop",
        "service": "Checkout",
    }


def test_it_begins_in_shadow_without_a_role_to_act(tmp_path):
    run("--directory", str(tmp_path))

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    assert [service.policy.mode for service in found.services.values()] == [Mode.SHADOW]
    assert [account.act for account in found.accounts.values()] == [None]


def test_the_role_to_act_is_one_character_away(tmp_path):
    run("--directory", str(tmp_path))
    path = tmp_path / "rollbackd.yaml"

    path.write_text(path.read_text().replace("# act:", "act:").replace("mode: shadow", "mode: auto"))

    found = read_configuration(path, all_kinds())
    assert [account.act for account in found.accounts.values()] == [
        "arn:aws:iam::000000000000:role/rollbackd-act"
    ]


def test_the_paths_of_what_was_written_are_data_and_all_else_is_words(tmp_path):
    result = run("--directory", str(tmp_path / "new"))

    assert result.exit_code == 0
    written = [Path(line) for line in result.stdout.splitlines()]
    assert sorted(written) == sorted((tmp_path / "new").iterdir())
    assert {path.name for path in written} == set(ecs.of(Names()).files())
    assert "Next:" in result.stderr


def test_it_asks_nothing_and_names_its_placeholders(tmp_path):
    result = run("--directory", str(tmp_path))

    assert "--cluster, --service, --load-balancer, --target-group, --account-id, --pass-role" in result.stderr


def test_nothing_is_said_of_placeholders_where_all_was_told(tmp_path):
    result = run(
        *("--directory", str(tmp_path), "--cluster", "shop", "--service", "checkout"),
        *("--account-id", "111122223333", "--pass-role", "checkout-task"),
        *("--load-balancer", "app/shop/0123456789abcdef"),
        *("--target-group", "targetgroup/checkout/fedcba9876543210"),
    )

    assert "laceholder" not in result.stderr


def test_every_command_that_it_names_is_there():
    words = "\n".join([*next_steps(NAMES, Path()), ecs.of(NAMES).configuration()])
    named = set(re.findall(r"rollbackd ([a-z]+)", words)) - {"for"}

    assert {"check", "doctor", "run", "token", "explain", "init"} <= named
    assert named <= set(Commands().list_commands(click.Context(click.Command("x"))))


def test_what_is_offered_as_a_comment_is_without_a_mistake_too(tmp_path):
    run("--directory", str(tmp_path), "--service", "checkout")
    path = tmp_path / "rollbackd.yaml"

    path.write_text(
        path.read_text()
        .replace("        # - pack", "        - pack")
        .replace("        #   with", "          with")
    )

    found = read_configuration(path, all_kinds())
    (service,) = found.services.values()
    assert {rule.id for rule in service.policy.rules.rules} >= {"ecs-tasks", "ecs-probe", "ecs-alarms"}


# ------------------------------------------------------------------------------------------------------- never overwrites


def test_a_file_that_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "rollbackd.yaml").write_text("mine")

    result = run("--directory", str(tmp_path))

    assert (tmp_path / "rollbackd.yaml").read_text() == "mine"
    assert f"{tmp_path / 'rollbackd.yaml'} is there already, and says something else" in result.stderr
    assert result.exit_code == 3


def test_what_is_missing_is_written_all_the_same(tmp_path):
    (tmp_path / "rollbackd.yaml").write_text("mine")

    run("--directory", str(tmp_path))

    assert {path.name for path in tmp_path.iterdir()} == set(ecs.of(Names()).files())


def test_twice_is_harmless(tmp_path):
    run("--directory", str(tmp_path))

    result = run("--directory", str(tmp_path))

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "already" not in result.stderr


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    result = run("--directory", str(tmp_path / "file" / "folder"))

    assert "cannot be written to" in result.stderr
    assert result.exit_code == 2


# ----------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--load-balancer", "net/shop/0123456789abcdef"),
        ("--target-group", "arn:aws:elasticloadbalancing:x"),
        ("--cluster", "shop}: {"),
        ("--service", "a b"),
        ("--service", "arn:aws:ecs:eu-west-1:111122223333:service/shop/checkout"),
        ("--family", "checkout:42"),
        ("--pass-role", "*"),
        ("--region", "Frankfurt"),
        ("--account-id", "1234"),
        ("--environment", "Production"),
    ],
)
def test_a_name_that_aws_would_not_take_is_refused(tmp_path, option, value):
    result = run("--directory", str(tmp_path), option, value)

    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert not list(tmp_path.iterdir())


def test_two_services_that_would_be_called_alike_are_refused(tmp_path):
    result = run("--directory", str(tmp_path), "--service", "Cart", "--service", "cart")

    assert result.exit_code == 2
    assert "would both be called 'cart'" in result.stderr


def test_each_service_has_a_target_group_of_its_own(tmp_path):
    result = run(
        *("--directory", str(tmp_path), "--service", "checkout", "--service", "cart"),
        *("--target-group", "targetgroup/checkout/fedcba9876543210"),
    )

    assert result.exit_code == 2
    assert "2 services and 1 target groups" in result.stderr


@given(ECS_NAMES)
def test_any_name_of_ecs_gives_one_of_ours(service):
    assert re.fullmatch(SERVICE, called(service))


@given(ECS_NAMES, ECS_NAMES)
def test_any_name_of_ecs_arrives_in_the_yaml_as_it_is(cluster, service):
    names = Names(cluster=cluster, services=(service,))

    written = yaml.safe_load(ecs.of(names).configuration())

    (environments,) = written["services"].values()
    assert environments["production"]["runs_on"] == [{"ecs": {"cluster": cluster, "service": service}}]


@pytest.mark.parametrize(
    ("region", "arn", "host"),
    [
        ("eu-central-1", "arn:aws:iam::", "sqs.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::", "sqs.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "arn:aws-cn:iam::", "sqs.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_each_partition_has_its_own_arns_and_hosts(region, arn, host):
    names = Names(region=region)

    assert names.role("x").startswith(arn)
    assert f"//{host}/" in names.queue_url


# --------------------------------------------------------------------------------------------------------------- policies


IN_BOTH = {"elasticloadbalancing:DescribeTargetGroupAttributes"}  # of a service of ECS, and of a rule
# What only kinds need that `init` does not write: whoever writes them adds these, as the pages say.
BY_HAND = {
    "docs/operations.md": {"ssm:GetParameter"},
    "docs/beanstalk.md": {
        "elasticbeanstalk:AbortEnvironmentUpdate",
        "elasticbeanstalk:AddTags",
        "elasticbeanstalk:DescribeApplicationVersions",
        "elasticbeanstalk:DescribeApplications",
        "elasticbeanstalk:DescribeConfigurationSettings",
        "elasticbeanstalk:DescribeEnvironments",
        "elasticbeanstalk:DescribeEvents",
        "elasticbeanstalk:DescribeInstancesHealth",
        "elasticbeanstalk:ListTagsForResource",
        "elasticbeanstalk:SwapEnvironmentCNAMEs",
        "elasticbeanstalk:UpdateEnvironment",
        "s3:GetLifecycleConfiguration",
        "s3:GetObject",
    },
    "docs/aws.md": {
        "application-signals:BatchGetServiceLevelObjectiveBudgetReport",
        "application-signals:ListServiceLevelObjectives",
        "logs:DescribeLogGroups",
        "logs:GetQueryResults",
        "logs:StartQuery",
        "logs:StopQuery",
    },
    "docs/flags.md": {
        "appconfig:CreateHostedConfigurationVersion",
        "appconfig:GetConfigurationProfile",
        "appconfig:GetDeployment",
        "appconfig:GetDeploymentStrategy",
        "appconfig:GetEnvironment",
        "appconfig:GetHostedConfigurationVersion",
        "appconfig:ListDeployments",
        "appconfig:ListHostedConfigurationVersions",
        "appconfig:ListTagsForResource",
        "appconfig:StartDeployment",
        "appconfig:StopDeployment",
        "appconfig:TagResource",
    },
    "docs/codedeploy.md": {
        "codedeploy:BatchGetDeploymentGroups",
        "codedeploy:BatchGetDeploymentTargets",
        "codedeploy:BatchGetDeployments",
        "codedeploy:ContinueDeployment",
        "codedeploy:CreateDeployment",
        "codedeploy:GetApplicationRevision",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:ListDeploymentTargets",
        "codedeploy:ListDeployments",
        "codedeploy:ListTagsForResource",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
        "codedeploy:StopDeployment",
        "codedeploy:TagResource",
        "codedeploy:UntagResource",
        "s3:GetLifecycleConfiguration",
    },
    "docs/lambda.md": {
        "lambda:GetAlias",
        "lambda:GetFunctionConfiguration",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:ListEventSourceMappings",
        "lambda:ListTags",
        "lambda:TagResource",
        "lambda:UntagResource",
        "lambda:UpdateAlias",
    },
    "docs/load-balancer.md": {
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyRule",
    },
    "docs/pipeline.md": {"ssm:GetParameter", "ssm:PutParameter"},
    "docs/pagers.md": {"sns:GetTopicAttributes", "sns:Publish"},
    "docs/s3-cloudfront.md": {
        "cloudfront-keyvaluestore:DescribeKeyValueStore",
        "cloudfront-keyvaluestore:GetKey",
        "cloudfront-keyvaluestore:UpdateKeys",
        "cloudfront:CreateInvalidation",
        "cloudfront:GetDistribution",
        "cloudfront:GetInvalidation",
        "cloudfront:ListInvalidations",
        "cloudfront:ListTagsForResource",
        "cloudfront:TagResource",
        "cloudfront:UpdateDistribution",
        "s3:GetBucketNotification",
        "s3:GetBucketVersioning",
        "s3:GetLifecycleConfiguration",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "s3:PutObjectTagging",
    },
    "docs/ways-back.md": {"ecr:BatchGetImage", "ecr:PutImage", "tag:GetResources", "tag:TagResources"},
}


def test_the_policies_allow_what_the_code_calls_and_nothing_else():
    needed = {permission(*operation) for operation in operations()} - {None}

    allowed = iam.actions(READ, ACT, DAEMON)

    assert allowed | set().union(*BY_HAND.values()) == needed | {"iam:PassRole"}
    assert allowed & set().union(*BY_HAND.values()) == IN_BOTH


@pytest.mark.parametrize("page", BY_HAND)
def test_what_is_to_be_allowed_by_hand_is_said(page):
    words = (Path(__file__).parents[3] / page).read_text(encoding="utf-8")

    assert [action for action in BY_HAND[page] if action not in words] == []


def test_what_changes_a_service_is_allowed_to_the_role_to_act_alone():
    changing = {action for action in iam.actions(READ) if iam.changes(action)}

    assert changing == {
        "sqs:ReceiveMessage",  # of our own queue
        "sqs:DeleteMessage",
        "iam:SimulatePrincipalPolicy",  # called "Read" by AWS, whatever its name
    }
    assert {action for action in iam.actions(ACT) if not iam.changes(action)} == set()


@pytest.mark.parametrize("policy", [READ, ACT, DAEMON], ids=["read", "act", "daemon"])
def test_nothing_that_changes_anything_is_allowed_on_everything(policy):
    for action, resources, _ in iam.statements(policy):
        assert "*" not in action
        if iam.changes(action):
            assert "*" not in resources, action


@pytest.mark.parametrize("policy", [READ, ACT, DAEMON], ids=["read", "act", "daemon"])
def test_what_is_allowed_on_everything_cannot_be_narrowed_and_says_so(policy):
    for action, resources, statement in iam.statements(policy):
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
        if "*" in resources:
            assert not iam.kinds(action) or action in NOT_NARROWED, action


@pytest.mark.parametrize("policy", [READ, ACT, DAEMON], ids=["read", "act", "daemon"])
def test_each_action_is_one_of_awss_and_has_all_the_resources_that_aws_asks_it_for(policy):
    for action, resources, _ in iam.statements(policy):
        assert iam.is_known(action)
        if resources != ["*"]:
            named = {iam.kind_of(arn) for arn in resources}
            assert named <= iam.kinds(action), action


def test_the_role_to_act_reaches_the_named_services_their_families_and_their_roles_alone():
    reached = {resource for _, resources, _ in iam.statements(ACT) for resource in resources}

    assert {arn.split(":", 4)[4] for arn in reached} == {
        "111122223333:service/shop/checkout",
        "111122223333:service/shop/cart",
        "111122223333:service-deployment/shop/checkout/*",
        "111122223333:service-deployment/shop/cart/*",
        "111122223333:task-definition/checkout:*",
        "111122223333:task-definition/cart:*",
        "111122223333:role/shop-task",
        "111122223333:role/shop-execution",
    }


def test_only_revisions_of_the_named_families_may_be_put_back_and_only_tasks_get_their_roles():
    conditions = {action: statement.get("Condition") for action, _, statement in iam.statements(ACT)}

    assert conditions["ecs:UpdateService"] == {"ArnLike": {"ecs:task-definition": NAMES.revisions}}
    assert conditions["iam:PassRole"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


AWS = AwsAccount("main", NAMES.region, NAMES.account, may_act=True)
CHECKOUT = EcsSettings(cluster="shop", service="checkout")
QUEUE = SqsSettings(account="main", url=NAMES.queue_url)


def test_the_policies_allow_what_doctor_asks_for():
    to_act = TARGETS["ecs"].needs(CHECKOUT, AWS, Release.of_tag("checkout:41"))
    to_read = SOURCES["sqs"].needs(QUEUE, AWS)

    assert to_act
    assert to_read
    assert [need for need in to_act if not iam.allows(ACT, need)] == []
    assert [need for need in to_read if not iam.allows(READ, need)] == []


@pytest.mark.parametrize(
    ("service", "tag"), [("payments", "checkout:41"), ("checkout", "payments:7"), ("check", "checkout:41")]
)
def test_no_other_service_and_no_other_family_can_be_put_back(service, tag):
    settings = EcsSettings(cluster="shop", service=service)
    update, *_ = TARGETS["ecs"].needs(settings, AWS, Release.of_tag(tag))

    assert update.action == "ecs:UpdateService"
    assert not iam.allows(ACT, update)


@pytest.mark.parametrize("key", ["rollbackd:move", "rollbackd:checkout.production"])
def test_the_tags_that_the_code_writes_are_those_that_may_be_written(key):
    (condition,) = (
        each["Condition"] for action, _, each in iam.statements(ACT) if action == "ecs:TagResource"
    )

    (pattern,) = condition["ForAllValues:StringLike"]["aws:TagKeys"]
    assert fnmatchcase(key, pattern)


@pytest.mark.parametrize("purpose", [READING, ACTING], ids=["read", "act"])
def test_a_role_is_assumed_under_the_very_name_that_its_trust_asks_for(purpose):
    (statement,) = policies.trust(NAMES, purpose.name)["Statement"]

    assert statement["Condition"]["StringEquals"] == {"sts:RoleSessionName": f"{SESSION}-{purpose.name}"}
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:role/rollbackd"}


def linted(path: Path, documents: dict[str, str]) -> list[str]:
    """What cfn-lint says of *documents*, put into roles."""
    resources = {
        role.title(): {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": json.loads(documents[f"{role}-trust.json"]),
                "Policies": [
                    {"PolicyName": role, "PolicyDocument": json.loads(documents[f"{role}-policy.json"])}
                ],
            },
        }
        for role in ("read", "act", "daemon")
    }
    path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}))
    lines = cloudformation.lint(path).splitlines()
    # Written for one partition, as files are; a template would use its pseudo parameter.
    return [line for line in lines if line[:1] in {"E", "W", "I"} and not line.startswith("I3042")]


def test_aws_would_take_every_document(tmp_path):
    assert linted(tmp_path / "roles.json", dict(ecs.of(NAMES).files())) == []


def test_aws_would_not_take_a_permission_that_it_does_not_have(tmp_path):
    documents = {
        name: text.replace("StopService", "HaltService") for name, text in ecs.of(NAMES).files().items()
    }

    (line,) = linted(tmp_path / "roles.json", documents)

    assert "haltservicedeployment" in line.lower()
