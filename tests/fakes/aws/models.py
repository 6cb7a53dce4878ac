"""AWS's own description of its services (botocore's models): it judges what is asked, and what we answer.

What the models say is [M]: checked, never guessed.
"""

import functools
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

from tests.fakes.aws.trouble import AwsError, FakeBug

# What any operation may answer, though its model does not say so. The second line is the query protocol's spelling.
COMMON_ERRORS = frozenset(
    {
        *("ThrottlingException", "AccessDeniedException", "InternalFailure", "ServiceUnavailable"),
        *("Throttling", "AccessDenied", "ValidationError", "InternalServiceError"),
        *("ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"),
        *("ValidationException", "SerializationException", "InvalidParameterValue"),
        *("InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired"),
    }
)
# A parameter that does not fit the model, as each service says it. [M] where modelled, else [U]
_MISFIT = {
    "ecs": "InvalidParameterException",
    "codedeploy": "ValidationException",
    "ecr": "InvalidParameterException",
    "lambda": "InvalidParameterValueException",
    "elbv2": "ValidationError",
    "elasticbeanstalk": "ValidationError",
    "appconfig": "BadRequestException",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "s3": "InvalidArgument",
    "cloudfront": "InvalidArgument",
    "cloudfront-keyvaluestore": "ValidationException",
    "sqs": "InvalidParameterValue",
    "cloudwatch": "ValidationError",
    "logs": "InvalidParameterException",
    "application-signals": "ValidationException",
    "sns": "InvalidParameter",
    "ssm": "ValidationException",
    "sts": "ValidationError",
    "iam": "ValidationError",
}
# S3's errors stand in its pages, and hardly in its model [D].
_OF_S3 = frozenset(
    {
        *("NoSuchKey", "NoSuchBucket", "NoSuchLifecycleConfiguration", "BadRequest", "InvalidArgument"),
        *("PreconditionFailed", "ConditionalRequestConflict", "SlowDown", "InternalError"),
        *("400", "403", "404", "412", "500", "503"),
    }
)
_CLASSES_OF_OLD = {"AWS.SimpleQueueService.NonExistentQueue": "QueueDoesNotExist"}  # [C] not in the model
_QUERY_SPEECH = frozenset(
    {"sts", "iam", "cloudwatch", "sns", "elbv2", "s3", "cloudfront"}
)  # code names without the suffix "Exception"


@functools.cache
def operation(service: str, name: str) -> OperationModel:
    """What AWS says of *name* (as in ``DescribeServices``). Raises `FakeBug` where there is no such operation."""
    try:
        return _service(service).operation_model(name)
    except Exception as error:
        raise FakeBug(f"AWS has no {service}.{name} ({error})") from error


@functools.cache
def operation_of(service: str, method: str) -> str:
    """The operation behind boto3's method: ``describe_services`` is ``DescribeServices``."""
    for name in _service(service).operation_names:
        if botocore.xform_name(name) == method:
            return str(name)
    raise FakeBug(f"boto3 has no {service}.{method}")


@functools.cache
def _service(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def accepted(service: str, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """*parameters* as a handler reads them: they fit the model, and their times are aware datetimes.

    Raises:
        AwsError: They do not fit.
    """
    shape = operation(service, name).input_shape
    if shape is None:
        return {}
    told = _timed(shape, dict(parameters))
    report = ParamValidator().validate(told, shape)
    wrong = [report.generate_report()] if report.has_errors() else list(_beyond(shape, told, "input"))
    if wrong:
        raise AwsError(_MISFIT[service], "; ".join(wrong))
    return told  # type: ignore[no-any-return]


def vouched(service: str, name: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """*answer*, if AWS could have given it. Raises `FakeBug` if not."""
    shape = operation(service, name).output_shape
    if shape is None:
        if answer:
            raise FakeBug(f"{service}.{name} answers nothing, and we said {sorted(answer)}")
        return {}
    report = ParamValidator().validate(dict(answer), shape)
    wrong = [report.generate_report()] if report.has_errors() else list(_beyond(shape, answer, "output"))
    if wrong:
        raise FakeBug(f"{service}.{name}: an answer that AWS cannot give: {'; '.join(wrong)}")
    return dict(answer)


def vouch_for_error(service: str, name: str, error: AwsError) -> None:
    """See that AWS could have said *error* to this operation. Raises `FakeBug` if not."""
    known = {shape.name for shape in operation(service, name).error_shapes}
    if service == "s3":
        known |= _OF_S3
    if not {error.code, class_of_error(service, name, error.code)} & (known | COMMON_ERRORS):
        raise FakeBug(f"{error.code} is no error of {service}.{name}")


def as_told(service: str, name: str, error: AwsError) -> AwsError:
    """*error* as the caller sees it: HeadObject has no body, and so no code but its status [D]."""
    if service == "s3" and name == "HeadObject" and error.code != str(error.status):
        return AwsError(str(error.status), "", error.status)
    return error


def class_of_error(service: str, name: str, code: str) -> str:
    """The class of an error in the model, which is not its code where the service once spoke the query protocol."""
    if code in _CLASSES_OF_OLD:
        return _CLASSES_OF_OLD[code]
    for shape in operation(service, name).error_shapes:
        if shape.metadata.get("error", {}).get("code") == code:
            return str(shape.name)
    if service == "cloudwatch" and code in {"Throttling", "AccessDenied"}:
        return f"{code}Exception"
    return code


def in_its_words(service: str, code: str) -> str:
    """A common error's code in the spelling of *service*: the query protocol leaves the suffix out."""
    if service == "lambda" and code == "ThrottlingException":
        return "TooManyRequestsException"  # [M]
    return code.removesuffix("Exception") if service in _QUERY_SPEECH else code


def _timed(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            name: _timed(shape.members[name], each) if name in shape.members else each
            for name, each in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list | tuple):
        return [_timed(shape.member, each) for each in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {name: _timed(shape.value, each) for name, each in value.items()}
    if shape.type_name == "timestamp":
        return _time(value)
    return value


def _time(value: Any) -> Any:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _beyond(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """What `ParamValidator` leaves out: enumerations, patterns, greatest lengths, numbers that are none."""
    match shape.type_name:
        case "structure":
            for name, each in value.items():
                yield from _beyond(shape.members[name], each, f"{where}.{name}")
        case "list":
            yield from _too_much(shape, len(value), f"the length of {where}")
            for each in value:
                yield from _beyond(shape.member, each, f"{where}[]")
        case "map":
            for each in value.values():
                yield from _beyond(shape.value, each, f"{where}{{}}")
        case "string":
            yield from _wrong_text(shape, value, where)
        case "integer" | "long":
            yield from _too_much(shape, value, where)
        case "double" | "float" if not math.isfinite(value):
            yield f"{where} is {value}"


def _too_much(shape: Shape, amount: int, what: str) -> Iterator[str]:
    if amount > shape.metadata.get("max", math.inf):
        yield f"{what} is {amount}, at most {shape.metadata['max']} is allowed"


def _wrong_text(shape: Any, value: str, where: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{where} is {value!r}, allowed are {', '.join(shape.enum)}"
    yield from _too_much(shape, len(value), f"the length of {where}")
    pattern = _pattern(shape.metadata.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield f"{where} is {value!r}, which does not match {pattern.pattern}"


@functools.cache
def _pattern(written: str) -> re.Pattern[str] | None:
    """AWS writes Java's patterns. Those with what Python writes otherwise (classes of Unicode) are not checked."""
    if not written or "\\p{" in written or "\\u" in written or "\\x" in written:
        return None
    return re.compile(written)
