"""The rule packs, as a configuration uses them: each is read with its parameters, passes its own tests, and says what is wrong.

Whatever lies in the catalog is looked at: what a pack is given here is what its head shows. What `ecs` finds with a daemon
around it is told in ``tests/scenarios/aws/test_ecs_pack.py``.
"""

import json
import re
import tomllib
from collections import Counter
from itertools import takewhile
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
from rules.verdict import Outcome
from watcher.commands import check, explain
from watcher.commands.test import tested as own_tests
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.promises import CATALOG, ENDING, check_queries, packs
from watcher.config.registries import all_kinds
from watcher.config.stacks import STACKS
from watcher.signals.cloudwatch.plan import arm_of
from watcher.signals.cloudwatch.query import parsed

KINDS = all_kinds()


def head_of(pack: str) -> list[str]:
    """The lines of the comment that it begins with, without their ``#``."""
    lines = packs()[pack].read_text(encoding="utf-8").splitlines()
    return [line[1:] for line in takewhile(lambda line: line.startswith("#"), lines)]


def shown(pack: str) -> dict[str, Any]:
    """The entry of ``rules:`` that its head shows."""
    lines = [line[3:] for line in head_of(pack) if line.startswith("   ")]
    (entry,) = yaml.safe_load("\n".join(lines))["rules"]
    assert isinstance(entry, dict)
    return entry


PACKS: dict[str, dict[str, Any]] = {pack: shown(pack)["with"] for pack in packs()}
ECS, PROBE, ALARMS, WORKER = (PACKS[pack] for pack in ("ecs", "ecs-probe", "ecs-alarms", "ecs-worker"))
TOGETHER = {pack: PACKS[pack] for pack in ("ecs", "ecs-probe", "ecs-alarms")}
ALIKE = {"angular-5xx"}  # a test of its pack shows `angular-4xx`, the same rule about another status
INSTEAD = {"ecs-worker": "ecs", "otel-http-target-info": "otel-http"}  # the same, where something is lacking
BALANCER, GROUP = frozenset({"LoadBalancer"}), frozenset({"LoadBalancer", "TargetGroup"})
REST, HTTP = frozenset({"ApiName", "Stage"}), frozenset({"ApiId"})
FUNCTION, ALIAS = frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource"})
VERSION, MAPPING = ALIAS | {"ExecutedVersion"}, frozenset({"EventSourceMappingUUID"})
QUEUE, SITE = frozenset({"QueueName"}), frozenset({"DistributionId", "Region"})
METRICS: dict[str, dict[str, set[frozenset[str]]]] = {
    "AWS/ApplicationELB": {
        "RequestCount": {BALANCER, GROUP},
        "HTTPCode_Target_5XX_Count": {BALANCER, GROUP},
        "HTTPCode_ELB_5XX_Count": {BALANCER},
        "TargetConnectionErrorCount": {BALANCER, GROUP},
        "TargetResponseTime": {BALANCER, GROUP},
        "LambdaUserError": {GROUP},
        "HealthyHostCount": {GROUP},
        "UnHealthyHostCount": {GROUP},
    },
    "AWS/ApiGateway": {
        "Count": {REST, HTTP},
        "Latency": {REST, HTTP},
        "5XXError": {REST},
        "4XXError": {REST},
        "5xx": {HTTP},
        "4xx": {HTTP},
    },
    "AWS/CloudFront": {"5xxErrorRate": {SITE}, "4xxErrorRate": {SITE}},
    "AWS/ElasticBeanstalk": {"EnvironmentHealth": {frozenset({"EnvironmentName"})}},
    "AWS/Lambda": {
        "Invocations": {FUNCTION, ALIAS, VERSION},
        "Errors": {FUNCTION, ALIAS, VERSION},
        "Duration": {FUNCTION, ALIAS, VERSION},
        "Throttles": {FUNCTION, ALIAS},
        "IteratorAge": {FUNCTION, ALIAS},
        "PolledEventCount": {MAPPING},
        "DroppedEventCount": {MAPPING},
        "OnFailureDestinationDeliveredEventCount": {MAPPING},
    },
    "AWS/SQS": {
        "NumberOfMessagesReceived": {QUEUE},
        "NumberOfMessagesDeleted": {QUEUE},
        "ApproximateAgeOfOldestMessage": {QUEUE},
    },
}


def metrics_in(query: dict[str, Any]) -> set[str]:
    """The names of all that a query counts."""
    counted = [*query.get("bad", {}).values(), *query.get("total", {}).values()]
    return {name for names in counted for name in names} | ({query["metric"]} if "metric" in query else set())


CONFIGURATION = """\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true, reach: [10.0.0.0/16]}}
accounts:
  shop: {{region: eu-central-1, read: "arn:aws:iam::123456789012:role/rb-read"}}
  edge: {{region: us-east-1, read: "arn:aws:iam::123456789012:role/rb-read"}}
connections:
  tsdb: {{prometheus: {{url: "https://prometheus.example"}}}}
  dog: {{datadog: {{site: datadoghq.eu, api_key: {{env: DD_API_KEY}}, application_key: {{env: DD_APP_KEY}}}}}}
  bugs: {{sentry: {{organization: shop, token: {{env: SENTRY_TOKEN}}}}}}
  relic: {{newrelic: {{account: 1234567, key: {{env: NEW_RELIC_USER_KEY}}}}}}
services:
  checkout:
    production:
      account: shop
      runs_on: [{{ecs: {{cluster: shop, service: checkout}}}}]
      bake: {{at_least: 1h, at_most: 3d}}
      rules: {rules}
"""


