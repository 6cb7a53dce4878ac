"""The door of systems that sign: what is signed is written down before it is answered, and a forger learns nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.github import App
from deploy.sources.github.settings import Gate
from tests.deploy.sources.github.said import a_source, deployment, example, rule, status
from tests.fakes.github.deliveries import Delivery, signature, signed
from tests.watcher.api.daemon import ADA, NOON, Answer, Api, AToken, an_api
from watcher.api.limits import Limits

PATH = "/v1/hooks/github"
MADE = signed("deployment", deployment())


@asynccontextmanager
async def a_door(**settings: Any) -> AsyncIterator[Api]:
    async with an_api(hooked={"github": a_source()}, **settings) as api:
        yield api


async def send(api: Api, delivery: Delivery, path: str = PATH, **more: str) -> Answer:
    headers = {name.replace("-", "_"): value for name, value in delivery.headers.items()}
    return await api.ask("POST", path, delivery.body, None, **{**headers, **more})


async def waiting(api: Api) -> list[Any]:
    return list(await api.daemon.store.take_inbox(20, NOON))


async def test_a_deployment_that_waits_at_our_gate_is_written_down_and_wakes_whoever_answers_it():
    source = a_source(gate=Gate(app=App(id=1, installation=2, private_key=SecretStr("PEM"))))
    async with an_api(hooked={"github": source}) as api:
        answer = await send(api, signed("deployment_protection_rule", rule()))
        told = await api.get(f"/v1/announcements/{answer.json['announcement']}")
        items = await waiting(api)

    assert answer.status == 202
    assert told.json["state"] == "recorded"
    assert "run 9001 of acme/shop waits at the gate of production" in told.json["why"]
    assert items == []
    assert api.daemon.woken == ["doorkeeper"]


# --------------------------------------------------------------------------------------------------- what is signed


async def test_what_github_says_waits_in_the_inbox_when_it_is_answered():
    async with a_door() as api:
        answer = await send(api, MADE)
        [item] = await waiting(api)

    assert answer.status == 202
    assert answer.json["announcement"] == item.id
    assert item.principal == "hook:github"
    assert item.announcement.service == "checkout"
    assert api.daemon.woken == ["listener"]


async def test_the_same_delivery_is_written_once():
    async with a_door() as api:
        answers = [await send(api, MADE) for _ in range(3)]
        items = await waiting(api)

    assert [answer.status for answer in answers] == [202, 202, 202]
    assert [answer.json["duplicate"] for answer in answers] == [False, True, True]
    assert len(items) == 1


async def test_one_event_that_comes_by_two_webhooks_is_written_once():
    by_the_organisation = signed("deployment", {**deployment(), "installation": {"id": 3}}, id="another")
    async with a_door() as api:
        answers = [await send(api, MADE), await send(api, MADE.again()), await send(api, by_the_organisation)]
        items = await waiting(api)

    assert [answer.status for answer in answers] == [202, 202, 202]
    assert [answer.json["duplicate"] for answer in answers] == [False, True, True]
    assert len(items) == 1


async def test_what_is_of_no_concern_is_recorded_once_a_day_by_name():
    async with a_door() as api:
        answers = [await send(api, signed("ping", example("ping"), id=f"d{n}")) for n in range(3)]
        told = await api.get(f"/v1/announcements/{answers[0].json['announcement']}")
        items = await waiting(api)

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["announcement"] for answer in answers}) == 1
    assert (told.json["state"], told.json["why"]) == ("recorded", "ping: of no concern here")
    assert not items
    assert not api.daemon.woken


@pytest.mark.parametrize("body", [b"{", b'{"a": 1, "a": 2}', b"[" * 5000, b"{}", b"\xff", b'{"a": NaN}'])
async def test_what_is_signed_and_no_delivery_is_recorded_and_refused_with_the_reason(body):
    async with a_door() as api:
        answer = await send(api, signed("deployment", body))
        told = await api.get(f"/v1/announcements/{answer.json['announcement']}")
        items = await waiting(api)

    assert answer.status == 400
    assert answer.json["remedy"]
    assert told.json["state"] == "rejected"
    assert not items


# ------------------------------------------------------------------------------------------------------- who forges

FORGED = {
    "another secret": replace(MADE, signature=signature(MADE.body, "x" * 40)),
    "another body": MADE.changed(b"production", b"staging"),
    "cut short": MADE.truncated(),
    "no signature": replace(MADE, signature=""),
    "sha1 in the header of sha256": replace(MADE, signature=MADE.signature.replace("sha256=", "sha1=")),
    "too short": replace(MADE, signature=MADE.signature[:-1]),
    "not ASCII": replace(MADE, signature=MADE.signature[:-1] + "é"),
}


async def test_every_forger_hears_the_same_and_nothing_is_written():
    async with a_door(limits=Limits(bad_tokens=100)) as api:
        answers = [await send(api, delivery) for delivery in FORGED.values()]
        answers += [await send(api, MADE, f"/v1/hooks/{name}") for name in ("nobody", "http")]
        answers += [
            await send(api, MADE, Authorization=f"Bearer {ADA.secret}", X_Hub_Signature_256="sha256=0")
        ]
        items = await waiting(api)

    assert {answer.status for answer in answers} == {401}
    assert len({answer.raw for answer in answers}) == 1
    assert not items
    assert not api.daemon.woken


async def test_a_header_that_comes_twice_is_none():
    async with a_door() as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        twice = f"X-Hub-Signature-256: {MADE.signature}\r\n" * 2
        others = "X-GitHub-Event: deployment\r\nX-GitHub-Delivery: d-1\r\nContent-Type: application/json\r\n"
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{others}{twice}Content-Length: {len(MADE.body)}\r\n\r\n"
        writer.write(head.encode() + MADE.body)
        async with asyncio.timeout(5):
            answered = await reader.read()
        writer.close()
        items = await waiting(api)

    assert answered.startswith(b"HTTP/1.1 401 ")
    assert not items


async def test_a_token_is_no_signature():
    async with a_door(tokens=[AToken("ci")]) as api:
        answer = await api.post(PATH, deployment(), AToken("ci"))

    assert answer.status == 401


async def test_too_many_forgeries_are_told_to_wait_and_what_is_signed_is_heard_all_the_same():
    async with a_door(limits=Limits(bad_tokens=3)) as api:
        statuses = [(await send(api, FORGED["another secret"])).status for _ in range(5)]
        heard = await send(api, MADE)

    assert statuses == [401, 401, 401, 429, 429]
    assert heard.status == 202


# --------------------------------------------------------------------------------------------------------- its size


async def test_what_is_too_large_is_refused_with_what_to_do():
    huge = signed("push", {"commits": "x" * 300_000})
    async with a_door() as api:
        answer = await send(api, huge)

    assert answer.status == 413
    assert "only the events" in answer.json["remedy"]


async def test_a_delivery_in_the_form_of_a_form_is_refused_with_what_to_do():
    async with a_door() as api:
        answer = await send(api, MADE, Content_Type="application/x-www-form-urlencoded")

    assert answer.status == 415
    assert "application/json" in answer.json["remedy"]


async def test_a_burst_of_deliveries_is_taken_in():
    deliveries = [signed("deployment_status", status("success", id=n), id=f"d{n}") for n in range(1, 101)]
    async with a_door() as api, asyncio.TaskGroup() as group:
        tasks = [group.create_task(send(api, each)) for each in deliveries]

    assert {task.result().status for task in tasks} == {202}
    assert len({json.loads(task.result().raw)["announcement"] for task in tasks}) == 100
