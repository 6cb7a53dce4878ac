"""A deployment group of CodeDeploy: on EC2 or on premises in place, instance by instance, IIS among them; or for ECS or Lambda.

Blue-green groups of instances are moved where CodeDeploy makes the new instances itself.

    settings       what is configured, and by which addresses events are recognised
    needs          the permissions to act
    revision       what a bundle or a commit is: the fingerprint, the tag, the names
    deployment     a deployment and its group as CodeDeploy tells them      onto   the same of what it deploys to
    reading        all calls that read                    wording      CodeDeploy's words for people
    ordering       the calls that move, or make room      waiting      what a deployment waits for
    pausing        the word that it is told
    looking        what is ahead and what serves          trace        our last move: in a description, or on the group
    sending        what this process has sent of late     keeping      are the files of old releases still there
    observing, resolving, moving, progressing, foretelling, marking, recalling
                   one operation of a target each         target       all of them together

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-rollback-and-redeploy.html
"""

from deploy.target import Kind
from deploy.targets.codedeploy.needs import needs
from deploy.targets.codedeploy.settings import Settings, addresses
from deploy.targets.codedeploy.target import CodeDeployTarget
from deploy.targets.leaving import besides

_STAYS = (
    "and what scripts of the bundle have done (services, sites, registry keys, files that it does not name)"
)
KIND = Kind(
    settings=Settings,
    open=CodeDeployTarget,
    on_aws=True,
    addresses=addresses,
    needs=needs,
    hooked=True,
    not_undone=besides(_STAYS),
)

__all__ = ["KIND", "CodeDeployTarget", "Settings", "addresses"]
