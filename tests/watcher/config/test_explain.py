"""What is in force, with file and line of each value."""

import pytest

from rules.brief import Margin, PassEarly
from tests.watcher.config.sample import MAIN, changed, read
from watcher.config import explain, holds_up, without_promise, wrong_rollbacks

PRODUCTION = ("checkout", "production")


def rows(tmp_path, key=PRODUCTION, text: str = MAIN) -> dict[str, tuple[str, str]]:
    return {
        row.key: (row.value, row.where.replace(f"{tmp_path}/", ""))
        for row in explain(read(tmp_path, text), key)
    }


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("mode", "auto", "rollbackd.yaml:36"),
        ("bake.at_least", "1h", "rollbackd.yaml:25"),
        ("bake.at_most", "24h", "rollbackd.yaml:20"),
        ("team", "shop", "rollbackd.yaml:21"),
        ("countdown", "30s", "rollbackd.yaml:26"),
        ("heard_from", '["http"]', "rollbackd.yaml:22"),
        ("known_good.may_cross", "1", "rollbackd.yaml:37"),
        ("known_good.served_after", "1d", "built in"),
        ("asking.then", "keep", "built in"),
        ("asking.stuck", "1d", "built in"),
        ("false_rollback_probability", "0.1%", "built in"),
        ("ceilings.service_per_day", "3", "rollbackd.yaml:8"),
        ("ceilings.fleet_per_hour", "3", "built in"),
        ("names.sentry", "checkout@${tag}", "rollbackd.yaml:33"),
        ("runs_on[0].command.live", '["/usr/bin/live", "${service}"]', "rollbackd.yaml:32"),
        ("rules[0].with.host", "checkout:9100", "rollbackd.yaml:35"),
        ("rule the-objective-holds.judge.slo.objective", "99.9%", "rules/web.yaml:4"),
        ("rule ready.judge.threshold", "{}", "rules/web.yaml:11"),
    ],
)
def test_each_value_is_shown_with_the_line_it_comes_from(tmp_path, key, value, where):
    assert rows(tmp_path)[key] == (value, where)


def test_a_parameter_is_shown_where_it_was_given(tmp_path):
    assert rows(tmp_path, ("checkout", "staging"))["rule the-objective-holds.judge.slo.objective"] == (
        "99%",
        "rollbackd.yaml:43",
    )


def test_of_a_secret_its_reference_is_shown(tmp_path):
    assert rows(tmp_path, ("checkout", "staging"))["runs_on.api.command.environment.TOKEN.env"] == (
        "DEPLOY_TOKEN",
        "rollbackd.yaml:40",
    )


def test_nothing_shown_moves_the_cursor_of_a_terminal(tmp_path):
    text = changed('"checkout@${tag}"', '"a\\eb"')

    assert rows(tmp_path, text=text)["names.sentry"][0] == '"a\\u001bb"'


def test_null_is_shown_as_null(tmp_path):
    assert rows(tmp_path, text=changed("account: shop", "account: ~"))["account"][0] == "null"


def test_without_ceilings_of_its_own_the_daemon_has_the_usual_ones(tmp_path):
    assert rows(tmp_path, text=changed("  ceilings: {service_per_day: 3}\n", ""))[
        "ceilings.service_per_day"
    ] == ("2", "built in")


def test_a_service_that_is_not_there_cannot_be_explained(tmp_path):
    with pytest.raises(KeyError):
        explain(read(tmp_path), ("checkout", "moon"))


def test_the_setting_allows_so_many_wrong_rollbacks_and_none_where_nothing_happens_by_itself(tmp_path):
    services = read(tmp_path).services

    assert wrong_rollbacks(services[PRODUCTION].policy, 1000) == 1.0
    assert wrong_rollbacks(services["checkout", "staging"].policy, 1000) == 0.0


def test_a_bake_may_end_early_where_it_says_so_and_rules_that_hold_it_up_are_named(tmp_path):
    on = "bake: {at_least: 1h, pass_early: {worse_than: {ratio: 3}}}"
    early = read(tmp_path, changed("bake: {at_least: 1h}", on))
    off = read(tmp_path, changed("bake: {at_least: 1h}", "bake: {at_least: 1h, pass_early: off}"))
    rows = {row.key: row.value for row in explain(early, PRODUCTION) if "pass_early" in row.key}

    policy = early.services[PRODUCTION].policy
    assert policy.bake.pass_early == PassEarly(Margin(3.0, 0.001), 0.05)
    assert holds_up(policy) == ("ready",)
    assert rows == {
        "bake.pass_early.worse_than.ratio": "3",
        "bake.pass_early.worse_than.plus": "0.1%",
        "bake.pass_early.miss_probability": "5%",
    }
    assert off.services[PRODUCTION].policy.bake.pass_early is None
    usual = read(tmp_path, changed("bake: {at_least: 1h}", "bake: {at_least: 1h, pass_early: true}"))
    assert usual.services[PRODUCTION].policy.bake.pass_early == PassEarly(Margin(2.0, 0.001), 0.05)
    assert holds_up(off.services[PRODUCTION].policy) == ()
    assert [row.value for row in explain(off, PRODUCTION) if "pass_early" in row.key] == ["off"]


def test_rules_that_promise_nothing_are_named(tmp_path):
    assert without_promise(read(tmp_path).services[PRODUCTION].policy) == ("ready",)
