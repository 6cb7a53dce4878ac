"""The permissions without which an environment could not be put back: what a dry run of the policies is asked about.

What Beanstalk does for an update (to instances, groups, balancers, stacks) it does in the name of its environment's operations
role where it has one, else in the name of who called. Which permissions that takes stands in its platform, and is asked
about nowhere: docs/beanstalk.md says so.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticbeanstalk.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-operationsrole.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.beanstalk.settings import Settings, environment_arn, version_arn
from deploy.targets.beanstalk.trace import tag_key


def needs(settings: Settings, account: AwsAccount, release: Release) -> tuple[Need, ...]:
    """To put *release* back on the environment, to break off its update, and to leave our trace on the version.

    Of two environments nothing is updated: their names are swapped, and both are asked about.
    """
    version = version_arn(settings, account, release.tag)
    trace = Need("elasticbeanstalk:AddTags", version, {"aws:TagKeys": tag_key(settings.moved)})
    arns = [environment_arn(settings, account, name) for name in settings.names]
    if settings.environments is not None:
        return (*(Need("elasticbeanstalk:SwapEnvironmentCNAMEs", arn) for arn in arns), trace)
    return (
        Need("elasticbeanstalk:UpdateEnvironment", arns[0]),
        Need("elasticbeanstalk:AbortEnvironmentUpdate", arns[0]),
        trace,
    )
