"""The permissions without which an alias could not be put back: what a dry run of the policies is asked about.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html: who may change an alias is
    asked about its function; there is no narrower resource.
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.lambda_alias.keeping import tag_key
from deploy.targets.lambda_alias.settings import Settings, arn


def needs(settings: Settings, account: AwsAccount, release: Release) -> tuple[Need, ...]:
    """To point the alias back, and to mark on the function how *release* stands; nothing, where nothing can be moved."""
    if settings.alias is None:
        return ()
    function, marks = arn(settings, account), {"aws:TagKeys": tag_key("service", "environment", release.tag)}
    return (
        Need("lambda:UpdateAlias", function),
        Need("lambda:TagResource", function, marks),
        Need("lambda:UntagResource", function, marks),
    )
