"""An announcement is written down before it is answered, whatever it says."""

import asyncio
import json
from datetime import timedelta

import pytest

from deploy.source import Ignored
from tests.watcher.api.daemon import ADA, NOON, AToken, a_service, an_api
from watcher.core.watch import Closing

CHECKOUT = {"service": "checkout", "environment": "production", "tag": "v44"}
PATH = "/v1/deployments"


async def test_what_is_announced_waits_in_the_inbox_when_it_is_answered(api):
    answer = await api.post(PATH, CHECKOUT)

    [item] = await api.daemon.store.take_inbox(10, NOON)
    assert answer.status == 202
    assert answer.json["announcement"] == item.id
    assert item.principal == "token:ada"
    assert item.announcement is not None
    assert (item.announcement.service, item.announcement.hints["tag"]) == ("checkout", "v44")
    assert api.daemon.woken == ["listener"]


async def test_everything_that_may_be_said_of_a_deployment_is_understood(api):
    body = CHECKOUT | {
        "phase": "started",
        "at": "2026-11-24T11:58:00Z",
        "fingerprint": "sha256:9f86d081",
        "part": "service",
        "names": {"sentry": "checkout@4.4"},
        "author": "Ada Lovelace",
        "reversible": False,
        "id": "run-4711",
    }

    answer = await api.post(PATH, body)

    assert answer.status == 202
    [item] = await api.daemon.store.take_inbox(10, NOON)
    assert item.announcement is not None
    assert item.announcement.hints["author"] == "Ada Lovelace"


async def test_the_same_announcement_is_answered_the_same_and_written_once(api):
    first = await api.post(PATH, CHECKOUT)
    second = await api.post(PATH, CHECKOUT)

    assert [first.status, second.status] == [202, 202]
    assert second.json == first.json | {"duplicate": True}
    assert len(await api.daemon.store.take_inbox(10, NOON)) == 1


async def test_a_key_makes_two_announcements_of_one_body(api):
    first = await api.post(PATH, CHECKOUT, Idempotency_Key="run-1")
    second = await api.post(PATH, CHECKOUT, Idempotency_Key="run-2")

    assert first.json["announcement"] != second.json["announcement"]


async def test_a_key_that_comes_with_another_body_is_a_conflict(api):
    await api.post(PATH, CHECKOUT, Idempotency_Key="run-1")

    answer = await api.post(PATH, CHECKOUT | {"tag": "v45"}, Idempotency_Key="run-1")

    assert answer.status == 409
    assert answer.json["type"] == "urn:rollbackd:key-used"
    assert len(await api.daemon.store.take_inbox(10, NOON)) == 1


async def test_the_keys_of_two_tokens_do_not_meet():
    bob = AToken("bob")
    async with an_api(tokens=[ADA, bob]) as api:
        first = await api.post(PATH, CHECKOUT, ADA, Idempotency_Key="1")
        second = await api.post(PATH, CHECKOUT | {"tag": "v45"}, bob, Idempotency_Key="1")

    assert [first.status, second.status] == [202, 202]


async def test_a_hundred_at_once_with_one_key_are_one_announcement(api):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(api.post(PATH, CHECKOUT, Idempotency_Key="run-1")) for _ in range(100)]

    assert {task.result().status for task in tasks} == {202}
    assert len({task.result().json["announcement"] for task in tasks}) == 1
    assert len(await api.daemon.store.take_inbox(200, NOON)) == 1


BAD = [
    (b"{", 400, "rejected"),
    (b'{"service": "checkout", "service": "catalog"}', 400, "rejected"),
    (json.dumps(CHECKOUT | {"tag": "-rf"}).encode(), 400, "rejected"),
    (json.dumps(CHECKOUT | {"tga": "v44"}).encode(), 400, "rejected"),
    (json.dumps(CHECKOUT | {"service": "chekout"}).encode(), 422, "rejected"),
    (json.dumps(CHECKOUT | {"environment": "staging"}).encode(), 422, "rejected"),
    (json.dumps(CHECKOUT | {"service": "catalog"}).encode(), 403, "rejected"),
    (json.dumps(CHECKOUT | {"at": "2026-11-23T11:59:00Z"}).encode(), 422, "recorded"),
    (json.dumps(CHECKOUT | {"at": "2026-11-24T12:06:00Z"}).encode(), 422, "rejected"),
]


