"""To act: one attempt, the role to act and only then, and an honest word on whether it may have happened."""

import asyncio
import threading
from dataclasses import replace
from typing import Any, cast

import pytest

from deploy.errors import AwsRefused
from tests.waiting import passes
from tests.watcher.aws.far import (
    ACTOR,
    BOTH,
    LONG,
    MAY_ACT,
    OWN,
    SHOP,
    Clock,
    a_far_side,
    breaks_off,
    hangs,
    hurried,
    patient,
    refuses,
    says,
    sts_refuses,
    talks_nonsense,
)
from watcher.aws import open_aws
from watcher.aws.capability import Capability
from watcher.aws.clients import Clients
from watcher.aws.codes import NO_ROLE
from watcher.aws.keys import ACTING, Keyring
from watcher.telemetry.metrics import Metrics


async def acted(near):
    return await near.door.act(
        "shop", "ecs", "update_service", cluster="main", service="checkout", taskDefinition="c:41"
    )


async def refused(near) -> AwsRefused:
    with pytest.raises(AwsRefused) as caught:
        await acted(near)
    return caught.value


async def test_it_acts_as_the_role_to_act_and_reads_as_the_other():
    async with a_far_side(BOTH) as (far, near):
        await near.door.read("shop", "ecs", "list_clusters")
        assert [call.form.get("RoleSessionName") for call in far.calls[:1]] == [["rollbackd-read"]]
        await acted(near)

    assert far.keys("ListClusters") == ["KEYOFrollbackd-read1"]
    assert far.keys("UpdateService") == ["KEYOFrollbackd-act2"]
    (_, assumed) = (call for call in far.calls if call.operation == "AssumeRole")
    assert assumed.key == OWN
    assert assumed.form["RoleArn"] == [ACTOR]
    assert assumed.form["RoleSessionName"] == ["rollbackd-act"]
    assert assumed.form["DurationSeconds"] == ["900"]


async def test_the_role_to_act_is_not_assumed_before_something_is_done():
    async with a_far_side(MAY_ACT) as (far, near):
        await near.door.read("shop", "ecs", "list_clusters")

    assert far.count("AssumeRole") == 0


async def test_without_a_role_to_act_nothing_is_sent():
    async with a_far_side(SHOP) as (far, near):
        no = await refused(near)

    assert no.code == NO_ROLE
    assert not no.may_have_happened
    assert "accounts.shop.act" in no.remedy
    assert far.calls == []


async def test_a_person_without_a_role_to_act_acts_with_their_own_credentials_if_they_say_so():
    async with a_far_side(replace(SHOP, own_acts=True)) as (far, near):
        await acted(near)

    assert far.keys("UpdateService") == [OWN]
    assert far.count("AssumeRole") == 0


async def test_a_role_to_act_is_taken_all_the_same():
    async with a_far_side(replace(MAY_ACT, own_acts=True)) as (far, near):
        await acted(near)

    assert far.keys("UpdateService") == ["KEYOFrollbackd-act1"]


