"""How a connection is configured, and what is a mistake."""

import subprocess
import sys

import pytest
from pydantic import SecretStr, ValidationError

from watcher.notify.slack.settings import Settings

TOKEN, HOOK = SecretStr("xoxb-1"), SecretStr("https://hooks.slack.com/services/T/B/x")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({}, "a bot's token, or by an incoming webhook"),
        ({"token": TOKEN, "webhook": HOOK}, "a bot's token, or by an incoming webhook"),
        ({"webhook": HOOK, "signing_secret": "s"}, "has no buttons"),
        ({"webhook": HOOK, "app_token": "xapp-1"}, "has no buttons"),
        ({"token": TOKEN, "app_token": "xapp-1"}, "must be of one workspace"),
        ({"token": TOKEN, "workspace": "shop"}, "pattern"),
        ({"token": TOKEN, "channel": "#releases"}, "pattern"),
        ({"token": TOKEN, "mentions": {"ada": "@ada"}}, "pattern"),
        ({"token": TOKEN, "on_call": {"C0ROOM": "@on-call"}}, "pattern"),
        ({"token": TOKEN, "url": "https://user:secret@slack.com/api/"}, "pattern"),
        ({"token": TOKEN, "url": "https://slack.com/api"}, "pattern"),
        ({"token": TOKEN, "timeout": "11s"}, "less than or equal"),
        ({"token": TOKEN, "timeout": "0s"}, "greater than"),
        ({"token": TOKEN, "tokens": "x"}, "Extra inputs"),
    ],
)
def test_a_mistake_is_said(written, words):
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate(written)


def test_who_does_not_use_slack_does_not_carry_it():
    heavy = "{'slack_sdk', 'matplotlib'}"
    program = f"import sys, watcher.app, watcher.api.routes; sys.exit(bool({heavy} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("written", "hears"),
    [
        ({"token": TOKEN}, False),
        ({"webhook": HOOK}, False),
        ({"token": TOKEN, "workspace": "T0SHOP", "app_token": "xapp-1"}, True),
        ({"token": TOKEN, "workspace": "T0SHOP", "signing_secret": "s"}, True),
    ],
)
def test_buttons_are_shown_where_somebody_hears_them(written, hears):
    assert Settings.model_validate(written).hears is hears
