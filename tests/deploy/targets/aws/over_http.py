"""What worlds on the simulated AWS have in common that are reached by unmodified boto3 over HTTP."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from deploy.ports import Aws, AwsCall
from tests.fakes.aws.models import operation_of
from tests.fakes.aws.world import AwsWorld
from watcher.aws import AwsRoles, open_aws
from watcher.aws.modes import USUAL, Mode, Modes
from watcher.telemetry.metrics import Metrics

ACT = "arn:aws:iam::123456789012:role/rollbackd-act"
MOMENT = 2.5  # seconds that who is meant to hang is waited for
LONG = 60.0  # seconds for who answers, on whatever machine

Hangs = Callable[[str, str], bool]


@contextlib.asynccontextmanager
async def at(
    url: str, now: Callable[[], datetime], hangs: Hangs, region: str = "eu-central-1"
) -> AsyncIterator[Aws]:
    """AWS at *url*, by boto3, which sends each call once. Its account is called `shop`.

    Args:
        url: Where all services are.
        now: The time there.
        hangs: Whether that operation (`lambda`, `UpdateAlias`) is meant to have no answer.
        region: Where the account is at home.
    """
    roles = {"shop": AwsRoles("shop", region, act=ACT)}
    async with (
        open_aws(roles, Metrics(), now, endpoint=url, modes=_once(LONG)) as patient,
        open_aws(roles, Metrics(), now, endpoint=url, modes=_once(MOMENT)) as hasty,
    ):
        yield _Doors(patient, hasty, hangs)


def slow_in(world: AwsWorld) -> Hangs:
    """Who hangs by the faults of *world*."""

    def hangs(service: str, operation: str) -> bool:
        return any(
            fault.delay and fault.strikes(service, operation, world.now()) for fault in world.faults.pending
        )

    return hangs


@dataclass(frozen=True, slots=True)
class _Doors:
    """Two doors to one AWS: whoever is meant to hang is called through the one that does not wait for long."""

    patient: Aws
    hasty: Aws
    hangs: Hangs

    @property
    def read(self) -> AwsCall:
        return self._through(lambda door: door.read)

    @property
    def act(self) -> AwsCall:
        return self._through(lambda door: door.act)

    @property
    def poll(self) -> AwsCall:
        return self._through(lambda door: door.poll)

    def _through(self, capability: Callable[[Aws], AwsCall]) -> AwsCall:
        async def call(scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
            hangs = self.hangs(service, operation_of(service, operation))
            door = self.hasty if hangs else self.patient
            return await capability(door)(scope, service, operation, **parameters)

        return call


def _once(answer: float) -> Modes:
    """One attempt. But for the answer itself there is time in any case: a client may have to be made before it is sent."""

    def mode(usual: Mode) -> Mode:
        return replace(usual, attempts=1, connect=LONG, answer=answer, whole=LONG)

    return replace(USUAL, read=mode(USUAL.read), act=mode(USUAL.act), assume=mode(USUAL.assume))
