"""As whom it would act: asked before a person agrees, so that a role that trusts only the daemon is not found out afterwards."""

from deploy.errors import AwsRefused
from deploy.ports import Aws, AwsAccount
from watcher.commands._client import Refused, Unreachable
from watcher.commands._direct.opening import Opened


async def actors(opened: Opened) -> tuple[str, ...]:
    """A sentence for each account. Changes nothing.

    Raises:
        Refused: These credentials are of another account: what is called the same there must not be moved.
        Unreachable: The role to act cannot be assumed, or AWS does not answer.
    """
    if opened.aws is None:
        return ()
    return tuple([await _actor(opened.aws, account) for account in opened.accounts])


async def _actor(aws: Aws, account: AwsAccount) -> str:
    try:
        told = await aws.act(account.name, "sts", "get_caller_identity")
    except AwsRefused as refused:
        remedy = f"{refused.remedy}; or act with your own rights: --own-credentials"
        raise Unreachable(f"nobody can act in the account {account.name}: {refused}", remedy) from refused
    if account.id is not None and told["Account"] != account.id:
        raise Refused(
            f"your credentials are of the account {told['Account']}, and {account.name} is {account.id}",
            "take those of that account",
        )
    return f"in the account {account.name} ({told['Account']}, {account.region}) as {told['Arn']}"
