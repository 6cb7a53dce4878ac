"""What a call is about: the resources and the condition keys that IAM looks at.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_ecs.html [D]
"""

from collections.abc import Mapping
from typing import Any

from tests.fakes.aws.calls import action
from tests.fakes.aws.policies import ALL, Request


def request(  # noqa: C901, PLR0911, PLR0912 - a table, by service
    service: str, operation: str, parameters: Mapping[str, Any], place: str
) -> Request:
    """What is to be allowed for this call. *place* is ``REGION:ACCOUNT``."""
    asked = action(service, operation)
    match service:
        case "ecs":
            return Request(
                asked, _of_ecs(operation, parameters, f"arn:aws:ecs:{place}"), _context(parameters, place)
            )
        case "codedeploy":
            return Request(
                asked, _of_codedeploy(parameters, f"arn:aws:codedeploy:{place}"), _tag_keys(parameters)
            )
        case "elasticbeanstalk":
            return Request(
                asked,
                _of_beanstalk(operation, parameters, f"arn:aws:elasticbeanstalk:{place}"),
                _added(parameters),
            )
        case "elbv2":
            return Request(asked, _of_elb(parameters), _tag_keys(parameters))
        case "lambda":
            return Request(
                asked, _of_lambda(operation, parameters, f"arn:aws:lambda:{place}"), _lambda_tags(parameters)
            )
        case "appconfig":
            keys = tuple(parameters.get("Tags", {}))
            return Request(
                asked,
                _of_appconfig(operation, parameters, f"arn:aws:appconfig:{place}"),
                {"aws:TagKeys": keys} if keys else {},
            )
        case "ecr":
            return Request(asked, (f"arn:aws:ecr:{place}:repository/{parameters['repositoryName']}",))
        case "sqs" if "QueueUrl" in parameters:
            return Request(asked, (f"arn:aws:sqs:{place}:{parameters['QueueUrl'].rsplit('/', 1)[-1]}",))
        case "sns" if "TopicArn" in parameters:
            return Request(asked, (parameters["TopicArn"],))
        case "sts" | "iam" if role := parameters.get("RoleArn") or parameters.get("PolicySourceArn"):
            return Request(asked, (role,))
        case "logs" if operation in _OF_GROUPS:
            names = parameters.get("logGroupNames", [""])
            return Request(asked, tuple(f"arn:aws:logs:{place}:log-group:{name}:*" for name in names))
        case "ssm" if "Name" in parameters:
            return Request(asked, (f"arn:aws:ssm:{place}:parameter/{parameters['Name'].lstrip('/')}",))
        case "cloudwatch" if operation == "DescribeAlarms":
            return Request(asked, (f"arn:aws:cloudwatch:{place}:alarm:*",))
        case _:
            return Request(asked)


_OF_GROUPS = frozenset({"StartQuery", "DescribeLogGroups"})  # the others have no resource
# The parameter that names the resources of an operation, and the kind of resource that a plain name in it is.
_NAMED_BY = {
    "DescribeServices": ("services", "service"),
    "UpdateService": ("service", "service"),
    "ListServiceDeployments": ("service", "service"),
    "DescribeTasks": ("tasks", "task"),
    "DescribeClusters": ("clusters", "cluster"),
    "DescribeServiceDeployments": ("serviceDeploymentArns", ""),
    "DescribeServiceRevisions": ("serviceRevisionArns", ""),
    "StopServiceDeployment": ("serviceDeploymentArn", ""),
    "ContinueServiceDeployment": ("serviceDeploymentArn", ""),
    "TagResource": ("resourceArn", ""),
    "UntagResource": ("resourceArn", ""),
    "ListTagsForResource": ("resourceArn", ""),
}


def _of_ecs(operation: str, told: Mapping[str, Any], arn: str) -> tuple[str, ...]:
    if operation not in _NAMED_BY:
        return (ALL,)
    parameter, kind = _NAMED_BY[operation]
    named = told.get(parameter, "default")
    cluster = "" if kind == "cluster" else f"/{str(told.get('cluster', 'default')).rsplit('/', 1)[-1]}"
    return tuple(
        _named(f"{arn}:{kind}{cluster}", each) for each in ([named] if isinstance(named, str) else named)
    )


def _named(prefix: str, name: str) -> str:
    return name if name.startswith("arn:") else f"{prefix}/{name}"


