"""A file or a parameter outside holds the daemon off, whatever becomes of either."""

import asyncio
import itertools

import pytest
from structlog.testing import capture_logs

from tests.builders import NOON, hours
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.watcher.runtime.at_work import at_work, now, virtual
from watcher.runtime.levers import FileLever, Levers, ParameterLever
from watcher.store.store import Disarmed

PARAMETER = "/rollbackd/disarmed"


def levers_of(work, *levers):
    count = itertools.count(1)
    new_id = lambda kind, _now: f"{kind}_{next(count)}"  # noqa: E731
    return Levers(levers, work.store, work.current, work.bells, now, new_id)


async def held_off(work):
    return {f"{each.service}/{each.environment}": each.reason for each in await work.store.disarmed(now())}


@virtual
async def test_a_file_holds_off_all_until_it_is_gone_and_people_are_told_once_of_each(tmp_path):
    file = tmp_path / "disarmed"
    async with at_work() as work:
        levers = levers_of(work, FileLever(file))
        await levers.go_round()
        assert await held_off(work) == {}

        file.write_text("*: the database moves\n")
        for _ in range(200):  # longer than an hour: it is renewed
            await levers.go_round()
            await asyncio.sleep(30)
        assert await held_off(work) == {"*/*": "the database moves"}

        file.unlink()
        await levers.go_round()
        assert await held_off(work) == {}

        told = [row.what for row in await work.store.audit(limit=1000) if row.what.startswith("service.")]
        assert told.count("service.armed") == 1


@virtual
async def test_a_file_that_cannot_be_read_leaves_all_as_it_was_and_is_told_of_once(tmp_path):
    file = tmp_path / "disarmed"
    file.write_text("")
    async with at_work() as work:
        levers = levers_of(work, FileLever(file))
        await levers.go_round()
        file.unlink()
        file.mkdir()

        with capture_logs() as logs:
            await levers.go_round()
            await levers.go_round()
            assert await held_off(work) == {"*/*": "no reason is given"}
            file.rmdir()
            await levers.go_round()

        said = [each for each in logs if each["event"].startswith("lever.")]
        assert [each["event"] for each in said] == ["lever.unread", "lever.recovered", "lever.let_go"]
        assert said[0]["remedy"]
        assert await held_off(work) == {}


@virtual
async def test_a_parameter_holds_off_and_no_lever_hides_another(tmp_path):
    world = AwsWorld(now)
    aws = Direct(world, {"shop": Scope("eu-central-1")})
    (tmp_path / "here").mkdir()
    async with at_work() as work:
        levers = levers_of(work, FileLever(tmp_path / "here"), ParameterLever(aws.read, "shop", PARAMETER))
        await levers.go_round()
        assert await held_off(work) == {}

        world.ssm.put(PARAMETER, "checkout/production: a drill", NOON)
        await levers.go_round()
        assert await held_off(work) == {"checkout/production": "a drill"}

        world.ssm.put(PARAMETER, "armed", NOON)
        await levers.go_round()
        assert await held_off(work) == {}
        assert world.bugs == []


@virtual
async def test_a_parameter_that_is_refused_leaves_all_as_it_was():
    world = AwsWorld(now)
    world.identities.role("arn:aws:iam::123456789012:role/rb-read", {"sts:*"})
    aws = Direct(world, {"shop": Scope("eu-central-1", read="arn:aws:iam::123456789012:role/rb-read")})
    name = f"ssm:shop:{PARAMETER}"
    async with at_work() as work:
        await work.store.disarm(Disarmed("*", "*", name, "why", NOON, NOON + hours(1)), NOON)

        with capture_logs() as logs:
            await levers_of(work, ParameterLever(aws.read, "shop", PARAMETER)).go_round()

        assert await held_off(work) == {"*/*": "why"}
        assert [(each["event"], each["lever"]) for each in logs] == [("lever.unread", name)]


@virtual
async def test_what_a_person_disarmed_outlasts_a_lever(tmp_path):
    file = tmp_path / "disarmed"
    file.write_text("*: the lever")
    async with at_work() as work:
        await work.store.disarm(Disarmed("*", "*", "token:olga", "mine", NOON, NOON + hours(2)), NOON)
        levers = levers_of(work, FileLever(file))
        await levers.go_round()
        file.unlink()
        await levers.go_round()
        assert await held_off(work) == {"*/*": "mine"}


@pytest.mark.parametrize("size", [8 * 1024, 1_000_000])
async def test_no_file_is_read_whole(tmp_path, size):
    file = tmp_path / "disarmed"
    file.write_bytes(b"\xff" * size)

    assert len(await FileLever(file).read() or "") == 8 * 1024