def read(pack: str, **given: Any) -> RuleFile:
    text = packs()[pack].read_text(encoding="utf-8")
    return read_rules(text, f"{pack}.yaml", KINDS.catalogue, read_document(json.dumps(given), "with"))


def written(folder: Path, *packs: tuple[str, dict[str, Any]]) -> str:
    """A configuration that uses them."""
    path = folder / "rollbackd.yaml"
    listed = json.dumps([{"pack": pack, "with": given} for pack, given in packs])
    path.write_text(CONFIGURATION.format(rules=listed), encoding="utf-8")
    return str(path)


def test_every_pack_has_its_tests_beside_it_and_no_test_is_without_a_pack():
    tests = {path.name.removesuffix(ENDING) for path in CATALOG.glob(f"*{ENDING}")}

    assert tests == set(packs())
    assert {path.stem for path in CATALOG.glob("*.yaml")} == {*packs(), *(f"{pack}.test" for pack in packs())}


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_passes_its_own_tests_and_they_show_all_that_it_does(pack):
    """What passes, that silence does not, and of each rule that acts what it finds; in one test, for playing them takes time."""
    played = tuple(own_tests(CATALOG / f"{pack}{ENDING}"))
    expected = [each for one in played for each in one.trial.expectations]
    breached = {told.rule for one in played for told in one.told if told.outcome is Outcome.BREACHED}
    rules_of = read(pack, **PACKS[pack]).rules.rules

    assert [(one.trial.name, failure.words) for one in played for failure in one.failures] == []
    assert {Outcome.HEALTHY, Outcome.BLIND} <= {each.says for each in expected}
    for consequence, word in ((Consequence.ROLLBACK, "rollback"), (Consequence.ASK, "ask")):
        found = any(each.then == word and each.by is not None for each in expected)
        assert found or all(rule.on_breach is not consequence for rule in rules_of), f"when does it {word}?"
    assert {rule.id for rule in rules_of if rule.on_breach is not Consequence.TELL} <= breached | ALIKE


def test_a_pack_is_right_by_itself():
    for pack, path in packs().items():
        assert lint_rules(path.read_text(encoding="utf-8"), pack, KINDS.catalogue).rules.rules


def test_no_two_packs_use_one_name():
    """Whoever uses two of them would be told to rename one, in a file that is not theirs."""
    alone = [read(pack, **PACKS[pack]).rules for pack in packs() if pack not in INSTEAD]
    ids = Counter(rule.id for each in alone for rule in each.rules)
    indicators = Counter(indicator.id for each in alone for indicator in each.indicators)

    assert [name for name, times in (ids + indicators).items() if times > 1] == []


def test_each_rule_says_in_words_what_is_promised():
    for pack in packs():
        for rule in read(pack, **PACKS[pack]).rules.rules:
            assert re.fullmatch(r"[A-Za-z0-9][^_{}$=<>]{7,99}", rule.name), rule.name
            assert len(rule.name.split()) >= 2, rule.name
            assert rule.name.replace(" ", "-").lower() != rule.id


def test_each_pack_cites_the_vendors_pages_for_what_it_reads_of_aws():
    for pack in set(packs()) - {"ecs", "ecs-worker", "ecs-probe", "ecs-alarms"}:  # docs/aws.md does
        of_aws = any(
            indicator.provider == "cloudwatch" for indicator in read(pack, **PACKS[pack]).rules.indicators
        )
        assert not of_aws or "https://docs.aws.amazon.com/" in packs()[pack].read_text(encoding="utf-8"), pack


def test_tests_are_shipped_with_their_packs():
    """Many a pack says: copy this file. Who does takes its tests along."""
    project = Path(rules.__file__).parents[1] / "pyproject.toml"
    wheel = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert "rules" in wheel["packages"]
    assert not {"exclude", "only-include", "include"} & wheel.keys()


def test_a_packs_tests_are_no_pack(tmp_path):
    path = written(tmp_path, ("alb.test", {}))

    with pytest.raises(InvalidConfiguration):
        read_configuration(Path(path), KINDS)

    assert not [name for name in packs() if "test" in name]


KNOWN_BETTER = {"beside"}  # how its traffic is moved, a target may say: then a pack need not suppose it


