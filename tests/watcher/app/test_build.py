"""A daemon that is built from real files: it is heard by HTTP, hears, acts, and closes all that it has opened."""

import asyncio
import socket
import ssl
import traceback
from collections.abc import Sequence
from datetime import timedelta

import aiohttp
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from deploy.model import Permission, RollbackPlan
from deploy.ports import Ran
from tests.watcher.app.house import a_house, at_work, built, open_files, soon, threads
from watcher.app import Ports
from watcher.app.build import CannotListen
from watcher.config import Configuration
from watcher.errors import StoreMisplaced
from watcher.store.store import Store


async def announced(daemon, tag="v2"):
    """*tag* is deployed and announced, where v1 was found; the watch that came of it."""
    await daemon.logs("release.adopted")
    answer = await daemon.post("/v1/deployments", service="web", environment="production", tag=tag)
    assert answer.status == 202, answer.body
    told = await daemon.get(f"/v1/announcements/{answer.json['announcement']}?wait=20s")
    return told.json["watch"]


async def test_it_lives_before_its_loops_go_and_is_not_ready(tmp_path):
    async with built(a_house(tmp_path)) as daemon:
        lives, ready = await daemon.get("/livez"), await daemon.get("/readyz")

    assert (lives.status, ready.status) == (200, 503)
    assert "the store was not seen" in ready.json["detail"]


async def test_it_is_ready_once_its_loops_have_gone_round(tmp_path):
    async with at_work(a_house(tmp_path)) as daemon:
        await daemon.answers("/readyz")

        assert (await daemon.get("/livez")).json["status"] == "alive"

    assert daemon.drained


async def test_it_is_not_ready_any_more_once_it_is_told_to_end(tmp_path):
    async with built(a_house(tmp_path)) as daemon:
        daemon.running.daemon.stop.set()

        assert "about to end" in (await daemon.get("/readyz")).json["detail"]


async def test_the_metrics_say_which_build_runs_and_which_configuration_is_in_force(tmp_path):
    async with built(a_house(tmp_path)) as daemon:
        samples = (await daemon.get("/metrics")).samples

        digest = daemon.running.in_force.configuration.digest
    assert samples[f'rollbackd_config_info{{hash="{digest[:12]}"}}'] == 1
    assert samples["rollbackd_config_last_reload_success"] == 1
    assert any(name.startswith("rollbackd_build_info") and 'version="1.2.3"' in name for name in samples)


async def test_it_closes_all_that_it_has_opened(tmp_path):
    house = a_house(tmp_path)
    tasks, files, before = asyncio.all_tasks(), open_files(), threads()

    async with at_work(house) as daemon:
        await daemon.answers("/readyz")
        await daemon.logs("release.adopted")
        assert {"store-writer", "watchdog"} <= threads()

    await soon(lambda: threads() <= before and open_files() <= files)
    assert asyncio.all_tasks() == tasks
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*daemon.running.address)


async def test_an_announcement_opens_a_watch_over_the_release_before(tmp_path):
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        await daemon.logs("release.adopted")
        house.deploy("v2")

        watch = await daemon.get(f"/v1/watches/{await announced(daemon)}")

    assert (watch.json["from"], watch.json["to"], watch.json["mode"]) == ("v1", "v2", "shadow")
    assert watch.json["state"] == "watching"


async def test_what_is_heard_and_what_is_answered_is_counted(tmp_path):
    async with at_work(a_house(tmp_path)) as daemon:
        await announced(daemon)

        samples = (await daemon.get("/metrics")).samples

    assert samples['rollbackd_events_received_total{result="accepted",source="http"}'] == 1
    assert samples['rollbackd_source_last_event_timestamp_seconds{source="http"}'] > 0
    assert samples['rollbackd_http_requests_total{code="202",method="POST",route="announce"}'] == 1


async def test_a_rollback_that_is_ordered_is_done_by_the_services_own_programs(tmp_path):
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        await daemon.logs("release.adopted")
        house.deploy("v2")
        watch = await announced(daemon)

        ordered = await daemon.post(f"/v1/watches/{watch}/orders", order="roll_back", reason="it burns")
        await soon(lambda: house.serves == "v1")

    assert ordered.status == 202, ordered.body


