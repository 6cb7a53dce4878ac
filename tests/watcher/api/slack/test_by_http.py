"""What is sent to our Request URL: believed only when Slack has signed it, just now; and then obeyed once."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from structlog.testing import capture_logs

from tests.fakes.slack import ADA, APP_TOKEN, BOT_TOKEN, SECRET, Delivery, delivered, press, signed
from tests.watcher.api.daemon import NOON
from tests.watcher.api.slack.scene import Scene, a_scene
from watcher.api.slack.click import Unreadable, read, read_form
from watcher.api.slack.obeying import DONE_BEFORE
from watcher.core.watch import State

Forging = Callable[[Delivery], Delivery]


async def changed_nothing(scene: Scene) -> bool:
    """No order was obeyed, nobody was told anything, and nothing was written down."""
    watch = await scene.watch()
    by = {row.by for row in await scene.audit()}
    return watch.state is State.WATCHING and scene.world.whispers == [] and by == {"rollbackd"}


async def test_whoever_may_rolls_back_by_a_button():
    async with a_scene() as scene:
        await scene.offers()

        answer = await scene.replica.sent(scene.pressed())

        assert (answer.status, answer.raw) == (200, b"")
        assert await scene.whispered() == ["“Roll back to v42”: done, by your word."]
        watch = await scene.watch()
        assert watch.state is State.ROLLING_BACK
        assert watch.ordered_by == f"slack:{ADA} (ada)"
        by = [(row.by, row.why) for row in await scene.audit() if row.what == "watch.rolling_back"]
        assert by == [(f"slack:{ADA} (ada)", "pressed in Slack")]
        assert scene.replica.count("obeyed") == 1


def of(**changes: Any) -> Forging:
    return lambda delivery: replace(delivery, **changes)


FORGED: dict[str, tuple[Forging, int]] = {
    "by another secret": (lambda each: signed(each.body, int(each.timestamp), "0" * 32), 401),
    "another button": (lambda each: each.changed(b"w_1.1.0%2F0", b"w_1.1.0%2F1"), 401),
    "another person": (lambda each: each.changed(ADA.encode(), b"U0EVE"), 401),
    "cut off": (lambda each: each.truncated(), 401),
    "encoded otherwise": (lambda each: each.changed(b"%2F", b"%2f"), 401),
    "six minutes ago": (lambda each: signed(each.body, int(each.timestamp) - 360), 401),
    "in six minutes": (lambda each: signed(each.body, int(each.timestamp) + 360), 401),
    "another time than was signed": (lambda each: replace(each, timestamp=str(int(each.timestamp) + 1)), 401),
    "time with an underscore": (of(timestamp="1_0"), 401),
    "no signature": (of(signature=""), 401),
    "a signature that is not ASCII": (of(signature="v0=\xe9\u20ac"), 401),
    "an older kind of signature": (lambda each: replace(each, signature="v1=" + each.signature[3:]), 401),
    "text": (of(content_type="text/plain"), 415),
    "JSON": (of(content_type="application/json"), 415),
    "multipart": (of(content_type="multipart/form-data; boundary=x"), 415),
    "signed, not UTF-8": (lambda each: signed(b"payload=\xff\xfe", int(each.timestamp)), 400),
    "signed, not UTF-8 when decoded": (lambda each: signed(b"payload=%ff%fe", int(each.timestamp)), 400),
    "signed, no form": (lambda each: signed(b"hello", int(each.timestamp)), 400),
    "signed, no JSON": (lambda each: signed(b"payload=hello", int(each.timestamp)), 400),
    "signed, no object": (lambda each: signed(b"payload=%5B%5D", int(each.timestamp)), 400),
    "signed, two payloads": (lambda each: signed(each.body + b"&" + each.body, int(each.timestamp)), 400),
    "signed, an abyss": (lambda each: signed(b"payload=" + b"%5B" * 50_000, int(each.timestamp)), 400),
    "signed, an endless number": (lambda each: signed(b"payload=" + b"9" * 9000, int(each.timestamp)), 400),
    "signed, empty": (lambda each: signed(b"", int(each.timestamp)), 400),
    "too large": (lambda each: signed(b"payload=" + b"x" * 300_000, int(each.timestamp)), 413),
}


@pytest.mark.parametrize("what", FORGED)
async def test_what_slack_did_not_send_is_refused_and_changes_nothing(what):
    forge, status = FORGED[what]
    async with a_scene() as scene:
        await scene.offers()
        good = scene.pressed()

        with capture_logs() as log:
            answer = await scene.replica.sent(forge(good))

        assert answer.status == status
        assert {"title", "detail", "remedy"} <= answer.json.keys()
        assert await changed_nothing(scene)
        said = f"{log}{answer.raw!r}"
        assert not any(secret in said for secret in (SECRET, BOT_TOKEN, APP_TOKEN, "it-is-a-secret"))

        assert (await scene.replica.sent(good)).status == 200  # and the good one is heard all the same
        assert (await scene.watch()).state is State.ROLLING_BACK


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp", "Content-Type"])
async def test_a_header_that_comes_twice_is_neither_of_them(name):
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()
        headers = CIMultiDict(delivery.headers)
        headers.add(name, headers[name] if name != "Content-Type" else "text/plain")

        answer = await scene.replica.posted(delivery.body, headers)

        assert answer.status in {400, 401, 415}
        assert await changed_nothing(scene)


async def test_a_body_that_ends_in_the_middle_changes_nothing():
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()
        port = int(scene.replica.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        told = "".join(f"{name}: {value}\r\n" for name, value in delivery.headers.items())
        head = (
            f"POST /v1/slack/slack HTTP/1.1\r\nHost: x\r\nContent-Length: {len(delivery.body)}\r\n{told}\r\n"
        )

        writer.write(head.encode() + delivery.body[:-20])
        await writer.drain()
        writer.write_eof()
        await reader.read()
        writer.close()

        assert await changed_nothing(scene)


async def test_nobody_learns_which_connections_there_are():
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()

        unknown = await scene.replica.sent(delivery, path="/v1/slack/other")
        forged = await scene.replica.sent(delivery.truncated())

        assert (unknown.status, unknown.raw) == (forged.status, forged.raw)
        assert unknown.status == 401


async def test_over_http_nothing_is_heard_where_there_is_no_secret():
    async with a_scene(by="socket") as scene:
        await scene.offers()
        delivery = scene.pressed()

        assert (await scene.replica.sent(delivery)).status == 401
        assert (await scene.replica.sent(signed(delivery.body, int(NOON.timestamp()), ""))).status == 401
        assert await changed_nothing(scene)


async def test_a_replay_is_answered_and_does_nothing():
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()

        answers = [await scene.replica.sent(delivery) for _ in range(3)]
        scene.now += timedelta(seconds=299)
        late = await scene.replica.sent(delivery)
        scene.now += timedelta(seconds=2)
        too_late = await scene.replica.sent(delivery)

        assert [each.status for each in answers] == [200] * 3
        assert (late.status, too_late.status) == (200, 401)
        assert (await scene.watch()).revision == 3
        assert len(await scene.whispered()) == 1
        assert scene.replica.count("repeated") == 3


async def test_a_replay_to_another_replica_does_nothing():
    async with a_scene() as scene:
        await scene.offers()
        other = await scene.hears()
        delivery = scene.pressed()

        await scene.replica.sent(delivery)
        answer = await other.sent(delivery)

        assert answer.status == 200
        assert (await scene.watch()).revision == 3
        assert await scene.whispered(2) == ["“Roll back to v42”: done, by your word.", DONE_BEFORE]


async def test_guessing_costs_little_and_a_right_signature_is_heard_meanwhile():
    async with a_scene() as scene:
        await scene.offers()
        good = scene.pressed()

        with capture_logs() as log:
            answers = [await scene.replica.sent(good.truncated()) for _ in range(40)]

        assert {each.status for each in answers} == {401, 429}
        assert len([line for line in log if line["event"] == "slack.not_believed"]) == 1
        assert len(log) < 20
        registry = scene.replica.daemon.metrics.registry
        labels = {"connection": "slack", "way": "http"}
        assert registry.get_sample_value("rollbackd_slack_unbelieved_total", labels) == 40
        assert (await scene.replica.sent(good)).status == 200
        assert (await scene.watch()).state is State.ROLLING_BACK


@pytest.mark.parametrize("kind", ["view_submission", "shortcut", "message_action", "block_suggestion"])
async def test_what_else_slack_tells_is_answered_and_ignored(kind):
    async with a_scene() as scene:
        standing = await scene.offers()
        payload = {**press(scene.world, standing, "Roll back to v42"), "type": kind}

        answer = await scene.replica.sent(delivered(scene.world, payload))

        assert answer.status == 200
        assert await changed_nothing(scene)


async def test_a_button_of_somebody_elses_is_ignored():
    async with a_scene() as scene:
        standing = await scene.offers()
        payload = press(scene.world, standing, "Roll back to v42")
        payload["actions"][0]["action_id"] = "another.0"

        assert (await scene.replica.sent(delivered(scene.world, payload))).status == 200
        assert await changed_nothing(scene)
        assert scene.replica.count("ignored") == 1


WITHOUT = [("user",), ("team",), ("api_app_id",), ("channel",), ("actions",), ("user", "team_id")]
WRONG: list[tuple[tuple[Any, ...], Any]] = [
    (("user", "id"), "B0BOT"),
    (("user", "id"), "U0ADA\nU0EVE"),
    (("user",), {"bot_id": "B0BOT", "team_id": "T0SHOP"}),
    (("team", "id"), "t0shop"),
    (("channel", "id"), "#releases"),
    (("message", "ts"), "../../etc"),
    (("actions",), []),
    (("actions", 0, "action_ts"), "now"),
    (("actions", 0, "value"), "x" * 2001),
    (("actions", 0, "value"), 7),
]


@pytest.mark.parametrize("path", WITHOUT)
async def test_a_click_that_lacks_something_is_unreadable(path):
    async with a_scene() as scene:
        standing = await scene.offers()
        payload = press(scene.world, standing, "Roll back to v42")
        inner: Any = payload
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]

        answer = await scene.replica.sent(delivered(scene.world, payload))

        assert answer.status == 400
        assert await changed_nothing(scene)


@pytest.mark.parametrize(("path", "value"), WRONG)
async def test_a_click_with_something_odd_in_it_is_unreadable(path, value):
    async with a_scene() as scene:
        standing = await scene.offers()
        payload = press(scene.world, standing, "Roll back to v42")
        inner: Any = payload
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

        answer = await scene.replica.sent(delivered(scene.world, payload))

        assert answer.status == 400
        assert await changed_nothing(scene)


@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(raw):
    assert outcome(lambda: read_form("application/x-www-form-urlencoded", raw)) in {"ignored", "refused"}


def outcome(reads: Callable[[], object]) -> str:
    """What becomes of it; another exception passes, and fails the test."""
    try:
        found = reads()
    except Unreadable:
        return "refused"
    return "ignored" if found is None else "taken"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.sampled_from(["user", "team", "channel", "message", "actions", "api_app_id", "type"]))
def test_any_payload_is_read_or_refused(value, key):
    payload: dict[str, Any] = {"type": "block_actions", "message": {}, key: value}

    assert outcome(lambda: read(value)) in {"ignored", "refused"}
    assert outcome(lambda: read(payload)) == ("ignored" if key == "type" else "refused")


def test_a_name_is_for_people_and_says_nothing_but_itself():
    payload = json.loads(
        json.dumps(
            {
                "type": "block_actions",
                "team": {"id": "T0SHOP"},
                "api_app_id": "A0APP",
                "user": {"id": "U0EVE", "team_id": "T0SHOP", "username": "ada) token:on-call\n<!channel> (x"},
                "channel": {"id": "C0ROOM"},
                "message": {"ts": "1.2"},
                "actions": [{"action_id": "rollbackd.0", "value": "w_1.1.0/0", "action_ts": "1.3"}],
            }
        )
    )
    body = urlencode({"payload": json.dumps(payload)}).encode()

    click = read_form("application/x-www-form-urlencoded; charset=utf-8", body)

    assert click is not None
    assert click.by == "U0EVE (adatokenon-callchannelx)"
