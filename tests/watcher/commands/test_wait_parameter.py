"""Waiting for the verdict in a parameter of Systems Manager: only the verdict of what is meant is one, whatever else stands there."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from tests.contract.notifier_contract import a_message
from tests.fakes.aws import AwsError, AwsWorld, Direct, Scope
from tests.fakes.aws.server import serving
from watcher.clock import new_id
from watcher.commands import wait
from watcher.commands._client import Misused, Refused, Unreachable
from watcher.commands._parameter import HERE, InParameter, Meant, value_of
from watcher.commands._waiting import TimedOut
from watcher.notify.ssm.verdict import verdict_of, written

NAME = "/rollbackd/checkout/production/verdict"
REGION = "eu-central-1"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
V43 = Meant(tag="v43", since=NOON)
DENIED = "AccessDeniedException: User: x is not authorized to perform: ssm:GetParameter"


def a_verdict(state="watching", tag="v43", minutes=1.0, watch=None, **changes):
    """Of a watch that was opened so many minutes after noon."""
    final = {"passed", "rolled_back", "unproven", "superseded", "kept"}
    verdict = {
        "v": 1,
        "watch": watch or new_id("w", NOON + timedelta(minutes=minutes)),
        "service": "checkout",
        "environment": "production",
        "tag": tag,
        "fingerprint": f"sha256:{tag}",
        "state": state,
        "decided": state in final,
        "breached": state == "rolled_back",
        "status": None,
        "words": f"checkout · production: {tag} is {state}",
        "at": (NOON + timedelta(hours=1)).isoformat(),
    }
    return verdict | changes


class Reading:
    """What stands there at one look after the other, the last for ever; each look is a quarter of a minute later."""

    def __init__(self, *looks):
        self.looks, self.now = list(looks), 0.0

    def __call__(self):
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look if look is None or isinstance(look, str) else written(look)

    def clock(self):
        return self.now

    def pause(self, seconds):
        self.now += seconds

    def verdict(self, meant=V43, minutes=10):
        waiting = InParameter(
            name=NAME, read=self, meant=meant, ends=minutes * 60, clock=self.clock, pause=self.pause
        )
        return waiting.verdict()


@pytest.mark.parametrize("state", ["passed", "rolled_back", "kept", "unproven", "superseded"])
def test_it_waits_until_what_is_meant_is_decided(state, capsys):
    watch = new_id("w", NOON)
    reading = Reading(None, a_verdict(watch=watch), a_verdict(watch=watch), a_verdict(state, watch=watch))

    verdict = reading.verdict()

    assert verdict["state"] == state
    assert reading.now == 45
    assert capsys.readouterr().err.count("v43 is watching") == 1


@pytest.mark.parametrize(
    "other",
    [
        a_verdict("passed", tag="v42"),
        a_verdict("passed", minutes=-1),
        a_verdict("superseded", minutes=-1),
        a_verdict("passed", watch="w_1"),
    ],
    ids=[
        "another tag",
        "the tag before, deployed earlier",
        "its end, told later",
        "of a time that nobody knows",
    ],
)
def test_the_verdict_of_another_deployment_is_none(other):
    reading = Reading(other)

    with pytest.raises(
        TimedOut, match="had nothing of v43, deployed since 2026-11-24 12:00:00 UTC"
    ) as raised:
        reading.verdict()

    assert raised.value.exit_code == 7
    assert reading.now == 600


def test_a_clock_that_is_seconds_ahead_does_not_hide_the_verdict():
    assert Reading(a_verdict("passed", minutes=-0.1)).verdict()["state"] == "passed"


def test_a_watch_that_is_named_is_the_one_that_is_meant_whatever_its_tag():
    mine, other = new_id("w", NOON), a_verdict("rolled_back", minutes=-1)

    verdict = Reading(other, a_verdict("passed", watch=mine)).verdict(Meant(watch=mine))

    assert verdict["watch"] == mine


def test_a_newer_deployment_that_takes_its_place_is_never_called_passed():
    verdict = Reading(a_verdict(minutes=1), a_verdict("passed", tag="v44", minutes=2)).verdict()

    assert (verdict["state"], verdict["tag"], wait.status_of(verdict)) == ("superseded", "v43", 6)
    assert "Then v44 was deployed" in verdict["words"]


def test_a_watch_that_is_named_and_was_overtaken_is_not_waited_for():
    reading = Reading(a_verdict("passed", tag="v44", minutes=2))

    verdict = reading.verdict(Meant(watch=new_id("w", NOON)))

    assert (verdict["state"], wait.status_of(verdict), reading.now) == ("superseded", 6, 0)
    assert "v44" in verdict["words"]


def test_a_watch_of_a_year_that_there_is_not_is_none():
    with pytest.raises(TimedOut):
        Reading(a_verdict("passed", watch=f"w_{'f' * 32}")).verdict()


def test_any_time_since_can_be_meant():
    always = Meant(tag="v43", since=datetime.fromisoformat("0001-01-01T00:00:00+14:00"))

    assert Reading(a_verdict("passed")).verdict(always)["state"] == "passed"


def test_a_message_that_came_late_about_an_older_watch_takes_no_place():
    mine = new_id("w", NOON + timedelta(minutes=1))

    verdict = Reading(
        a_verdict(watch=mine), a_verdict("passed", tag="v42", minutes=-5), a_verdict("passed", watch=mine)
    ).verdict()

    assert (verdict["state"], verdict["tag"]) == ("passed", "v43")


def test_what_is_not_decided_within_the_time_is_told_as_it_stands():
    verdict = Reading(a_verdict()).verdict()

    assert wait.status_of(verdict) == 7


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("web:17", "has no verdict of rollbackd in it"),
        ("[]", "has no verdict of rollbackd in it"),
        ("[" * 4000, "has no verdict of rollbackd in it"),
        (json.dumps({"by": "rollbackd", "tag": "v43"}), "has no verdict of rollbackd in it"),
        (a_verdict(decided="yes"), "has no verdict of rollbackd in it"),
        (a_verdict(v=2), "written by a newer rollbackd"),
    ],
)
def test_a_parameter_without_a_verdict_of_ours_is_told_at_once(value, words):
    with pytest.raises(Misused, match=words):
        Reading(value).verdict()


def test_aws_that_is_away_is_waited_for_for_a_minute(capsys):
    away = Unreachable("AWS does not tell it", "")

    assert Reading(away, away, a_verdict("passed")).verdict()["state"] == "passed"
    assert capsys.readouterr().err.count("trying again") == 1

    reading = Reading(away)
    with pytest.raises(Unreachable):
        reading.verdict()
    assert 60 < reading.now < 65


def test_what_the_daemon_writes_is_what_is_waited_for():
    watch, facts = new_id("w", NOON), {"state": "rolled_back", "tag": "v43", "rule": "errors"}
    notice = replace(
        a_message().notice, watch=watch, service="checkout", environment="production", facts=facts
    )
    verdict = verdict_of(notice)
    assert verdict is not None

    told = Reading(verdict).verdict()

    assert (told["watch"], told["breached"], wait.status_of(told)) == (watch, True, verdict["status"])


# ------------------------------------------------------------------------------------------------------------- what AWS says


def aws(world: AwsWorld) -> Direct:
    return Direct(world, {HERE: Scope(REGION)})


@pytest.fixture
def world() -> AwsWorld:
    return AwsWorld(lambda: NOON)


async def test_a_parameter_that_is_not_there_yet_is_no_fault(world):
    assert await value_of(aws(world), NAME, REGION) is None


@pytest.mark.parametrize(
    ("code", "kind", "words", "remedy"),
    [
        (
            "AccessDeniedException",
            Refused,
            "may not be read here",
            "allow ssm:GetParameter on arn:aws:ssm:eu-central-1:ACCOUNT:parameter/rollbackd/checkout/production/verdict",
        ),
        ("ExpiredTokenException", Refused, "without credentials", "give the job a role of AWS"),
        ("ValidationException", Misused, "cannot be the name of a parameter", "correct --ssm"),
        ("InternalServerError", Unreachable, "InternalServerError", "region"),
    ],
)
async def test_what_aws_refuses_is_told_with_who_can_change_it(world, code, kind, words, remedy):
    world.faults.fail("ssm", "GetParameter", error=AwsError(code, "as the test says", 400), times=None)

    with pytest.raises(kind, match=words) as raised:
        await value_of(aws(world), NAME, REGION)

    assert remedy in raised.value.remedy


# -------------------------------------------------------------------------------------------------------------- as a command


def invoked(*words: str, **environment: str):
    empty = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    return CliRunner().invoke(wait.command, words, env=empty | environment)


@pytest.mark.parametrize(("state", "status"), [("passed", 0), ("rolled_back", 1)])
async def test_the_exit_status_is_the_verdict_that_stands_there(world, state, status):
    world.ssm.put(NAME, written(a_verdict(state)), NOON)
    words = (
        "--ssm",
        NAME,
        "--tag",
        "v43",
        "--since",
        "2026-11-24T12:00:00Z",
        "--region",
        REGION,
        "--json",
        "--timeout",
        "20s",
    )

    with serving(world) as url:
        result = await asyncio.to_thread(invoked, *words, AWS_ENDPOINT_URL=url)

    assert result.exit_code == status
    assert json.loads(result.stdout)["state"] == state
    assert [call.operation for call in world.calls] == ["GetParameter"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say for what"),
        (("",), "say for what"),
        (("--ssm", "", "--region", REGION, "w_1"), "--ssm is empty"),
        (("--ssm", NAME, "--region", "", "w_1"), "--region"),
        (("--ssm", NAME, "--region", REGION, "--tag", "v43", "--since", ""), "--tag and --since"),
        (
            ("--ssm", NAME, "--region", REGION, "--tag", "", "--since", "2026-11-24T12:00:00Z"),
            "--tag and --since",
        ),
        (("--tag", "v43"), "say for what"),
        (("w_1", "--tag", "v43"), "add --ssm"),
        (("--ssm", NAME, "--tag", "v43", "--since", "2026-11-24T12:00:00Z"), "--region"),
        (("--ssm", NAME, "--region", REGION, "--tag", "v43"), "--tag and --since"),
        (("--ssm", NAME, "--region", REGION, "a_1"), "a parameter knows watches"),
        (("--ssm", NAME, "--region", REGION, "w_1", "--tag", "v43"), "say the one"),
        (("--ssm", NAME, "--region", REGION, "--tag", "v43", "--since", "12:00"), "ISO 8601"),
        (("--ssm", NAME, "--region", REGION, "--tag", "v43", "--since", "2026-11-24T12:00:00"), "zone"),
    ],
)
def test_what_cannot_be_meant_is_status_2(words, said):
    result = invoked(*words)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
