"""What AWS's refusals mean for those who asked: who must act, in words that name the action and the account."""

from deploy.errors import AwsRefused
from deploy.ports import AwsAccount
from rules.sample import Invalid, Unavailable, Who
from watcher.aws.codes import Result, result_of
from watcher.signals.on_aws import NotAsked

Fault = Unavailable | Invalid
_AUTHORS = (
    "ValidationError",
    "InvalidParameterValue",
    "InvalidParameterCombination",
    "MissingRequiredParameter",
    "MissingParameter",
)
_WORDS = 200  # characters of AWS's own


def place(account: AwsAccount) -> str:
    """Where: ``the account shop (eu-central-1)``."""
    return f"the account {account.name} ({account.region})"


def is_the_questions(refused: AwsRefused) -> bool:
    """AWS does not understand what was asked: asking less of it at once finds out which question it is."""
    return refused.code.removesuffix("Exception") in _AUTHORS


def fault_of(refused: AwsRefused, action: str, account: AwsAccount) -> Fault:
    """The answer for all that was asked with it.

    Args:
        refused: What AWS said.
        action: As a policy names it, ``cloudwatch:GetMetricData``.
        account: Where it was asked.
    """
    if isinstance(refused, NotAsked):
        return refused.trouble
    words = refused.words[:_WORDS]
    if is_the_questions(refused):
        return Invalid(Who.AUTHOR, f"CloudWatch refuses the query: {words}")
    match result_of(refused.code):
        case Result.DENIED:
            return Unavailable(Who.OPERATOR, f"{action} is not allowed in {place(account)}: {words}")
        case Result.CREDENTIALS:
            return Unavailable(Who.OPERATOR, f"no credentials for {place(account)}: {words}")
        case Result.THROTTLED:
            return Unavailable(Who.PROVIDER, f"CloudWatch throttles {action} in {place(account)}: {words}")
        case _:
            return Unavailable(Who.PROVIDER, f"{action} in {place(account)}: {refused.code}: {words}")
