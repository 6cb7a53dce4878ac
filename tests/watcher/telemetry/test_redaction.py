"""Secrets that must not leave."""

import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from watcher.telemetry.redaction import LONGEST, Redactor

HEX = Random("of no account").randbytes(12).hex()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {HEX}",
        f"basic {HEX}",
        f"xoxb-{HEX}-{HEX}",
        f"ghp_{HEX}",
        f"github_pat_{HEX}",
        f"rbd_ops_{HEX}",
        f"AKIA{''.join(Random(HEX).choices(string.ascii_uppercase, k=16))}",
        f"eyJ{HEX}.eyJ{HEX}.{HEX}",
        f"postgresql://user:{HEX}@db/x",
        f"https://:{HEX}@sentry.example/1",
        f"password={HEX} and more",
        f'{{"password": "{HEX}"}}',
        f"accessToken: '{HEX}'",
        f"X-Amz-Credential={HEX}&a=b",
        f"SLACK_TOKEN={HEX}",
        f"api-key: {HEX}",
        f"https://a/b?sig={HEX}&c=d",
        f"https://hooks.slack.com/services/T0/B0/{HEX}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{HEX}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_any_text(text):
    cleaned = Redactor().text(f"before {text} after")

    assert HEX not in cleaned
    assert "AKIA" not in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        "token of the pipeline",
        "the secret is out",
        "https://a/b?c=d",
        "signature: ",
        "basic auth",
        "watch w_1",
        "10:30",
    ],
)
def test_innocent_words_stay(text):
    assert Redactor().text(text) == text


@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_value_that_is_known_is_found_wherever_it_stands(secret, before, after):
    redactor = Redactor([SecretStr(secret)])

    cleaned = redactor.clean({"a": [before + secret + after, {"b": (secret,)}], "c": secret})

    assert secret not in cleaned["c"]
    assert secret not in cleaned["a"][1]["b"][0]
    assert cleaned["a"][0] == "***" or secret not in cleaned["a"][0] or secret in before + "***" + after


def test_a_known_value_is_found_as_a_url_has_it():
    assert Redactor(["a/b+c d&e"]).text("?x=a%2Fb%2Bc%20d%26e") == "?x=***"


def test_values_that_are_learned_later_are_known_too():
    redactor = Redactor(["first-secret"])
    redactor.learn([SecretStr("second-secret")])

    assert redactor.text("first-secret second-secret") == "*** ***"


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "slack_token",
        "X-Api-Key",
        "Authorization",
        "password",
        "client_secret",
        "Set-Cookie",
        "dsn",
        "X-Hub-Signature-256",
    ],
)
def test_whatever_stands_under_a_key_that_names_a_secret_is_taken_out(key):
    assert Redactor().clean({key: "anything", "inner": {key: ["any", "thing"]}}) == {
        key: "***",
        "inner": {key: "***"},
    }


def test_numbers_and_nothing_stay_also_under_such_a_key():
    assert Redactor().clean({"tokens": 3, "token": None, "signature": True}) == {
        "tokens": 3,
        "token": None,
        "signature": True,
    }


def test_a_secret_of_pydantic_shows_itself_to_nobody():
    assert "hunter2hunter2" not in str(Redactor().clean({"a": SecretStr("hunter2hunter2")}))


def test_what_is_too_long_or_too_deep_is_cut():
    nested: dict[str, object] = {}
    for _ in range(100):
        nested = {"a": nested}

    assert len(Redactor().text("x" * 100_000)) == LONGEST + 1
    assert len(str(Redactor().clean(nested))) < 300
