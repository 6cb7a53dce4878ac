"""A bad release, a channel in Slack, and somebody who presses a button: the daemon as a process, Slack over real connections.

It runs ten times as fast, with its clock and all its time-outs, but for the programs that it calls.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.crash.drive import announced, heard, looked
from tests.crash.hurried import Hurried
from tests.crash.outside import Outside, a_world
from tests.crash.patience import until
from tests.crash.seams import Death
from tests.crash.ward import Life, Ward, a_ward
from tests.fakes.slack import (
    ADA,
    APP_TOKEN,
    BOB,
    BOT_TOKEN,
    SECRET,
    TEAM,
    Delivery,
    SlackWorld,
    Sockets,
    delivered,
    press,
    serving_slack,
)
from tests.fakes.slack import Message as Standing
from tests.fakes.slack.trouble import down
from watcher import clock
from watcher.api.slack.obeying import DONE_BEFORE

LABEL = "Roll back to v1"
SLACK = """\
connections:
  slack:
    slack:
      token: {{file: {root}/bot}}
      workspace: {team}
      signing_secret: {{file: {root}/signing}}
      app_token: {{file: {root}/app}}
      url: {base}/api/
teams:
  shop: {{tell: [{{slack: C0ROOM}}], may_order: ["slack:{ada}"]}}
