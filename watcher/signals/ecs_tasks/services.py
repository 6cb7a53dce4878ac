"""A service, what ECS told of its tasks, or why it did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.errors import AwsRefused
from rules.sample import Invalid, Unavailable, Who
from watcher.aws.codes import Result, result_of
from watcher.signals.ecs_tasks.task import Task
from watcher.signals.on_aws import NotAsked, Throttled


@dataclass(frozen=True, slots=True, order=True)
class ServiceAt:
    """A service, and where it is. *account* is the name of it in the configuration."""

    account: str
    cluster: str
    service: str


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a service, as ECS told them.

    Attributes:
        taken: When the reading began: what happened later may be missing.
        is_whole: All that ECS still knows are there. There is an end to what is read.
    """

    taken: datetime
    tasks: Sequence[Task]
    is_whole: bool = True


Trouble = Unavailable | Invalid
Told = Tasks | Trouble

NO_CLUSTER = "ClusterNotFoundException"
_MISSING = {NO_CLUSTER: "cluster", "ServiceNotFoundException": "service"}
_AUTHORS = frozenset({"InvalidParameterException", "ClientException"})
_WORDS = 200  # characters of AWS's own


def refusal(refused: AwsRefused, service: ServiceAt) -> Trouble:
    """What AWS refused, as a reading: who has to act, and what is wrong."""
    if isinstance(refused, NotAsked):
        return refused.trouble
    missing, words = _MISSING.get(refused.code), refused.words[:_WORDS]
    if missing is not None:
        where = f" in the cluster {service.cluster}" if missing == "service" else ""
        name = getattr(service, missing)
        return Invalid(Who.AUTHOR, f"there is no {missing} {name}{where} (account {service.account})")
    if refused.code in _AUTHORS:
        return Invalid(Who.AUTHOR, f"ECS refuses the query: {words}")
    match result_of(refused.code):
        case Result.DENIED:
            needs = "it needs ecs:ListTasks and ecs:DescribeTasks"
            return Unavailable(Who.OPERATOR, f"tasks may not be read in {service.account}: {words}; {needs}")
        case Result.CREDENTIALS:
            return Unavailable(Who.OPERATOR, f"no credentials for the account {service.account}: {words}")
        case _:
            at = refused.retry_at if isinstance(refused, Throttled) else None
            return Unavailable(Who.PROVIDER, f"ECS in {service.account}: {refused.code}: {words}", at)
