"""Providers on AWS, by unmodified boto3 over real sockets: what is no answer of AWS is blindness, tells no secret, and can be broken off."""

import asyncio
import secrets
from datetime import timedelta

import pytest

from rules.sample import Reading, Unavailable
from tests.contract import test_aws_logs, test_aws_providers
from tests.contract.aws_provider_contract import ACCOUNT, AwsProviderContract
from tests.fakes.faults import FAULTS, Serve, never, serving
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from watcher.aws import AwsRoles, open_aws
from watcher.signals.provider import Opening, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

MEMBERS = [
    test_aws_providers.TestCloudWatch,
    test_aws_providers.TestEcsTasks,
    test_aws_logs.TestCloudWatchLogs,
    test_aws_logs.TestApplicationSignals,
]
ILL = ("500 as html", "html", "cut short", "50 MB", "hangs up")
READ = (
    "html",
    "cut short",
)  # what each provider's own protocol has to tell from an answer; the rest fails alike below all of them
NOW = START + timedelta(minutes=28)
ROLES = {"shop": AwsRoles("shop", "eu-central-1")}


async def asked(member: AwsProviderContract, far: Serve, patience: float) -> Reading:
    """What the provider says whose AWS is *far*."""
    indicator, kind = member.indicator(), PROVIDERS[member.kind]
    window = Window(START, NOW - timedelta(minutes=8), NOW + timedelta(seconds=patience))
    async with (
        serving(far) as port,
        open_aws(ROLES, Metrics(), lambda: NOW, endpoint=f"http://127.0.0.1:{port}") as aws,
        http_to_loopback(lambda: NOW) as http,
        kind.open(None, Opening(http, lambda: NOW, lambda: 0.0, aws=aws, account=ACCOUNT)) as provider,
    ):
        question = Question("errors", indicator, member.canary, member.baseline)
        return (await provider.read([question], window))["errors"]


@pytest.mark.parametrize(
    ("made", "ill"),
    [(made, READ if number else ILL) for number, made in enumerate(MEMBERS)],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_what_is_no_answer_of_aws_is_blindness_and_tells_no_secret(made, ill, monkeypatch):
    secret = secrets.token_hex(20)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", secret[::-1])

    readings = await asyncio.gather(*(asked(made(), FAULTS[each], 3.0) for each in ill))

    found = dict(zip(ill, readings, strict=True))
    assert {name: reading for name, reading in found.items() if not isinstance(reading, Unavailable)} == {}
    assert all(reading.words for reading in readings if isinstance(reading, Unavailable))
    assert not any(each in repr(readings) for each in (secret, secret[::-1]))


@pytest.mark.parametrize("made", MEMBERS, ids=lambda made: made.__name__)
async def test_a_call_that_is_broken_off_leaves_no_task_and_nobody_waits_for_its_thread(made):
    before = asyncio.all_tasks()
    asking = asyncio.create_task(asked(made(), never, 60.0))
    await asyncio.sleep(0.3)

    asking.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(asking, return_exceptions=True)

    assert asking.cancelled()
    assert asyncio.all_tasks() - before == set()