"""


@dataclass
class Story:
    """The service, Slack, and the daemon between them."""

    outside: Outside
    slack: SlackWorld
    sockets: Sockets
    ward: Ward
    session: aiohttp.ClientSession
    lives: list[Life] = field(default_factory=list)

    @property
    def life(self) -> Life:
        return self.lives[-1]

    async def starts(self, death: Death | None = None) -> None:
        """The daemon, once more; it hears by both ways."""
        number = len(self.lives)
        self.lives.append(await self.ward.bear(self.outside.configuration, number, death))
        await looked(self.life)

    async def asks(self) -> None:
        """v2 is deployed, and is bad."""
        self.outside.deploy("v2")
        assert await announced(self.session, await heard(self.life))
        await until(lambda: is_asked(self.slack))

    @property
    def message(self) -> Standing:
        return self.slack.room()[0]

    def pressed(self, by: str) -> dict[str, object]:
        return press(self.slack, self.message, LABEL, by)

    async def sent(self, delivery: Delivery) -> int:
        """What our Request URL answers."""
        url = f"http://{self.life.address}/v1/slack/slack"
        async with self.session.post(url, data=delivery.body, headers=delivery.headers) as answer:
            return answer.status

    async def get(self, path: str) -> str:
        async with self.session.get(f"http://{self.life.address}{path}") as answer:
            return await answer.text()


def configured(outside: Outside, slack: SlackWorld) -> None:
    """Slack in place of the webhook."""
    for name, secret in (("bot", BOT_TOKEN), ("signing", SECRET), ("app", APP_TOKEN)):
        (outside.root / name).write_text(secret)
        (outside.root / name).chmod(0o600)
    text = outside.configuration.read_text()
    before, _, rest = text.partition("connections:\n")
    _, _, after = rest.partition("services:\n")
    section = SLACK.format(root=outside.root, team=TEAM, base=slack.base, ada=ADA)
    outside.configuration.write_text(f"{before}{section}services:\n{after}")


@contextlib.asynccontextmanager
async def a_story(tmp_path) -> AsyncIterator[Story]:
    """v1 serves, and no daemon yet; the last one is ended at the end."""
    time = Hurried(10.0, clock.monotonic())
    slack = SlackWorld(time.now)
    async with (
        asyncio.timeout(60),
        a_world(tmp_path / "world", time, mode="ask") as outside,
        serving_slack(slack) as sockets,
        a_ward(time) as ward,
        aiohttp.ClientSession() as session,
    ):
        configured(outside, slack)
        story = Story(outside, slack, sockets, ward, session)
        yield story
        await ended(ward, story.life)


async def ended(ward: Ward, life: Life) -> None:
    """SIGTERM ends it in good order, and what it logged holds no secret."""
    await ward.signal(life, signal.SIGTERM)
    assert await life.ended == 0
    logged = life.log.read_text()
    assert "daemon.undrained" not in logged
    assert not [
        secret for secret in (SECRET, BOT_TOKEN, APP_TOKEN, "it-is-a-secret", "ticket=") if secret in logged
    ]


def is_asked(slack: SlackWorld) -> bool:
    return any(button.label == LABEL for message in slack.room()[:1] for button in message.buttons)


async def test_a_bad_release_asks_is_rolled_back_by_a_button_and_the_message_says_by_whom(tmp_path):
    async with a_story(tmp_path) as story:
        story.slack.trouble = down("apps.connections.open")
        await story.starts()  # whether Slack is there or not
        story.slack.trouble = None
        await story.sockets.connected(longest=20)
        await story.asks()

        # Forged, old, by somebody of elsewhere, by somebody who may not: nothing happens.
        good = delivered(story.slack, story.pressed(ADA))
        elsewhere = {**story.pressed(ADA), "team": {"id": "T0OTHER"}}
        answers = [
            await story.sent(each)
            for each in (
                good.truncated(),
                good.changed(b"U0ADA", b"U0EVE"),
                delivered(story.slack, story.pressed(ADA), secret="0" * 32),
                delivered(story.slack, story.pressed(ADA), late=400),
                delivered(story.slack, elsewhere),
                delivered(story.slack, story.pressed(BOB)),
            )
        ]
        assert answers == [401, 401, 401, 401, 200, 200]
        await until(lambda: len(story.slack.whispers) == 2)
        assert is_asked(story.slack)
        assert story.outside.calls("attempted") == []

        assert await story.sockets.deliver(story.pressed(ADA)) in story.sockets.heard
        await until(lambda: "v1 serves again" in story.message.words)

        assert story.outside.serves == "v1"
        assert [call.tag for call in story.outside.calls("effective")] == ["v1"]
        assert f"“{LABEL}”: done, by your word." in story.slack.whispers
        told = [message.words for message in story.slack.messages()]
        assert any("ordered by slack:U0ADA (ada)" in words for words in told), told
        assert LABEL not in [button.label for button in story.message.buttons]
        audit = await story.get("/v1/audit")
        assert '"by":"slack:U0ADA (ada)"' in audit
        assert '"why":"pressed in Slack"' in audit
        page = await story.get("/metrics")
        assert 'rollbackd_slack_clicks_total{connection="slack",result="obeyed"} 1.0' in page
        assert 'rollbackd_slack_clicks_total{connection="slack",result="refused"} 2.0' in page
        assert 'rollbackd_slack_socket_connected{connection="slack"} 1.0' in page


@pytest.mark.parametrize(
    ("at", "told"),
    [("message #1", f"“{LABEL}”: done, by your word."), ("save rolling_back #1", DONE_BEFORE)],
    ids=["before the order is saved", "before anybody is told"],
)
async def test_a_daemon_that_is_killed_while_it_obeys_has_acknowledged_nothing_and_obeys_once(
    tmp_path, at, told
):
    async with a_story(tmp_path) as story:
        await story.starts(Death(at))
        await story.sockets.connected(longest=20)
        await story.asks()
        story.slack.ack_within = 0.5
        payload = story.pressed(ADA)

        assert await story.sockets.deliver(payload) in story.sockets.unheard
        assert await story.life.ended == -signal.SIGKILL
        await story.starts()
        await story.sockets.connected(longest=20)
        story.slack.ack_within = 3.0
        assert (
            await story.sockets.deliver(payload) in story.sockets.heard
        )  # Slack gives it to whoever is there

        await until(lambda: story.slack.whispers == [told])
        await until(lambda: story.outside.serves == "v1" and "v1 serves again" in story.message.words)
        assert [call.tag for call in story.outside.calls("effective")] == ["v1"]
        assert (await story.get("/v1/audit")).count('"what":"watch.rolling_back"') == 1
