"""What the doctor says of mirrors that are not on AWS: they are asked themselves, and nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from deploy.mirrors.registry import MIRRORS
from deploy.model import Level
from deploy.ports import Got, World
from deploy.target import Place
from tests.builders import NOON, a_policy, a_service
from tests.contract.test_mirrors import no_program
from watcher.commands._doctor import mirrors
from watcher.commands._doctor.accounts import Identities
from watcher.commands._doctor.checks import carried_out
from watcher.commands._doctor.opened import Opened
from watcher.core.service import Mode
from watcher.runtime.fleet import Fleet

KEY = ("checkout", "production")


@dataclass
class Answering:
    """A GitHub that answers whatever it is asked in the same way."""

    answer: Got
    asked: list[str] = field(default_factory=list)

    async def __call__(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Got:
        self.asked.append(f"{method} {path}")
        return self.answer

    async def granted(self) -> None:
        """A token asks."""


async def found(mode: Mode, answer: Got) -> tuple[list[tuple[str, str, Level]], list[str]]:
    """Subject, check and level, of a service with a mirror on GitHub, which answers so; and how it was asked."""
    rest = Answering(answer)
    kind = MIRRORS["git"]
    settings = kind.settings.model_validate({"repository": "acme/shop", "token": SecretStr("x")})
    world = World(command=no_program, now=lambda: NOON, github=lambda _access: rest)
    mirror = kind.open(settings, Place(*KEY, "service"), world)
    fleet = Fleet({KEY: a_service(policy=a_policy(mode=mode))}, {}, {KEY: {"service": [mirror]}})
    configuration = SimpleNamespace(mirrors={}, accounts={})
    opened = cast("Opened", SimpleNamespace(fleet=fleet, configuration=configuration, aws=None))
    every = await carried_out(list(mirrors.permissions(opened, Identities())))
    return [(each.subject, each.check, each.finding.level) for each in every], rest.asked


@pytest.mark.parametrize(
    ("answer", "level"),
    [(Got(200, {}, b'{"permissions": {"push": true}}'), Level.OK), (Got(404, {}, b"{}"), Level.FAIL)],
)
async def test_a_mirror_on_github_is_asked_itself_though_there_is_no_way_to_aws(answer, level):
    told, asked = await found(Mode.AUTO, answer)

    name = "mirror git acme/shop known-good/checkout/production"
    assert told == [("service checkout/production", name, level)]
    assert asked == ["GET /repos/acme/shop"]


async def test_in_shadow_none_is_written_and_so_none_is_asked():
    assert await found(Mode.SHADOW, Got(404, {}, b"{}")) == ([], [])
