"""The rule packs, as a configuration uses them: each is read with its parameters, and says what is wrong with them.

What they find is told in ``tests/scenarios/aws/test_ecs_pack.py``.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import rules
from rules.document import Mistakes, read_document
from rules.errors import InvalidRules
from rules.model import PROMISES, Consequence, InState, Kind, Slo
from rules.rulefile import RuleFile, lint_rules, read_rules
from watcher.commands import check, explain
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.promises import check_queries
from watcher.config.registries import all_kinds

CATALOG = Path(rules.__file__).parent / "catalog"
KINDS = all_kinds()
ECS = {
    "cluster": "shop",
    "service": "checkout",
    "load_balancer": "app/shop/0123456789abcdef",
    "target_group": "targetgroup/checkout/fedcba9876543210",
}
PROBE = {"cluster": "shop", "service": "checkout", "port": 8080, "path": "/health/ready"}
ALARMS = {"alarms": ["payments-db-connections", "payments-queue-age"]}
DATADOG = {"service": "checkout", "env": "prod", "operation": "http.request"}
SENTRY = {"project": "checkout", "environment": "production"}
SCREEN = {"url": "https://shop.example.com/"}
WORKER = {"cluster": "shop", "service": "mailer"}
PACKS: dict[str, dict[str, Any]] = {
    "ecs": ECS,
    "ecs-worker": WORKER,
    "ecs-probe": PROBE,
    "ecs-alarms": ALARMS,
    "datadog-apm": DATADOG,
    "sentry-releases": SENTRY,
    "white-screen": SCREEN,
}
TOGETHER = {
    pack: given
    for pack, given in PACKS.items()
    if pack not in {"ecs-worker", "white-screen", "datadog-apm", "sentry-releases"}
}  # the one is `ecs` without a balancer, the others are for whatever Datadog traces, and Sentry hears of

CONFIGURATION = """\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true, reach: [10.0.0.0/16]}}
accounts:
  shop: {{region: eu-central-1, read: "arn:aws:iam::123456789012:role/rb-read"}}
connections:
  dog: {{datadog: {{site: datadoghq.eu, api_key: {{env: DD_API_KEY}}, application_key: {{env: DD_APP_KEY}}}}}}
  bugs: {{sentry: {{organization: shop, token: {{env: SENTRY_TOKEN}}}}}}
services:
  checkout:
    production:
      account: shop
      runs_on: [{{ecs: {{cluster: shop, service: checkout}}}}]
      rules: {rules}
