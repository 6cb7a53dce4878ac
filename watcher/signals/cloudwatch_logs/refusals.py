"""What the refusals of CloudWatch Logs mean for those who asked: who must act, in words that name the action and the account."""

from deploy.errors import AwsRefused
from deploy.ports import AwsAccount
from rules.sample import Invalid, Unavailable, Who
from watcher.aws.codes import Result, result_of
from watcher.signals.cloudwatch.refusals import place
from watcher.signals.cloudwatch_logs.plan import Scan
from watcher.signals.on_aws import NotAsked

Fault = Unavailable | Invalid
NO_GROUP = "there is no log group"
_AUTHORS = frozenset({"MalformedQueryException", "InvalidParameterException"})
_ACTIONS = {"start_query": "logs:StartQuery", "get_query_results": "logs:GetQueryResults"}
_WORDS = 200  # characters of AWS's own


def fault_of(refused: AwsRefused, account: AwsAccount, scan: Scan) -> Fault:
    """The answer for all that was asked with *scan*."""
    if isinstance(refused, NotAsked):
        return refused.trouble
    words = refused.words[:_WORDS]
    if refused.code == "ResourceNotFoundException":
        if refused.operation == "get_query_results":
            return Unavailable(Who.PROVIDER, f"CloudWatch Logs has forgotten the query in {place(account)}")
        names = ", ".join(sorted(scan.groups)[:3])
        return Invalid(Who.AUTHOR, f"{NO_GROUP} {names} in {place(account)}: {words}")
    if refused.code in _AUTHORS:
        return Invalid(Who.AUTHOR, f"CloudWatch Logs refuses the query: {words}")
    action = _ACTIONS.get(refused.operation, "logs:StartQuery")
    who, what = {
        Result.DENIED: (Who.OPERATOR, f"{action} is not allowed"),
        Result.CREDENTIALS: (Who.OPERATOR, "no credentials"),
        Result.THROTTLED: (Who.PROVIDER, "too many queries of CloudWatch Logs at once"),
    }.get(result_of(refused.code), (Who.PROVIDER, f"{action} failed ({refused.code})"))
    return Unavailable(who, f"{what} in {place(account)}: {words}")


def may_be_one_groups(fault: Invalid) -> bool:
    """Of several log groups one may be the cause; the others need not suffer for it."""
    return fault.words.startswith((NO_GROUP, "CloudWatch Logs refuses"))
