"""Whether who acts may make the calls of a plan: IAM's own dry run of the policies, asked when somebody reads the plan. Tries nothing.

Source:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from deploy.errors import AwsRefused
from deploy.model import Move, Permission, RollbackPlan
from deploy.ports import Aws, AwsAccount, Need
from deploy.targets.registry import TARGETS
from watcher.commands._doctor.accounts import decision_of, role_arn
from watcher.config import Account, Configuration

PATIENCE = timedelta(seconds=8)  # for all calls of one part: a plan is read while somebody waits
_ALLOWED = "allowed"
_UNTOLD = "not known before it is tried: only what IAM decides has a dry run"


async def permitted(
    configuration: Configuration, aws: Aws | None, plan: RollbackPlan
) -> Mapping[str, Sequence[Permission]]:
    """By part. See `watcher.app.ports.Permitted`."""
    async with asyncio.TaskGroup() as asking:
        asked = {
            move.part: asking.create_task(_of_a_part(configuration, aws, plan, move)) for move in plan.moves
        }
    return {part: each.result() for part, each in asked.items()}


async def _of_a_part(
    configuration: Configuration, aws: Aws | None, plan: RollbackPlan, move: Move
) -> Sequence[Permission]:
    configured = configuration.targets.get((plan.service, plan.environment), {}).get(move.part)
    if configured is None:  # it was taken out of the configuration meanwhile
        return ()
    account = configuration.accounts.get(configured.account or "")
    if not TARGETS[configured.kind].on_aws or account is None or aws is None:
        return (Permission("", None, _UNTOLD),)
    if account.act is None:
        words = f"not known: accounts.{account.name} names no role to act, and none is tried"
        return (Permission("", None, words),)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            owner = await _owner(aws, account)
            needs: Sequence[Need] = TARGETS[configured.kind].needs(configured.settings, owner, move.to)
            return [await _permission(aws, account, role_arn(account.act), need) for need in needs]
    except TimeoutError:
        words = f"not known: IAM did not answer within {PATIENCE.total_seconds():.0f} s"
        return (Permission("", None, words),)
    except AwsRefused as refused:
        words = f"not known before it is tried: {refused}; allow iam:SimulatePrincipalPolicy on {role_arn(account.act)} to whoever reads"
        return (Permission("", None, words),)


async def _owner(aws: Aws, account: Account) -> AwsAccount:
    if account.aws.id is not None:
        return account.aws
    who = await aws.read(account.name, "sts", "get_caller_identity")
    return replace(account.aws, id=str(who["Account"]))


async def _permission(aws: Aws, account: Account, role: str, need: Need) -> Permission:
    decision = await decision_of(aws, account, role, need)
    if decision == _ALLOWED:
        return Permission(need.action, True, f"{need.action}: allowed")
    return Permission(
        need.action, False, f"{role} may not {need.action} on {need.resource} ({decision}): allow it"
    )
