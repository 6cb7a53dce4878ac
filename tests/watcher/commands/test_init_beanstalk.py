"""``rollbackd init beanstalk``: files that can be used as they are, policies that allow what is needed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.model import WHOLE, Release
from deploy.ports import AwsAccount
from deploy.targets.beanstalk import KIND, Settings
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission
from watcher.commands import check, init
from watcher.commands._init import policies
from watcher.commands._init.names import Environments, Names
from watcher.config import read_configuration
from watcher.config.registries import all_kinds

NAMES = Names(region="eu-west-1", account="111122223333")
ACCOUNT = AwsAccount("main", "eu-west-1", "111122223333", may_act=True)
SHOP = Environments(NAMES, "shop", ("shop-prod", "cart-prod"))
READ, ACT = policies.environments_read_policy(SHOP), policies.environments_act_policy(SHOP)
CNAME = "shop.eu-west-1.elasticbeanstalk.com"
PAIR = Environments(NAMES, "shop", ("shop-blue", "shop-green"), cname=CNAME)
SWAPS = policies.environments_act_policy(PAIR)
BLUE_GREEN = (
    *("--environment-name", "shop-blue", "--environment-name", "shop-green", "--cname", CNAME),
    *("--region", "eu-west-1"),
)
BALANCER = "app/awseb-AWSEB-1XYZ/0123456789abcdef"


def run(*words: str) -> Result:
    return CliRunner().invoke(
        init.command, ("beanstalk", *words), env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    )


@pytest.mark.parametrize(
    "words",
    [(), ("--environment-name", "shop-prod", "--environment-name", "no-cart", "--application", "My shop")],
)
def test_what_it_writes_is_without_a_mistake_as_it_stands_and_has_the_pack_of_its_stack(tmp_path, words):
    result = run(*words, "--directory", str(tmp_path))

    checked = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])

    assert result.exit_code == 0
    assert checked.stderr == ""
    assert "has the pack beanstalk of its stack" in checked.stdout
    assert checked.stdout.endswith("0 mistakes\n")


@pytest.mark.parametrize("words", [(), BLUE_GREEN])
def test_what_is_offered_as_a_comment_is_without_a_mistake_too(tmp_path, words):
    run(*words, "--directory", str(tmp_path))
    path = tmp_path / "rollbackd.yaml"
    head, _, tail = path.read_text().partition("      # It names no rules")
    path.write_text(head + "\n".join(line.replace("# ", "", 1) for line in tail.splitlines()[1:]) + "\n")

    checked = CliRunner().invoke(check.command, ["--config", str(path)])

    assert checked.stderr == ""
    assert "of its stack" not in checked.stdout


def test_what_it_is_told_stands_in_the_files(tmp_path):
    run(
        *("--application", "shop", "--environment-name", "shop-prod", "--load-balancer", BALANCER),
        *("--bundles", "my-bundles", "--environment", "staging", "--region", "eu-west-1"),
        *("--account-id", "111122223333", "--directory", str(tmp_path)),
    )
    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
    read = json.loads((tmp_path / "read-policy.json").read_text())

    assert found.targets["shop-prod", "staging"][WHOLE].settings == Settings(
        application="shop", environment="shop-prod", load_balancer=BALANCER
    )
    assert [res for action, res, _ in iam.statements(read) if action == "s3:GetObject"] == [
        ["arn:aws:s3:::my-bundles/*"]
    ]


def test_bundles_are_in_beanstalks_own_bucket_where_nobody_says_otherwise():
    assert [res for action, res, _ in iam.statements(READ) if action == "s3:GetObject"] == [
        ["arn:aws:s3:::elasticbeanstalk-eu-west-1-111122223333/*"]
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--application", "a/b"),
        ("--environment-name", "abc"),
        ("--environment-name", "shop-prod", "--environment-name", "SHOP-prod"),
        ("--load-balancer", "net/lb/0123456789abcdef"),
        ("--load-balancer", BALANCER, "--load-balancer", BALANCER),
        ("--bundles", "Not A Bucket"),
        ("--environment-name", "shop-blue", "--cname", CNAME),
        ("--environment-name", "shop-blue", "--environment-name", "shop-blue", "--cname", CNAME),
        (*BLUE_GREEN, "--environment-name", "shop-red"),
        (*BLUE_GREEN[:4], "--cname", "shop.example"),
        BLUE_GREEN[:6],  # of another region than is usual
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path, words):
    result = run(*words, "--directory", str(tmp_path / "new"))

    assert result.exit_code == 2
    assert not (tmp_path / "new").exists()


def test_two_environments_that_swap_a_name_are_one_service_with_the_pack_of_its_stack(tmp_path):
    result = run(*BLUE_GREEN, "--directory", str(tmp_path))
    checked = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])
    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
    settings = found.targets["shop", "production"][WHOLE].settings

    assert isinstance(settings, Settings)
    assert (result.exit_code, checked.stderr) == (0, "")
    assert "has the pack beanstalk-swap of its stack" in checked.stdout
    assert (settings.environments, settings.cname) == (("shop-blue", "shop-green"), CNAME)
    assert sorted(settings.balancers) == ["shop-blue", "shop-green"]


def test_it_names_its_placeholders_and_none_where_all_was_told(tmp_path):
    told = run(
        *("--application", "shop", "--environment-name", "shop-prod", "--load-balancer", BALANCER),
        *("--account-id", "111122223333", "--directory", str(tmp_path / "told")),
    )
    open_ones = run("--directory", str(tmp_path / "open")).stderr

    assert "--application, --environment-name, --load-balancer, --account-id" in open_ones
    assert "Placeholders" not in told.stderr
    assert "docs/beanstalk.md" in told.stderr
    assert Path(told.stdout.splitlines()[0]).is_file()


# --------------------------------------------------------------------------------------------------------------- policies


def test_the_policies_allow_what_the_code_calls():
    called = {permission(*each) for each in operations() if each[0] == "elasticbeanstalk"}

    assert called == {each for each in iam.actions(READ, ACT, SWAPS) if each.startswith("elasticbeanstalk:")}
    assert {action for action in iam.actions(ACT, SWAPS) if not iam.changes(action)} == set()


@pytest.mark.parametrize("name", ["shop-prod", "cart-prod"])
def test_the_role_to_act_may_do_what_doctor_asks_for_and_nothing_of_other_environments(name):
    mine, others, elsewhere = (
        KIND.needs(Settings(application=application, environment=each), ACCOUNT, Release.of_tag("v1"))
        for application, each in (("shop", name), ("shop", "other-prod"), ("blog", name))
    )

    assert [need for need in mine if not iam.allows(ACT, need)] == []
    assert [need.action for need in others if iam.allows(ACT, need)] == ["elasticbeanstalk:AddTags"]
    assert [need for need in elsewhere if iam.allows(ACT, need)] == []


def test_of_two_that_swap_a_name_it_may_swap_it_and_nothing_else():
    settings = Settings(application="shop", environments=("shop-blue", "shop-green"), cname=CNAME)
    mine = KIND.needs(settings, ACCOUNT, Release.of_tag("v1"))

    assert [need for need in mine if not iam.allows(SWAPS, need)] == []
    assert set(iam.actions(SWAPS)) == {
        "elasticbeanstalk:SwapEnvironmentCNAMEs",
        "elasticbeanstalk:AddTags",
    }
    assert [need for need in mine if iam.allows(ACT, need) and need.action.endswith("CNAMEs")] == []


@pytest.mark.parametrize("policy", [READ, ACT, SWAPS], ids=["read", "act", "swaps"])
def test_each_action_is_awss_and_allowed_on_everything_only_where_it_cannot_be_narrowed(policy):
    for action, resources, statement in iam.statements(policy):
        assert iam.is_known(action)
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
