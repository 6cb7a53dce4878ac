"""The whole way of a flag that flagd reads from a bucket: another document is put there, CloudWatch judges, and its flag goes back."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.flagd import BUCKET, KEY, URL, Flagd, document, flag
from tests.scenarios.aws.stage import BALANCER, MONTH_AGO, AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
TARGET = f"{{flagd: {{bucket: {BUCKET}, key: {KEY}, flag: new-checkout, serves: '{URL}'}}}}"
CONFIGURATION = one_service("checkout", TARGET) + "      rules: [{file: web.yaml}]\n"


@dataclass
class Callers:
    """Who comes to the balancer: whom flagd gives the new version to fails as *fails* says."""

    world: AwsWorld
    send: Flagd
    fails: float = 0.001

    def come(self, start: datetime, seconds: float) -> None:
        share = self.fails if self.send.gives("new-checkout") == "on" else 0.001
        counts = (("RequestCount", 50 * seconds), ("HTTPCode_Target_5XX_Count", 50 * seconds * share))
        for metric, count in counts:
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[count])


def a_bucket(world: AwsWorld) -> Callers:
    """The flag is off since a month."""
    world.s3.create_bucket(BUCKET)
    world.s3.put(BUCKET, KEY, document(new_checkout=flag("off"), other=flag()), MONTH_AGO)
    return Callers(world, Flagd(world))


def told(folder: Path, story: Story) -> None:
    """*story*, on a stage where the flag has been off for a month, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, configuration=CONFIGURATION, make=a_bucket) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def gives(stage: AwsStage) -> str | None:
    """What flagd gives."""
    assert isinstance(stage.crowd, Callers)
    return stage.crowd.send.gives("new-checkout")


def turns(stage: AwsStage, to: str, fails: float = 0.001) -> None:
    """Another hand puts a document there in which the flag is *to*, and another flag is on."""
    assert isinstance(stage.crowd, Callers)
    stage.crowd.fails = fails
    stage.world.s3.put(BUCKET, KEY, document(new_checkout=flag(to), other=flag("on")), stage.now())


def turned_on(folder: Path, fails: float, then: Story) -> None:
    """Somebody puts a document there in which it is on; *then* is what is to be seen, 40 minutes after."""

    async def story(stage: AwsStage) -> None:
        turns(stage, "on", fails)
        await stage.goes_on(minutes(40))
        await then(stage)

    told(folder, story)


def put(stage: AwsStage) -> list[dict[str, object]]:
    """The flags of each document that we have put there."""
    calls = [call for call in stage.world.calls if call.operation == "PutObject"]
    return [json.loads(call.parameters["Body"])["flags"] for call in calls]


def test_a_bad_flag_goes_back_and_the_others_of_the_document_stay(tmp_path: Path) -> None:
    async def then(stage: AwsStage) -> None:
        (watch,) = await stage.watches()  # and none of our own move
        assert watch.state is State.ROLLED_BACK
        assert put(stage) == [{"new-checkout": flag("off"), "other": flag("on")}]
        assert gives(stage) == "off"
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    turned_on(tmp_path, 0.2, then)


def test_a_good_flag_passes(tmp_path: Path) -> None:
    async def then(stage: AwsStage) -> None:
        (watch,) = await stage.watches()
        assert (watch.state, watch.tag) == (State.PASSED, "enabled.on")
        assert put(stage) == []

    turned_on(tmp_path, 0.001, then)


def test_a_person_who_puts_another_document_while_we_go_back_is_never_undone(tmp_path: Path) -> None:
    """What they put says again that the flag is on: it is theirs, and nothing is put over it."""

    async def story(stage: AwsStage) -> None:
        turns(stage, "on", fails=0.2)
        while not put(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        turns(stage, "on")
        await stage.goes_on(seconds(stage.time() + 1800))

        assert len(put(stage)) == 1
        assert gives(stage) == "on"

    told(tmp_path, story)
