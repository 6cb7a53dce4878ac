"""Providers on AWS, by unmodified boto3 over real sockets: what the way does to their answers, and a clock that is wrong.

What AWS itself says is the contract's (``aws_provider_contract``), in virtual time; here are the faults that need a wire. Each
provider is played all of them: its operations have protocols of their own, and an answer that is cut is cut elsewhere in each.
"""

import asyncio
import resource
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from deploy.ports import Aws
from rules.sample import Reading, Unavailable, Who
from tests.contract import test_aws_logs, test_aws_providers
from tests.contract.aws_provider_contract import ACCOUNT, AwsProviderContract, Clock
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.spoilt import SPOILT
from tests.fakes.faults import never
from tests.fakes.faults import serving as serving_ill
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from watcher.aws import AwsRoles, open_aws
from watcher.aws.modes import USUAL, Modes
from watcher.commands._doctor.accounts import clock as examined_clock
from watcher.signals.provider import Opening, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

MEMBERS = [
    test_aws_providers.TestCloudWatch,
    test_aws_providers.TestCloudWatchAlarms,
    test_aws_providers.TestEcsTasks,
    test_aws_logs.TestCloudWatchLogs,
    test_aws_logs.TestApplicationSignals,
]
A_CLIENT_EACH = (
    test_aws_providers.TestCloudWatch,
    test_aws_logs.TestApplicationSignals,
)  # JSON, and REST with JSON
HARMLESS = {"another type"}  # all that AWS says is there, and botocore goes by the operation
# Which test spoils answers in which ways: `clauses.py` is held against it.
PLAYED = {
    "test_what_the_way_does_to_an_answer_is_blindness_without_a_secret_and_never_other_counts": SPOILT.keys()
    - {"50 MB"},
    "test_an_answer_of_50_mb_costs_no_memory_and_is_none": {"50 MB"},
}
NOW = START + timedelta(minutes=28)
ROLES = {"shop": AwsRoles("shop", "eu-central-1")}
LONG = 60.0  # seconds for what answers, on whatever machine
ONCE = replace(  # what is ill is not tried again
    USUAL, read=replace(USUAL.read, attempts=1, connect=LONG, answer=LONG, whole=LONG)
)
HASTY = replace(ONCE, read=replace(ONCE.read, answer=0.2))  # for who does not answer in time


@dataclass
class Far:
    """AWS behind a socket, and the provider's way there. *ahead*: our clock, of AWS's."""

    member: AwsProviderContract
    world: AwsWorld
    url: str = ""
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return NOW + self.ahead

    def aws(self, modes: Modes) -> AbstractAsyncContextManager[Aws]:
        return open_aws(ROLES, Metrics(), self.now, endpoint=self.url, modes=modes)

    async def ask(self, aws: Aws, patience: float = LONG) -> Reading:
        """What a provider says that was opened just now."""
        kind, now = PROVIDERS[self.member.kind], self.now()
        window = Window(START, NOW - timedelta(minutes=8), now + timedelta(seconds=patience))
        async with (
            http_to_loopback(self.now) as http,
            kind.open(None, Opening(http, self.now, lambda: 0.0, aws=aws, account=ACCOUNT)) as provider,
        ):
            question = Question("errors", self.member.indicator(), self.member.canary, self.member.baseline)
            return (await provider.read([question], window))["errors"]

    @contextmanager
    def spoils(self, operation: str, how: str) -> Iterator[None]:
        """Answers to *operation* come so, meanwhile."""
        fault = self.world.faults.spoil(self.member.service, operation, how=how)
        try:
            yield
        finally:
            self.world.faults.lift(fault)


@asynccontextmanager
async def far(member: AwsProviderContract) -> AsyncIterator[tuple[Far, Aws]]:
    clock = Clock()
    way = Far(member, member.world(clock))
    clock.now = NOW
    way.world.advance()
    way.world.limits.per_second.clear()  # time stands still: all calls would be of one second
    with serving(way.world) as way.url:
        async with way.aws(ONCE) as aws:
            yield way, aws


