"""Fixtures around the fake: a conftest imports those that its tests need (`from tests.fakes.aws.fixtures import aws_world, ...`)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.fakes.aws.server import serving
from tests.fakes.aws.world import REGION, AwsWorld

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_PLAIN = Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60)


@dataclass
class Clock:
    """A clock that a test turns."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        """What it shows."""
        return self.time

    def go_on(self, **span: float) -> datetime:
        """``clock.go_on(minutes=3)``."""
        self.time += timedelta(**span)
        return self.time


@pytest.fixture
def aws_clock() -> Clock:
    """The clock of `aws_world`."""
    return Clock()


@pytest.fixture
def aws_world(aws_clock: Clock) -> Iterator[AwsWorld]:
    """A world at noon. After the test: the fake itself has done nothing wrong."""
    world = AwsWorld(aws_clock)
    yield world
    assert world.bugs == []


@pytest.fixture
def aws_url(aws_world: AwsWorld) -> Iterator[str]:
    """Where `aws_world` answers over HTTP."""
    with serving(aws_world) as url:
        yield url


@pytest.fixture
def boto_environment(aws_url: str) -> dict[str, str]:
    """What a process of its own needs in its environment to find `aws_world` instead of AWS."""
    return environment(aws_url)


@pytest.fixture
def boto(aws_url: str) -> Callable[..., Any]:
    """``boto("ecs")``: an unmodified client of `aws_world`, which tries once; other arguments are those of boto3."""

    def client(service: str, **arguments: Any) -> Any:
        arguments = {"config": _PLAIN, "region_name": REGION, **arguments}
        return boto3.client(service, endpoint_url=aws_url, **arguments)

    return client


def environment(url: str) -> dict[str, str]:
    """Credentials of nobody, and *url* as the endpoint of every service."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "of-no-account",
        "AWS_SECRET_ACCESS_KEY": "of-no-account",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
