"""What may move beside a service: who tells, what is its own, and where it runs."""

from dataclasses import replace

import pytest

from tests.watcher.config import test_accounts as on_aws
from tests.watcher.config.sample import KINDS, MAIN, changed, folder, problems, read
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.registries import all_kinds
from watcher.core.service import Around

PRODUCTION = ("checkout", "production")
EVENTS = "  changes: {told_by: [http]}\n  heard_from: [http]\n"


def with_changes(service: str) -> str:
    return changed(
        "      mode: auto\n",
        f"      mode: auto\n      changes: {service}\n",
        changed("  heard_from: [http]\n", EVENTS),
    )


def test_a_service_that_says_nothing_is_told_of_nothing_and_calls_nothing_its_own(tmp_path):
    assert read(tmp_path).services[PRODUCTION].around == Around(
        places=frozenset({("123456789012", "eu-central-1")})
    )


def test_who_tells_may_stand_in_the_defaults_and_what_is_its_own_in_the_service(tmp_path):
    around = read(tmp_path, with_changes('{own: ["/checkout/*", payments-db]}')).services[PRODUCTION].around

    assert (around.told_by, around.own) == (("http",), ("/checkout/*", "payments-db"))


def test_an_account_without_a_role_is_a_region_alone(tmp_path):
    text = on_aws.MAIN.replace("account: shop\n      runs_on", "account: edge\n      runs_on")

    assert on_aws.read(tmp_path, text).services[PRODUCTION].around.places == {(None, "us-east-1")}


def test_a_service_is_known_by_what_its_parts_are_called_on_their_platform(tmp_path):
    around = on_aws.read(tmp_path).services[PRODUCTION].around

    assert around.addresses == {"cloud:eu-central-1:123456789012:checkout"}


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ("{told_by: [htp]}", "checkout.production.changes.told_by[0]", 'did you mean "http"?'),
        ("{told_by: http}", "changes.told_by", "list"),
        ('{own: [""]}', "changes.own[0]", "character"),
        (f"{{own: [{'x' * 257}]}}", "changes.own[0]", "256"),
        (f"{{own: [{', '.join(['x'] * 101)}]}}", "changes.own", "100"),
        ("{owns: [x]}", "changes.owns", 'did you mean "own"?'),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path, written, where, words):
    found = problems(tmp_path, with_changes(written))

    assert any(where in each and words in each for each in found), found


RULES = """\
version: 1
indicators:
  flags: {state: {changes: {kinds: [flag], within: 10m}}}
rules:
  - {name: no flag moved, indicator: flags, judge: {state: {}}, on_breach: doubt}
"""


def with_control(tmp_path, main, query="{kinds: [flag], within: 10m}"):
    kinds = replace(KINDS, providers={**KINDS.providers, "changes": all_kinds().providers["changes"]})
    rules = RULES.replace("{kinds: [flag], within: 10m}", query)
    try:
        read_configuration(folder(tmp_path, main, rules), kinds)
    except InvalidConfiguration as invalid:
        return [f"{problem.message} | {problem.remedy}" for problem in invalid.problems]
    return []


def test_a_control_of_changes_that_nobody_tells_of_is_refused(tmp_path):
    main = MAIN.replace(', with: {host: "checkout:9100"}', "").replace(
        ', with: {host: "staging:9100", objective: 99%}', ""
    )

    assert with_control(tmp_path, main.replace("  heard_from: [http]\n", EVENTS)) == []
    (problem,) = with_control(tmp_path, main)
    assert problem.startswith("nobody tells of changes beside this service, so this rule would never see one")
    assert "told_by: [SOURCE]" in problem


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{}", "doubts everything"),
        ("{within: 10m}", "doubts everything"),
        ("{kinds: [coffee]}", "coffee"),
        ("{kinds: [flag], within: 30s}", "must lie within 1m to 1d"),
        ("{kinds: [flag], within: 25h}", "must lie within 1m to 1d"),
        ('{names: [""]}', "character"),
    ],
)
def test_a_control_that_cannot_be_meant_is_told(tmp_path, query, words):
    assert any(words in each for each in with_control(tmp_path, MAIN, query))
