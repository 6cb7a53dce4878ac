"""The door of systems that tell of their alerts: who proves it is heard, and a forger learns nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from deploy.source import Ignored, Received, Rejected
from tests.watcher.api.daemon import NOON, Api, an_api
from tests.watcher.signals.alert.building import FIRING, UNKNOWN, WELL, an_alert
from watcher.api.limits import Limits
from watcher.errors import StoreUnavailable
from watcher.signals.alert.pushed import Meaning, Told
from watcher.signals.alert.senders.sender import Unproven

PATH = "/v1/alerts/am"


class Alerts:
    """Who hears, in the place of the daemon's: answers what it is told to."""

    def __init__(self, answer: Meaning | Unproven | Exception) -> None:
        self.answer = answer
        self.heard: list[tuple[str, Received]] = []

    async def hear(self, name: str, received: Received) -> Meaning | Unproven:
        self.heard.append((name, received))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def kinds(self) -> Mapping[str, str]:
        return {"am": "alertmanager", "queue": "sqs"}


def a_door(answer: Any = None, **settings: Any) -> Any:
    return an_api(alerts=Alerts(answer or Told((an_alert("errors", FIRING, 0),))), **settings)


async def post(api: Api, body: bytes = b"{}", path: str = PATH, **headers: str) -> Any:
    return await api.ask("POST", path, body, None, **{"Content_Type": "application/json", **headers})


async def test_what_was_told_is_handed_over_as_it_came():
    async with a_door() as api:
        answer = await post(api, b'{"a": 1}', Authorization="Bearer x")

    assert (answer.status, answer.json) == (202, {"alerts": 1})
    [(name, received)] = api.daemon.alerts.heard
    assert (name, received.body, received.at, received.principal) == ("am", b'{"a": 1}', NOON, "alerts:am")
    assert received.headers["authorization"] == "Bearer x"


async def test_sns_calls_its_json_text():
    async with a_door() as api:
        answers = [await post(api, Content_Type=kind) for kind in ("text/plain; charset=UTF-8", "text/html")]

    assert [answer.status for answer in answers] == [202, 415]


async def test_what_tells_of_no_alert_is_heard():
    async with a_door(Ignored("a test")) as api:
        answer = await post(api)

    assert (answer.status, answer.json) == (202, {"alerts": 0})


async def test_what_cannot_be_read_is_told_with_its_place_and_the_remedy():
    async with a_door(Rejected("no state of an alarm", "send the event", "detail.state")) as api:
        answer = await post(api)

    assert answer.status == 400
    assert answer.json["mistakes"] == [{"where": "detail.state", "what": "no state of an alarm"}]
    assert answer.json["remedy"] == "send the event"


async def test_a_forger_hears_the_same_whatever_is_wrong():
    async with a_door(Unproven("a wrong secret")) as api, an_api() as nowhere:
        wrong = await post(api)
        deaf = await post(nowhere)

    assert (wrong.status, wrong.json["type"]) == (401, "urn:rollbackd:unsigned")
    assert wrong.json == deaf.json
    assert b"wrong secret" not in wrong.raw


async def test_a_forger_is_told_to_wait_after_a_few():
    async with a_door(Unproven("a wrong secret"), limits=Limits(bad_tokens=2)) as api:
        answers = [await post(api) for _ in range(4)]

    assert [answer.status for answer in answers] == [401, 401, 429, 429]


async def test_what_cannot_be_proven_now_is_to_be_sent_again():
    async with a_door(Unproven("no certificate", later=True)) as api:
        answer = await post(api)

    assert (answer.status, answer.json["type"]) == (503, "urn:rollbackd:unproven")
    assert int(answer.headers["Retry-After"]) >= 30


async def test_what_cannot_be_written_down_is_to_be_sent_again():
    async with a_door(StoreUnavailable("the store is away", remedy="wait")) as api:
        answer = await post(api)

    assert (answer.status, answer.json["type"]) == (503, "urn:rollbackd:store-unavailable")


async def test_what_is_too_large_is_not_read_to_its_end():
    async with a_door() as api:
        answer = await post(api, b" " * (256 * 1024 + 1))

    assert answer.status == 413
    assert "fewer alerts" in answer.json["remedy"]
    assert api.daemon.alerts.heard == []


@pytest.mark.parametrize("path", ["/v1/alerts/A%20b", "/v1/alerts/", "/v1/alerts/" + "a" * 200])
async def test_a_name_that_cannot_be_one_is_not_found(path):
    async with a_door() as api:
        assert (await post(api, path=path)).status == 404


async def test_who_was_heard_and_when_is_told_to_those_who_may_read():
    async with a_door() as api:
        await api.daemon.store.hear_alerts(
            "am",
            [
                an_alert("a", FIRING, 0),
                an_alert("b", WELL, 0),
                an_alert("c", UNKNOWN, 0),
                an_alert("d", WELL, 0),
            ],
            NOON + timedelta(minutes=3),
            {},
            incomplete=True,
        )
        answer = await api.get("/v1/alerts")
        nobody = await api.get("/v1/alerts", None)

    assert nobody.status == 401
    assert answer.json == {
        "senders": [
            {
                "name": "am",
                "kind": "alertmanager",
                "heard_at": "2026-11-24T12:03:00Z",
                "lacking_at": "2026-11-24T12:03:00Z",
                "moods": {"firing": 1, "unknown": 1, "well": 2},
                "unsubscribed": [],
            },
            {
                "name": "queue",
                "kind": "sqs",
                "heard_at": None,
                "lacking_at": None,
                "moods": {},
                "unsubscribed": [],
            },
        ]
    }
