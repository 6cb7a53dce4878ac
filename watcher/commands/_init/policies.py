"""The policies of AWS, as small as they can be. The one place that says what the daemon may do there.

The daemon runs with a role of its own (``daemon``) that may only assume two others: one to read, and one to act, which
is assumed only to act. Shadow needs the first alone. Where a statement is for all resources, AWS knows no narrower one for
what it allows, and its ``Sid`` says so: JSON has no comments. Nothing that changes anything is allowed on all resources, but what
stops or answers a deployment of CodeDeploy, which AWS does not narrow. (``besides`` has the Tagging API's, which alone changes nothing.)

`examples/aws` has the same in CloudFormation and Terraform, and tests hold all three together, and to what the code calls.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_ecs.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodedeploy.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticbeanstalk.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsappconfig.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, KEY_VALUE_STORE, ORIGIN_PATH
from watcher.commands._init.names import Aliases, Environments, Flags, Fleet, Names, Profiles, Site, Weights

Document = dict[str, Any]

VERSION = "2012-10-17"  # of the language of policies; the only current one
MARKS = "rollbackd:*"  # keys of the tags that the daemon writes: how releases stand, and its own last move


def read_policy(names: Names) -> Document:
    """To read: everything that shadow does, and the queue, whose messages are deleted once they are written down."""
    return _policy(
        allow(
            "ReadServices",
            ["ecs:DescribeServices", "ecs:ListServiceDeployments"],
            names.ecs("service"),
        ),
        allow(
            "ReadDeployments",
            ["ecs:DescribeServiceDeployments"],
            [*names.ecs("service"), *names.ecs("service-deployment", "/*")],
        ),
        allow(
            "ReadRevisions",
            ["ecs:DescribeServiceRevisions"],
            [*names.ecs("service"), *names.ecs("service-revision", "/*")],
        ),
        allow("ReadTasks", ["ecs:DescribeTasks"], [names.arn("ecs", f"task/{names.cluster}/*")]),
        allow(
            "ListTasksOfThisClusterNoNarrowerResource",
            ["ecs:ListTasks"],
            ["*"],
            {"ArnEquals": {"ecs:cluster": names.cluster_arn}},
        ),
        allow("ReadTaskDefinitionsNoNarrowerResource", ["ecs:DescribeTaskDefinition"], ["*"]),
        allow(
            "ReadImages",
            ["ecr:DescribeImages", "ecr:GetLifecyclePolicy"],
            [names.arn("ecr", "repository/*")],
        ),
        allow(
            "ReadTargetGroupsNoNarrowerResource",
            ["elasticloadbalancing:DescribeTargetGroupAttributes"],
            ["*"],
        ),
        *_common(names),
    )


def act_policy(names: Names) -> Document:
    """To act: put a revision of these families back on these services, and mark both. Nothing else, nowhere else."""
    return _policy(
        allow(
            "PutBackRevisions",
            ["ecs:UpdateService"],
            names.ecs("service"),
            {"ArnLike": {"ecs:task-definition": names.revisions}},
        ),
        allow(
            "StopDeploymentsAndAnswerTheirHooks",
            ["ecs:StopServiceDeployment", "ecs:ContinueServiceDeployment"],
            [*names.ecs("service"), *names.ecs("service-deployment", "/*")],
        ),
        # Who lets a service run a task definition passes the roles in it: ECS asks for it in UpdateService too, whenever
        # that names a task definition (seen in https://github.com/keidarcy/e1s/issues/429).
        allow(
            "PassTheRolesOfTheTasks",
            ["iam:PassRole"],
            [names.role(role) for role in names.passed],
            {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        allow(
            "MarkServicesAndRevisions",
            ["ecs:TagResource"],
            [*names.ecs("service"), *names.revisions],
            {"ForAllValues:StringLike": {"aws:TagKeys": [MARKS]}},
        ),
    )


# ------------------------------------------------------------------------------------------------------------ CodeDeploy


def fleet_read_policy(fleet: Fleet) -> Document:
    """To read the groups of *fleet*, and what every stack reads."""
    return _policy(
        allow(
            "ReadGroups",
            [
                "codedeploy:BatchGetDeploymentGroups",
                "codedeploy:BatchGetDeployments",
                "codedeploy:ListDeployments",
                "codedeploy:ListTagsForResource",
            ],
            fleet.group_arns,
        ),
        allow(
            "ReadRevisions",
            ["codedeploy:GetApplicationRevision"],
            [fleet.names.arn("codedeploy", f"application:{fleet.application}")],
        ),
        allow(
            "ReadConfigurations",
            ["codedeploy:GetDeploymentConfig"],
            [fleet.names.arn("codedeploy", "deploymentconfig:*")],
        ),
        allow(
            "ReadInstancesNoNarrowerResource",
            ["codedeploy:ListDeploymentTargets", "codedeploy:BatchGetDeploymentTargets"],
            ["*"],
        ),
        *([allow("ReadWhichHookWaits", ["ssm:GetParameter"], fleet.hook_arns)] if fleet.hooks else []),
        *_common(fleet.names),
    )


def fleet_act_policy(fleet: Fleet) -> Document:
    """To act: deploy revisions of this application to these groups once more, and mark them.

    ``StopDeployment``, and what answers a deployment that waits, are all or nothing: a deployment has no ARN.
    """
    return _policy(
        allow("DeployOldRevisions", ["codedeploy:CreateDeployment"], fleet.group_arns),
        # What CreateDeployment asks for in the name of who calls it.
        allow(
            "ThatNeedsRevisionsToo",
            ["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
            [fleet.names.arn("codedeploy", f"application:{fleet.application}")],
        ),
        allow(
            "ThatNeedsConfigurationsToo",
            ["codedeploy:GetDeploymentConfig"],
            [fleet.names.arn("codedeploy", "deploymentconfig:*")],
        ),
        allow(
            "StopAndAnswerDeploymentsNoNarrowerResource",
            [
                "codedeploy:StopDeployment",
                "codedeploy:ContinueDeployment",
                "codedeploy:PutLifecycleEventHookExecutionStatus",
            ],
            ["*"],
        ),
        allow(
            "MarkGroups",
            ["codedeploy:TagResource", "codedeploy:UntagResource"],
            fleet.group_arns,
            {"ForAllValues:StringLike": {"aws:TagKeys": [MARKS]}},
        ),
    )


# ------------------------------------------------------------------------------------------------------- a static site


def site_read_policy(site: Site) -> Document:
    """To read the pages of *site*, its bucket and its distribution, and what every stack reads."""
    return _policy(
        allow(
            "ReadPages",
            ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectAcl"],
            [f"{site.bucket_arn}/*"],
        ),
        allow(
            "ReadBucket",
            [
                "s3:ListBucket",  # without it S3 does not tell what is missing from what may not be read
                "s3:ListBucketVersions",
                "s3:GetBucketVersioning",
                "s3:GetLifecycleConfiguration",
                "s3:GetBucketNotification",
            ],
            [site.bucket_arn],
        ),
        allow(
            "ReadDistribution",
            [
                "cloudfront:GetDistribution",
                "cloudfront:ListInvalidations",
                "cloudfront:GetInvalidation",
                "cloudfront:ListTagsForResource",
            ],
            [site.distribution_arn],
        ),
        *_of_store(site, "ReadStore", "DescribeKeyValueStore", "GetKey"),
        *_common(site.names, hears=site.has_events),
    )


def site_act_policy(site: Site) -> Document:
    """To act: move what *site* is pointed with, mark releases, and have the page fetched anew where the edge keeps it. Nothing else."""
    pages = f"{site.bucket_arn}/releases/*/index.html"
    moves = {
        INDEX_POINTER: lambda: _move_page(site, pages),
        ORIGIN_PATH: lambda: _move_origin(site),
        KEY_VALUE_STORE: lambda: _of_store(site, "MoveKey", "UpdateKeys"),
    }
    anew = [allow("FetchAnew", ["cloudfront:CreateInvalidation"], [site.distribution_arn])]
    return _policy(
        *moves[site.layout](),
        allow("MarkReleases", ["s3:PutObjectTagging"], [pages]),
        *([] if site.layout == KEY_VALUE_STORE else anew),
    )


def _move_page(site: Site, pages: str) -> list[Document]:
    return [
        allow("ReadReleases", ["s3:GetObject", "s3:GetObjectTagging"], [pages]),
        # To compare and set, S3 asks for the right to read what is compared.
        allow(
            "MovePage",
            ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"],
            [f"{site.bucket_arn}/index.html"],
        ),
    ]


def _move_origin(site: Site) -> list[Document]:
    return [
        # All settings of the distribution are one document: AWS knows no right to change the path alone.
        allow("MoveOrigin", ["cloudfront:UpdateDistribution"], [site.distribution_arn]),
        allow(
            "SignMove",
            ["cloudfront:TagResource"],
            [site.distribution_arn],
            {"ForAllValues:StringLike": {"aws:TagKeys": [f"{MARKS.removesuffix('*')}move"]}},
        ),
    ]


def _of_store(site: Site, sid: str, *operations: str) -> list[Document]:
    """On the store, for a site that has one."""
    if site.layout != KEY_VALUE_STORE:
        return []
    return [allow(sid, [f"cloudfront-keyvaluestore:{each}" for each in operations], [site.store_arn])]


# ------------------------------------------------------------------------------------------------------------------ flagd


def flags_read_policy(flags: Flags) -> Document:
    """To read the document and what it was, and what every stack reads. Nobody tells of it: there is no queue."""
    return _policy(
        allow("ReadFlags", ["s3:GetObject", "s3:GetObjectVersion"], [flags.arn]),
        allow(
            "ReadVersions",
            ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning"],
            [flags.bucket_arn],
        ),
        *_common(flags.names, hears=False),
    )


def flags_act_policy(flags: Flags) -> Document:
    """To act: put another document there, if it is still the one that was read, for which S3 asks for the right to read it."""
    return _policy(allow("PutFlags", ["s3:GetObject", "s3:PutObject"], [flags.arn]))


# ---------------------------------------------------------------------------------------------------------------- Lambda


def aliases_read_policy(aliases: Aliases) -> Document:
    """To read *aliases* and their versions, and what every stack reads."""
    versions = [f"{arn}:*" for arn in aliases.arns]
    moved_by = aliases.codedeploy
    group = f"deploymentgroup:{moved_by[0]}/{moved_by[1]}" if moved_by else ""
    owned = [
        allow("SeeWhoMovesThem", ["codedeploy:ListDeployments"], [aliases.names.arn("codedeploy", group)])
    ]
    return _policy(
        allow(
            "ReadFunctions",
            ["lambda:GetAlias", "lambda:GetFunctionConfiguration", "lambda:ListTags"],
            [*aliases.arns, *versions],
        ),
        allow("ReadWhatIsWarm", ["lambda:GetProvisionedConcurrencyConfig"], versions),
        allow("ReadMappingsNoNarrowerResource", ["lambda:ListEventSourceMappings"], ["*"]),
        *(owned if moved_by else []),
        *_common(aliases.names),
    )


def aliases_act_policy(aliases: Aliases) -> Document:
    """To act: point aliases of these functions back, and mark the functions. AWS knows no narrower resource for an alias."""
    return _policy(
        allow("PointAliasesBack", ["lambda:UpdateAlias"], aliases.arns),
        allow(
            "MarkFunctions",
            ["lambda:TagResource", "lambda:UntagResource"],
            aliases.arns,
            {"ForAllValues:StringLike": {"aws:TagKeys": [MARKS]}},
        ),
    )


# -------------------------------------------------------------------------------------------------------------- Beanstalk


def environments_read_policy(environments: Environments) -> Document:
    """To read *environments* and the versions of their application, and what every stack reads."""
    arns, versions = environments.arns, environments.versions
    reads = (
        "DescribeEnvironments",
        "DescribeInstancesHealth",
        "DescribeConfigurationSettings",
        "DescribeEvents",
    )
    return _policy(
        allow("ReadEnvironments", [f"elasticbeanstalk:{each}" for each in reads], arns),
        allow(
            "ReadVersions",
            ["elasticbeanstalk:DescribeApplicationVersions", "elasticbeanstalk:ListTagsForResource"],
            [versions],
        ),
        allow("SeeWhoOwnsEnvironments", ["elasticbeanstalk:ListTagsForResource"], arns),
        allow("ReadLifecycleRules", ["elasticbeanstalk:DescribeApplications"], [environments.of_application]),
        allow("SeeWhetherBundlesAreThere", ["s3:GetObject"], [environments.bundle_arn]),
        allow(
            "SeeWhatDeletesBundles",
            ["s3:GetLifecycleConfiguration"],
            [environments.bundle_arn.removesuffix("/*")],
        ),
        *_common(environments.names),
    )


def environments_act_policy(environments: Environments) -> Document:
    """To act: update these environments, break their updates off, and mark versions; of two that swap a name, swap it, and nothing else.

    What an update does to instances and balancers Beanstalk does by the operations role of the environment: give it one, or
    this role needs as much as who deploys.
    """
    updates = ["elasticbeanstalk:UpdateEnvironment", "elasticbeanstalk:AbortEnvironmentUpdate"]
    swaps = ["elasticbeanstalk:SwapEnvironmentCNAMEs"]
    return _policy(
        allow("SwapBack", swaps, environments.arns)
        if environments.cname
        else allow("PutBackVersions", updates, environments.arns),
        allow(
            "MarkVersions",
            ["elasticbeanstalk:AddTags"],
            [environments.versions],
            {"ForAllValues:StringLike": {"aws:TagKeys": [MARKS]}},
        ),
    )


# -------------------------------------------------------------------------------------------------------------- AppConfig


def profiles_read_policy(profiles: Profiles) -> Document:
    """To read *profiles*, their versions and their deployments, and what every stack reads."""
    return _policy(
        allow(
            "ReadDeployments",
            [
                "appconfig:ListDeployments",
                "appconfig:GetDeployment",
                "appconfig:GetEnvironment",
                "appconfig:ListTagsForResource",
            ],
            [profiles.arn, profiles.of_environment, profiles.deployments],
        ),
        allow(
            "ReadVersions",
            ["appconfig:GetConfigurationProfile", "appconfig:GetHostedConfigurationVersion"],
            [
                profiles.arn,
                *profiles.arns,
                *(f"{each}/hostedconfigurationversion/*" for each in profiles.arns),
            ],
        ),
        *(_counts(profiles) if profiles.flag else []),
        allow("ReadStrategies", ["appconfig:GetDeploymentStrategy"], [profiles.strategies]),
        *_common(profiles.names, hears=profiles.flag is None),
    )


def profiles_act_policy(profiles: Profiles) -> Document:
    """To act: take deployments to this environment back, deploy old versions of these profiles anew, and mark the deployments."""
    return _policy(
        allow(
            "TakeBackDeployments",
            ["appconfig:StopDeployment"],
            [profiles.arn, profiles.of_environment, profiles.deployments],
        ),
        allow(
            "DeployOldVersions",
            ["appconfig:StartDeployment"],
            [
                profiles.arn,
                profiles.of_environment,
                profiles.deployments,
                *profiles.arns,
                profiles.strategies,
            ],
        ),
        *(_writes(profiles) if profiles.flag else []),
        allow(
            "MarkDeployments",
            ["appconfig:TagResource"],
            [profiles.deployments],
            {"ForAllValues:StringLike": {"aws:TagKeys": [MARKS]}},
        ),
    )


def _counts(profiles: Profiles) -> list[Document]:
    """To see which version is the newest: one flag is put back by another."""
    return [
        allow(
            "CountVersions",
            ["appconfig:ListHostedConfigurationVersions"],
            [profiles.arn, *profiles.arns],
        )
    ]


def _writes(profiles: Profiles) -> list[Document]:
    """To write that version."""
    return [
        allow(
            "WriteVersions",
            ["appconfig:CreateHostedConfigurationVersion"],
            [profiles.arn, *profiles.arns],
        )
    ]


# --------------------------------------------------------------------------------------------------------- load balancing


def weights_read_policy(weights: Weights) -> Document:
    """To read rules, target groups and their health, and what every stack reads."""
    reads = (
        "DescribeRules",
        "DescribeListeners",
        "DescribeTags",
        "DescribeTargetHealth",
        "DescribeTargetGroupAttributes",
    )
    return _policy(
        allow("ReadBalancersNoNarrowerResource", [f"elasticloadbalancing:{each}" for each in reads], ["*"]),
        *_common(weights.names),
    )


def weights_act_policy(weights: Weights) -> Document:
    """To act: change the actions of this rule or listener, and mark it and its groups; never say what a group serves."""
    changes = "ModifyRule" if weights.kind == "rule" else "ModifyListener"
    marks = [f"{MARKS.removesuffix('*')}move", f"{MARKS.removesuffix('*')}*.{weights.names.environment}"]
    return _policy(
        allow("MoveTheWeights", [f"elasticloadbalancing:{changes}"], [weights.arn]),
        allow(
            "MarkTheRuleAndItsGroups",
            ["elasticloadbalancing:AddTags"],
            [weights.arn, *weights.group_arns],
            {"ForAllValues:StringLike": {"aws:TagKeys": marks}},
        ),
    )


# ---------------------------------------------------------------------------------------------------------- what all have


def daemon_policy(names: Names) -> Document:
    """To be the daemon: assume the two roles. It can do nothing itself."""
    return _policy(
        allow("AssumeTheRoles", ["sts:AssumeRole"], [names.role(names.read), names.role(names.act)])
    )


def trust(names: Names, purpose: str) -> Document:
    """Who may assume the role to ``read`` or to ``act``: the daemon, and only under the name that CloudTrail then shows."""
    return _policy(
        {
            "Sid": "TheDaemon",
            "Effect": "Allow",
            "Principal": {"AWS": names.role(names.daemon)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:RoleSessionName": f"rollbackd-{purpose}"}},
        }
    )


def daemon_trust(names: Names) -> Document:
    """Who may be the daemon: tasks of ECS in this account, whoever else's tasks ECS may be asked to start.

    Source:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html ("confused deputy")
    """
    return _policy(
        {
            "Sid": "TasksOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": names.account},
                "ArnLike": {"aws:SourceArn": names.arn("ecs", "*")},
            },
        }
    )


def _common(names: Names, *, hears: bool = True) -> list[Document]:
    """What every stack reads: metrics and alarms, the queue of what tells of deployments, and what the two roles may do."""
    hearing = allow(
        "HearDeployments",
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        [names.queue_arn],
    )
    return [
        allow("ReadMetricsNoNarrowerResource", ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"], ["*"]),
        allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], [names.arn("cloudwatch", "alarm:*")]),
        *([hearing] if hears else []),
        # `rollbackd doctor` asks IAM what the two roles may, for to try it would do it.
        allow(
            "AskWhatTheRolesMay",
            ["iam:SimulatePrincipalPolicy"],
            [names.role(names.read), names.role(names.act)],
        ),
    ]


def _policy(*statements: Document) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Document:
    """One statement."""
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement | ({"Condition": dict(condition)} if condition else {})
