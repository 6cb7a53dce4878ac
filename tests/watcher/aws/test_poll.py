"""To poll: a thread for each queue, and nothing that keeps the process."""

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading

import pytest

from deploy.errors import AwsRefused
from tests.watcher.aws.far import BOTH, a_far_side, breaks_off, hangs, hurried, says
from watcher import clock
from watcher.aws.modes import USUAL


async def polled(near, queue="one"):
    return await near.door.poll(
        "shop",
        "sqs",
        "receive_message",
        QueueUrl=f"https://sqs.local/111122223333/{queue}",
        WaitTimeSeconds=10,
    )


async def test_an_empty_queue_answers_with_nothing():
    async with a_far_side(BOTH, ReceiveMessage=says({})) as (far, near):
        assert await polled(near) == {}

    assert far.keys("ReceiveMessage") == ["KEYOFrollbackd-read1"]


async def test_a_poll_that_waits_longer_than_can_be_waited_for_is_a_mistake_of_ours():
    async with a_far_side() as (far, near):
        with pytest.raises(ValueError, match="at most 10 s"):
            await near.door.poll(
                "shop", "sqs", "receive_message", QueueUrl="https://sqs.local/1/q", WaitTimeSeconds=11
            )

    assert far.calls == []


def test_a_poll_has_time_for_the_longest_wait():
    assert USUAL.poll.answer > 10
    assert USUAL.poll.connect + USUAL.poll.answer <= USUAL.poll.whole <= 13


async def test_each_queue_has_a_thread_of_its_own_and_none_is_of_the_default_executor():
    async with a_far_side(ReceiveMessage=hangs) as (
        far,
        near,
    ):
        before = set(threading.enumerate())  # of loops that were here before us, too
        polls = [asyncio.create_task(polled(near, queue)) for queue in ("one", "two", "three")]
        await far.until(calls=3)

        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("aws-poll")]
        assert len(names) == 3
        begun = set(threading.enumerate()) - before
        assert not [thread for thread in begun if thread.name.startswith("asyncio_")]
        await near.door.read("shop", "ecs", "list_clusters")  # nor does a poll delay a read
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_one_queue_is_asked_once_at_a_time():
    async with a_far_side(modes=hurried(answer=0.5, whole=0.6), ReceiveMessage=hangs) as (far, near):
        polls = [asyncio.create_task(polled(near)) for _ in range(2)]
        ended = await asyncio.gather(*polls, return_exceptions=True)

    assert all(isinstance(each, AwsRefused) for each in ended)
    assert far.count("ReceiveMessage") <= 2


async def test_a_poll_is_not_repeated_here_but_by_whoever_polls():
    async with a_far_side(ReceiveMessage=breaks_off) as (far, near):
        with pytest.raises(AwsRefused) as caught:
            await polled(near)

    assert far.count("ReceiveMessage") == 1
    assert not caught.value.may_have_happened


async def test_a_poll_under_way_delays_no_end():
    loop = asyncio.get_running_loop()
    async with a_far_side(ReceiveMessage=hangs) as (far, near):
        poll = asyncio.create_task(polled(near))
        await far.until(calls=1)
        began = loop.time()
        poll.cancel()
        await asyncio.wait([poll])

        assert loop.time() - began < 0.5
        assert poll.cancelled()


NEVER_ANSWERED = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import UTC, datetime
    from watcher.aws import AwsRoles, open_aws
    from watcher.telemetry.metrics import Metrics

    async def main():
        roles = {"shop": AwsRoles("shop", "eu-central-1")}
        async with open_aws(roles, Metrics(), lambda: datetime.now(UTC), endpoint=sys.argv[1]) as aws:
            poll = asyncio.create_task(aws.poll(
                "shop", "sqs", "receive_message", QueueUrl=sys.argv[1] + "/1/q", WaitTimeSeconds=10
            ))
            await asyncio.to_thread(sys.stdin.readline)  # until it was heard
            poll.cancel()

    asyncio.run(main())
    """
)


def test_a_poll_under_way_does_not_keep_the_process():
    with socket.create_server(("127.0.0.1", 0)) as far:  # it hears, and never answers
        endpoint = f"http://127.0.0.1:{far.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", NEVER_ANSWERED, endpoint], stdin=subprocess.PIPE, text=True
        ) as ours:
            far.settimeout(60)
            connection, _ = far.accept()
            with connection:
                assert connection.recv(1)
                began = clock.monotonic()
                ours.communicate("heard\n", timeout=60)
                took = clock.monotonic() - began

    assert ours.returncode == 0
    assert took < 9  # it would have waited for 11
