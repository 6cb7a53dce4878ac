"""``rollbackd init lambda`` and ``init load-balancer``: files that can be used as they are, policies that allow what is needed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.model import WHOLE, Release
from deploy.ports import AwsAccount
from deploy.targets.lambda_alias import KIND as LAMBDA
from deploy.targets.lambda_alias import Settings as LambdaSettings
from deploy.targets.load_balancer import KIND as BALANCER
from deploy.targets.load_balancer import Settings as BalancerSettings
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission
from watcher.commands import check, init
from watcher.commands._init import policies
from watcher.commands._init.names import Aliases, Names, Weights
from watcher.config import read_configuration
from watcher.config.registries import all_kinds

NAMES = Names(region="eu-west-1", account="111122223333")
ACCOUNT = AwsAccount("main", "eu-west-1", "111122223333", may_act=True)
PLACE = "arn:aws:elasticloadbalancing:eu-west-1:111122223333"
LISTENER = f"{PLACE}:listener/app/shop/0123456789abcdef/00112233445566aa"
RULE = f"{PLACE}:listener-rule/app/shop/0123456789abcdef/00112233445566aa/ffeeddccbbaa9988"
BLUE = "targetgroup/blue/0123456789abcdef"
ALIASES = Aliases(NAMES, ("checkout", "cart"), codedeploy=("shop", "group"))
ONE_RULE, ONE_LISTENER = (Weights(NAMES, arn, "checkout", (BLUE,)) for arn in (RULE, LISTENER))
READ = (policies.aliases_read_policy(ALIASES), policies.weights_read_policy(ONE_RULE))
ACT = (
    policies.aliases_act_policy(ALIASES),
    policies.weights_act_policy(ONE_RULE),
    policies.weights_act_policy(ONE_LISTENER),
)
V1 = Release("tag:v1", "v1", {"target_group": BLUE})


def run(*words: str) -> Result:
    return CliRunner().invoke(init.command, words, env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})


@pytest.mark.parametrize(
    ("words", "pack"),
    [
        (("lambda",), "lambda"),
        (("lambda", "--function", "checkout", "--function", "cart", "--traffic", "at_once"), "lambda"),
        (("lambda", "--codedeploy", "shop/group"), "lambda"),
        (("load-balancer",), "alb-weighted"),
        (("load-balancer", "--rule", LISTENER, "--traffic", "at_once"), "alb-weighted"),
    ],
)
def test_what_it_writes_is_without_a_mistake_as_it_stands_and_has_the_pack_of_its_stack(
    tmp_path, words, pack
):
    result = run(*words, "--directory", str(tmp_path))

    checked = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])

    assert result.exit_code == 0
    assert checked.stderr == ""
    assert f"has the pack {pack} of its stack" in checked.stdout
    assert checked.stdout.endswith("0 mistakes\n")


@pytest.mark.parametrize("stack", ["lambda", "load-balancer"])
def test_what_is_offered_as_a_comment_is_without_a_mistake_too(tmp_path, stack):
    run(stack, "--directory", str(tmp_path))
    path = tmp_path / "rollbackd.yaml"
    head, _, tail = path.read_text().partition("      # It names no rules")
    path.write_text(head + "\n".join(line.replace("# ", "", 1) for line in tail.splitlines()[1:]) + "\n")

    checked = CliRunner().invoke(check.command, ["--config", str(path)])

    assert checked.stderr == ""
    assert "of its stack" not in checked.stdout


def test_what_it_is_told_of_functions_stands_in_the_files(tmp_path):
    words = (
        "--function",
        "Checkout",
        "--alias",
        "prod",
        "--codedeploy",
        "shop/group",
        "--environment",
        "staging",
    )
    run(
        "lambda",
        *words,
        "--account-id",
        "111122223333",
        "--region",
        "eu-west-1",
        "--directory",
        str(tmp_path),
    )

    settings = (
        read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
        .targets["checkout", "staging"][WHOLE]
        .settings
    )

    assert settings == LambdaSettings.model_validate(
        {
            "function": "Checkout",
            "alias": "prod",
            "traffic": "by_weight",
            "codedeploy": {"application": "shop", "group": "group"},
        }
    )
    read = json.loads((tmp_path / "read-policy.json").read_text())
    group = "arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:shop/group"
    assert [res for action, res, _ in iam.statements(read) if action == "codedeploy:ListDeployments"] == [
        [group]
    ]


def test_account_and_region_of_a_rule_are_told_by_its_arn(tmp_path):
    run(
        "load-balancer",
        "--rule",
        RULE,
        "--target-group",
        BLUE,
        "--service",
        "checkout",
        "--directory",
        str(tmp_path),
    )

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    assert found.targets["checkout", "production"][WHOLE].settings == BalancerSettings(
        rule=RULE, traffic="by_weight"
    )
    assert found.accounts["main"].region == "eu-west-1"
    assert found.accounts["main"].read == "arn:aws:iam::111122223333:role/rollbackd-read"


@pytest.mark.parametrize(
    "words",
    [
        ("lambda", "--function", "a b"),
        ("lambda", "--alias", "41"),
        ("lambda", "--codedeploy", "shop"),
        ("lambda", "--traffic", "slowly"),
        ("lambda", "--function", "cart", "--function", "Cart"),
        ("load-balancer", "--rule", RULE.replace("app/", "net/")),
        ("load-balancer", "--target-group", "blue"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path, words):
    result = run(*words, "--directory", str(tmp_path / "new"))

    assert result.exit_code == 2
    assert not (tmp_path / "new").exists()


def test_it_names_its_placeholders_and_none_where_all_was_told(tmp_path):
    told = run("load-balancer", "--rule", RULE, "--target-group", BLUE, "--directory", str(tmp_path / "told"))

    assert "--function, --account-id" in run("lambda", "--directory", str(tmp_path / "l")).stderr
    assert "--rule, --target-group" in run("load-balancer", "--directory", str(tmp_path / "b")).stderr
    assert "Placeholders" not in told.stderr
    assert "docs/load-balancer.md" in told.stderr
    assert Path(told.stdout.splitlines()[0]).is_file()


# --------------------------------------------------------------------------------------------------------------- policies


def test_the_policies_allow_what_the_code_calls():
    called = {permission(*each) for each in operations() if each[0] in {"lambda", "elbv2"}}

    assert called <= iam.actions(*READ, *ACT)
    assert {action for action in iam.actions(*ACT) if not iam.changes(action)} == set()


@pytest.mark.parametrize("function", ["checkout", "cart"])
def test_the_role_to_act_on_functions_may_do_what_doctor_asks_for_and_nothing_of_others(function):
    needs = LAMBDA.needs(LambdaSettings(function=function, alias="live"), ACCOUNT, Release.of_tag("41"))
    others = LAMBDA.needs(LambdaSettings(function="orders", alias="live"), ACCOUNT, Release.of_tag("41"))

    assert [need for need in needs if not iam.allows(ACT[0], need)] == []
    assert [need for need in others if iam.allows(ACT[0], need)] == []


@pytest.mark.parametrize(("where", "policy"), [({"rule": RULE}, ACT[1]), ({"listener": LISTENER}, ACT[2])])
def test_the_role_to_act_on_weights_may_do_what_doctor_asks_for(where, policy):
    needs = BALANCER.needs(BalancerSettings.model_validate(where), ACCOUNT, V1)

    assert [need for need in needs if not iam.allows(policy, need)] == []


def test_it_may_mark_and_never_say_what_a_group_serves():
    (_, tag, _) = BALANCER.needs(BalancerSettings(rule=RULE), ACCOUNT, V1)

    for key, allowed in (
        ("rollbackd:checkout.production", True),
        ("rollbackd:release", False),
        ("rollbackd:since", False),
    ):
        need = type(tag)(tag.action, tag.resource, {"aws:TagKeys": key})
        assert iam.allows(ACT[1], need) is allowed, key


@pytest.mark.parametrize("policy", [*READ, *ACT])
def test_each_action_is_awss_and_allowed_on_everything_only_where_it_cannot_be_narrowed(policy):
    for action, resources, statement in iam.statements(policy):
        assert iam.is_known(action)
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
        assert not (iam.changes(action) and "*" in resources)
