"""A deployment of CodeDeploy that waits for a word: what is known of it, and the word.

To be given the traffic, it is told to go on (``ContinueDeployment``), or stopped; at a lifecycle hook, the hook has succeeded, or failed
(``PutLifecycleEventHookExecutionStatus``). Both name the deployment, and a hook its execution: a word that comes too late, or twice, finds
nothing that waits. Nobody answers: CodeDeploy stops the deployment, or fails it, and what served has all the traffic.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ContinueDeployment.html
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html
"""

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Pause, Refused, Unclear, Word
from deploy.targets.aws.wording import NOT_NOW, refusal
from deploy.targets.codedeploy.deployment import Deployment
from deploy.targets.codedeploy.ordering import ANSWER, LATER, Order, go_back
from deploy.targets.codedeploy.waiting import Wait
from deploy.targets.codedeploy.wording import command

SAYS = {Word.GO_ON: "Succeeded", Word.GO_BACK: "Failed"}
# It waits no longer: somebody has answered, or its time was over.
OVER = frozenset(
    {
        "DeploymentAlreadyCompletedException", "DeploymentIsNotInReadyStateException", "InvalidDeploymentStatusException",
        "LifecycleEventAlreadyCompletedException",
    }
)  # fmt: skip


def pause_of(last: Deployment, waits: Wait, region: str) -> Pause:
    """Where *last* waits."""
    ready = waits.is_for_traffic
    orders = {word: answer(last, waits, word, "") for word in Word}
    lines = {
        word: command(order.operation, order.parameters, region) if isinstance(order, Order) else ""
        for word, order in orders.items()
    }
    return Pause(
        hook=waits.hook,
        stage=waits.stage.upper() if ready else waits.stage,
        until=waits.until,
        otherwise="CodeDeploy stops the deployment" if ready else "CodeDeploy fails the deployment",
        go_on=lines[Word.GO_ON],
        go_back=lines[Word.GO_BACK],
    )


def answer(last: Deployment, waits: Wait, word: Word, key: str) -> Order | Refused:
    """*word* to *last*, which waits; or that it cannot be said: the id by which its hook is answered could not be read."""
    if waits.unread and word is Word.GO_ON:
        return Refused(
            f"by which id the hook {waits.stage} is answered cannot be read: {waits.unread}", again_in=LATER
        )
    if waits.execution:
        parameters = {
            "deploymentId": last.id,
            "lifecycleEventHookExecutionId": waits.execution,
            "status": SAYS[word],
        }
        return Order(ANSWER, parameters, moves=False)
    return continue_(last) if word is Word.GO_ON else go_back(last, key)


def continue_(last: Deployment) -> Order:
    """*last*, which is ready, is given the traffic."""
    parameters = {"deploymentId": last.id, "deploymentWaitType": "READY_WAIT"}
    return Order("continue_deployment", parameters, moves=False)


def decide(
    last: Deployment | None, waits: Wait | None, pause: Pause, word: Word, key: str
) -> Order | AlreadyThere | Refused:
    """The call that says *word* at *pause*; or that nothing waits there any more, or that it cannot be said now."""
    if last is None or waits is None or pause.hook not in {"", waits.hook}:
        return AlreadyThere()
    return answer(last, waits, word, key)


def unanswered(error: AwsRefused) -> AlreadyThere | Refused | Unclear:
    """What it means that a word was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in OVER:
        return AlreadyThere()
    return Refused(words, again_in=LATER if error.code in NOT_NOW else None)
