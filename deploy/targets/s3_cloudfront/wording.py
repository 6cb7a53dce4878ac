"""What AWS's refusals mean for a move, and what a person can do about them."""

from datetime import timedelta

from deploy.errors import AwsRefused
from deploy.model import Refused, Unclear
from deploy.targets.aws.wording import NOT_NOW, refusal

NO_PAGE = "there is no page: nothing is live, or the configuration names another bucket, root or key than the site has"
SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again
FULL = timedelta(minutes=1)  # invalidations take about so long, and then there is room for another
# The pointer is not what it was when we looked: it is read again, and decided anew.
OVERTAKEN = frozenset(
    {
        "PreconditionFailed", "ConditionalRequestConflict", "OperationAborted", "412", "409",
        "InvalidIfMatchVersion", "ConflictException",
    }
)  # fmt: skip


def answered(error: AwsRefused) -> Refused | Unclear:
    """What it means that a call was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in OVERTAKEN:
        return Refused(f"{words}: what is live is read again", again_in=SOON)
    if error.code == "TooManyInvalidationsInProgress":
        return Refused(f"{words}: others have to end first", again_in=FULL)
    if error.code in NOT_NOW:
        return Refused(words, again_in=LATER)
    return Refused(words)
