"""Sidecars that tell one central daemon what their instances counted: whatever is cut, killed or forged, the sums are the log."""

from datetime import timedelta

from rules.sample import Bucket, Counts, NoData, Unavailable
from tests.fakes.world import START
from tests.scenarios.sidecars import BEAT, KEY, LEFT, SECRET, Town, a_town, post
from watcher.core.watch import State
from watcher.runtime.central import Refused

FIVE = {0: "v1", 1: "v1", 2: "v1", 3: "v2", 4: "v2"}
THREE = {0: "v1", 1: "v1", 2: "v2"}


def second(bucket: Bucket) -> int:
    """When it ends, after the start."""
    return round((bucket.end - START).total_seconds())


def total(bucket: Bucket) -> float:
    """Of the release under watch."""
    assert isinstance(bucket.canary, Counts)
    return bucket.canary.total


def assert_true(town: Town, bucket: Bucket, old: tuple[int, ...], new: tuple[int, ...]) -> None:
    """It is what the instances answered, to the last request."""
    assert bucket.end - bucket.start == BEAT
    assert bucket.baseline == town.truth(bucket, "v1", *old)
    assert bucket.canary == town.truth(bucket, "v2", *new)


async def test_the_sums_of_five_sidecars_are_the_log(tmp_path):
    async with a_town(tmp_path, FIVE, minutes=3) as town:
        await town.go_on(until=125)
        buckets, requests = await town.buckets(), await town.buckets("traffic")
        slow = await town.read("slow", canary="v2", baseline=None)

        assert [second(each) for each in buckets] == list(range(20, 121, 10))
        for bucket, all_of_it in zip(buckets, requests, strict=True):
            assert_true(town, bucket, (0, 1, 2), (3, 4))
            assert total(all_of_it) == total(bucket)
            assert not all_of_it.incomplete
        assert isinstance(slow, tuple)
        assert [series.bound for series in slow] == [0.3, 1.0]
        assert all(total(each) == 100 for series in slow for each in series.buckets)


async def test_of_a_sidecar_that_is_killed_nothing_is_counted_and_nothing_is_taken_for_zero(tmp_path):
    async with a_town(tmp_path, THREE, minutes=8) as town:
        await town.go_on(until=60)
        await town.kill(town.sidecars[1])
        await town.go_on(until=140)
        buckets, requests = await town.buckets(), await town.buckets("traffic")
        await town.go_on(until=400)
        later = await town.buckets("traffic")

        for bucket in buckets:
            assert_true(town, bucket, (0, 1) if second(bucket) <= 50 else (0,), (2,))
        assert {second(each) for each in requests if each.incomplete} == {
            second(each) for each in requests if second(each) > 50
        }
        assert not later[
            -1
        ].incomplete  # it has been silent for five minutes: it is gone, and nobody misses it


async def test_one_that_ends_in_good_order_is_not_missed(tmp_path):
    async with a_town(tmp_path, THREE, minutes=3) as town:
        await town.go_on(until=60)
        gone = town.sidecars[1]
        await gone.relay.leave()
        await town.kill(gone)
        await town.go_on(until=100)
        requests = await town.buckets("traffic")

        assert second(requests[-1]) == 90
        assert not any(each.incomplete for each in requests)


async def test_a_network_that_is_cut_for_three_minutes_leaves_no_hole_and_doubles_nothing(tmp_path):
    async with a_town(tmp_path, THREE, minutes=8) as town:
        await town.go_on(until=60)
        for each in town.sidecars:
            each.link.refuse()
        await town.go_on(until=240)
        cut_off = await town.read()
        for each in town.sidecars:
            each.link.heal()
        await town.go_on(until=305)
        buckets = await town.buckets()

        assert isinstance(cut_off, tuple)
        assert second(cut_off[0].buckets[-1]) == 50
        assert [second(each) for each in buckets] == list(range(20, 301, 10))
        for bucket in buckets:
            assert_true(town, bucket, (0, 1), (2,))
        assert all(each.counted("relay_samples_total", result="dropped") == 0 for each in town.sidecars)


async def test_what_was_taken_though_its_answer_was_lost_is_counted_once(tmp_path):
    async with a_town(tmp_path, THREE, minutes=3) as town:
        sidecar = town.sidecars[0]
        central = sidecar.relay.central
        sidecar.relay.central = Forgetful(central)
        await town.go_on(until=60)
        sidecar.relay.central = central
        await town.go_on(until=105)

        for bucket in await town.buckets():
            assert_true(town, bucket, (0, 1), (2,))
        assert town.counted("samples_received_total", result="known") > 0


class Forgetful:
    """The way to the central daemon, on which every answer is lost."""

    def __init__(self, central):
        self._central = central

    async def tell(self, *what, **how):
        await self._central.tell(*what, **how)
        return Refused("no answer in time")


