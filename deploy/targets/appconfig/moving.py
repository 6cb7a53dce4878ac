"""Asking AppConfig to serve another version: decided by what it says at that moment, and one call that moves.

``StopDeployment`` names the deployment that is to be taken back: whatever anybody has deployed since is not touched. It is
sent with ``AllowRevert``, so that one that completes meanwhile is taken back all the same. ``StartDeployment`` carries the number
of the environment's last deployment: if there is another by then, AppConfig refuses, and what runs is read again.

AppConfig reverts to what served before. That is told without a doubt only where the deployment just before is what serves then; else
the wanted version is deployed anew.

Source:
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_StopDeployment.html
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_StartDeployment.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Move, Refused, Unclear
from deploy.ports import AwsAccount
from deploy.targets.appconfig.content import version_of
from deploy.targets.appconfig.deployment import COMPLETE, Deployment
from deploy.targets.appconfig.looking import View
from deploy.targets.appconfig.settings import Settings
from deploy.targets.appconfig.trace import TAG_KEY, Trace
from deploy.targets.aws.wording import NOT_NOW, command, refusal

SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again
CONFLICT, REFUSED = "ConflictException", "BadRequestException"


@dataclass(frozen=True, slots=True)
class Order:
    """The call that moves, as it is sent and foretold.

    Attributes:
        stops: The deployment that it takes back; ``None``: it starts one.
        reverts: That one is complete.
        trace: What is left on the deployment that is taken back.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    stops: int | None = None
    reverts: bool = False
    trace: str | None = None

    def told(self) -> str:
        """In words: the call and what it is given."""
        name = "".join(word.title() for word in self.operation.split("_"))
        given = {
            key: value
            for key, value in self.parameters.items()
            if key not in {"Content", "Description", "Tags"}
        }
        return f"{self.service}:{name} {' '.join(f'{key}={value}' for key, value in given.items())}"


def decide(
    view: View, settings: Settings, move: Move, key: str, now: datetime, *, unstopped: int | None = None
) -> Order | Beginning:
    """The call that brings *view* nearer to ``move.to``; or why there is none.

    *unstopped*: The number of the deployment that AppConfig has refused to revert.

    ============================================ ===============================================================
    the profile                                  what follows
    ============================================ ===============================================================
    has our move already                         nothing is sent; refused, if it was taken back since
    serves what is wanted, or goes there         nothing is sent
    serves a third version, or goes there        refused: somebody else has moved it
    goes to what is to be undone                 StopDeployment
    serves it, since less than 72 hours, and     StopDeployment, which reverts it
    what is wanted served just before
    serves it                                    StartDeployment, unless another profile is being deployed
    serves it by AppConfig's own deployment, or  StartDeployment, unless that is under way still
    AppConfig has refused to revert it
    was stopped by us on the way to an older     StartDeployment
    ============================================ ===============================================================
    """
    ours = view.trace if view.trace is not None and view.trace.key == key else None
    decided = _of_ours(view, move, ours) if ours is not None else _of_others(view, move)
    if decided is not None:
        return decided
    stoppable = ours is None and view.head is not None and view.head.deployment.number != unstopped
    if stoppable and view.head is not None and _is_to_be_stopped(view, move, now):
        return stop(settings, view.head.deployment, move, key, now)
    if view.busy is not None:
        return Refused(occupied(view.busy, settings), again_in=LATER)
    return start(settings, view, move, key, now)


def _of_others(view: View, move: Move) -> Beginning | None:
    """Why *move* is not to be sent, which nothing is seen of; ``None``: it is."""
    ahead = view.ahead
    if ahead is None:
        return Refused(f"nothing was deployed yet, neither {move.expect.tag} nor anything else")
    if ahead.is_same_as(move.to):
        return AlreadyThere()
    if not ahead.is_same_as(move.expect):
        does = "is on its way" if view.coming else "serves"
        return Refused(f"{ahead.tag} {does}, not {move.expect.tag}: somebody else has moved it", ahead.tag)
    return None


def _of_ours(view: View, move: Move, trace: Trace) -> Beginning | None:
    """Why no other call of *move* is to be sent, which is seen; ``None``: one is."""
    last = view.last.deployment if view.last else None
    if last is not None and trace.starts:
        if last.is_undone or last.goes_back:
            return Refused(
                f"{move.to.tag} was deployed already (number {last.number}), and was taken back since"
            )
        return AlreadyThere()
    if last is not None and last.goes_back:
        return Refused(f"AppConfig takes {move.expect.tag} back still", again_in=SOON)
    return AlreadyThere() if view.serving is not None and view.serving.is_same_as(move.to) else None


def _is_to_be_stopped(view: View, move: Move, now: datetime) -> bool:
    """It is under way, whatever served before; or it is complete, and to revert it is to serve what is wanted."""
    if view.head is None or not view.head.deployment.can_be_undone(now):
        return False
    return view.head.deployment.is_under_way or reverts_to(view, move)


