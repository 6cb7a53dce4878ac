"""A parameter of Systems Manager that says which release is known-good, as JSON, in the clear.

Source:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html: a value of the standard tier has at
    most 4 kB; a version is kept of each of the last hundred values. There is no compare-and-set: two daemons that write one
    parameter would take turns, so the configuration allows one.
"""

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from deploy.errors import AwsRefused
from deploy.mirrors.mirror import Kind
from deploy.mirrors.naming import checked, filled
from deploy.model import Standing
from deploy.ports import Aws, AwsAccount, Need, World
from deploy.target import Place
from deploy.targets.aws.wording import refusal

BY = "rollbackd"  # so our own values are known
MOST = 4096  # bytes of a value of the standard tier


class Settings(BaseModel):
    """``ssm``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameter: Annotated[
        str, StringConstraints(pattern=r"^/[A-Za-z0-9_./${}-]{1,1010}$"), AfterValidator(checked)
    ]


class Parameter:
    """See `Mirror`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a mirror on AWS is opened with an account")
        self._aws: Aws = world.aws
        self._account = place.account
        self._place = place
        self._parameter = filled(settings.parameter, place)

    @property
    def name(self) -> str:
        """The parameter."""
        return f"ssm {self._parameter}"

    async def write(self, known_good: Standing) -> str:
        """See `Mirror`."""
        wanted = value_of(known_good, self._place)
        try:
            now = await self._read()
            if now is not None and not _is_ours(now):
                return (
                    f"the parameter {self._parameter} says something that rollbackd did not write: nothing was overwritten; give"
                    " the mirror a name of its own, or delete the parameter"
                )
            if now != wanted:
                await self._aws.act(
                    self._account.name,
                    "ssm",
                    "put_parameter",
                    Name=self._parameter,
                    Value=wanted,
                    Type="String",
                    Tier="Standard",
                    Overwrite=now is not None,  # what somebody makes in this moment is not ours
                )
        except AwsRefused as refused:
            return refusal(refused)
        return ""

    async def _read(self) -> str | None:
        try:
            answer = await self._aws.read(self._account.name, "ssm", "get_parameter", Name=self._parameter)
        except AwsRefused as refused:
            if refused.code == "ParameterNotFound":
                return None
            raise
        return str(answer["Parameter"].get("Value", ""))


def value_of(known_good: Standing, place: Place) -> str:
    """What the parameter says. Names are left out where they would not fit."""
    release = known_good.release
    told = {
        "by": BY,
        "service": place.service,
        "environment": place.environment,
        "part": place.part,
        "tag": release.tag,
        "fingerprint": release.fingerprint,
        "grade": known_good.grade,
        "since": known_good.since.isoformat(),
    }
    whole = json.dumps(told | {"names": dict(sorted(release.names.items()))}, separators=(",", ":"))
    return whole if len(whole.encode()) <= MOST else json.dumps(told, separators=(",", ":"))


def _is_ours(value: str) -> bool:
    try:
        told = json.loads(value)
    except (ValueError, RecursionError):  # the latter: brackets without end
        return False
    return isinstance(told, dict) and told.get("by") == BY


def _address(settings: Settings, place: Place) -> str:
    region = place.account.region if place.account else ""
    owner = place.account.name if place.account else ""
    return f"ssm {owner} {region} {filled(settings.parameter, place)}"


def _needs(settings: Settings, place: Place, account: AwsAccount) -> Mapping[str, tuple[Need, ...]]:
    name = filled(settings.parameter, place).lstrip("/")
    arn = f"arn:{account.partition}:ssm:{account.region}:{account.id or '*'}:parameter/{name}"
    return {"read": (Need("ssm:GetParameter", arn),), "act": (Need("ssm:PutParameter", arn),)}


KIND = Kind(settings=Settings, open=Parameter, address=_address, needs=_needs)