def _context(told: Mapping[str, Any], place: str) -> Mapping[str, tuple[str, ...]]:
    context: dict[str, tuple[str, ...]] = {}
    arn = f"arn:aws:ecs:{place}"
    if "cluster" in told:
        context["ecs:cluster"] = (_named(f"{arn}:cluster", told["cluster"]),)
    if "taskDefinition" in told:
        context["ecs:task-definition"] = (_named(f"{arn}:task-definition", told["taskDefinition"]),)
    if "tags" in told or "tagKeys" in told:
        context["aws:TagKeys"] = (*(each["key"] for each in told.get("tags", [])), *told.get("tagKeys", []))
    return context


def _of_codedeploy(told: Mapping[str, Any], arn: str) -> tuple[str, ...]:
    """[D] A deployment has no ARN: what concerns one concerns its group, which the request does not name."""
    if "ResourceArn" in told:
        return (told["ResourceArn"],)
    if "deploymentConfigName" in told and "applicationName" not in told:
        return (f"{arn}:deploymentconfig:{told['deploymentConfigName']}",)
    names = told.get("deploymentGroupNames") or [told.get("deploymentGroupName")]
    if "applicationName" not in told or None in names:
        return (ALL,)
    return tuple(f"{arn}:deploymentgroup:{told['applicationName']}/{name}" for name in names)


def _tag_keys(told: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    keys = (*(each["Key"] for each in told.get("Tags", [])), *told.get("TagKeys", []))
    return {"aws:TagKeys": keys} if keys else {}


def _of_beanstalk(operation: str, told: Mapping[str, Any], arn: str) -> tuple[str, ...]:
    """[D] An environment is asked about by its application too, which most requests do not name: `*` stands for it."""
    if "ResourceArn" in told:
        return (told["ResourceArn"],)
    application = told.get("ApplicationName", "*")
    if operation == "DescribeApplications":
        return tuple(f"{arn}:application/{name}" for name in told["ApplicationNames"])
    if operation == "DescribeApplicationVersions":
        return tuple(
            f"{arn}:applicationversion/{application}/{each}" for each in told.get("VersionLabels", "*")
        )
    if operation == "SwapEnvironmentCNAMEs":
        names = [told["SourceEnvironmentName"], told["DestinationEnvironmentName"]]
    else:
        names = told.get("EnvironmentNames") or [told["EnvironmentName"]]
    return tuple(f"{arn}:environment/{application}/{name}" for name in names)


def _added(told: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    keys = tuple(each["Key"] for each in told.get("TagsToAdd", []))
    return {"aws:TagKeys": keys} if keys else {}


def _of_lambda(operation: str, told: Mapping[str, Any], arn: str) -> tuple[str, ...]:
    """[D] Aliases are asked about by their function; what is read of a version, by the version [U]."""
    if "Resource" in told:
        return (told["Resource"],)
    if operation == "ListEventSourceMappings":
        return (ALL,)
    named = f"{arn}:function:{str(told['FunctionName']).rpartition(':function:')[2]}"
    return (f"{named}:{told['Qualifier']}" if "Qualifier" in told else named,)


def _lambda_tags(told: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    keys = (*told.get("Tags", {}), *told.get("TagKeys", []))
    return {"aws:TagKeys": keys} if keys else {}


def _of_elb(told: Mapping[str, Any]) -> tuple[str, ...]:
    """[D] What describes has no resource; what changes has the one that it names."""
    if "Tags" in told:
        return tuple(told["ResourceArns"])
    return tuple(told[name] for name in ("RuleArn", "ListenerArn") if name in told) or (ALL,)


def _of_appconfig(operation: str, told: Mapping[str, Any], arn: str) -> tuple[str, ...]:
    """[D] What is done in an application is asked about it, and about whatever in it the request names."""
    if "ResourceArn" in told:
        return (told["ResourceArn"],)
    strategy = (
        (f"{arn}:deploymentstrategy/{told['DeploymentStrategyId']}",)
        if "DeploymentStrategyId" in told
        else ()
    )
    if "ApplicationId" not in told:
        return strategy
    application = f"{arn}:application/{told['ApplicationId']}"
    environment = f"{application}/environment/{told.get('EnvironmentId')}"
    profile = f"{application}/configurationprofile/{told.get('ConfigurationProfileId')}"
    named = {
        "EnvironmentId": environment,
        "ConfigurationProfileId": profile,
        "DeploymentNumber": f"{environment}/deployment/{told.get('DeploymentNumber')}",
        "VersionNumber": f"{profile}/hostedconfigurationversion/{told.get('VersionNumber')}",
    }
    starts = (f"{environment}/deployment/*",) if operation == "StartDeployment" else ()
    return (application, *(each for name, each in named.items() if name in told), *starts, *strategy)
