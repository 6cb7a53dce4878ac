"""A function on Lambda: its pack, what its target says of it, and what cannot be put back."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.watcher.config.sample import folder
from watcher.commands import check
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.configuration import Configuration
from watcher.config.registries import all_kinds

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
accounts:
  shop: {region: eu-central-1, act: "arn:aws:iam::123456789012:role/rb-act"}
defaults: {account: shop}
services:
  checkout:
    production:
"""
KEY = ("checkout", "production")


def runs_on(settings: str, *more: str) -> str:
    lines = [f"runs_on: [{{lambda: {{function: checkout{settings}}}}}]", *more]
    return MAIN + "".join(f"      {line}\n" for line in lines)


def read(tmp_path: Path, text: str) -> Configuration:
    return read_configuration(folder(tmp_path, text), all_kinds())


def wrong(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        read(tmp_path, text)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(("traffic", "consequence"), [("by_weight", "rollback"), ("at_once", "tell")])
def test_an_alias_has_the_pack_lambda_and_compares_only_what_runs_side_by_side(
    tmp_path, traffic, consequence
):
    found = read(tmp_path, runs_on(f", alias: live, traffic: {traffic}"))

    rules = found.services[KEY].policy.rules
    assert found.effective[KEY].usual == "lambda"
    assert {rule.id: rule.on_breach.value for rule in rules.rules}["lambda-failed-beside"] == consequence
    assert json.loads(rules.indicator("lambda_failed_invocations").query)["dimensions"] == {
        "FunctionName": "checkout",
        "Resource": "checkout:live",
        "ExecutedVersion": "${arm.lambda_version}",
    }


def test_how_its_traffic_is_moved_is_not_guessed_but_asked_for(tmp_path):
    for settings in (", alias: live", ", traffic: at_once"):
        (problem,) = wrong(tmp_path, runs_on(settings))

        assert problem.startswith(
            "rollbackd.yaml:9:26: services.checkout.production.runs_on[0].lambda: no rules are named"
        )
        assert "traffic: by_weight" in problem


def test_a_pack_that_is_named_gets_what_the_target_says_and_keeps_what_is_given(tmp_path):
    text = runs_on(", alias: live, traffic: at_once", "rules: [{pack: lambda, with: {beside: ask}}]")

    rules = read(tmp_path, text).services[KEY].policy.rules

    assert {rule.id: rule.on_breach.value for rule in rules.rules}["lambda-failed-beside"] == "ask"


RULES = "rules: [{pack: scheduled-jobs, with: {function: checkout, every: 1h}}]"


@pytest.mark.parametrize("mode", ["ask", "auto"])
def test_what_is_called_without_an_alias_cannot_be_put_back_and_the_lines_to_add_are_said(tmp_path, mode):
    (problem,) = wrong(tmp_path, runs_on("", f"mode: {mode}", RULES))

    assert problem.startswith(
        "rollbackd.yaml:9:26: services.checkout.production.runs_on[0].lambda: checkout:$LATEST"
    )
    for line in ("publish-version --function-name checkout", "create-alias", "alias: live", "mode: shadow"):
        assert line in problem


def test_in_shadow_it_is_watched_and_check_says_so(tmp_path):
    path = folder(tmp_path, runs_on("", RULES))

    checked = CliRunner().invoke(check.command, ["--config", str(path)])

    assert checked.exit_code == 0
    assert (
        "checkout/production: is watched and cannot be put back: checkout:$LATEST has no version"
        in checked.output
    )


def test_of_what_can_be_put_back_check_says_nothing(tmp_path):
    path = folder(tmp_path, runs_on(", alias: live", "mode: auto", RULES))

    checked = CliRunner().invoke(check.command, ["--config", str(path)])

    assert checked.exit_code == 0
    assert "cannot be put back" not in checked.output


def test_one_alias_is_one_part_of_one_service_and_another_alias_another(tmp_path):
    second = (
        "  cart:\n    production:\n      runs_on: [{lambda: {function: checkout, alias: %s}}]\n      "
        + RULES
        + "\n"
    )
    first = runs_on(", alias: live", RULES)

    read(tmp_path, first + second % "beta")
    (problem,) = wrong(tmp_path, first + second % "live")

    assert "checkout/production (service) runs there already" in problem


def test_an_arn_of_another_region_is_said(tmp_path):
    arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
    text = runs_on(", alias: live", RULES).replace("function: checkout,", f'function: "{arn}",', 1)

    (problem,) = wrong(tmp_path, text)

    assert "the ARN is of us-east-1, and the account shop of eu-central-1" in problem
