"""What people click in Slack: believed only when signed, obeyed only by those who may, as long as what they saw is so."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from tests.watcher.api.daemon import NOON, Daemon, a_service, a_watch, served
from watcher.api.server import build
from watcher.api.slack.ear import Ear
from watcher.api.slack.obeying import obey
from watcher.api.slack.signature import doubt, signature
from watcher.core.service import Team
from watcher.core.watch import Button, Message, Notice, OrderKind, State, Step
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STAMP = str(int(NOON.timestamp()))
BACK = Button("Roll back to v42", OrderKind.ROLL_BACK)


@dataclass
class AVoice:
    said: list[str] = field(default_factory=list)

    async def whisper(self, channel, person, words):
        self.said.append(words)

    async def change(self, channel, ts, text, blocks):
        self.said.append(text)

    async def members(self, group):
        return frozenset({"U0GROUP"}) if group == "S0CALL" else frozenset()


def a_click(user="U0ADA", team="T0SHOP", channel="C0ROOM", value="w_1.1.0/0"):
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "ada", "team_id": team},
        "team": {"id": team},
        "channel": {"id": channel},
        "message": {"ts": "1.2", "text": "x", "blocks": []},
        "actions": [{"action_id": "rollbackd.0", "value": value, "action_ts": "1.3"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(raw, secret=SECRET, stamp=STAMP, **changes):
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(secret, stamp, raw),
    }
    return {**headers, **changes}


async def clicked(*requests, at=NOON):
    """The statuses, what was whispered, and the watch after that."""
    async with open_memory(MemorySettings(), Opening(lambda: NOON)) as store:
        service = a_service(team=Team("shop", may_order=("slack:U0ADA", "slack:S0CALL")))
        daemon = Daemon(store, services=[service])
        watch = await daemon.has(a_watch(state=State.WATCHING))
        facts = {"state": "watching"}
        notice = Notice(
            "v43 fails",
            (),
            (BACK,),
            watch="w_1",
            service="checkout",
            environment="production",
            at=at,
            facts=facts,
        )
        after = replace(watch, revision=2)
        await store.save(Step(after, 1, messages=(Message("w_1.1.0", "show", "slack:C0ROOM", notice),)), NOON)
        voice = AVoice()
        ear = Ear("slack", "T0SHOP", voice, obey, None, SecretStr(SECRET))
        deps = replace(daemon.deps(), ears=lambda: {"slack": ear})
        async with served(build(deps)) as port, ClientSession() as session, ear.working(deps):
            statuses = []
            for raw, headers in requests:
                url = f"http://127.0.0.1:{port}/v1/slack/slack"
                async with session.post(url, data=raw, headers=headers) as response:
                    statuses.append(response.status)
            for _ in range(100):
                if voice.said:
                    break
                await asyncio.sleep(0.005)
        found = await store.get("w_1")
        return statuses, voice.said, found


# https://docs.slack.dev/authentication/verifying-requests-from-slack
PUBLISHED = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
ITS_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
ITS_HEADERS = {
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
THEN = datetime.fromtimestamp(1531420618, UTC)


def test_slacks_own_example_is_believed():
    assert doubt(ITS_SECRET, ITS_HEADERS, PUBLISHED, THEN) == ""


@pytest.mark.parametrize(
    ("raw", "now"),
    [
        (PUBLISHED[:-1], THEN),
        (PUBLISHED + b"x", THEN),
        (PUBLISHED, THEN + timedelta(seconds=301)),
        (PUBLISHED, THEN - timedelta(seconds=301)),
    ],
    ids=["cut off", "longer", "old", "of the future"],
)
def test_slacks_example_cut_off_longer_or_at_another_time_is_not(raw, now):
    assert doubt(ITS_SECRET, ITS_HEADERS, raw, now) != ""


async def test_whoever_may_rolls_back_by_a_button():
    raw = a_click()
    statuses, said, watch = await clicked((raw, signed(raw)))

    assert statuses == [200]
    assert said == ["“Roll back to v42”: done, as you said."], said
    assert watch.state is State.ROLLING_BACK
    assert watch.ordered_by == "slack:U0ADA (ada)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "U0BOB"}, "may not order anything"),
        ({"team": "T0OTHER"}, "one workspace"),
        ({"channel": "C0OTHER"}, "another channel"),
        ({"value": "w_1.0.9/0"}, "out of date"),
        ({"value": "w_1.1.0/7"}, "no such button"),
    ],
)
async def test_nobody_else_is_obeyed_and_hears_why(changes, words):
    raw = a_click(**changes)
    statuses, said, watch = await clicked((raw, signed(raw)))

    assert statuses == [200]
    assert words in said[0]
    assert watch.state is State.WATCHING


async def test_a_button_is_good_for_a_day():
    raw = a_click()
    _, said, watch = await clicked((raw, signed(raw)), at=NOON - timedelta(hours=25))

    assert "24 h" in said[0]
    assert watch.state is State.WATCHING


async def test_what_is_not_signed_by_slack_is_refused():
    raw = a_click()
    statuses, said, _ = await clicked(
        (raw, signed(raw, secret="another")),
        (raw, signed(raw, stamp="1_0")),
        (raw, signed(raw, **{"X-Slack-Signature": "v0=\xe9"})),
        (b"\xff\xfe", signed(b"\xff\xfe")),
        (raw, signed(raw, **{"Content-Type": "text/plain"})),
    )

    assert statuses == [401, 401, 401, 400, 415]
    assert said == []