async def test_the_plan_is_what_the_services_own_programs_would_be_called_with(tmp_path):
    house = a_house(tmp_path)

    async def permitted(configuration: Configuration, _aws: object, plan: RollbackPlan):
        allowed = (plan.service, plan.environment) in configuration.services
        return {move.part: (Permission("", allowed, f"to {move.to.tag}: allowed"),) for move in plan.moves}

    async with at_work(house, Ports(permitted=permitted)) as daemon:
        await daemon.logs("release.adopted")
        house.deploy("v2")
        await announced(daemon)

        plan = await daemon.get("/v1/plan/web/production?to=v1")

    assert plan.status == 200, plan.body
    assert f"{tmp_path}/web v1 v2" in plan.body.decode()
    [move] = plan.json["moves"]
    assert move["foretold"]["permissions"] == [{"action": "", "allowed": True, "words": "to v1: allowed"}]
    assert move["foretold"]["not_undone"].startswith("whatever `move` does not put back")


async def test_a_bug_in_a_loop_is_counted_and_reported_and_ends_nothing(tmp_path):
    reported: list[BaseException] = []

    async def broken(argv: Sequence[str], timeout: timedelta, environment: object) -> Ran:
        raise LookupError("a bug")

    async with at_work(a_house(tmp_path), Ports(command=broken), crashed=reported.append) as daemon:
        await soon(lambda: bool(reported))
        samples = (await daemon.get("/metrics")).samples

        await daemon.answers("/readyz")
    assert isinstance(reported[0], LookupError)
    assert samples['rollbackd_loop_failures_total{loop="lookout"}'] >= 1


async def test_a_test_may_stand_between_the_daemon_and_its_store(tmp_path):
    given: list[Store] = []

    def around(store: Store) -> Store:
        given.append(store)
        return store

    async with built(a_house(tmp_path), Ports(around_store=around)) as daemon:
        assert given == [daemon.running.store]


# ------------------------------------------------------------------------------------------------------------- listening


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def with_tls(house, authority):
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(house.root / "key.pem")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(house.root / "chain.pem", append=number > 0)
    house.change(
        'http: {listen: "127.0.0.1:0"}',
        'http: {listen: "127.0.0.1:0", tls: {certificate: ROOT/chain.pem, key: ROOT/key.pem}}',
    )
    return house


async def test_with_a_certificate_it_answers_whoever_trusts_it(tmp_path, authority):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async with built(with_tls(a_house(tmp_path), authority)) as daemon:
        daemon.tls = trusting
        answer = await daemon.get("/livez")

        assert daemon.url.startswith("https:")
    assert answer.status == 200


async def test_with_a_certificate_nobody_is_heard_without_tls(tmp_path, authority):
    async with built(with_tls(a_house(tmp_path), authority)) as daemon:
        daemon.url = daemon.url.replace("https", "http")

        with pytest.raises(aiohttp.ClientError):
            await daemon.get("/livez")


def lose(key):
    key.unlink()


def spoil(key):
    key.write_text("no key")


def lock(key):
    """A key that asks for its password."""
    plain = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame"))
    )


@pytest.mark.parametrize("harm", [lose, spoil, lock])
async def test_a_key_that_cannot_be_used_is_told_with_its_file(tmp_path, authority, harm):
    house = with_tls(a_house(tmp_path), authority)
    harm(tmp_path / "key.pem")

    with pytest.raises(CannotListen, match=f"the key {tmp_path}/key.pem cannot be used") as refused:
        async with built(house):
            pass

    assert "daemon.http.tls" in refused.value.remedy
    key = tmp_path / "key.pem"
    lines = [each for each in key.read_text().splitlines() if "--" not in each] if key.exists() else []
    told = "".join(traceback.format_exception(refused.value)) + refused.value.remedy
    assert not any(f"{each!r}"[1:-1] in told for each in lines)


async def test_an_address_that_is_anothers_is_told_and_the_store_is_let_go(tmp_path):
    house = a_house(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        house.change("127.0.0.1:0", f"127.0.0.1:{port}")

        with pytest.raises(CannotListen, match=f"at 127.0.0.1:{port}: .*address already in use"):
            async with built(house):
                pass

    async with built(house) as daemon:
        assert daemon.running.address == ("127.0.0.1", port)


async def test_two_daemons_do_not_have_one_store(tmp_path):
    house = a_house(tmp_path)
    async with built(house):
        with pytest.raises(StoreMisplaced, match="has"):
            async with built(house):
                pass
