"""A service of Amazon ECS, deployed by ECS itself (controller ``ECS``): task by task, or blue-green, linear and canary.

What other controllers run is read, and never moved: "not in this version".

    settings       what is configured, and by which addresses events are recognised
    needs          the permissions to act
    service        a service as DescribeServices tells it  history      the deployments that ECS remembers
    strategy       how traffic is moved, where it waits    definition   a task definition's content: the fingerprint
    reading        all calls that read                     wording      its own messages
    looking        which releases a service runs           trace        our last move, on the service
    ordering       the calls that move                     pausing      a deployment that waits at a hook, and the word
    observing, resolving, moving, progressing, foretelling, examining, recalling
                   one operation of a target each          target       all of them together

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from deploy.target import Kind
from deploy.targets.ecs.needs import needs
from deploy.targets.ecs.settings import Settings, addresses, misplaced
from deploy.targets.ecs.target import EcsTarget
from deploy.targets.leaving import besides

_STAYS = "what stands in the task definition itself (variables, roles, sizes) comes back with it, the settings of the service do not"
KIND = Kind(
    settings=Settings,
    open=EcsTarget,
    on_aws=True,
    addresses=addresses,
    needs=needs,
    misplaced=misplaced,
    hooked=True,
    not_undone=besides(_STAYS),
)

__all__ = ["KIND", "EcsTarget", "Settings", "addresses", "misplaced"]
