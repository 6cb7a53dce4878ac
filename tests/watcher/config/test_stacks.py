"""A service that names no rules has the pack of its stack: what the target says is filled in, and nothing is guessed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.watcher.config.sample import folder
from watcher.commands import check, explain
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config import explain as rows_of
from watcher.config.configuration import Configuration
from watcher.config.registries import all_kinds

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true, reach: [10.0.0.0/8]}
accounts: {shop: {region: eu-central-1}}
defaults: {account: shop}
services:
  checkout:
    production:
"""
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
BEHIND = (
    "behind: {load_balancer: app/shop/0123456789abcdef, target_group: targetgroup/checkout/fedcba9876543210}"
)
BY_ARN = BEHIND.replace("app/", f"{ARN}:loadbalancer/app/").replace("targetgroup/", f"{ARN}:targetgroup/")
KEY = ("checkout", "production")


def runs_on(ecs: str, *more: str) -> str:
    """A configuration whose one service runs there; *more* are further lines of it."""
    lines = [f"runs_on: [{{ecs: {{cluster: shop, service: web{ecs}}}}}]", *more]
    return MAIN + "".join(f"      {line}\n" for line in lines)


def read(tmp_path: Path, text: str) -> Configuration:
    return read_configuration(folder(tmp_path, text), all_kinds())


