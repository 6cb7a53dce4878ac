"""The target ``flagd`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.flagd import FlagdTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from tests.fakes.flagd import BUCKET, KEY, Flagd, document, flag
from watcher import command

STATES = {
    "disabled": flag("on", state="DISABLED"),
    "enabled.off": flag("off"),
    "enabled.on": flag("on"),
}


class Documents(TargetWorld):
    """One flag of a document. S3 answers with what was written last; where it is slow, flagd reads it later."""

    def __init__(self) -> None:
        self._time = NOON
        self.aws_world = AwsWorld(lambda: self._time)
        self.aws_world.identities.role(ACT)
        self.aws_world.s3.create_bucket(BUCKET)
        for number, each in enumerate(STATES.values()):  # it has been each of them before
            at = NOON - timedelta(days=9 - number)
            self.aws_world.s3.put(BUCKET, KEY, document(new_checkout=each, other=flag()), at)
        self.flagd = Flagd(self.aws_world, every=timedelta(seconds=1))
        self.aws: Aws | None = None

    def target(self) -> FlagdTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        ports = World(command=command.run, now=lambda: self._time, aws=self.aws, send=self.flagd)
        settings = Settings(bucket=BUCKET, key=KEY, flag="new-checkout", serves="http://flagd.internal:8016")
        return FlagdTarget(settings, Place("checkout", "production", "service", account), ports)

    def runs(self, tag, *, moving_to=None, key=None):
        assert moving_to is None, "nothing moves there"
        self._time += timedelta(minutes=1)
        if tag is None:
            self.aws_world.s3.delete(BUCKET, KEY, self._time)
        else:
            self.aws_world.s3.put(BUCKET, KEY, document(new_checkout=STATES[tag], other=flag()), self._time)
        self._time += timedelta(minutes=1)

    def arrives(self):
        self._time += timedelta(hours=30)

    def is_slow(self):
        self.flagd.every = timedelta(hours=20)

    def is_down(self):
        self.runs("enabled.on")
        self.aws_world.faults.fail("s3", times=None)

    def hangs(self):
        self.aws_world.faults.slow("s3", seconds=5, times=None)

    def moves_hang(self):
        self.aws_world.faults.slow("s3", "PutObject", seconds=5, times=None)

    def refuses(self, words):
        error = AwsError("AccessDenied", words.removeprefix("AccessDenied: "), 403)
        self.aws_world.faults.fail("s3", "PutObject", error=error, times=None)

    def loses_answers(self):
        self.aws_world.faults.lose_answer("s3", "PutObject", times=None)

    def changes(self):
        kept = self.aws_world.s3.find(BUCKET).objects[KEY].values if self._is_there() else []
        ours = [each for each in kept if each.metadata]
        told = [json.loads(each.body)["flags"]["new-checkout"] for each in ours]
        return [next(tag for tag, each in STATES.items() if each == one) for one in told]

    def _is_there(self) -> bool:
        return KEY in self.aws_world.s3.find(BUCKET).objects


@contextlib.asynccontextmanager
async def flagd_over_http() -> AsyncIterator[Documents]:
    """A world that answers over HTTP, and boto3 to it."""
    world = Documents()
    with serving(world.aws_world) as url:
        async with at(url, lambda: NOON, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
