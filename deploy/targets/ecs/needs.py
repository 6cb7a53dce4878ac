"""The permissions without which a service of ECS could not be put back: what a dry run of the policies is asked about.

Deliberately absent: ``iam:PassRole``. Which roles are passed stands in the task definition that a rollback goes to.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.ecs.settings import Settings
from deploy.targets.ecs.trace import TAG_KEY

SOME = "0123456789abcdef01234"  # an id of a deployment, as ECS makes them


def needs(settings: Settings, account: AwsAccount, release: Release) -> tuple[Need, ...]:
    """To put *release* back on the service, to stop its deployment or answer its hooks, and to leave our trace on it."""
    owner = settings.account_id or account.id or ""
    arn = f"arn:{account.partition}:ecs:{account.region}:{owner}"
    service = f"{settings.cluster_name}/{settings.service_name}"
    return (
        Need(
            "ecs:UpdateService",
            f"{arn}:service/{service}",
            {"ecs:task-definition": f"{arn}:task-definition/{release.tag}"},
        ),
        Need("ecs:StopServiceDeployment", f"{arn}:service-deployment/{service}/{SOME}"),
        Need("ecs:ContinueServiceDeployment", f"{arn}:service-deployment/{service}/{SOME}", answers=True),
        Need("ecs:TagResource", f"{arn}:service/{service}", {"aws:TagKeys": TAG_KEY}),
    )
