"""``mirror:``: what may stand there, and that no two services write one place."""

import pytest

from tests.watcher.config.sample import problems

MAIN = """\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "arn:aws:iam::123456789012:role/r", act: "arn:aws:iam::123456789012:role/a"}}
defaults:
  {account}
  mirror: [{mirror}]
  rules: [{{file: checkout.yaml}}]
services:
  checkout: {{production: {{runs_on: [{{ecs: {{cluster: prod, service: checkout}}}}]}}}}
  cart: {{production: {{runs_on: [{{ecs: {{cluster: prod, service: cart}}}}]}}}}
"""


def found(tmp_path, mirror, account="account: shop"):
    said = problems(tmp_path, MAIN.format(mirror=mirror, account=account))
    return [each for each in said if "mirror" in each]


@pytest.mark.parametrize(
    "mirror",
    [
        "{ssm: {parameter: '/rollbackd/${service}/${environment}/known-good'}}",
        "{ecr: {repository: '${service}'}}",
        "{ecr: {repository: shop, tag: 'known-good-${service}-${environment}'}}",
    ],
)
def test_a_name_that_is_each_services_own_is_well(tmp_path, mirror):
    assert found(tmp_path, mirror) == []


@pytest.mark.parametrize(
    ("mirror", "words"),
    [
        ("{ssm: {parameter: /rollbackd/known-good}}", "would write one ssm mirror"),
        ("{ecr: {repository: shop}}", "would write one ecr mirror"),
        ("{ssm: {parameter: '/rollbackd/${release}'}}", "${release} is not known here"),
        ("{ecr: {repository: '${service}', tag: latest}}", "tag"),
        ("{git: {repository: acme/shop}}", "not in this version"),
        ("{sms: {}}", "sms"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_with_its_place(tmp_path, mirror, words):
    said = found(tmp_path, mirror)

    assert said
    assert any(words in each for each in said)
    assert "rollbackd.yaml:7:" in said[0]


def test_without_an_account_nothing_can_be_written(tmp_path):
    said = found(tmp_path, "{ssm: {parameter: '/x/${service}'}}", account="team: null")

    assert any("a mirror needs an account" in each for each in said)