"""


def read(pack: str, **given: Any) -> RuleFile:
    text = (CATALOG / f"{pack}.yaml").read_text(encoding="utf-8")
    return read_rules(text, f"{pack}.yaml", KINDS.catalogue, read_document(json.dumps(given), "with"))


def written(folder: Path, *packs: tuple[str, dict[str, Any]]) -> str:
    """A configuration that uses them."""
    path = folder / "rollbackd.yaml"
    listed = json.dumps([{"pack": pack, "with": given} for pack, given in packs])
    path.write_text(CONFIGURATION.format(rules=listed), encoding="utf-8")
    return str(path)


def test_every_pack_has_its_parameters_here():
    assert {path.stem for path in CATALOG.glob("*.yaml")} == set(PACKS)


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_right_by_itself(pack):
    text = (CATALOG / f"{pack}.yaml").read_text(encoding="utf-8")

    assert lint_rules(text, pack, KINDS.catalogue).rules.rules


@pytest.mark.parametrize(
    ("pack", "more"),
    [
        ("ecs", {}),
        ("ecs", {"objective": "99.9%"}),
        ("ecs", {"objective": 0.995}),
        ("ecs", {"objective": "90%", "must_have_seen": "20%"}),
        ("ecs", {"slower_than": "300ms"}),
        ("ecs", {"slower_than": ["300ms", "1s"]}),
        ("ecs", {"fast": "99%"}),
        ("ecs", {"fast": "50%", "must_have_seen_slow": "75%"}),
        ("ecs-worker", {}),
        ("ecs-probe", {}),
        ("ecs-probe", {"every": "5s", "grace": "3m"}),
        ("ecs-alarms", {}),
        ("ecs-alarms", {"alarms": "payments-db-connections"}),
        ("datadog-apm", {"slower_than": ["300ms", "1s"]}),
        ("white-screen", {"every": "10s", "meta": "app-version"}),
        ("sentry-releases", {"events": 100, "crash_free": "99.5%"}),
    ],
)
def test_a_pack_is_read_with_its_parameters(tmp_path, pack, more):
    path = written(tmp_path, (pack, {**PACKS[pack], **more}))

    (service,) = read_configuration(Path(path), KINDS).services.values()

    assert service.policy.rules.rules == read(pack, **{**PACKS[pack], **more}).rules.rules


@pytest.mark.parametrize(("pack", "name"), [(pack, name) for pack, given in PACKS.items() for name in given])
def test_a_parameter_without_a_value_is_asked_for(pack, name):
    given = {key: value for key, value in PACKS[pack].items() if key != name}

    with pytest.raises(InvalidRules, match=f'the parameter "{name}" has no value'):
        read(pack, **given)


@pytest.mark.parametrize(
    ("pack", "wrong"),
    [
        ("ecs", {"cluster": "a/b"}),
        ("ecs", {"service": 'x" OR'}),
        ("ecs", {"objective": "100"}),
        ("ecs", {"slower_than": "soon"}),
        ("ecs", {"fast": "150%"}),
        ("ecs", {"objective": "90%", "must_have_seen": "7%"}),
        ("ecs-probe", {"port": 99999}),
        ("ecs-probe", {"path": "health"}),
        ("ecs-probe", {"every": "7s"}),
        ("datadog-apm", {"service": "a,b:c{"}),
        ("white-screen", {"url": "ftp://shop.example.com/"}),
        ("sentry-releases", {"project": "Check Out"}),
    ],
)
def test_a_value_that_makes_no_sense_is_told_where_it_was_given(tmp_path, pack, wrong):
    path = written(tmp_path, (pack, {**PACKS[pack], **wrong}))

    with pytest.raises(InvalidConfiguration) as caught:
        read_configuration(Path(path), KINDS)

    assert any(problem.file == path for problem in caught.value.problems)


def test_check_finds_no_mistake_in_a_configuration_that_uses_them_all(tmp_path):
    path = written(tmp_path, *TOGETHER.items())

    result = CliRunner().invoke(check.command, ["--config", path])

    assert result.exit_code == 0, result.output
    assert "8 rules" in result.output


def test_explain_shows_each_line_of_a_pack(tmp_path):
    path = written(tmp_path, *TOGETHER.items())

    result = CliRunner().invoke(explain.command, ["checkout", "--config", path])

    assert result.exit_code == 0, result.output
    for line in (
        "rule ecs-tasks.judge.slo.objective",
        "rule ecs-failed-requests.must_have_seen",
        "rules[0].with.load_balancer",
        "catalog/ecs.yaml:",
    ):
        assert line in result.output


def test_the_tasks_are_told_apart_by_release_and_judged_twice():
    file = read("ecs", **ECS).rules
    about = [rule for rule in file.rules if rule.indicator == "tasks"]

    assert file.indicator("tasks").compares_arms
    assert [rule.judge.kind for rule in about if rule.judge] == ["canary_vs_baseline", "slo"]
    assert [rule.on_breach for rule in about] == [Consequence.TELL, Consequence.ROLLBACK]
    assert {rule.statistics.unit for rule in about} == {"tasks"}


def test_the_errors_of_the_targets_and_of_the_balancer_are_two_things():
    """ELB-generated 5xx know no target group, and so nobody can say whose they are."""
    file = read("ecs", **ECS).rules
    targets, balancer = (
        json.loads(file.indicator(name).query) for name in ("failed_requests", "refused_requests")
    )
    refused = next(rule for rule in file.rules if rule.indicator == "refused_requests")

    assert set(targets["dimensions"]) == {"LoadBalancer", "TargetGroup"}
    assert set(balancer["dimensions"]) == {"LoadBalancer"}
    assert balancer["bad"] == {"sum": ["HTTPCode_ELB_5XX_Count"]}
    assert refused.on_breach is Consequence.ASK


def test_the_latency_is_counted_over_its_bounds():
    several = read("ecs", **ECS, slower_than=["300ms", "1s"]).rules.indicator("slow_requests")

    assert read("ecs", **ECS).rules.indicator("slow_requests").bounds == (1.0,)
    assert (several.kind, several.bounds) == (Kind.LATENCY, (0.3, 1.0))


def test_one_failure_an_hour_and_task_is_what_the_promise_allows():
    rule = next(rule for rule in read("ecs", **ECS).rules.rules if rule.id == "ecs-tasks")

    assert isinstance(rule.judge, Slo)
    assert 1 - rule.judge.objective == pytest.approx(15 / 3600, rel=0.05)


def test_every_rule_that_rolls_back_keeps_a_promise():
    for pack, given in PACKS.items():
        for rule in read(pack, **given).rules.rules:
            assert rule.judge is not None
            assert rule.on_breach is not Consequence.ROLLBACK or rule.judge.kind in PROMISES


def test_tasks_are_probed_in_the_account_of_their_service(tmp_path):
    path = written(tmp_path, ("ecs-probe", PROBE))

    (service,) = read_configuration(Path(path), KINDS).services.values()

    assert json.loads(service.policy.rules.indicator("task_health").query)["account"] == "shop"


def test_alarms_only_make_questions_of_rollbacks():
    (rule,) = read("ecs-alarms", **ALARMS).rules.rules

    assert rule.on_breach is Consequence.DOUBT
    assert isinstance(rule.judge, InState)


def test_what_a_pack_asks_its_provider_understands():
    for pack, given in PACKS.items():
        mistakes = Mistakes()
        check_queries(read(pack, **given), KINDS, mistakes)
        assert mistakes.problems == ()


def test_what_a_pack_says_of_its_use_can_be_copied(tmp_path):
    """The lines in its head are a configuration."""
    for pack in PACKS:
        head = (CATALOG / f"{pack}.yaml").read_text(encoding="utf-8").split("version:")[0]
        lines = [line[1:] for line in head.splitlines() if line.startswith("#   ")]
        (entry,) = yaml.safe_load("\n".join(line[3:] for line in lines))["rules"]
        path = written(tmp_path, (entry["pack"], entry["with"]))

        assert entry["pack"] == pack
        assert read_configuration(Path(path), KINDS).services


def test_the_tasks_of_a_worker_are_promised_what_those_behind_a_balancer_are():
    worker, behind = read("ecs-worker", **WORKER), read("ecs", **(ECS | WORKER))

    ids = {rule.id for rule in worker.rules.rules}
    assert worker.rules.rules == tuple(rule for rule in behind.rules.rules if rule.id in ids)
    assert set(worker.rules.indicators) <= set(behind.rules.indicators)
