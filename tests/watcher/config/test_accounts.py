"""What runs on AWS needs an account, and an account connects by itself to what is asked there."""

import json
from dataclasses import replace
from typing import Never

import pytest
from pydantic import BaseModel, ConfigDict

from deploy.ports import AwsAccount
from deploy.source import Kind as SourceKind
from deploy.target import Kind as TargetKind
from rules.model import Indicator, Kind
from tests.watcher.config import sample
from watcher.config import InvalidConfiguration, ProviderKind, read_configuration
from watcher.config.configuration import Configuration


class Cloud(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str


class Queue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str
    url: str


class Alarm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    account: str | None = None


def unopened(*_given: object) -> Never:
    raise AssertionError("a configuration is read offline")


def at(settings: Cloud, account: AwsAccount | None) -> tuple[str, ...]:
    return (f"cloud:{account.region}:{account.id or '*'}:{settings.name}",) if account else ()


def elsewhere(settings: Queue, account: AwsAccount) -> tuple[str, str] | None:
    return None if settings.url == "here" else (f"the queue is not in {account.region}", "look for it")


def far(settings: Cloud, account: AwsAccount) -> tuple[str, str] | None:
    return (f"it is not in {account.region}", "look for it") if settings.name == "far" else None


def placed(indicator: Indicator, account: str | None) -> Indicator:
    return replace(indicator, query=json.dumps({"placed_in": account}, separators=(",", ":")))


KINDS = replace(
    sample.KINDS,
    targets={
        **sample.KINDS.targets,
        "cloud": TargetKind(Cloud, unopened, on_aws=True, addresses=at, misplaced=far),
    },
    sources={**sample.KINDS.sources, "queue": SourceKind(Queue, unopened, unopened, misplaced=elsewhere)},
    providers={
        **sample.KINDS.providers,
        "alarms": ProviderKind(Alarm, frozenset({Kind.RATIO}), on_aws=True),
        "scrape": ProviderKind(
            sample.Query,
            frozenset({Kind.RATIO}),
            needs_account=lambda each: "tasks" in each.query,
            placed=placed,
        ),
    },
)

MAIN = """\
version: 1
accounts:
  shop: {region: eu-central-1, read: "arn:aws:iam::123456789012:role/rb-read", act: "arn:aws:iam::123456789012:role/rb-act"}
  edge: {region: us-east-1}
sources:
  events: {queue: {account: shop, url: here}}
services:
  checkout:
    production:
      account: shop
      runs_on: [{cloud: {name: checkout}}]
      rules: [{file: rules/web.yaml}]
"""

RULES = """\
version: 1
indicators:
  errors: {ratio: {alarms: {metric: errors}}}
rules:
  - {name: no errors, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


def read(tmp_path, main: str = MAIN, rules: str = RULES) -> Configuration:
    return read_configuration(sample.folder(tmp_path, main, rules), KINDS)


def wrong(tmp_path, main: str = MAIN, rules: str = RULES) -> list[str]:
    with pytest.raises(InvalidConfiguration) as invalid:
        read(tmp_path, main, rules)
    return [f"{problem.line}: {problem.message} | {problem.remedy}" for problem in invalid.value.problems]


def indicator(configuration: Configuration) -> Indicator:
    (service,) = configuration.services.values()
    return service.policy.rules.indicators[0]


def test_an_account_knows_its_id_by_its_roles_and_whether_it_may_act(tmp_path):
    accounts = read(tmp_path).accounts

    assert accounts["shop"].aws == AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
    assert accounts["edge"].aws == AwsAccount("edge", "us-east-1", None, may_act=False)


def test_what_runs_on_aws_is_in_the_account_of_its_service(tmp_path):
    (targets,) = read(tmp_path).targets.values()

    assert targets["service"].account == "shop"


def test_a_query_on_aws_is_asked_in_the_account_of_its_service(tmp_path):
    assert indicator(read(tmp_path)).connection == "alarms@shop"


def test_a_query_on_aws_may_name_another_account(tmp_path):
    rules = RULES.replace("{metric: errors}", "{metric: errors, account: edge}")

    assert indicator(read(tmp_path, rules=rules)).connection == "alarms@edge"


def test_a_queue_is_in_the_account_that_it_names(tmp_path):
    assert read(tmp_path).sources["events"].account == "shop"


def test_a_queue_that_is_not_in_its_account_is_said(tmp_path):
    assert wrong(tmp_path, MAIN.replace("url: here", "url: there")) == [
        "6: the queue is not in eu-central-1 | look for it"
    ]


def test_a_query_that_finds_on_aws_what_it_asks_is_told_the_account(tmp_path):
    rules = RULES.replace("{alarms: {metric: errors}}", '{scrape: {url: "tasks"}}')

    assert indicator(read(tmp_path, rules=rules)).query == '{"placed_in":"shop"}'


def test_without_an_account_it_is_said_what_to_write(tmp_path):
    main = MAIN.replace("      account: shop\n", "")

    said = wrong(tmp_path, main)

    assert said == [
        "10: cloud needs an account | add `account: edge`",
        "3: alarms needs an account of AWS | add `account:` to the service, or to the query",
    ]


def test_where_there_are_no_accounts_at_all_it_is_said_how_to_write_one(tmp_path):
    main = MAIN.replace("      account: shop\n", "")
    start, end = main.index("accounts:"), main.index("services:")

    said = wrong(tmp_path, main[:start] + main[end:])

    assert [line.partition(" | ")[0] for line in said] == [
        "5: cloud needs an account",
        "3: alarms needs an account of AWS",
    ]
    assert all("add `accounts: {NAME:" in line for line in said)


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ("account: shop, url", "account: shup, url", 'unknown account "shup"'),
        ("      account: shop\n", "      account: shup\n", 'unknown account "shup"'),
        (
            "role/rb-read",
            "role/rb read",
            "is not the ARN of a role | write arn:aws:iam::123456789012:role/NAME",
        ),
        ("eu-central-1", "frankfurt", '"frankfurt" is no region of AWS | write its short name'),
        (
            "::123456789012:role/rb-act",
            "::210987654321:role/rb-act",
            "the two roles are of different accounts",
        ),
    ],
)
def test_an_account_that_is_not_there_or_cannot_be_is_said_with_its_place(tmp_path, was, is_now, said):
    assert any(said in line for line in wrong(tmp_path, MAIN.replace(was, is_now)))


def test_a_query_cannot_name_a_connection_where_accounts_connect(tmp_path):
    rules = RULES.replace("{metric: errors}", "{metric: errors, connection: shop}")

    assert wrong(tmp_path, rules=rules) == ["3: alarms is connected to by an account | write account: NAME"]


def test_a_service_that_may_be_moved_needs_a_role_to_act(tmp_path):
    main = MAIN.replace("account: shop\n", "account: edge\n      mode: auto\n")

    assert wrong(tmp_path, main) == [
        '11: auto has to act, and the account "edge" has no role to act | add `act:` to `accounts.edge`, or write mode: shadow'
    ]


def test_shadow_needs_no_role_to_act(tmp_path):
    read(tmp_path, MAIN.replace("account: shop\n", "account: edge\n"))


def test_two_services_cannot_run_at_one_address(tmp_path):
    main = MAIN + MAIN[MAIN.index("  checkout:") :].replace("  checkout:", "  basket:")

    assert wrong(tmp_path, main) == [
        "16: checkout/production (service) runs there already | one service of the platform is one part"
    ]


def test_a_query_that_names_an_account_that_is_not_there_is_said(tmp_path):
    rules = RULES.replace("{metric: errors}", "{metric: errors, account: shup}")

    assert wrong(tmp_path, rules=rules) == ['3: unknown account "shup" | did you mean "shop"?']


def test_a_target_that_is_not_in_its_account_is_said(tmp_path):
    assert wrong(tmp_path, MAIN.replace("cloud: {name: checkout}", "cloud: {name: far}")) == [
        "11: it is not in eu-central-1 | look for it"
    ]
