"""Verdicts in parameters: what stands there, which watch wins, and who may write."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from deploy.model import Level
from tests.contract.notifier_contract import a_message
from tests.fakes.aws import AwsError, AwsWorld, Direct, Scope
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from watcher.core.watch import State
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.ssm.connection import ParameterWithoutAccount, open_ssm
from watcher.notify.ssm.parameter import Parameter
from watcher.notify.ssm.settings import Settings
from watcher.notify.ssm.verdict import is_news, verdict_of, written

NAME = "/rollbackd/checkout/production/verdict"
ROLE = "arn:aws:iam::123456789012:role/rollbackd-"
BREACHED = {"rule": "errors", "value": "0.071"}


@pytest.fixture
def world() -> AwsWorld:
    return AwsWorld(lambda: START)


def shown(state="watching", watch="w_2", at=0.0, **facts):
    notice = replace(
        a_message().notice,
        watch=watch,
        at=START + timedelta(minutes=at),
        facts={"state": state, "tag": "v43", "fingerprint": "sha256:v43", **facts},
    )
    return a_message(kind="show", id=f"{watch}.1.0", notice=notice)


def a_parameter(world, scopes=None) -> Parameter:
    return Parameter(Settings(account="shop"), Direct(world, scopes))


def there(world):
    return json.loads(world.ssm.versions[NAME][-1][1])


async def test_a_runner_reads_how_its_deployment_stands(world):
    assert await a_parameter(world).tell(shown(), "", None) == Told(NAME)

    assert there(world) == {
        "v": 1,
        "watch": "w_2",
        "service": "checkout",
        "environment": "production",
        "tag": "v43",
        "fingerprint": "sha256:v43",
        "state": "watching",
        "decided": False,
        "breached": False,
        "status": None,
        "words": "checkout production: 7.1 % errors, rolling back to v1",
        "at": START.isoformat(),
    }


@pytest.mark.parametrize(
    ("state", "facts", "status"),
    [
        ("passed", {}, 0),
        ("rolled_back", BREACHED, 1),
        ("kept", BREACHED, 1),
        ("kept", {}, 5),
        ("unproven", {}, 5),
        ("superseded", {}, 6),
        ("asking", BREACHED, None),
    ],
)
def test_it_has_the_exit_status_of_wait(state, facts, status):
    verdict = verdict_of(shown(state, **facts).notice)

    assert verdict is not None
    assert (verdict["status"], verdict["decided"]) == (status, status is not None)
    assert verdict["decided"] is State(state).is_final


async def test_the_same_is_written_once_and_what_changed_again(world):
    parameter = a_parameter(world)
    for message in (shown(), shown(), shown("passed", at=5), shown(at=4)):
        assert await parameter.tell(message, "", None) == Told(NAME)

    assert len(world.ssm.versions[NAME]) == 2
    assert there(world)["state"] == "passed", "what comes late changes nothing"


async def test_an_older_watch_never_takes_the_place_of_a_newer_one(world):
    parameter = a_parameter(world)
    await parameter.tell(shown(watch="w_2"), "", None)
    await parameter.tell(shown("superseded", watch="w_1", at=9), "", None)
    await parameter.tell(shown(watch="w_3", at=1), "", None)

    assert [json.loads(value)["watch"] for _, value in world.ssm.versions[NAME]] == ["w_2", "w_3"]


@pytest.mark.parametrize("there", [None, "", "not JSON", "[]", "{}", '{"watch": 7}'])
def test_what_is_none_of_ours_is_written_over(there):
    verdict = verdict_of(shown().notice)

    assert verdict is not None
    assert is_news(verdict, there)


async def test_what_is_told_one_by_one_or_is_of_no_watch_is_not_written(world):
    parameter = a_parameter(world)
    notice = replace(shown().notice, watch="")

    assert await parameter.tell(a_message(), "", None) == Told(None)
    assert await parameter.tell(a_message(kind="show", notice=notice), "", None) == Told(None)
    assert world.calls == []


async def test_it_is_looked_at_with_the_role_to_read_and_written_with_the_role_to_act(world):
    read = world.identities.role(f"{ROLE}read", {"ssm:GetParameter"})
    act = world.identities.role(f"{ROLE}act", {"ssm:PutParameter"})
    scopes = {"shop": Scope(world.region, read, act)}
    await a_parameter(world, scopes).tell(shown(), "", None)

    assert [(call.operation, call.by.rpartition("-")[2]) for call in world.calls] == [
        ("GetParameter", "read"),
        ("PutParameter", "act"),
    ]


async def test_without_a_role_to_act_nothing_is_written_and_it_is_said_what_to_allow(world):
    scopes = {"shop": Scope(world.region, world.identities.role(f"{ROLE}read"))}
    telling = await a_parameter(world, scopes).tell(shown(), "", None)

    assert isinstance(telling, Never)
    assert "ssm:PutParameter" in telling.words
    assert not world.ssm.versions


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AwsError("ThrottlingException", "Rate exceeded"), Later),
        (AwsError("TooManyUpdates", "no"), Later),
        (AwsError("InternalServerError", "no", 500), Later),
        (AwsError("AccessDeniedException", "no"), Never),
        (AwsError("ParameterLimitExceeded", "no"), Never),
        (AwsError("ValidationException", "no"), Never),
    ],
)
async def test_what_may_pass_is_tried_again_and_the_rest_is_given_up(world, error, kind):
    world.faults.fail("ssm", "PutParameter", error=error, times=None)

    assert isinstance(await a_parameter(world).tell(shown(), "", None), kind)


async def test_nothing_stands_behind_its_name(world):
    assert isinstance(await a_parameter(world).tell(shown(), "C0", None), Never)


@pytest.mark.parametrize("text", ["", "漢" * 7000, '"\\{{ssm:/secret}}' * 99, "\x00\ud800\r\n"])
async def test_whatever_is_in_a_notice_is_taken_and_is_no_reference_to_another_parameter(world, text):
    message = shown()
    notice = replace(message.notice, headline=text)
    telling = await a_parameter(world).tell(replace(message, notice=notice), "", None)

    assert telling == Told(NAME)
    value = world.ssm.versions[NAME][-1][1]
    assert value.isascii()
    assert "{{" not in value
    assert json.loads(value)["watch"] == "w_2"


def test_braces_of_json_itself_stay_json():
    assert json.loads(written({"a": {"b": {}}})) == {"a": {"b": {}}}


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("rollbackd/${service}/${environment}", "not the name of a parameter"),
        ("/rollbackd/${service}/${tag}", "not the name of a parameter"),
        ("/rollbackd//${service}/${environment}", "not the name of a parameter"),
        ("/aws/${service}/${environment}", "Amazon's"),
        ("/rollbackd/${service}", "every service would write the same parameter"),
    ],
)
def test_what_names_no_parameter_of_one_service_is_refused(parameter, says):
    with pytest.raises(ValidationError, match=says):
        Settings(account="shop", parameter=parameter)


async def test_without_an_account_nothing_can_be_written():
    async with http_to_loopback(lambda: START) as http:
        with pytest.raises(ParameterWithoutAccount):
            async with open_ssm(Settings(account="shop"), Opening(http, lambda: START)):
                pass
        async with open_ssm(
            Settings(account="shop"), Opening(http, lambda: START, aws=Direct(AwsWorld(lambda: START)))
        ) as notifier:
            assert isinstance(notifier, Parameter)


@pytest.mark.parametrize("trouble", [None, AwsError("AccessDeniedException", "no")])
async def test_the_doctor_looks_and_writes_nothing(world, trouble):
    if trouble is not None:
        world.faults.fail("ssm", error=trouble, times=None)
    (found,) = await a_parameter(world).examine([])

    assert found.level is (Level.FAIL if trouble else Level.OK)
    assert ("ssm:PutParameter" in found.remedy) is (trouble is not None)
    assert not world.ssm.versions
