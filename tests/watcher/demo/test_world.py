"""The small world: what users get of it, and how it comes from what runs to what should run."""

import asyncio
import contextlib
import random

import aiohttp
import pytest

from watcher.demo.play.waiting import until
from watcher.demo.record import Record
from watcher.demo.traffic import Users
from watcher.demo.world import shop, town
from watcher.demo.world.balancer import Backend, Balancer
from watcher.demo.world.behaviour import KINDS, USUAL, Behaviour, draw
from watcher.demo.world.files import Desired, Files
from watcher.demo.world.instance import Instance

HERE = "http://127.0.0.1"


@contextlib.asynccontextmanager
async def serving(behaviour: Behaviour, tag: str = "v1"):
    """One instance; gives its port."""
    instance = Instance(tag, behaviour, random.Random(1))
    port = await instance.start()
    try:
        yield port
    finally:
        await instance.stop()


async def got(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text(), answer.headers.get("x-release", "")


@pytest.mark.parametrize(
    ("behaviour", "status", "ready"),
    [(Behaviour(0, 0), 200, 200), (Behaviour(failing=1, slow=0), 500, 200), (KINDS["dead"], 503, 503)],
)
async def test_an_instance_answers_as_its_release_does(behaviour, status, ready):
    async with serving(behaviour) as port:
        assert (await got(f"{HERE}:{port}/"))[0] == status
        assert (await got(f"{HERE}:{port}/health/ready"))[0] == ready


async def test_an_instance_counts_for_prometheus_by_version_and_code():
    async with serving(Behaviour(failing=1, slow=0), "v7") as port:
        await got(f"{HERE}:{port}/")
        _, page, _ = await got(f"{HERE}:{port}/metrics")

    assert 'http_requests_total{code="500",version="v7"} 1.0' in page
    assert 'http_requests_total{code="200",version="v7"} 0.0' in page
    assert 'http_request_duration_seconds_bucket{le="0.3",version="v7"} 1.0' in page
    assert "process_start_time_seconds" in page


def test_a_slow_release_is_slow_as_often_as_it_says():
    chance = random.Random(1)

    slow = [draw(KINDS["slow"], chance)[1] > 0.3 for _ in range(4000)]

    assert sum(slow) / len(slow) == pytest.approx(0.15, abs=0.02)


async def test_the_balancer_takes_turns_and_says_who_answered():
    balancer = Balancer()
    port = await balancer.start()
    async with serving(Behaviour(0, 0)) as one, serving(Behaviour(0, 0), "v2") as two:
        balancer.serve_from([Backend(one, "v1"), Backend(two, "v2")])
        releases = [(await got(f"{HERE}:{port}/"))[2] for _ in range(4)]
    nobody = await got(f"{HERE}:{port}/")
    balancer.serve_from([])
    none = await got(f"{HERE}:{port}/")
    await balancer.stop()

    assert sorted(releases) == ["v1", "v1", "v2", "v2"]
    assert nobody[0] == 502
    assert none[0] == 503


async def test_users_are_written_down():
    record = Record()
    async with serving(Behaviour(0, 0)) as port:
        coming = asyncio.create_task(Users(f"{HERE}:{port}/", record, seed=1, rate=200).come())
        await until(lambda: len(record) > 20, 10, "users come")
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await coming

    assert not any(each.failed for each in record.between(0, float("inf")))


async def test_users_who_get_no_answer_are_written_down_too(unused_tcp_port_factory):
    record = Record()
    coming = asyncio.create_task(Users(f"{HERE}:{unused_tcp_port_factory()}/", record, seed=1).come())
    await until(lambda: len(record) > 5, 10, "users try")
    coming.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await coming

    assert all(each.status == 0 for each in record.between(0, float("inf")))


@pytest.fixture
async def files(tmp_path, monkeypatch):
    """A town that lives, and replaces an instance in no time."""
    monkeypatch.setattr(town, "REPLACING", 0.05)
    monkeypatch.setattr(town, "MOVING", 0.05)
    found, stop = Files(tmp_path), asyncio.Event()
    found.publish("v1", USUAL)
    found.publish("v2", KINDS["errors"])
    found.want(Desired("v1"))
    living = asyncio.create_task(town.Town(found, 1).live(stop))
    await until(lambda: found.running().balancer, 10, "the town lives")
    yield found
    stop.set()
    await living


def tags(files: Files) -> list[str]:
    return [slot.tag for slot in files.running().slots if slot.serving]


async def test_a_town_becomes_what_it_should_be(files):
    assert tags(files) == ["v1"] * 6

    shop.deploy(files, "v2", 2)
    await until(lambda: tags(files) == ["v2", "v2", "v1", "v1", "v1", "v1"], 10, "v2 is beside v1")
    ports = [slot.port for slot in files.running().slots]

    shop.move(files, "v1", "v2", "k")
    await until(lambda: tags(files) == ["v1"] * 6, 10, "v1 serves alone")
    assert [slot.port for slot in files.running().slots] == ports
    assert (await got(f"{HERE}:{files.running().balancer}/health/ready"))[2] == "v1"


async def test_a_move_replaces_one_instance_at_a_time(files, monkeypatch):
    shop.deploy(files, "v2", 2)
    await until(lambda: tags(files).count("v2") == 2, 10, "v2 is beside v1")
    monkeypatch.setattr(town, "MOVING", 1.0)

    shop.move(files, "v1", "v2", "k")
    await until(lambda: len(tags(files)) < 6, 10, "the first is out of service")

    assert tags(files).count("v2") == 1
