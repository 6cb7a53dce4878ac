"""A place outside in which the name of the known-good release is kept up to date.

A mirror is written where it differs, and repeating that is harmless. It overwrites only what rollbackd wrote. Nothing is raised
for what a system says: a mirror must never be in the way of a rollback.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from deploy.model import Standing
from deploy.ports import AwsAccount, Need, World
from deploy.target import Place, anywhere


class Mirror(Protocol):
    """One place for one part of one service."""

    @property
    def name(self) -> str:
        """Where it is, for people and for logs."""

    async def write(self, known_good: Standing) -> str:
        """Have it say *known_good*. What could not be written and what to do about it; empty: it says so.

        Called with rights to act, so never in shadow; at most 20 s.
        """


S = TypeVar("S", bound=BaseModel)


def nothing_of_aws(
    _settings: BaseModel, _place: Place, _account: AwsAccount
) -> Mapping[str, tuple[Need, ...]]:
    """It is written without permissions of AWS."""
    return {"read": (), "act": ()}


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of mirror, for the registry.

    Attributes:
        settings: What may stand under ``mirror: [{kind: settings}]``.
        open: Gives the mirror. Touches nothing yet.
        address: What it writes, whole: two services that write one address would overwrite each other.
        needs: The permissions to read and to act without which it cannot be written.
        on_aws: It needs `account:`, and so `Place.account` and `World.aws` are there.
        misplaced: Why it cannot be written as that account, and the remedy.
    """

    settings: type[S]
    open: Callable[[S, Place, World], Mirror]
    address: Callable[[S, Place], str]
    needs: Callable[[S, Place, AwsAccount], Mapping[str, tuple[Need, ...]]] = nothing_of_aws
    on_aws: bool = True
    misplaced: Callable[[S, AwsAccount], tuple[str, str] | None] = anywhere