def test_what_a_target_may_say_of_a_pack_is_what_the_pack_has_no_default_for():
    for stack in STACKS.values():
        for pack, names in stack.packs.items():
            declared = yaml.safe_load(packs()[pack].read_text(encoding="utf-8"))["parameters"]
            assert all(declared[name] == {} for name in names if name not in KNOWN_BETTER), pack
            assert set(names) <= set(declared), pack


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
        ("alb", {"history": "1d", "sick": "20%"}),
        ("beanstalk", {"well": 20}),
        ("lambda", {"beside": "tell", "period": "5m"}),
        ("alb-weighted", {"beside": "tell", "slower_than": ["300ms", "1s"]}),
        ("sqs-worker", {"oldest": 60, "warmup": "15m", "deletions": "20%"}),
        ("stream-worker", {"batch": 1000, "lost": "tell", "period": "5m"}),
        ("scheduled-jobs", {"every": "1d", "runs": 2, "failed": "rollback", "attempts": 1}),
        ("datadog-apm", {"slower_than": ["300ms", "1s"]}),
        ("newrelic-apm", {"slower_than": ["300ms", "1s"]}),
        ("white-screen", {"every": "10s", "meta": "app-version"}),
        ("sentry-releases", {"events": 100, "crash_free": "99.5%"}),
    ],
)
def test_a_pack_is_read_with_its_parameters(tmp_path, pack, more):
    path = written(tmp_path, (pack, {**PACKS[pack], **more}))

    (service,) = read_configuration(Path(path), KINDS).services.values()

    assert service.policy.rules.rules == read(pack, **{**PACKS[pack], **more}).rules.rules


def test_each_parameter_without_a_value_is_asked_for():
    for pack, path in packs().items():
        declared = yaml.safe_load(path.read_text(encoding="utf-8")).get("parameters", {})
        needed = [name for name, parameter in declared.items() if parameter == {}]
        if not needed:
            assert pack == "beanstalk-swap"  # the target says all that it asks by
            assert read(pack).rules.rules
            continue

        with pytest.raises(InvalidRules) as caught:
            read(pack)

        asked = [problem.message for problem in caught.value.problems]
        for name in needed:
            assert f'the parameter "{name}" has no value' in asked, pack


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
        ("lambda", {"beside": "perhaps"}),
        ("scheduled-jobs", {"every": "7m"}),
        ("sqs-worker", {"deletions": "100%"}),
        ("datadog-apm", {"service": "a,b:c{"}),
        ("newrelic-apm", {"application": "it's"}),
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


def test_the_versions_of_a_function_are_told_apart_by_the_one_that_ran():
    indicator = read("lambda", **PACKS["lambda"]).rules.indicator("lambda_failed_invocations")

    new, old = (
        dict(arm_of(indicator, parsed(indicator.query), {"lambda_version": version}).main[0].dimensions)
        for version in ("43", "42")
    )

    assert indicator.compares_arms
    assert new == {"FunctionName": "checkout", "Resource": "checkout:live", "ExecutedVersion": "43"}
    assert old == new | {"ExecutedVersion": "42"}


@pytest.mark.parametrize(
    ("pack", "name", "stat"),
    [
        ("alb", "alb_slow_requests", "TC(:1)"),  # published in seconds
        ("beanstalk", "beanstalk_slow_requests", "TC(:1)"),
        ("api-gateway", "api_slow_requests", "TC(:1000)"),  # in milliseconds
        ("api-gateway-http", "http_api_slow_requests", "TC(:1000)"),
        ("lambda", "lambda_slow_invocations", "TC(:3000)"),
    ],
)
def test_a_bound_is_asked_for_in_the_unit_in_which_the_latency_is_published(pack, name, stat):
    indicator = read(pack, **PACKS[pack]).rules.indicator(name)

    arm = arm_of(indicator, parsed(indicator.query), {"lambda_version": "43"})

    assert [metric.stat for metric in arm.within.values()] == [stat]


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


def test_the_metrics_that_a_pack_asks_for_are_those_of_aws_with_all_their_dimensions():
    """A wrong name, or one dimension too few, looks like silence. Names and dimensions: from the pages that the packs cite."""
    for pack in packs():
        for indicator in read(pack, **PACKS[pack]).rules.indicators:
            query = json.loads(indicator.query)
            if indicator.provider == "cloudwatch" and "namespace" in query:
                of_aws = METRICS[query["namespace"]]
                for metric in metrics_in(query):
                    assert frozenset(query["dimensions"]) in of_aws[metric], f"{pack}: {metric}"


def test_what_a_pack_asks_its_provider_understands():
    for pack, given in PACKS.items():
        mistakes = Mistakes()
        check_queries(read(pack, **given), KINDS, mistakes)
        assert mistakes.problems == ()


@pytest.mark.parametrize("pack", PACKS)
def test_what_a_pack_says_of_its_use_can_be_copied(tmp_path, pack):
    """The lines in its head are a configuration."""
    path = written(tmp_path, (shown(pack)["pack"], PACKS[pack]))

    assert shown(pack)["pack"] == pack
    assert read_configuration(Path(path), KINDS).services


def test_the_tasks_of_a_worker_are_promised_what_those_behind_a_balancer_are():
    worker, behind = read("ecs-worker", **WORKER), read("ecs", **(ECS | WORKER))

    ids = {rule.id for rule in worker.rules.rules}
    assert worker.rules.rules == tuple(rule for rule in behind.rules.rules if rule.id in ids)
    assert set(worker.rules.indicators) <= set(behind.rules.indicators)