@pytest.mark.parametrize(
    ("answer", "code", "may_have_happened"),
    [
        (refuses("ThrottlingException"), "ThrottlingException", False),
        (refuses("AccessDeniedException"), "AccessDeniedException", False),
        (refuses("InvalidParameterException"), "InvalidParameterException", False),
        (refuses("ServiceNotActiveException"), "ServiceNotActiveException", False),
        (refuses("ServerException", status=500), "ServerException", True),
        (refuses("ServiceUnavailable", status=503), "ServiceUnavailable", True),
        (refuses("RequestTimeout", status=408), "RequestTimeout", True),
        (breaks_off, "Unreachable", True),
        (hangs, "Timeout", True),
        (talks_nonsense, "Unreadable", True),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_it_is_sent_once_and_says_whether_it_may_have_happened(answer, code, may_have_happened):
    modes = hurried() if answer is hangs else patient()
    async with a_far_side(MAY_ACT, modes=modes, UpdateService=answer) as (far, near):
        no = await refused(near)

    assert no.code == code
    assert no.may_have_happened is may_have_happened
    assert far.count("UpdateService") == 1


async def test_a_role_that_may_not_be_assumed_did_nothing():
    async with a_far_side(MAY_ACT, AssumeRole=sts_refuses("AccessDenied")) as (far, near):
        no = await refused(near)

    assert (no.operation, no.code, no.may_have_happened) == ("update_service", "AccessDenied", False)
    assert ACTOR in no.words
    assert far.count("UpdateService") == 0


async def test_a_role_that_hangs_did_nothing_and_nothing_is_sent_later():
    async with a_far_side(MAY_ACT, modes=hurried(answer=0.8, whole=0.4), AssumeRole=hangs) as (far, near):
        no = await refused(near)
        await asyncio.sleep(1.0)

    assert (no.code, no.may_have_happened) == ("Timeout", False)
    assert far.count("UpdateService") == 0


async def test_what_hangs_longer_than_we_wait_may_have_happened():
    async with a_far_side(MAY_ACT, UpdateService=hangs) as (far, near):
        acting = asyncio.create_task(refused(near))
        await far.until(calls=2)  # the role, and the call
        passes(LONG)
        no = await acting

    assert (no.code, no.may_have_happened) == ("Timeout", True)
    assert far.count("UpdateService") == 1


async def test_what_waited_for_a_thread_until_it_was_too_late_is_never_sent():
    gate = asyncio.Event()

    async def held():
        await gate.wait()
        return await says({})()

    modes = patient()
    modes = replace(modes, act=replace(modes.act, threads=1))
    async with a_far_side(MAY_ACT, modes=modes, UpdateService=[held, says({})]) as (far, near):
        acting = [asyncio.create_task(refused(near)) for _ in range(2)]
        await far.until(calls=2)  # the role, and one of the two
        passes(LONG)
        both = await asyncio.gather(*acting)
        gate.set()
        await acted(near)  # by the same thread: after whatever waited for it

    assert sorted(each.may_have_happened for each in both) == [False, True]
    assert far.count("UpdateService") == 2


class HeldUp:
    """Clients on which a thread waits until it is let go, as it does while a machine is busy."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.come, self.go = threading.Event(), threading.Event()

    def get(self, *which: Any) -> Any:
        self.come.set()
        assert self.go.wait(LONG)
        return self._clients.get(*which)


async def test_what_has_its_thread_and_is_not_sent_in_time_is_never_sent():
    modes = patient()
    modes = replace(modes, act=replace(modes.act, threads=1))
    async with a_far_side(MAY_ACT, modes=modes) as (far, near):
        usual = near.door.act
        assert isinstance(usual, Capability)
        held = HeldUp(usual.clients)
        near.door.act = replace(usual, clients=cast("Clients", held))
        acting = asyncio.create_task(refused(near))
        await asyncio.to_thread(held.come.wait, LONG)
        passes(LONG)
        no = await acting
        held.go.set()
        await acted(near)  # by the same thread: after what it was held up with

    assert (no.code, no.may_have_happened) == ("Timeout", False)
    assert far.count("UpdateService") == 1


async def test_what_is_cancelled_before_it_is_sent_is_never_sent():
    async with a_far_side(MAY_ACT, modes=hurried(answer=0.5), AssumeRole=hangs) as (far, near):
        acting = asyncio.create_task(acted(near))
        await far.until(calls=1)
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        far.answers.clear()
        await asyncio.sleep(0.6)

    assert far.count("UpdateService") == 0
    assert (
        near.counted(
            "aws_calls_total", service="ecs", operation="update_service", mode="act", result="cancelled"
        )
        == 1
    )


async def test_reads_that_hang_do_not_delay_what_is_done():
    modes = patient()
    modes = replace(modes, read=replace(modes.read, threads=2))
    async with a_far_side(BOTH, modes=modes, ListClusters=hangs) as (far, near):
        reads = [asyncio.create_task(near.door.read("shop", "ecs", "list_clusters")) for _ in range(5)]
        await far.until(calls=3)  # the role, and two reads
        await acted(near)
        assert not any(read.done() for read in reads)
        passes(LONG)
        ended = await asyncio.gather(*reads, return_exceptions=True)

    assert all(isinstance(each, AwsRefused) for each in ended)


async def test_the_role_to_act_is_kept_for_a_while_and_assumed_again_after():
    async with a_far_side(MAY_ACT) as (far, near):
        await acted(near)
        near.clock.passes(minutes=13)
        await acted(near)
        near.clock.passes(minutes=2)
        await acted(near)

    assert far.keys("UpdateService") == ["KEYOFrollbackd-act1", "KEYOFrollbackd-act1", "KEYOFrollbackd-act2"]


async def test_keys_to_act_that_nobody_uses_are_dropped_from_memory():
    async def own(*_what, **_how):
        return {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}}

    dropped: list[str] = []
    soon = replace(ACTING, kept=ACTING.kept / 8400)  # 0.1 s
    keyring = Keyring(soon, own, Clock(), dropped.append)
    await keyring.keys(MAY_ACT, "update_service")

    await asyncio.sleep(0.3)

    assert dropped == ["shop"]
    assert "secret" not in repr(await keyring.keys(MAY_ACT, "update_service"))
    keyring.close()
    assert dropped == ["shop", "shop"]


async def test_keys_that_aws_no_longer_takes_are_dropped():
    async with a_far_side(MAY_ACT, UpdateService=[refuses("ExpiredTokenException"), says({})]) as (far, near):
        no = await refused(near)
        await acted(near)

    assert not no.may_have_happened
    assert far.keys("UpdateService") == ["KEYOFrollbackd-act1", "KEYOFrollbackd-act2"]


async def test_two_accounts_do_not_meet():
    other = replace(MAY_ACT, name="lab", act=f"{ACTOR}-lab")
    async with (
        a_far_side(MAY_ACT) as (far, near),
        open_aws({"shop": MAY_ACT, "lab": other}, Metrics(), near.clock, endpoint=near.endpoint) as aws,
    ):
        await aws.act("lab", "ecs", "update_service", service="checkout")
        await aws.act("shop", "ecs", "update_service", service="checkout")

    assert far.keys("UpdateService") == ["KEYOFrollbackd-act-lab1", "KEYOFrollbackd-act2"]
