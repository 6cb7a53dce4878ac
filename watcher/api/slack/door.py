"""``POST /v1/slack/{connection}``: Slack's Request URL. Answered with nothing, once the order is done or two seconds are over."""

from datetime import timedelta
from http import HTTPStatus

from watcher.api.asked import OneConnection
from watcher.api.bodies import Delivery
from watcher.api.problems import Declined, Mistake, malformed, unsigned
from watcher.api.route import Call, Raw
from watcher.api.slack.click import Unreadable
from watcher.api.slack.ear import Crowded


async def slack(call: Call[OneConnection, Delivery]) -> Raw:
    """Take what somebody clicked in Slack."""
    ear, now = call.deps.ears().get(call.asked.connection), call.deps.now()
    if ear is None or not ear.believes(call.headers, call.raw, now):
        raise unsigned()
    try:
        await ear.hear(call.headers, call.raw, now)
    except Unreadable as unreadable:
        mistake = Mistake(where="", what=str(unreadable))
        raise malformed(
            "what Slack sent", [mistake], "Slack's interactivity is heard here, and nothing else"
        ) from None
    except Crowded as crowded:
        raise Declined(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "crowded",
            f"the click was not taken: {crowded}",
            remedy="press it again in some seconds",
            retry_after=timedelta(seconds=5),
        ) from None
    return Raw("text/plain", b"")
