"""A file or a parameter outside holds the daemon off, whatever becomes of either."""

import asyncio
import contextlib
import itertools
from pathlib import PosixPath

import pytest
from structlog.testing import capture_logs

from tests.builders import NOON, hours
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.watcher.runtime.at_work import at_work, now, virtual
from watcher.runtime.levers import EVERY, FileLever, Levers, LeverUnread, ParameterLever
from watcher.runtime.rounds import Loop
from watcher.store.store import Disarmed

PARAMETER = "/rollbackd/disarmed"
COUNT = itertools.count(1)


def levers_of(work, *levers):
    new_id = lambda kind, _now: f"{kind}_{next(COUNT)}"  # noqa: E731
    return Levers(levers, work.store, work.current, work.bells, now, new_id)


@contextlib.asynccontextmanager
async def going_round(levers):
    """The loop of the daemon, as `watcher.app.build` makes it."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Loop("levers", levers.go_round, EVERY).run(stop))
        yield
        stop.set()


async def seconds_until(work, wanted):
    """How long it takes until *wanted* is held off, and nothing else; a minute at most."""
    time = asyncio.get_running_loop().time
    began = time()
    while await held_off(work) != wanted and time() < began + 60:  # noqa: ASYNC110 - virtual time: a moment is what is waited for
        await asyncio.sleep(0.25)
    return time() - began


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


@pytest.mark.parametrize("kind", ["file", "ssm"])
@virtual
async def test_whenever_it_is_pulled_or_let_go_it_is_in_force_within_ten_seconds(tmp_path, kind):
    file, world = tmp_path / "disarmed", AwsWorld(now)
    aws = Direct(world, {"shop": Scope("eu-central-1")})
    world.faults.slow("ssm", seconds=2, times=None)
    lever = FileLever(file) if kind == "file" else ParameterLever(aws.read, "shop", PARAMETER)

    def says(text):
        if kind == "file":
            file.write_text(text)
        else:
            world.ssm.put(PARAMETER, text, now())

    async with at_work() as work, going_round(levers_of(work, lever)):
        took = []
        for moment in range(8):  # at each of them the loop is somewhere else in its round
            await asyncio.sleep(20 + moment)
            says("*: the database moves")
            took.append(await seconds_until(work, {"*/*": "the database moves"}))
            await asyncio.sleep(20 + moment)
            says("armed")
            took.append(await seconds_until(work, {}))

    assert max(took) <= 10
    assert max(took) > 0  # somebody had to come and look


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


async def test_a_file_is_read_as_far_as_a_lever_goes(tmp_path):
    file = tmp_path / "disarmed"
    file.write_bytes(b"\xff" * 8 * 1024)

    assert len(await FileLever(file).read() or "") == 8 * 1024


async def test_a_file_that_is_too_long_to_be_read_holds_off_all(tmp_path):
    file = tmp_path / "disarmed"
    file.write_text("checkout/production: a drill\n" * 1000)

    assert await FileLever(file).read() == f"*: {file} is larger than 8 KiB"


async def test_a_file_that_is_there_and_may_not_be_read_holds_off_all_for_somebody_has_put_it_there(tmp_path):
    class Locked(PosixPath):
        """Root has touched it, with a umask of 077."""

        def open(self, *_args, **_more):
            raise PermissionError(13, "Permission denied")

    class Behind(Locked):
        """Its folder may not be looked into."""

        def exists(self):
            raise PermissionError(13, "Permission denied")

    (tmp_path / "disarmed").touch()

    words = await FileLever(Locked(tmp_path / "disarmed")).read()
    assert words == f"*: {tmp_path}/disarmed is there, and the daemon may not read it"
    with pytest.raises(LeverUnread, match="Permission denied"):
        await FileLever(Behind(tmp_path / "disarmed")).read()


@virtual
async def test_a_lever_that_cannot_be_read_for_hours_stays_as_it_was(tmp_path):
    file = tmp_path / "disarmed"
    file.write_text("*: the database moves")
    async with at_work() as work:
        levers = levers_of(work, FileLever(file))
        await levers.go_round()
        file.unlink()
        file.mkdir()

        for _ in range(200):
            await levers.go_round()
            await asyncio.sleep(30)

        assert await held_off(work) == {"*/*": "the database moves"}


@virtual
async def test_a_replica_that_does_not_have_the_file_does_not_arm_what_another_holds_off():
    class Here:
        """The file of one machine."""

        name, is_shared, text = "file:/etc/rollbackd/disarmed", False, None

        async def read(self):
            return self.text

    here, there = Here(), Here()
    async with at_work() as work:
        ones, others = levers_of(work, here), levers_of(work, there)
        here.text = "*: the database moves"
        for _ in range(3):
            await ones.go_round()
            await others.go_round()
            assert await held_off(work) == {"*/*": "the database moves"}

        here.text = None
        await others.go_round()
        assert await held_off(work) == {"*/*": "the database moves"}
        await ones.go_round()
        assert await held_off(work) == {}


@virtual
async def test_a_parameter_is_let_go_by_whichever_replica_sees_it():
    world = AwsWorld(now)
    aws = Direct(world, {"shop": Scope("eu-central-1")})
    world.ssm.put(PARAMETER, "*: why", NOON)
    async with at_work() as work:
        await levers_of(work, ParameterLever(aws.read, "shop", PARAMETER)).go_round()
        world.ssm.put(PARAMETER, "armed", NOON)
        await levers_of(work, ParameterLever(aws.read, "shop", PARAMETER)).go_round()
        assert await held_off(work) == {}


@virtual
async def test_what_two_levers_hold_off_is_never_armed_while_one_of_them_still_does(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("*: one")
    second.write_text("*: other")
    async with at_work() as work:
        levers = levers_of(work, FileLever(first), FileLever(second))
        await levers.go_round()
        first.unlink()
        second.unlink()
        second.mkdir()  # it cannot be read just now
        await levers.go_round()
        assert await held_off(work) == {"*/*": "other"}

        second.rmdir()
        await levers.go_round()
        assert await held_off(work) == {}
        told = [row.what for row in await work.store.audit(limit=100)]
        assert told.count("service.armed") == 1
