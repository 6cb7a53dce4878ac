"""One simulated AWS, derived from one log of what happened, on a clock that the test turns. Nothing here is a canned answer.

In process, as `deploy.ports.Aws`, in virtual time and without threads::

    world = AwsWorld(now=lambda: clock.now)                         # account 123456789012, eu-central-1
    world.ecs.register("web", "shop:1.4.0", at=yesterday)           # arn:...:task-definition/web:1
    world.ecs.register("web", "shop:1.4.1", at=yesterday)
    world.ecs.create_service("web", "web:1", at=yesterday, cluster="prod", desired=4)
    world.ecs.behave("web:2", Behaviour(crashes_after=timedelta(seconds=40), out_of_memory=True))
    world.ecs.deploy("web", "web:2", at=clock.now)                  # another hand; it goes on with the clock
    world.codedeploy.create_group("shop", "prod", at=yesterday); world.codedeploy.deploy("shop", "prod", revision, at=yesterday)
    world.functions.create("checkout", "code", at=yesterday); world.functions.point("checkout", "live", "1", at=yesterday)
    world.balancing.create_group("blue", at=yesterday); world.balancing.release("blue", "v1", at=yesterday)
    world.cloudwatch.put("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": "app/shop/1"}, at, [1.0, 1.0])
    world.cloudwatch.set_alarm("too many errors", "ALARM", at)
    act = world.identities.role("arn:aws:iam::123456789012:role/act", allowed={"ecs:UpdateService"})
    aws = Direct(world, {"shop": Scope("eu-central-1", act=act)})   # Direct(world): every scope is at home, with all rights
    queue_url = world.sqs.create_queue("deployments"); world.carry("deployments")   # events go there, from now on
    await aws.read("shop", "ecs", "describe_services", cluster="prod", services=["web"])
    world.faults.throttle("ecs", until=clock.now + timedelta(minutes=10))   # also fail, slow, lose_answer, stale, spoil
    world.mutating_calls()     # Call(at, service, operation, parameters, by, refused, ...): also world.calls, world.count
    world.advance()            # let happen what was to happen until now; gives all EventBridge events so far

Over HTTP, with unmodified boto3 (`tests.fakes.aws.fixtures` has ``aws_world``, ``aws_url``, ``boto_environment``)::

    with serving(world) as url:                                     # a thread of its own
        boto3.client("ecs", endpoint_url=url).describe_services(cluster="prod", services=["web"])

or as a process of its own: ``python -m tests.fakes.aws --port 0 [--speed 60]``; see `tests.fakes.aws.__main__`.

``identities.role(arn, policies=[document])`` holds a role to documents of IAM: actions, resources, conditions.

What botocore's models do not allow is a `FakeBug`, in either direction: HTTP 599, and in ``world.bugs``. Guesses are marked in
the code: [M] model, [D] AWS's pages, [C] seen in public code, [U] unverified.

    models    what AWS says of itself     world   the one door for every call     timeline  what was, for stale reads
    wire      bytes to calls and back     server  over HTTP                       direct    in process
    control   the process form's door     faults, spoilt, limits, calls, identity, policies, concerns: as they are called
    codedeploy/   state, and what follows: rollout on instances, shifting on ECS and Lambda; answering, views: what is answered
    functions/    Lambda: versions, aliases, what is kept warm     balancing/    rules, target groups, who is bound to them
    s3/, cloudfront/: buckets with all their versions; distributions, invalidations, stores, and what an edge answers
    ecs/      state, turn: what is; tasks, deployments, stages, scaling: what follows; reading, acting, views: what is answered
"""

from tests.fakes.aws.cloudwatch.samples import PROMPT, Lateness
from tests.fakes.aws.direct import Direct, Scope
from tests.fakes.aws.ecs.state import Behaviour
from tests.fakes.aws.server import serving
from tests.fakes.aws.trouble import AwsError, FakeBug
from tests.fakes.aws.world import AwsWorld

__all__ = ["PROMPT", "AwsError", "AwsWorld", "Behaviour", "Direct", "FakeBug", "Lateness", "Scope", "serving"]
