"""What AWS's codes of errors have in common, and ours where no answer came."""

from enum import StrEnum

TIMEOUT = "Timeout"
UNREACHABLE = "Unreachable"
UNREADABLE = "Unreadable"
NO_CREDENTIALS = "NoCredentials"
NO_ROLE = "NoRoleToAct"


class Result(StrEnum):
    """What came of a call, for the metrics."""

    OK = "ok"
    THROTTLED = "throttled"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"  # for any other reason that AWS gives
    CANCELLED = "cancelled"
    BUG = "bug"


# botocore/retries/standard.py has the list that its retries go by.
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "429",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "UnauthorizedOperation",
        "NotAuthorized",
        "403",  # HeadObject answers without a body: its code is the status
        NO_ROLE,
    }
)
# Keys that AWS does not take: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
STALE = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidToken",
    }
)
CREDENTIALS = STALE | {
    NO_CREDENTIALS,
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
}


def result_of(code: str) -> Result:
    """What *code* says, roughly."""
    for codes, result in (
        (_THROTTLED, Result.THROTTLED),
        (_DENIED, Result.DENIED),
        (CREDENTIALS, Result.CREDENTIALS),
        ({TIMEOUT}, Result.TIMEOUT),
        ({UNREACHABLE}, Result.UNREACHABLE),
    ):
        if code in codes:
            return result
    return Result.REFUSED