async def test_a_restart_of_the_central_daemon_neither_forgets_nor_doubles(tmp_path):
    async with a_town(tmp_path, THREE, minutes=4) as town:
        await town.go_on(until=60)
        await town.end()
        await town.go_on(until=100)
        await town.begin()
        await town.go_on(until=165)
        buckets = await town.buckets()

        assert [second(each) for each in buckets] == list(range(20, 161, 10))
        for bucket in buckets:
            assert_true(town, bucket, (0, 1), (2,))


async def test_one_whose_clock_is_ten_minutes_ahead_is_not_counted_and_is_missed(tmp_path):
    async with a_town(tmp_path, THREE, minutes=3) as town:
        await town.kill(town.sidecars[1])
        wrong = await town.join(1, by=timedelta(minutes=10))
        await town.go_on(until=105)

        for bucket in await town.buckets():
            assert_true(town, bucket, (0,), (2,))
        assert all(each.incomplete for each in await town.buckets("traffic") if second(each) > 40)
        assert wrong.counted("relay_samples_total", result="told") == 0
        assert len(wrong.relay.untold) > 0


async def test_who_has_the_token_of_another_service_or_the_name_of_another_instance_is_refused(tmp_path):
    async with a_town(tmp_path, THREE, minutes=2) as town:
        await town.go_on(until=45)
        body = {
            "service": KEY[0],
            "environment": KEY[1],
            "instance": "f" * 32,
            "run": "r_forged",
            "sent_at": town.world.now.isoformat(),
            "names": {"version": "v2"},
        }
        of_another = await post(town, LEFT, body)
        as_another = await post(town, SECRET, {**body, "instance": f"{0:032x}"})
        of_nobody = await post(town, "rbd_nobody", body)

        assert of_another[0] == 403
        assert as_another[0] == 409
        assert "another process speaks for the instance" in as_another[1]["detail"]
        assert of_nobody[0] == 401


async def test_two_sidecars_of_one_name_are_one_of_them_refused_and_counted_once(tmp_path):
    async with a_town(tmp_path, THREE, minutes=3) as town:
        twin = await town.join(0)
        await town.go_on(until=105)

        for bucket in await town.buckets():
            assert_true(town, bucket, (0, 1), (2,))
        told = [each.counted("relay_samples_total", result="told") for each in (town.sidecars[0], twin)]
        assert min(told) == 0
        assert max(told) > 0


async def test_what_is_measured_otherwise_than_the_central_daemon_asks_is_not_summed(tmp_path):
    async with a_town(tmp_path, {0: "v1", 2: "v2"}, minutes=2, sidecars=False) as town:
        await town.join(0)
        other = await town.join(2, bad="5..|4..")
        await town.go_on(until=65)
        reading = await town.read()

        assert isinstance(reading, NoData | Unavailable)
        assert other.counted("relay_samples_total", result="refused") > 0
        assert await town.buckets("traffic")


async def test_why_nothing_can_be_read_is_said(tmp_path):
    async with a_town(tmp_path, {0: "v1"}, minutes=3, sidecars=False) as town:
        nobody = await town.read()
        await town.join(0)
        await town.go_on(until=60)
        no_such = await town.read(baseline=None)
        await town.kill(town.sidecars[0])
        await town.go_on(until=120)
        silent = await town.read()

        assert nobody == NoData("no sidecar of checkout/production was heard")
        assert no_such == NoData("no sidecar is of version v2; those that are heard are of version v1 (1)")
        assert isinstance(silent, Unavailable)
        assert silent.words == "no sidecar of checkout/production was heard since 12:00:55 UTC"


async def test_a_sidecar_knows_no_service_and_takes_no_announcement(tmp_path):
    async with a_town(tmp_path, {0: "v1"}, minutes=1) as town:
        sidecar = town.sidecars[0]

        names = sorted(loop.name for loop in sidecar.running.daemon.loops)
        assert names == ["janitor", "relay"]
        announced = {"service": KEY[0], "environment": KEY[1], "tag": "v2"}
        status, told = await post(town, "", announced, "/v1/deployments", sidecar.running.address[1])
        assert (status, told["type"]) == (422, "urn:rollbackd:unknown-service")
        assert await sidecar.running.store.list() == []


async def test_a_bad_release_that_only_sidecars_see_is_rolled_back_once(tmp_path):
    async with a_town(tmp_path, {0: "v1", 1: "v1", 2: "v2", 3: "v2"}, minutes=12, sidecars=False) as town:
        town.put("v1")
        for instance in (0, 1):
            await town.join(instance)
        await town.live(until=120)
        await town.deploy("v2")
        for instance in (2, 3):
            await town.join(instance)
        await town.live(until=420)
        assert town.central is not None
        (watch,) = await town.central.store.list()
        actions = await town.central.store.actions(watch.id)

        assert town.serves == "v1"
        assert watch.state in {State.RECOVERING, State.ROLLED_BACK}
        assert [action.attempts for action in actions] == [1]
        assert not any([await each.running.store.list() for each in town.sidecars])
