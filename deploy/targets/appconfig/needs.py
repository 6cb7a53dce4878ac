"""The permissions without which a configuration could not be put back: what a dry run of the policies is asked about.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsappconfig.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.appconfig.settings import Settings, arn, strategy_arn
from deploy.targets.appconfig.trace import TAG_KEY


def needs(settings: Settings, account: AwsAccount, _release: Release) -> tuple[Need, ...]:
    """To stop or revert a deployment, to deploy a version, and to leave our trace on both; of one flag also to write a version."""
    environment = arn(settings, account, f"/environment/{settings.environment}")
    deployment = f"{environment}/deployment/1"
    profile = arn(settings, account, f"/configurationprofile/{settings.profile}")
    started = (arn(settings, account), environment, profile, deployment, strategy_arn(settings, account))
    stopped = (arn(settings, account), environment, deployment)
    written = () if settings.flag is None else (arn(settings, account), profile)
    return (
        *(Need("appconfig:StopDeployment", each) for each in stopped),
        *(Need("appconfig:StartDeployment", each) for each in started),
        *(Need("appconfig:CreateHostedConfigurationVersion", each) for each in written),
        Need("appconfig:TagResource", deployment, {"aws:TagKeys": TAG_KEY}),
    )
