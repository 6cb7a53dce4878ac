"""The permissions without which a release could not be put back: what a dry run of the policies is asked about.

``CreateDeployment`` reads the deployment configuration and registers the revision in the caller's name.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/auth-and-access-control-permissions-reference.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodedeploy.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.codedeploy.settings import Settings
from deploy.targets.codedeploy.trace import TAG_KEY

ANY = "*"  # AWS knows no narrower resource for it: a deployment has no ARN


def needs(settings: Settings, account: AwsAccount, _release: Release) -> tuple[Need, ...]:
    """To deploy a revision to the group once more, to stop its deployment, and to leave our trace and our marks on it.

    To answer hooks, where the settings say that some are.
    """
    arn = f"arn:{account.partition}:codedeploy:{account.region}:{account.id or ''}"
    group = f"{arn}:deploymentgroup:{settings.application}/{settings.deployment_group}"
    answers = ("codedeploy:ContinueDeployment", "codedeploy:PutLifecycleEventHookExecutionStatus")
    return (
        Need("codedeploy:CreateDeployment", group),
        Need("codedeploy:StopDeployment", ANY),
        Need("codedeploy:GetDeploymentConfig", f"{arn}:deploymentconfig:CodeDeployDefault.OneAtATime"),
        Need("codedeploy:GetApplicationRevision", f"{arn}:application:{settings.application}"),
        Need("codedeploy:RegisterApplicationRevision", f"{arn}:application:{settings.application}"),
        Need("codedeploy:TagResource", group, {"aws:TagKeys": TAG_KEY}),
        Need("codedeploy:UntagResource", group, {"aws:TagKeys": TAG_KEY}),
        *(Need(action, ANY, answers=True) for action in answers if settings.hook_parameter is not None),
    )
