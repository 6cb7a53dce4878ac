"""The registry, and what every kind in it must have."""

from collections.abc import Iterator

import pytest

from rules.model import Indicator, Kind
from tests.contract import (
    test_aws_logs,
    test_aws_providers,
    test_changes,
    test_datadog,
    test_loki,
    test_newrelic,
    test_probes,
    test_providers,
    test_pushed,
    test_relay,
    test_sentry,
)
from tests.contract.aws_provider_contract import AwsProviderContract
from tests.contract.provider_contract import ProviderContract
from tests.contract.test_changes import MovedContract
from tests.contract.test_pushed import PushedContract
from watcher.signals.registry import LATER, PROVIDERS

MODULES = (
    test_providers,
    test_aws_logs,
    test_aws_providers,
    test_changes,
    test_datadog,
    test_loki,
    test_probes,
    test_pushed,
    test_relay,
    test_sentry,
    test_newrelic,
)


def members() -> Iterator[type[ProviderContract | AwsProviderContract | PushedContract | MovedContract]]:
    contracts = (ProviderContract, AwsProviderContract, PushedContract, MovedContract)
    for value in (found for module in MODULES for found in vars(module).values()):
        if isinstance(value, type) and issubclass(value, contracts) and value not in contracts:
            yield value


def test_every_provider_keeps_the_contract():
    assert {member.kind for member in members()} == set(PROVIDERS)


def test_what_comes_later_is_not_here_yet():
    assert not set(LATER) & set(PROVIDERS)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_kind_refuses_keys_that_it_does_not_know(name):
    assert PROVIDERS[name].query.model_config["extra"] == "forbid"


@pytest.mark.parametrize(
    ("kind", "query", "needs"),
    [
        (Kind.RATIO, '{"url":"http://a/","counter":"c"}', "it needs counter and bad"),
        (Kind.REQUESTS, '{"url":"http://a/","counter":"c","bad":{"a":"b"}}', "it needs counter, without bad"),
        (Kind.LATENCY, '{"url":"http://a/","counter":"c"}', "it needs histogram and over"),
        (Kind.VALUE, '{"url":"http://a/","counter":"c"}', "it needs gauge"),
        (Kind.VALUE, '{"url":"http://a/","gauge":"c"}', None),
    ],
)
def test_what_a_query_lacks_for_its_kind_can_be_told_before_anything_starts(kind, query, needs):
    mistake = PROVIDERS["scrape"].mistake(Indicator("i", kind, "scrape", query))

    assert (mistake and mistake[1]) == needs
