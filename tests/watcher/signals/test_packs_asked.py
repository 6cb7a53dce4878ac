"""The packs that ask systems of others: what they ask is put to the fake of its system, and what it answers is the log's."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.document import read_document
from rules.model import Indicator
from rules.rulefile import read_rules
from rules.sample import State
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.datadog import asking as datadog
from tests.watcher.signals.newrelic import asking as newrelic
from tests.watcher.signals.sentry import asking as sentry
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.promises import packs
from watcher.config.registries import all_kinds

KINDS = all_kinds()
MINUTE = timedelta(minutes=1)
APM = {"service": "shop", "env": "prod", "operation": "http.request"}
GIVEN: dict[str, dict[str, Any]] = {
    "datadog-apm": APM,
    "newrelic-apm": {"application": "checkout"},
    "sentry-releases": {"project": "checkout", "environment": "production", "events": 3},
    "otel-http": {"job": "checkout"},
    "otel-http-target-info": {"job": "checkout"},
    "aspnet-core-metrics": {"job": "checkout"},
}
CONFIGURATION = """\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts: {{shop: {{region: eu-central-1, read: "arn:aws:iam::123456789012:role/rb-read"}}}}
connections:
  dog: {{datadog: {{site: datadoghq.eu, api_key: {{env: A}}, application_key: {{env: B}}}}}}
  dog2: {{datadog: {{site: datadoghq.com, api_key: {{env: C}}, application_key: {{env: D}}}}}}
  relic: {{newrelic: {{account: 1, key: {{env: E}}}}}}
  relic2: {{newrelic: {{account: 2, key: {{env: E}}}}}}
  bugs: {{sentry: {{organization: shop, token: {{env: F}}}}}}
  bugs2: {{sentry: {{organization: shop2, token: {{env: F}}}}}}
  tsdb: {{prometheus: {{url: "https://a.example"}}}}
  tsdb2: {{prometheus: {{url: "https://b.example"}}}}
services:
  checkout:
    production:
      account: shop
      runs_on: [{{ecs: {{cluster: shop, service: checkout}}}}]
      rules: [{{pack: {pack}, with: {given}}}]
"""
SECOND = {
    "datadog-apm": "dog2",
    "newrelic-apm": "relic2",
    "sentry-releases": "bugs2",
    "otel-http": "tsdb2",
    "otel-http-target-info": "tsdb2",
    "aspnet-core-metrics": "tsdb2",
}


def configured(folder: Path, pack: str, **more: Any) -> Path:
    path = folder / "rollbackd.yaml"
    path.write_text(CONFIGURATION.format(pack=pack, given=json.dumps(GIVEN[pack] | more)), encoding="utf-8")
    return path


def indicator_of(pack: str, name: str) -> Indicator:
    text = packs()[pack].read_text(encoding="utf-8")
    given = read_document(json.dumps(GIVEN[pack]), "with")
    return read_rules(text, f"{pack}.yaml", KINDS.catalogue, given).rules.indicator(name)


@pytest.mark.parametrize("pack", GIVEN)
def test_where_there_are_two_connections_of_its_kind_a_pack_asks_the_one_that_it_is_given(tmp_path, pack):
    path = configured(tmp_path, pack, connection=SECOND[pack])

    (service,) = read_configuration(path, KINDS).services.values()

    assert {each.connection for each in service.policy.rules.indicators} == {SECOND[pack]}


def test_where_there_are_two_a_pack_that_is_given_none_is_refused_with_what_to_add_and_where(tmp_path):
    with pytest.raises(InvalidConfiguration) as caught:
        read_configuration(configured(tmp_path, "datadog-apm"), KINDS)

    assert {(each.message, each.remedy) for each in caught.value.problems} == {
        (
            "there are several connections of the kind datadog",
            'add `connection: NAME` to the query, of a pack to its `with:`: "dog", "dog2"',
        )
    }


def test_a_connection_that_there_is_not_is_told_where_it_was_given(tmp_path):
    path = configured(tmp_path, "sentry-releases", connection="bug2")

    with pytest.raises(InvalidConfiguration) as caught:
        read_configuration(path, KINDS)

    assert {(each.file, each.remedy) for each in caught.value.problems} == {
        (str(path), 'did you mean "bugs2"?')
    }


def test_what_the_pack_of_datadog_asks_datadog_answers_with_the_counts_of_the_log():
    failed, slow = (
        indicator_of("datadog-apm", name) for name in ("apm_failed_requests", "apm_slow_requests")
    )

    async def story() -> None:
        async with datadog.asking() as ask:
            readings = await ask.all(failed, slow, start=START + 4 * MINUTE, minutes=1)
            world = ask.site.world

            assert datadog.counts(readings[failed.id]) == [
                (5, datadog.truth(world, "v2", 5), datadog.truth(world, "v1", 5))
            ]
            assert datadog.counts(readings[slow.id]) == [
                (5, datadog.truth(world, "v2", 5, over=1.0), datadog.truth(world, "v1", 5, over=1.0))
            ]

    asyncio.run(story())


def test_what_the_pack_of_new_relic_asks_new_relic_answers_with_the_counts_of_the_log():
    failed, slow = (
        indicator_of("newrelic-apm", name) for name in ("newrelic_failed_requests", "newrelic_slow_requests")
    )

    async def story() -> None:
        async with newrelic.asking(newrelic.an_account()) as ask:
            readings = await ask.all(failed, slow, minutes=1)

            assert newrelic.arms(readings[failed.id]) == [(1, (3, 30), (0, 60))]
            assert newrelic.arms(readings[slow.id]) == [(1, (3, 30), (0, 60))]  # what fails takes two seconds

    in_virtual_time(story())


def test_what_the_pack_of_sentry_asks_sentry_answers_with_the_sessions_of_the_log():
    crashed = indicator_of("sentry-releases", "crashed_sessions")

    async def story() -> None:
        async with sentry.asking(sentry.a_shop()) as ask:
            readings = await ask.all(crashed, minutes=1)

            assert sentry.arms(readings[crashed.id]) == [(1, (3, 30), (0, 60))]

    in_virtual_time(story())


def test_an_issue_that_is_new_is_found_by_the_pack_of_sentry():
    new = indicator_of("sentry-releases", "new_errors")

    async def story() -> None:
        async with sentry.asking(sentry.a_shop()) as ask:
            (bucket,) = sentry.buckets((await ask.all(new))[new.id])

            assert bucket.canary == State("NEW", START, bad=True, of="CHECKOUT-500")

    in_virtual_time(story())
