"""An alias of a function of AWS Lambda, which points to a version, and may give a share of the calls to a second one.

Versions never change, so one is what it was: a rollback points the alias back, with the alias's own revision as
compare-and-set. A function that is called without an alias (``$LATEST``) has no version to go back to: it is watched, and
never moved.

    settings    what is configured, and by which addresses events are recognised
    needs       the permissions to act
    alias       an alias as GetAlias tells it, and the trace of our last move on it
    version     a version's content: the fingerprint
    reading     all calls that read
    looking     which releases have how much of the calls, and what forbids that the machine moves them
    resolving, moving, foretelling, keeping
                one operation of a target each         target       all of them together

Source:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

from deploy.target import Kind
from deploy.targets.lambda_alias.needs import needs
from deploy.targets.lambda_alias.settings import Settings, addresses, immovable, misplaced, unstaged
from deploy.targets.lambda_alias.target import LambdaTarget
from deploy.targets.leaving import besides

_STAYS = "what a version holds (variables, layers, memory) comes back with it, what events set off meanwhile does not"
KIND = Kind(
    settings=Settings,
    open=LambdaTarget,
    on_aws=True,
    addresses=addresses,
    misplaced=misplaced,
    needs=needs,
    immovable=immovable,
    unstaged=unstaged,
    stands_by=True,
    not_undone=besides(_STAYS),
)

__all__ = ["KIND", "LambdaTarget", "Settings", "addresses", "misplaced"]
