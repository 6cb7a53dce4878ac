"""Parameters of Systems Manager, by the contract of the notifiers. What stands in one: ``tests/watcher/notify/ssm``."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from deploy.errors import AwsRefused
from tests.contract.notifier_contract import NotifierContract, Received, Spoken, a_message
from tests.fakes.aws import AwsError, AwsWorld, Direct
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from watcher.aws.codes import UNREADABLE
from watcher.core.watch import Message
from watcher.notify.notifier import Later, Notifier, Opening, Told
from watcher.notify.registry import NOTIFIERS
from watcher.notify.ssm.parameter import SOON, Parameter
from watcher.notify.ssm.settings import Settings

# A status, as Systems Manager calls what it answers with it.
CODES = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "HierarchyTypeMismatchException",
    408: "TooManyUpdates",
    410: "ParameterLimitExceeded",
    429: "ThrottlingException",
}


class SpokenToSsm(Spoken):
    """What was written, whether or not it was taken; and the answers that are due."""

    def __init__(self, notifier: Notifier, world: AwsWorld) -> None:
        self.world = world
        super().__init__(notifier)

    @property
    def received(self) -> list[Received]:
        calls = [call for call in self.world.calls if call.operation == "PutParameter"]
        return [Received({}, json.dumps(call.parameters).encode()) for call in calls]

    @received.setter
    def received(self, _nothing: list[Received]) -> None:
        """It is what AWS got, and nothing else."""

    @property
    def answers(self) -> list[tuple[int, dict[str, str]]]:
        return []

    @answers.setter
    def answers(self, due: list[tuple[int, dict[str, str]]]) -> None:
        for status, _ in due:
            if status != 200:
                later = status >= 500 or status == 425
                code = CODES.get(status, "InternalServerError" if later else "ValidationException")
                self.world.faults.fail("ssm", "PutParameter", error=AwsError(code, "as the test says", 400))


class _Unreadable(Direct):
    """What answers in the place of AWS, once something is to be written, is a page."""

    async def act(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        raise AwsRefused(
            f"{service}.{operation} in {scope}", UNREADABLE, "no answer of AWS's", may_have_happened=True
        )


class TestSsm(NotifierContract):
    """It writes what is shown. How the way to AWS fails is shown where that way is: ``tests/watcher/aws``."""

    kind = "ssm"
    narrowing = ""

    def settings(self, base: str, secret: str) -> BaseModel:
        return Settings(account="shop")

    def message(self, **changes: Any) -> Message:
        message = a_message(**{"kind": "show", **changes})
        facts = {**message.notice.facts, "state": "watching"}
        notice = replace(
            message.notice, watch="w_1", service="checkout", environment="production", facts=facts
        )
        return replace(message, notice=notice)

    def written(self, text: str) -> str:
        return ""

    def delivery(self, received: Received) -> str:
        return str(received.json["Name"])

    def says(self, received: Received) -> str:
        return str(json.loads(received.json["Value"])["words"])

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        """*base*: how AWS is; as it is usually, where there is none."""
        world = AwsWorld(lambda: START)
        if base.endswith(":1"):
            world.faults.fail("ssm", times=None)
        async with self.on(world) as notifier:
            yield notifier

    @contextlib.asynccontextmanager
    async def on(self, world: AwsWorld) -> AsyncIterator[Notifier]:
        async with http_to_loopback(lambda: START) as http:
            opening = Opening(http, lambda: START, aws=Direct(world))
            async with NOTIFIERS[self.kind].open(self.settings("", ""), opening) as notifier:
                yield notifier

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = "") -> AsyncIterator[Spoken]:
        world = AwsWorld(lambda: START)
        async with self.on(world) as notifier:
            yield SpokenToSsm(notifier, world)

    async def test_what_is_told_again_carries_the_same_id(self):
        """It stands there already: it is not written again."""
        async with self.telling() as told:
            for _ in range(2):
                assert isinstance(await told.notifier.tell(self.message(), "", None), Told)

            assert len(told.received) == 1

    @pytest.mark.parametrize("fault", ["lost"])
    async def test_a_system_that_is_ill_is_told_later_and_in_time(self, fault: str):
        """It may have been written: it is looked at again, and the same is not written twice."""
        async with self.telling() as told:
            assert isinstance(told, SpokenToSsm)
            told.world.faults.lose_answer("ssm", "PutParameter")

            assert isinstance(await told.notifier.tell(self.message(), "", None), Later)
            assert isinstance(await told.notifier.tell(self.message(), "", None), Told)
            assert len(told.received) == 1

    async def test_a_page_with_status_200_is_not_taken_for_its_answer(self):
        """The way to AWS finds that it is none of AWS's (tests/watcher/aws): it may have been written all the same."""
        parameter = Parameter(Settings(account="shop"), _Unreadable(AwsWorld(lambda: START)))
        telling = await parameter.tell(self.message(), "", None)

        assert isinstance(telling, Later)
        assert UNREADABLE in telling.words

    @pytest.mark.parametrize("code", ["RequestExpired", "SignatureDoesNotMatch"])
    async def test_a_far_clock_that_is_ten_minutes_off_changes_no_wait(self, code: str):
        """AWS refuses what is signed by a clock that is off; once that is mended the verdict is written."""
        async with self.telling() as told:
            assert isinstance(told, SpokenToSsm)
            told.world.faults.fail("ssm", "PutParameter", error=AwsError(code, "Signature expired", 403))
            refused = await told.notifier.tell(self.message(), "", None)

            assert isinstance(refused, Later)
            assert refused.after == SOON
            assert isinstance(await told.notifier.tell(self.message(), "", None), Told)

    async def test_a_message_that_is_cancelled_leaves_nothing_behind_and_is_in_the_way_of_no_other(self):
        """That the call ends with it is shown where the way to AWS is; here, that nothing is kept of it."""
        async with self.telling() as told:
            telling = asyncio.ensure_future(told.notifier.tell(self.message(), "", None))
            telling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await telling

            assert told.received == []
            assert isinstance(await told.notifier.tell(self.message(), "", None), Told)

    async def test_a_system_that_says_when_is_asked_then(self):
        """AWS says never when: a while is waited."""
        async with self.telling() as told:
            told.answers = [(429, {})]
            telling = await told.notifier.tell(self.message(), "", None)

            assert isinstance(telling, Later)
            assert telling.words.endswith("ThrottlingException: as the test says")

    async def test_an_address_that_is_not_allowed_is_never_told(self):
        """It has no address but AWS's: what is no parameter is not taken as one."""
        with pytest.raises(ValidationError, match="not the name of a parameter"):
            Settings(account="shop", parameter="http://169.254.169.254/")