@pytest.fixture(params=MEMBERS, ids=lambda made: made.__name__)
def member(request) -> AwsProviderContract:
    made: AwsProviderContract = request.param()
    return made


def often_by(*members: type[AwsProviderContract]) -> pytest.MarkDecorator:
    """By these always, and by the others where there is time."""
    played = [each if each in members else pytest.param(each, marks=pytest.mark.long) for each in MEMBERS]
    return pytest.mark.parametrize("member", played, indirect=True, ids=lambda made: made.__name__)


@often_by(*A_CLIENT_EACH, test_aws_providers.TestCloudWatchAlarms, test_aws_providers.TestEcsTasks)
@pytest.mark.lasts(3)
async def test_what_the_way_does_to_an_answer_is_blindness_without_a_secret_and_never_other_counts(
    member, monkeypatch, request
):
    secret = secrets.token_hex(20)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", secret[::-1])
    found: dict[tuple[str, str], Reading] = {}
    async with far(member) as (way, aws), way.aws(HASTY) as hasty:
        well = await way.ask(aws)
        for operation in member.operations:
            for how in PLAYED[request.node.originalname]:
                with way.spoils(operation, how):
                    found[operation, how] = await way.ask(hasty if how == "a late first byte" else aws)
        again = await way.ask(aws)

    assert isinstance(well, tuple)
    assert well == again
    ill = {each: reading for each, reading in found.items() if each[1] not in HARMLESS}
    assert {each: reading for each, reading in ill.items() if not isinstance(reading, Unavailable)} == {}
    assert all(isinstance(reading, Unavailable) and reading.words for reading in ill.values())
    assert all(reading == well for each, reading in found.items() if each not in ill)
    assert all("Timeout" in repr(found[each, "a late first byte"]) for each in member.operations)
    assert not any(each in repr(found) for each in (secret, secret[::-1]))


@often_by(*A_CLIENT_EACH)
async def test_an_answer_of_50_mb_costs_no_memory_and_is_none(member, request):
    (how,) = PLAYED[request.node.originalname]
    async with far(member) as (way, aws):
        await way.ask(aws)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with way.spoils(member.operations[-1], how):
            reading = await way.ask(aws)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    assert isinstance(reading, Unavailable)
    assert "larger than" in reading.words


async def test_a_clock_that_is_ten_minutes_off_is_called_so_by_whoever_reads_and_by_doctor(member):
    """AWS refuses what is signed at another time; and where it would not, buckets that are final to us are not to it."""
    words = "Signature expired: 20261124T121000Z is now earlier than 20261124T121500Z"
    error = AwsError("InvalidSignatureException", words, 403)
    async with far(member) as (way, aws):
        for minutes, told in ((10, "600 s ahead of"), (-10, "600 s behind")):
            way.ahead = timedelta(minutes=minutes)
            believed = await way.ask(aws)
            expired = way.world.faults.fail(member.service, error=error, times=None)
            refused = await way.ask(aws)
            way.world.faults.lift(expired)
            found = examined_clock(aws)

            for reading in (believed, refused):
                assert isinstance(reading, Unavailable)
                assert reading.who is Who.OPERATOR
                assert f"this machine's clock is {told} that of AWS" in reading.words
                assert "set it by NTP" in reading.words
            assert found is not None
            assert told in found.words
            assert "NTP" in found.remedy


async def test_a_call_that_is_broken_off_leaves_no_task_and_nobody_waits_for_its_thread(member):
    async def ask() -> None:
        async with (
            serving_ill(never) as port,
            open_aws(ROLES, Metrics(), lambda: NOW, endpoint=f"http://127.0.0.1:{port}") as aws,
        ):
            await Far(member, AwsWorld(lambda: NOW)).ask(aws)

    before = asyncio.all_tasks()
    asking = asyncio.create_task(ask())
    await asyncio.sleep(0.3)

    asking.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(asking, return_exceptions=True)

    assert asking.cancelled()
    assert asyncio.all_tasks() - before == set()