def reverts_to(view: View, move: Move) -> bool:
    """What the newest deployment is reverted to is what is wanted, without a doubt: the one just before it serves that."""
    if view.below is None or not view.below.release.is_same_as(move.to) or len(view.past) <= 1:
        return False
    return view.past[0] is _of(view) and view.past[1] is view.below.deployment


def _of(view: View) -> Deployment | None:
    return view.head.deployment if view.head else None


def stop(settings: Settings, deployment: Deployment, move: Move, key: str, now: datetime) -> Order:
    """To take *deployment* back, whether or not it completes meanwhile."""
    parameters = {**_at(settings), "DeploymentNumber": deployment.number, "AllowRevert": True}
    trace = Trace(key, now, starts=False, to=move.to.tag).written()
    reverts = deployment.state == COMPLETE
    return Order("appconfig", "stop_deployment", parameters, deployment.number, reverts, trace)


def start(settings: Settings, view: View, move: Move, key: str, now: datetime) -> Order:
    """To deploy the wanted version anew, if nothing was deployed to the environment meanwhile."""
    trace = Trace(key, now, starts=True, to=move.to.tag)
    return starting(
        settings,
        view.numbers,
        version_of(move.to.tag),
        f"rollbackd {key}: back from {move.expect.tag} to {move.to.tag}",
        trace,
    )


def starting(settings: Settings, numbers: int, version: str, says: str, trace: Trace) -> Order:
    """To deploy *version*, if nothing but the *numbers* deployments that were seen was deployed to the environment. *says*: why."""
    written = trace.written()
    parameters: dict[str, Any] = {
        **_at(settings),
        "DeploymentStrategyId": settings.strategy,
        "ConfigurationProfileId": settings.profile,
        "ConfigurationVersion": version,
        "Description": says,
        "LatestDeploymentNumber": numbers,
    }
    tags = {"Tags": {TAG_KEY: written}} if written else {}
    return Order("appconfig", "start_deployment", parameters | tags)


def with_key_of(order: Order, told: Mapping[str, Any] | None) -> Order:
    """*order* with the key of KMS that its version was deployed with before, if it was with one."""
    key = (told or {}).get("KmsKeyIdentifier")
    if not key or order.stops is not None:
        return order
    return Order(order.service, order.operation, {**order.parameters, "KmsKeyIdentifier": str(key)})


def occupied(busy: Deployment, settings: Settings) -> str:
    """Why nothing can be deployed to the environment now, and what a person can do."""
    if busy.is_managed:
        return (
            f"AppConfig deploys one configuration to an environment at a time, and its own deployment {busy.number}, for an experiment, is"
            f" {busy.state}: it is waited for; to stop that experiment's run ends it"
        )
    options = {
        "application-id": settings.application,
        "environment-id": settings.environment,
        "deployment-number": str(busy.number),
    }
    return (
        f"AppConfig deploys one configuration to an environment at a time, and its deployment {busy.number} is {busy.state}: it is"
        f" waited for; `{command('appconfig', 'stop-deployment', options.items())}` takes it back"
    )


def by_hand(order: Order, move: Move, account: AwsAccount) -> str:
    """*order* as a line for a person's shell, and what it does: the number of a deployment does not say it."""
    flags = {
        "ApplicationId": "application-id",
        "EnvironmentId": "environment-id",
        "DeploymentNumber": "deployment-number",
        "DeploymentStrategyId": "deployment-strategy-id",
        "ConfigurationProfileId": "configuration-profile-id",
        "ConfigurationVersion": "configuration-version",
        "KmsKeyIdentifier": "kms-key-identifier",
    }
    options = [(flags[name], str(value)) for name, value in order.parameters.items() if name in flags]
    options.append(("region", account.region))
    reverts = " --allow-revert" if order.stops is not None else ""
    line = command("appconfig", order.operation.replace("_", "-"), options)
    return f"{line}{reverts}  # back to {move.to.tag}"


def answered(move: Move, order: Order, error: AwsRefused) -> Refused | Unclear:
    """What it means that the order was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code == CONFLICT:
        return Refused(
            f"{words}: something was deployed to the environment meanwhile, and is read again", again_in=LATER
        )
    if error.code in NOT_NOW or error.code == "InternalServerException":
        return Refused(words, again_in=LATER)
    return _refused(move, order, words) if error.code == REFUSED else Refused(words)


def _refused(move: Move, order: Order, words: str) -> Refused:
    if order.reverts:
        return Refused(f"{words}: {move.to.tag} is deployed anew instead", again_in=SOON)
    if order.stops is not None:  # in the state that it has now; others follow
        return Refused(words, again_in=LATER)
    version = order.parameters.get("ConfigurationVersion", move.to.tag)
    return Refused(f"{words}; AppConfig validates version {version} anew before it deploys it")


def _at(settings: Settings) -> dict[str, Any]:
    return {"ApplicationId": settings.application, "EnvironmentId": settings.environment}
