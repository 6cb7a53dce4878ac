"""Secrets are references. Their values come when the daemon starts, and are shown nowhere."""

import secrets as chance

import pytest

from tests.watcher.config.sample import MAIN, changed, problems, read
from watcher.config import (
    InvalidConfiguration,
    ReadSecrets,
    Reference,
    SecretUnavailable,
    explain,
    of_one_service,
    with_secrets,
)

PRODUCTION = ("checkout", "production")


def readable(tmp_path, text: str = MAIN) -> str:
    """The sample, its secret file being there."""
    (tmp_path / "key").write_text("from-a-file\n", encoding="utf-8")
    return text.replace("/run/secrets/key", str(tmp_path / "key"))


def environ() -> dict[str, str]:
    """Values that stand nowhere in the source."""
    return {name: chance.token_hex(16) for name in ("METRICS_TOKEN", "CHAT_TOKEN", "DEPLOY_TOKEN")}


def test_the_values_are_put_in_when_the_daemon_starts(tmp_path):
    values = environ()

    opened = with_secrets(read(tmp_path, readable(tmp_path)), ReadSecrets(values))

    metrics = opened.connections["tsdb"].settings.model_dump()
    assert metrics["token"].get_secret_value() == values["METRICS_TOKEN"]
    assert metrics["headers"]["x-key"].get_secret_value() == "from-a-file"
    target = opened.targets["checkout", "staging"]["api"].settings.model_dump()
    assert target["environment"]["TOKEN"].get_secret_value() == values["DEPLOY_TOKEN"]


def test_reading_the_files_needs_no_secret(tmp_path):
    token = read(tmp_path).connections["tsdb"].settings.model_dump()["token"].get_secret_value()

    assert token.rstrip("=") == "rollbackd-secret:env:METRICS_TOKEN"


def test_for_one_service_its_own_secrets_alone_are_asked_for(tmp_path):
    token = environ()["DEPLOY_TOKEN"]

    alone = of_one_service(
        read(tmp_path, readable(tmp_path)), ("checkout", "staging"), ReadSecrets({"DEPLOY_TOKEN": token})
    )

    target = alone.targets["checkout", "staging"]["api"].settings.model_dump()
    assert target["environment"]["TOKEN"].get_secret_value() == token
    assert list(alone.services) == list(alone.targets) == [("checkout", "staging")]
    assert (alone.connections, alone.sources, alone.heard) == ({}, {}, {})
    with pytest.raises(InvalidConfiguration, match="DEPLOY_TOKEN"):
        of_one_service(read(tmp_path, readable(tmp_path)), ("checkout", "staging"), ReadSecrets({}))


def test_no_value_is_ever_shown(tmp_path):
    values = environ()
    opened = with_secrets(read(tmp_path, readable(tmp_path)), ReadSecrets(values))

    shown = repr(opened) + str(opened) + repr(explain(opened, PRODUCTION)) + repr(ReadSecrets(values))

    assert not [name for name, value in values.items() if value in shown]
    assert "from-a-file" not in shown


@pytest.mark.parametrize(
    "old",
    ["{env: METRICS_TOKEN}", "{file: /run/secrets/key}", "{env: CHAT_TOKEN}", "{env: DEPLOY_TOKEN}"],
)
def test_a_literal_in_a_secrets_place_is_an_error_that_does_not_repeat_it(tmp_path, old):
    value = chance.token_hex(16)

    (problem,) = problems(tmp_path, changed(old, value))

    assert "a secret stands here in the open | try: write where it is, {env: NAME} or {file: PATH}" in problem
    assert value not in problem


def test_a_number_in_a_secrets_place_is_one_too(tmp_path):
    assert "in the open" in problems(tmp_path, changed("{env: CHAT_TOKEN}", "12345"))[0]


def test_secrets_in_lists_are_found_too(tmp_path):
    text = changed("headers: {x-key: {file: /run/secrets/key}}", "spare: [{env: A}, {env: B}]")

    opened = with_secrets(read(tmp_path, text), ReadSecrets(environ() | {"A": "1", "B": "2"}))

    spare = opened.connections["tsdb"].settings.model_dump()["spare"]
    assert [value.get_secret_value() for value in spare] == ["1", "2"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("{aws_secret: rollbackd/chat}", 'rollbackd.yaml:13:25: connections.room.chat.token.aws_secret: the reference to a secret "aws_secret" is not in this version | try: in this version: env, file'),
        ("{evn: CHAT_TOKEN}", 'rollbackd.yaml:13:25: connections.room.chat.token.evn: unknown reference to a secret "evn" | try: did you mean "env"?'),
        ("{env: not-a-name}", "rollbackd.yaml:13:30: connections.room.chat.token.env: expected a name, not a value | try: write {env: NAME} or {file: PATH}"),
        ("{file: }", "rollbackd.yaml:13:31: connections.room.chat.token.file: expected a name, not a value | try: write {env: NAME} or {file: PATH}"),
        ("{env: A, file: B}", "rollbackd.yaml:13:24: connections.room.chat.token: expected one reference to a secret, as {kind: {its settings}}"),
    ],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_told(tmp_path, reference, expected):
    assert problems(tmp_path, changed("{env: CHAT_TOKEN}", reference))[0].startswith(expected)


def test_a_secret_that_may_be_left_out_may_be_null(tmp_path):
    assert problems(tmp_path, changed("{env: CHAT_TOKEN}", "~")) == []


def test_secrets_that_cannot_be_had_are_told_all_at_once(tmp_path):
    with pytest.raises(InvalidConfiguration) as invalid:
        with_secrets(read(tmp_path), ReadSecrets({"CHAT_TOKEN": ""}))

    told = [str(problem).split(": ", 1)[1] for problem in invalid.value.problems]
    assert told == [
        "connections.tsdb.metrics.token: the variable METRICS_TOKEN is not set, or empty\n    try: set it where the daemon runs, or correct the reference",
        "connections.tsdb.metrics.headers.x-key: the file /run/secrets/key cannot be read: FileNotFoundError\n    try: set it where the daemon runs, or correct the reference",
        "connections.room.chat.token: the variable CHAT_TOKEN is not set, or empty\n    try: set it where the daemon runs, or correct the reference",
        "services.checkout.staging.runs_on.api.command.environment.TOKEN: the variable DEPLOY_TOKEN is not set, or empty\n    try: set it where the daemon runs, or correct the reference",
    ]


def test_a_value_that_does_not_fit_is_refused_and_not_repeated(tmp_path):
    kinds_refuse = chance.token_hex(8) + "\x00"
    configuration = read(tmp_path, readable(tmp_path))

    opened = with_secrets(configuration, ReadSecrets(environ() | {"CHAT_TOKEN": kinds_refuse}))

    assert kinds_refuse not in repr(opened)


def test_an_empty_file_holds_no_secret(tmp_path):
    (tmp_path / "empty").write_text("\n", encoding="utf-8")

    with pytest.raises(SecretUnavailable, match="empty"):
        ReadSecrets({})(Reference("file", str(tmp_path / "empty")))
