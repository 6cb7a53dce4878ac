"""What AWS costs whoever does not use it, and what is left when it is closed."""

import subprocess
import sys
import threading

from tests.watcher.aws.far import BOTH, a_far_side

WHAT_IS_IMPORTED = """
import sys
import watcher.aws, watcher.app.build
print(sorted({"boto3", "botocore"} & set(sys.modules)))
"""


def test_a_daemon_without_an_account_imports_no_boto3():
    ran = subprocess.run(
        [sys.executable, "-c", WHAT_IS_IMPORTED], capture_output=True, text=True, timeout=60, check=True
    )

    assert ran.stdout.strip() == "[]"


async def test_opening_sends_nothing():
    async with a_far_side(BOTH) as (far, _):
        pass

    assert far.calls == []


async def test_threads_end_once_it_is_closed():
    before = set(threading.enumerate())  # a poll of another test may still be on its way
    async with a_far_side(BOTH) as (_, near):
        await near.door.read("shop", "ecs", "list_clusters")
        await near.door.act("shop", "ecs", "update_service", service="checkout")
        threads = [each for each in set(threading.enumerate()) - before if each.name.startswith("aws-")]
        assert {thread.name for thread in threads} == {"aws-assume-1", "aws-read-1", "aws-act-1"}
        assert all(thread.daemon for thread in threads)

    for thread in threads:
        thread.join(60)
    assert set(threading.enumerate()) <= before
