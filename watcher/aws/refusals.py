"""What botocore raises, translated once: what AWS said, whether it may have happened, and what to do.

Mistakes of ours (parameters that do not fit the model, services that do not exist) pass: they are bugs.

Source:
    https://docs.aws.amazon.com/boto3/latest/guide/error-handling.html
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    DataNotFoundError,
    EndpointConnectionError,
    HTTPClientError,
    MissingDependencyException,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ConnectTimeoutError as NoConnectionInTime
from urllib3.exceptions import NewConnectionError

from deploy.errors import AwsRefused
from watcher.aws.codes import NO_CREDENTIALS, TIMEOUT, UNREACHABLE, UNREADABLE, Result, result_of
from watcher.aws.permissions import missing, remedy

MOST_WORDS = 500  # characters: some refusals carry an encoded message of kilobytes
BUGS = (ParamValidationError, DataNotFoundError)  # the latter: no such service
NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError)
NO_PROXY = (NewConnectionError, NoConnectionInTime)  # what urllib3 says of a proxy that was not reached
NOBODY = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
REQUEST_TIMEOUT, SERVER_FAULTS = 408, 500  # HTTP: the request did not come through; from here on, AWS failed
OWN = "the daemon's own credentials"
Raised: TypeAlias = (
    ClientError | BotoCoreError | ResponseParserError
)  # the last is none of botocore's own family
# botocore goes on with all of an answer that is no XML: of one of AssumeRole that was cut short, with the keys in it.
# https://github.com/boto/botocore/blob/develop/botocore/parsers.py (``_parse_xml_string_to_dom``)
_BODY = "Further retries may succeed"
NO_SIGNER, SIGNER = "NoSigner", "install the extra `signatures` of rollbackd; the image has it"


def refuse(
    error: Raised,
    service: str,
    operation: str,
    account: str,
    role: str | None,
    *,
    parameters: Mapping[str, Any],
    lost: bool,
    clean: Callable[[str], str] = str,
) -> NoReturn:
    """Raise what *error* means.

    Args:
        error: What botocore raised.
        service: What was called, as boto3 calls it.
        operation: Of that.
        account: Where, as the configuration calls it.
        role: As whom; ``None``: with the daemon's own credentials.
        parameters: Of the call: some say which permission it needs.
        lost: The call changes something, and was sent.
        clean: A text without the keys that were sent: whoever answers may repeat them.

    Raises:
        AwsRefused: AWS or the network said no, or the answer was lost.
        BotoCoreError: A bug of ours.
    """
    if isinstance(error, BUGS):
        raise error
    told = _words(error)
    code, words = clean(_code(error)), clean(told)[:MOST_WORDS]
    # Who shows the cause would show the keys: those that were sent, and those that STS has just given.
    is_harmless = clean(str(error)) == str(error) and _BODY not in str(error)
    cause = error if is_harmless else None
    if isinstance(error, MissingDependencyException):
        words = "botocore cannot sign this, and `cryptography` is not installed, by which we can"
        raise AwsRefused(operation, NO_SIGNER, words, may_have_happened=False, remedy=SIGNER) from error
    asker = f"account {account}, {role or OWN}"
    result, who = result_of(code), role or OWN
    usual = _remedy(result, who)
    if result is Result.DENIED and isinstance(error, ClientError):
        usual = remedy(missing(service, error.operation_name, parameters, words), who, words)
    if result in {Result.DENIED, Result.CREDENTIALS}:
        words = f"{words} ({asker})"
    raise AwsRefused(
        operation, code, words, may_have_happened=lost and _may_have_happened(error), remedy=usual
    ) from cause


def _may_have_happened(error: Raised) -> bool:
    """Of a call that changes something and was sent, or was about to be."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", SERVER_FAULTS))
        return status == REQUEST_TIMEOUT or status >= SERVER_FAULTS
    if isinstance(error, ProxyConnectionError):  # also where the connection broke once all was sent
        return not isinstance(getattr(error.kwargs.get("error"), "original_error", None), NO_PROXY)
    return not isinstance(error, NEVER_SENT)


def _code(error: Raised) -> str:
    match error:
        case ClientError():
            return str(error.response.get("Error", {}).get("Code") or "Unknown")
        case ReadTimeoutError():
            return TIMEOUT
        case HTTPClientError() | NoConnection():
            return UNREACHABLE
        case _ if isinstance(error, NOBODY):
            return NO_CREDENTIALS
        case ResponseParserError():
            return UNREADABLE
        case _:
            return type(error).__name__.removesuffix("Error")


def _words(error: Raised) -> str:
    is_told = isinstance(error, ClientError)
    words = error.response.get("Error", {}).get("Message") if is_told else str(error).partition(_BODY)[0]
    return " ".join(str(words or "no message").split())


def _remedy(result: Result, who: str) -> str | None:
    match result:
        case Result.CREDENTIALS if who == OWN:
            return "give the daemon a role (of its task, its instance) or keys in its environment; and set its clock"
        case Result.CREDENTIALS:
            return f"it is tried anew with fresh keys of {who}; if it stays: is the clock right, does the role exist?"
        case Result.THROTTLED:
            return "it is tried again; if it stays, ask AWS for a higher quota, or let others ask less"
        case _:
            return None
