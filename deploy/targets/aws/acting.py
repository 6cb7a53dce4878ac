"""The frame around what a target does: who may, and what kept something from being done.

What a call that moves means when it was refused, or not answered, each target knows for itself.
"""

import asyncio
from collections.abc import Awaitable

from deploy.errors import AwsRefused
from deploy.model import Refused
from deploy.ports import AwsAccount
from deploy.targets.aws.timing import MARKS
from deploy.targets.aws.wording import refusal


def forbidden(account: AwsAccount) -> Refused | None:
    """Why nothing is tried at all in *account*; ``None``: it may be."""
    if account.may_act:
        return None
    return Refused(f"the account {account.name} has no role to act: nothing was tried; configure `act:`")


async def kept_from(doing: Awaitable[object], until: float, operation: str) -> str:
    """What kept *doing* from being done by *until* (`deploy.targets.aws.timing.ends`); empty: nothing did."""
    try:
        async with asyncio.timeout_at(until):
            await doing
    except AwsRefused as refused:
        return refusal(refused)
    except TimeoutError:
        return f"{operation} was not answered in time"
    return ""


async def marked(writing: Awaitable[str], what: str, platform: str) -> str:
    """What *writing* marks says, or what kept it: for `deploy.target.Keeper.mark`."""
    try:
        async with asyncio.timeout(MARKS.total_seconds()):
            return await writing
    except AwsRefused as refused:
        return f"{what} could not be marked: {refusal(refused)}"
    except TimeoutError:
        return f"not all marks were written: {platform} did not answer in time"
