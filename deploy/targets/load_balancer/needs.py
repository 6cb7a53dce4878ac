"""The permissions without which weights could not be put back: what a dry run of the policies is asked about.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.load_balancer.settings import Settings
from deploy.targets.load_balancer.trace import TAG_KEY


def needs(settings: Settings, _account: AwsAccount, release: Release) -> tuple[Need, ...]:
    """To change the weights, to leave our trace on the rule, and to mark *release* on its target group."""
    changes = "ModifyRule" if settings.rule else "ModifyListener"
    marked = release.names.get("target_group")
    tagged = (settings.arn, *((settings.arn_of(marked),) if marked else ()))
    return (
        Need(f"elasticloadbalancing:{changes}", settings.arn),
        *(Need("elasticloadbalancing:AddTags", each, {"aws:TagKeys": TAG_KEY}) for each in tagged),
    )