def wrong(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        read(tmp_path, text)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def asked(configuration: Configuration, indicator: str) -> dict[str, object]:
    """What the one service's query says."""
    found: dict[str, object] = json.loads(configuration.services[KEY].policy.rules.indicator(indicator).query)
    return found


@pytest.mark.parametrize("behind", [BEHIND, BY_ARN])
def test_a_service_on_ecs_behind_a_balancer_has_the_pack_ecs(tmp_path, behind):
    configuration = read(tmp_path, runs_on(f", {behind}"))

    assert configuration.effective[KEY].usual == "ecs"
    assert asked(configuration, "tasks")["service"] == "web"
    assert asked(configuration, "failed_requests")["dimensions"] == {
        "LoadBalancer": "app/shop/0123456789abcdef",
        "TargetGroup": "targetgroup/checkout/fedcba9876543210",
    }


def test_a_service_on_ecs_behind_nothing_has_the_pack_ecs_worker(tmp_path):
    configuration = read(tmp_path, runs_on(", behind: nothing", "rules: []"))

    assert configuration.effective[KEY].usual == "ecs-worker"
    assert [rule.id for rule in configuration.services[KEY].policy.rules.rules] == [
        "ecs-tasks-beside",
        "ecs-tasks",
    ]


def test_what_the_service_is_behind_is_not_guessed_but_asked_for(tmp_path):
    (problem,) = wrong(tmp_path, runs_on(""))

    assert problem.startswith(
        "rollbackd.yaml:8:23: services.checkout.production.runs_on[0].ecs: no rules are named"
    )
    assert "behind: {load_balancer: app/NAME/ID, target_group: targetgroup/NAME/ID}" in problem


def test_a_target_with_a_mistake_is_told_of_and_no_rules_are_asked_for(tmp_path):
    (problem,) = wrong(
        tmp_path,
        runs_on(", behind: {load_balancer: net/shop/1, target_group: x/y}").replace(
            "x/y", "targetgroup/x/fedcba9876543210"
        ),
    )

    assert "runs_on[0].ecs.behind.load_balancer: 'net/shop/1' is neither app/NAME/ID nor an ARN" in problem


def test_what_no_target_has_a_pack_for_is_asked_for_as_ever(tmp_path):
    text = MAIN + "      runs_on: [{command: {live: [/l], move: [/m]}}]\n"

    assert ['"rules" is missing' in problem for problem in wrong(tmp_path, text)] == [True]


def test_of_a_target_without_a_pack_that_has_a_mistake_the_rules_are_asked_for_too(tmp_path):
    problems = wrong(tmp_path, MAIN + "      runs_on: [{command: {live: [/l]}}]\n")

    assert sum('"rules" is missing' in problem for problem in problems) == 1
    assert len(problems) > 1


@pytest.mark.parametrize("rules", ["{pack: ecs-worker}", "[{pack: ecs-worker, with: 3}]"])
def test_what_is_written_otherwise_than_it_may_be_is_told_and_not_filled_in(tmp_path, rules):
    (problem,) = wrong(tmp_path, runs_on(", behind: nothing", f"rules: {rules}"))

    assert problem.startswith("rollbackd.yaml:9:")


def test_of_a_service_in_parts_nobody_knows_which_one_is_meant(tmp_path):
    part = "{ecs: {cluster: shop, service: %s, behind: nothing}}"
    parts = f"{{web: {part % 'web'}, worker: {part % 'worker'}}}"

    assert ['"rules" is missing' in each for each in wrong(tmp_path, f"{MAIN}      runs_on: {parts}\n")] == [
        True
    ]
    asks = wrong(tmp_path, f"{MAIN}      runs_on: {parts}\n      rules: [{{pack: ecs-worker}}]\n")
    assert len(asks) == 2
    assert all("has no value" in each for each in asks)


def test_a_pack_that_is_named_gets_what_the_target_says_and_keeps_what_is_given(tmp_path):
    rules = "rules: [{pack: ecs-worker, with: {service: other}}, {pack: ecs-probe, with: {port: 80, path: /ready}}]"
    configuration = read(tmp_path, runs_on("", rules))

    assert configuration.effective[KEY].usual is None
    assert asked(configuration, "tasks")["service"] == "other"
    assert asked(configuration, "tasks")["cluster"] == "shop"
    assert '"service":"web"' in configuration.services[KEY].policy.rules.indicator("task_health").query


def test_what_the_target_does_not_say_is_still_asked_for(tmp_path):
    problems = wrong(tmp_path, runs_on(", behind: nothing", "rules: [{pack: ecs}]"))

    assert sorted(problem.split('"')[1] for problem in problems) == ["load_balancer", "target_group"]


def test_a_file_of_ones_own_is_given_nothing(tmp_path):
    text = runs_on(", behind: nothing", "rules: [{file: rules/web.yaml}]")
    own = """\
version: 1
parameters: {cluster: {}}
indicators: {a: {probe: {http: {url: "http://${cluster}/", every: 10s}}}}
rules: [{name: it is up, indicator: a, judge: {threshold: {}}, on_breach: tell}]
"""
    path = folder(tmp_path, text, own)

    with pytest.raises(InvalidConfiguration, match='"cluster" has no value'):
        read_configuration(path, all_kinds())


def test_explain_shows_the_pack_that_was_taken_with_the_line_that_says_so(tmp_path):
    configuration = read(tmp_path, runs_on(f", {BEHIND}"))

    shown = {row.key: (row.value, row.where.rpartition("/")[2]) for row in rows_of(configuration, KEY)}

    assert shown["rules[0].pack"] == ("ecs", "rollbackd.yaml:8")
    assert shown["rules[0].with.target_group"] == (
        "targetgroup/checkout/fedcba9876543210",
        "rollbackd.yaml:8",
    )
    assert shown["rule ecs-tasks.on_breach"][1].startswith("ecs.yaml:")


def test_check_and_explain_say_that_a_pack_was_taken_and_which(tmp_path):
    path = str(folder(tmp_path, runs_on(f", {BEHIND}")))

    checked = CliRunner().invoke(check.command, ["--config", path])
    explained = CliRunner().invoke(explain.command, ["checkout", "--config", path])
    as_json = CliRunner().invoke(explain.command, ["checkout", "--config", path, "--json"])

    assert "checkout/production: names no rules, and has the pack ecs of its stack\n" in checked.output
    assert "No rules are named: the pack ecs of its stack watches it.\n" in explained.output
    assert json.loads(as_json.output)[0]["usual_pack"] == "ecs"


def test_where_rules_are_named_neither_says_anything(tmp_path):
    path = str(folder(tmp_path, runs_on("", "rules: [{pack: ecs-worker}]")))

    checked = CliRunner().invoke(check.command, ["--config", path])
    explained = CliRunner().invoke(explain.command, ["checkout", "--config", path])

    assert (checked.exit_code, explained.exit_code) == (0, 0)
    assert "of its stack" not in checked.output + explained.output


def test_another_balancer_is_another_configuration(tmp_path):
    one = read(tmp_path, runs_on(f", {BEHIND}"))
    other = read(tmp_path, runs_on(f", {BEHIND}".replace("app/shop", "app/other")))

    assert one.digest != other.digest


# ------------------------------------------------------------------------------------------------------------- CodeDeploy

INSTANCES = 'iis: {urls: ["http://10.0.1.11/health/ready", "http://10.0.1.12/health/ready"]}'


def on_codedeploy(more: str, *lines: str) -> str:
    told = [f"runs_on: [{{codedeploy: {{application: shop, deployment_group: web{more}}}}}]", *lines]
    return MAIN + "".join(f"      {line}\n" for line in told)


def test_iis_under_codedeploy_has_the_pack_iis_with_the_addresses_of_its_instances(tmp_path):
    configuration = read(tmp_path, on_codedeploy(f", {INSTANCES}, {BEHIND}"))

    assert configuration.effective[KEY].usual == "iis"
    assert asked(configuration, "iis_health")["urls"] == [
        "http://10.0.1.11/health/ready",
        "http://10.0.1.12/health/ready",
    ]


def test_anything_else_under_codedeploy_behind_a_balancer_has_the_pack_alb(tmp_path):
    configuration = read(tmp_path, on_codedeploy(f", {BEHIND}"))

    assert configuration.effective[KEY].usual == "alb"
    assert asked(configuration, "alb_failed_requests")["dimensions"] == {
        "LoadBalancer": "app/shop/0123456789abcdef",
        "TargetGroup": "targetgroup/checkout/fedcba9876543210",
    }


def test_both_packs_of_iis_can_be_named_and_are_filled_in(tmp_path):
    rules = "rules: [{pack: iis}, {pack: iis-alb}]"

    configuration = read(tmp_path, on_codedeploy(f", {INSTANCES}, {BEHIND}", rules))

    ids = {rule.id for rule in configuration.services[KEY].policy.rules.rules}
    assert {"iis-probe", "iis-failed-requests"} <= ids


def test_what_codedeploy_deploys_is_not_guessed_but_asked_for(tmp_path):
    (problem,) = wrong(tmp_path, on_codedeploy(""))

    assert "runs_on[0].codedeploy: no rules are named, and CodeDeploy deploys anything" in problem
    assert 'iis: {urls: ["http://INSTANCE/health/ready"]}' in problem


def test_explain_shows_the_addresses_where_they_are_written(tmp_path):
    configuration = read(tmp_path, on_codedeploy(f", {INSTANCES}"))

    where = {row.key: row.where.rpartition("/")[2] for row in rows_of(configuration, KEY)}

    assert {where[key] for key in where if key.startswith("rules[0].with.urls")} == {"rollbackd.yaml:8"}


# -------------------------------------------------------------------------------------------------------------- Beanstalk


def on_beanstalk(more: str, *lines: str) -> str:
    told = [f"runs_on: [{{beanstalk: {{application: shop, environment: shop-prod{more}}}}}]", *lines]
    return MAIN + "".join(f"      {line}\n" for line in told)


def test_an_environment_of_beanstalk_with_its_balancer_has_the_pack_beanstalk(tmp_path):
    configuration = read(tmp_path, on_beanstalk(", load_balancer: app/shop/0123456789abcdef"))

    assert configuration.effective[KEY].usual == "beanstalk"
    assert asked(configuration, "beanstalk_health")["dimensions"] == {"EnvironmentName": "shop-prod"}
    assert asked(configuration, "beanstalk_failed_requests")["dimensions"] == {
        "LoadBalancer": "app/shop/0123456789abcdef"
    }


PAIR = "environments: [shop-blue, shop-green], cname: shop.eu-central-1.elasticbeanstalk.com"


def test_two_environments_that_swap_a_name_have_the_pack_of_whichever_a_release_runs_in(tmp_path):
    balancers = "load_balancers: [app/blue/0123456789abcdef, app/green/0123456789abcdef]"
    told = MAIN + f"      runs_on: [{{beanstalk: {{application: shop, {PAIR}, {balancers}}}}}]\n"
    configuration = read(tmp_path, told)

    assert configuration.effective[KEY].usual == "beanstalk-swap"
    assert asked(configuration, "swap_health")["dimensions"] == {"EnvironmentName": "${arm.environment}"}
    assert asked(configuration, "swap_failed_requests")["dimensions"] == {
        "LoadBalancer": "${arm.load_balancer}"
    }


def test_which_balancers_are_those_of_two_environments_is_asked_for(tmp_path):
    (problem,) = wrong(tmp_path, MAIN + f"      runs_on: [{{beanstalk: {{application: shop, {PAIR}}}}}]\n")

    assert "`load_balancers: [app/NAME/ID, app/NAME/ID]`" in problem


def test_which_balancer_is_that_of_an_environment_is_asked_for(tmp_path):
    (problem,) = wrong(tmp_path, on_beanstalk(""))

    assert "runs_on[0].beanstalk: no rules are named, and the pack beanstalk reads" in problem
    assert "add `load_balancer: app/NAME/ID`" in problem
