"""A small Slack: what was posted, changed and whispered is one log, and everything that it tells comes from that log.

world = SlackWorld(now)
async with serving_slack(world) as sockets:            # at world.base, a real port
    settings = Settings(token=SecretStr(BOT_TOKEN), url=f"{world.base}/api/", workspace=TEAM)
    ...                                                # what rollbackd tells stands in world.room(), world.thread(ts)
    payload = press(world, world.room()[0], "Hold 15 min", by=ADA)     # of the button as it stands there
    each = delivered(world, payload)                   # over HTTP, signed: each.body, each.headers
    await sockets.connected()                          # or by Socket Mode
    envelope = await sockets.deliver(payload)          # in sockets.heard, or sockets.unheard
    assert world.whispers == ["..."]                   # what somebody alone was shown

What goes wrong: `world.trouble` until it is mended, `world.once` for the next requests (`down`, `hangs`, `slow`, `lost`,
`silent`, `rate_limited`, `refuses`); `world.dead`, `world.scopes`, `world.sets(ROOM, bot=False)` for what an administrator does;
`sockets.cut`, `sockets.asks_to_reconnect`. A webhook is at ``world.base + HOOK``. `world.asked` has every request.
"""

from tests.fakes.slack.clicks import Delivery, delivered, press, signed
from tests.fakes.slack.rest import serving_slack
from tests.fakes.slack.socket import Sockets
from tests.fakes.slack.trouble import Trouble, answers, down, hangs, lost, rate_limited, refuses, silent, slow
from tests.fakes.slack.world import (
    ADA,
    APP,
    APP_TOKEN,
    BOB,
    BOT_TOKEN,
    BOT_USER,
    ELSEWHERE,
    GUEST,
    HOOK,
    ON_CALL,
    PRIVATE,
    ROOM,
    SECRET,
    TEAM,
    Message,
    SlackWorld,
)

__all__ = [
    "ADA",
    "APP",
    "APP_TOKEN",
    "BOB",
    "BOT_TOKEN",
    "BOT_USER",
    "ELSEWHERE",
    "GUEST",
    "HOOK",
    "ON_CALL",
    "PRIVATE",
    "ROOM",
    "SECRET",
    "TEAM",
    "Delivery",
    "Message",
    "SlackWorld",
    "Sockets",
    "Trouble",
    "answers",
    "delivered",
    "down",
    "hangs",
    "lost",
    "press",
    "rate_limited",
    "refuses",
    "serving_slack",
    "signed",
    "silent",
    "slow",
]