@pytest.mark.parametrize(("body", "status", "state"), BAD)
async def test_what_is_refused_is_recorded_with_the_reason(body, status, state):
    limited = AToken("ci", services=("ch*",))
    async with an_api(tokens=[limited], services=[a_service(), a_service("catalog")]) as api:
        answer = await api.post(PATH, body, limited)
        told = await api.get(f"/v1/announcements/{answer.json['announcement']}", limited)
        waiting = await api.daemon.store.take_inbox(10, NOON)

    assert answer.status == status
    assert told.json["state"] == state
    assert answer.json["detail"] in told.json["why"]
    assert not waiting
    assert not api.daemon.woken


async def test_what_was_refused_does_not_use_its_key_up(api):
    refused = await api.post(PATH, CHECKOUT | {"service": "chekout"}, Idempotency_Key="run-1")
    corrected = await api.post(PATH, CHECKOUT, Idempotency_Key="run-1")

    assert [refused.status, corrected.status] == [422, 202]


async def test_a_service_that_is_not_configured_is_answered_with_those_that_are(api):
    answer = await api.post(PATH, CHECKOUT | {"service": "chekout"})

    assert answer.json["remedy"] == "known: checkout/production"


async def test_a_pipeline_waits_until_it_is_known_what_became_of_its_announcement(api):
    made = (await api.post(PATH, CHECKOUT)).json["announcement"]
    pending = await api.get(f"/v1/announcements/{made}")
    waiting = asyncio.ensure_future(api.get(f"/v1/announcements/{made}?wait=10s"))
    await asyncio.sleep(0.1)
    await api.daemon.store.close_inbox(Closing(made, "watching", watch="w_7"), NOON)

    async with asyncio.timeout(3):
        told = await waiting

    assert pending.json["state"] == "pending"
    assert (told.json["state"], told.json["watch"]) == ("watching", "w_7")
    assert told.json["links"]["watch"] == "/v1/watches/w_7"


async def test_an_announcement_that_stays_pending_is_told_as_that(api):
    made = (await api.post(PATH, CHECKOUT)).json["announcement"]

    told = await api.get(f"/v1/announcements/{made}?wait=200ms")

    assert told.status == 200
    assert told.json["state"] == "pending"


async def test_an_announcement_is_seen_by_who_sent_it_and_by_those_of_the_service():
    sender, reader, other = (
        AToken("ci"),
        AToken("dev", services=("checkout",)),
        AToken("x", services=("catalog",)),
    )
    async with an_api(tokens=[sender, reader, other]) as api:
        known = (await api.post(PATH, CHECKOUT, sender)).json["announcement"]
        unread = (await api.post(PATH, b"{", sender)).json["announcement"]
        seen = {
            token.name: [
                (await api.get(f"/v1/announcements/{made}", token)).status for made in (known, unread)
            ]
            for token in (sender, reader, other)
        }

    assert seen == {"ci": [200, 200], "dev": [200, 404], "x": [404, 404]}


async def test_news_of_a_minute_ahead_are_only_a_clock_that_is_wrong(api):
    at = (NOON + timedelta(minutes=1)).isoformat()

    answer = await api.post(PATH, CHECKOUT | {"at": at})

    assert answer.status == 202


class Deaf:
    """A source that nothing concerns."""

    name = "http"

    def read(self, received):
        return Ignored("a deployment of another team")


async def test_what_is_of_no_concern_is_recorded_and_nobody_is_woken():
    async with an_api(source=Deaf()) as api:
        answer = await api.post(PATH, CHECKOUT)
        told = await api.get(answer.json["links"]["self"])

    assert answer.status == 202
    assert (told.json["state"], told.json["why"]) == ("recorded", "a deployment of another team")
    assert not api.daemon.woken
