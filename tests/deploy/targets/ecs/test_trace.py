from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.targets.ecs.service import Rollout, Service
from deploy.targets.ecs.trace import TAG_KEY, Trace, our_move, read
from tests.fakes.aws.fixtures import NOON

TRACE = Trace("w_1.3.0", NOON, "web:2", "web:1", native=False)
ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/"


def written(trace: Trace) -> str:
    value = trace.written()
    assert value is not None
    return value


def tagged(trace: Trace) -> tuple[tuple[str, str], ...]:
    return ((TAG_KEY, written(trace)),)


def a_service(definition="web:1", created=NOON, trace=TRACE):
    rollout = Rollout("ecs-svc/1", "PRIMARY", f"{ARN}{definition}", created)
    return Service("web", "arn", "prod", rollouts=(rollout,), tags=tagged(trace))


@pytest.mark.parametrize("native", [True, False])
def test_what_is_written_is_read_again(native):
    trace = Trace("w_1.3.0", NOON, "web:2", "web:1", native=native)

    assert read([("owner", "shop"), *tagged(trace)]) == trace


def test_a_value_fits_into_a_tag_also_with_the_longest_names():
    trace = Trace("k" * 100, NOON, f"{'a' * 120}:1", f"{'b' * 120}:1", native=True)

    assert len(written(trace)) <= 256
    assert read(tagged(trace)) == replace(trace, expect=None)
    assert Trace("k" * 128, NOON, "web:2", f"{'b' * 200}:1", native=True).written() is None


def test_a_key_that_fits_no_tag_leaves_no_trace():
    assert Trace("w 1", NOON, "web:2", "web:1", native=True).written() is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "w_1 stop 1 web:2 web:1",
        f"{TRACE.written()} more",
        "w_1 move 1764000000 a:1 b:1",
        "w_1 stop 253402300799 web:2 web:1",
        "w_1 stop 999999999999 web:2 web:1",
    ],
)
def test_what_does_not_fit_is_no_trace(value):
    assert read([(TAG_KEY, value)]) is None


def test_the_newest_deployment_is_ours_if_it_goes_there_and_was_made_then():
    assert our_move(a_service(created=NOON + timedelta(seconds=3))) == TRACE


@pytest.mark.parametrize(
    "service",
    [
        a_service("web:2"),
        a_service("web:3"),
        a_service(created=NOON - timedelta(hours=1)),
        a_service(created=NOON + timedelta(hours=1)),
        Service("web", "arn", "prod", tags=tagged(TRACE)),
    ],
)
def test_a_trace_without_its_move_is_not_ours(service):
    assert our_move(service) is None


def test_a_native_rollback_may_take_up_an_old_deployment():
    native = Trace("w_1.3.0", NOON, "web:2", "web:1", native=True)

    assert our_move(a_service(created=NOON - timedelta(days=3), trace=native)) == native
    assert our_move(a_service(created=NOON + timedelta(hours=1), trace=native)) is None
