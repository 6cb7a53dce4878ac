"""``mirror:``: what may stand there, and that no two services write one place."""

import pytest

from tests.watcher.config.sample import MAIN as WHOLE
from tests.watcher.config.sample import problems, read
from watcher.config import with_secrets

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
        "{tags: {resource: 'arn:aws:ecs:eu-central-1:123456789012:service/prod/${service}'}}",
        "{git: {repository: acme/shop, token: {env: GITHUB_TOKEN}}}",
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
        (
            "{tags: {resource: 'arn:aws:lambda:eu-central-1:123456789012:function:shop'}}",
            "would write one tags mirror",
        ),
        (
            "{tags: {resource: 'arn:aws:lambda:eu-west-1:123456789012:function:${service}'}}",
            "tagged in eu-west-1",
        ),
        ("{tags: {resource: 'arn:aws:s3:::shop'}}", "expected the ARN of"),
        ("{git: {repository: acme/shop}}", "either by a token or as an app"),
        ("{git: {repository: acme/shop, token: ghp_in_the_open}}", "secret"),
        ("{git: {repository: acme/shop, token: {env: T}, tag: known-good}}", "would write one git mirror"),
        (
            "{github_release: {repository: acme/shop, token: {env: T}}}",
            "would write one github_release mirror",
        ),
        ("{sms: {}}", "sms"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_with_its_place(tmp_path, mirror, words):
    said = found(tmp_path, mirror)

    assert said
    assert any(words in each for each in said)
    assert "rollbackd.yaml:7:" in said[0]


def test_a_mirror_that_many_would_write_is_one_mistake(tmp_path):
    parts = "{" + ", ".join(f"{each}: {{ecs: {{cluster: prod, service: {each}}}}}" for each in "abcd") + "}"
    parted = MAIN.replace(
        "[{{ecs: {{cluster: prod, service: checkout}}}}]", parts.replace("{", "{{").replace("}", "}}")
    )
    mirrors = "{ssm: {parameter: /known-good}}, {ecr: {repository: shop}}"

    said = problems(tmp_path, parted.format(mirror=mirrors, account="account: shop"))

    one, other = [each for each in said if "would write one" in each]
    assert "checkout/production/a, checkout/production/b and 3 more would write one ssm mirror" in one
    assert "would write one ecr mirror" in other


def test_without_an_account_nothing_can_be_written(tmp_path):
    said = found(tmp_path, "{ssm: {parameter: '/x/${service}'}}", account="team: null")

    assert any("a mirror needs an account" in each for each in said)


def test_what_is_on_github_needs_no_account(tmp_path):
    assert found(tmp_path, "{git: {repository: acme/shop, token: {env: T}}}", account="team: null") == []


def test_a_token_of_a_mirror_is_taken_from_where_it_is_when_the_daemon_starts(tmp_path):
    mirror = "{git: {repository: acme/shop, token: {env: T}}}"
    configuration = read(
        tmp_path, WHOLE.replace("account: shop\n", f"account: shop\n      mirror: [{mirror}]\n")
    )

    opened = with_secrets(configuration, lambda reference: f"the value of {reference.name}")

    (before,), (after,) = (each.mirrors["checkout", "production"] for each in (configuration, opened))
    assert "the value of T" not in repr((before, after))
    assert after.settings.model_dump()["token"].get_secret_value() == "the value of T"
    assert after.account is None
