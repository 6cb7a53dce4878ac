"""A deployment of ECS that waits at a ``PAUSE`` hook for a word: what is known of it, and the word.

A hook's id is of this very pause: a word that comes too late, or twice, finds nothing that waits, and changes nothing. So it is the
compare-and-set that ECS's other calls lack. Nobody answers in time: ECS does what the hook says, which is to roll back unless somebody
has set it otherwise; a daemon that is dead lets nothing pass.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
"""

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Pause, Refused, Unclear, Word
from deploy.targets.aws.wording import NOT_NOW, refusal
from deploy.targets.ecs.definition import tag_of
from deploy.targets.ecs.history import Attempt, Waiting
from deploy.targets.ecs.looking import View, under_way
from deploy.targets.ecs.ordering import LATER, SOON, Order
from deploy.targets.ecs.reading import Reader

# Which of them a hook gets that waits no more, nobody has seen; the model has no other.
MAY_BE_STALE = frozenset(
    {"InvalidParameterException", "ClientException", "ServiceDeploymentNotFoundException"}
)
# DescribeServiceDeployments has no name for the stage before each step of traffic; a hook cannot be met in the step itself.
HOOKED_AT = {"PRODUCTION_TRAFFIC_SHIFT": "PRE_PRODUCTION_TRAFFIC_SHIFT"}
ACTIONS = {Word.GO_ON: "CONTINUE", Word.GO_BACK: "ROLLBACK"}


def pause_of(attempt: Attempt, region: str) -> Pause | None:
    """Where *attempt* waits; ``None``: it does not."""
    if not attempt.waiting:
        return None
    waits = attempt.waiting[0]
    return Pause(
        hook=waits.hook,
        stage=HOOKED_AT.get(attempt.stage, attempt.stage),
        until=waits.until,
        otherwise="ECS rolls the deployment back" if waits.goes_back else "ECS lets the deployment go on",
        go_on=answer(attempt, waits, Word.GO_ON).by_hand(region),
        go_back=answer(attempt, waits, Word.GO_BACK).by_hand(region),
    )


def answer(attempt: Attempt, waits: Waiting, word: Word) -> Order:
    """*word* to the hook at which *attempt* waits."""
    parameters = {"serviceDeploymentArn": attempt.arn, "hookId": waits.hook, "action": ACTIONS[word]}
    return Order(
        "continue_service_deployment",
        parameters,
        native=word is Word.GO_BACK,
        id=attempt.arn,
        hook=waits.hook,
    )


async def decide(
    reader: Reader, view: View, pause: Pause, word: Word
) -> tuple[Order, str, str] | AlreadyThere:
    """The call that says *word* at *pause*, and the tags of what is rolled out and of what would be gone back to.

    ``AlreadyThere``: nothing waits there any more. A pause whose id nobody has told is the one at which the deployment waits now.
    Reads only, and may raise `AwsRefused`.
    """
    attempt = await under_way(reader, view)
    waiting = attempt.waiting if attempt is not None else ()
    waits = next((each for each in waiting if pause.hook in {"", each.hook}), None)
    if attempt is None or waits is None:
        return AlreadyThere()
    expect = await _tag(reader, attempt.target)
    to = await _tag(reader, attempt.sources[0]) if attempt.sources else ""
    return answer(attempt, waits, word), expect, to


async def _tag(reader: Reader, revision: str) -> str:
    found = await reader.revision(revision)
    return tag_of(found.definition) if found is not None else ""


def unanswered(error: AwsRefused) -> Refused | Unclear:
    """What it means that a word was not taken, or that its answer was lost.

    ECS has no error of its own for a hook that does not wait any more: what became of it is read before anything is said again.
    """
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in NOT_NOW:
        return Refused(words, again_in=LATER)
    return Refused(words, again_in=SOON if error.code in MAY_BE_STALE else None)
