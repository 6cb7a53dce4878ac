"""What botocore raises, in our words."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    MetadataRetrievalError,
    MissingDependencyException,
    NoCredentialsError,
    ParamValidationError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    UnknownServiceError,
)
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError as NoConnectionInTime
from urllib3.exceptions import NewConnectionError, ProxyError

from deploy.errors import AwsRefused
from watcher.aws.codes import Result, result_of
from watcher.aws.refusals import MOST_WORDS, refuse
from watcher.aws.ticket import Ticket

URL = "https://ecs.eu-central-1.amazonaws.com/"
ROLE = "arn:aws:iam::111122223333:role/rollbackd-act"


def of(error: ClientError | BotoCoreError, role: str | None = ROLE, *, lost: bool = True) -> AwsRefused:
    with pytest.raises(AwsRefused) as caught:
        refuse(error, "ecs", "update_service", "shop", role, parameters={}, lost=lost)
    assert caught.value.__cause__ is error
    return caught.value


def said(code: str, status: int | None = 400, message: str = "no") -> ClientError:
    metadata = {} if status is None else {"ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({"Error": {"Code": code, "Message": message}, **metadata}, "UpdateService")


def by_proxy(error: Exception) -> ProxyConnectionError:
    """What botocore makes of what urllib3 makes of it."""
    return ProxyConnectionError(proxy_url=URL, error=ProxyError("cannot connect to proxy", error))


@pytest.mark.parametrize(
    ("error", "code", "may_have_happened"),
    [
        (EndpointConnectionError(endpoint_url=URL), "Unreachable", False),
        (ConnectTimeoutError(endpoint_url=URL), "Unreachable", False),
        (by_proxy(NewConnectionError(HTTPConnection("proxy"), "refused")), "Unreachable", False),
        (by_proxy(NoConnectionInTime("proxy")), "Unreachable", False),
        (by_proxy(ConnectionResetError("in the middle of the answer")), "Unreachable", True),
        (ProxyConnectionError(proxy_url=URL), "Unreachable", True),
        (SSLError(endpoint_url=URL, error="certificate"), "Unreachable", True),
        (ReadTimeoutError(endpoint_url=URL), "Timeout", True),
        (ConnectionClosedError(endpoint_url=URL), "Unreachable", True),
        (HTTPClientError(error="?"), "Unreachable", True),
        (MetadataRetrievalError(error_msg="?"), "MetadataRetrieval", True),
        (said("InvalidParameterException"), "InvalidParameterException", False),
        (said("ServerException", 500), "ServerException", True),
        (said("Strange", None), "Strange", True),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_whether_it_may_have_happened_is_said_for_the_worst(error, code, may_have_happened):
    assert (of(error).code, of(error).may_have_happened) == (code, may_have_happened)
    assert not of(error, lost=False).may_have_happened


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        CredentialRetrievalError(provider="container-role", error_msg="404"),
        ProfileNotFound(profile="prod"),
    ],
)
def test_nobody_to_be_is_said_as_such(error):
    refused = of(error, None, lost=False)

    assert refused.code == "NoCredentials"
    assert "account shop, the daemon's own credentials" in refused.words
    assert "clock" in refused.remedy


def test_credentials_of_a_role_say_which():
    refused = of(said("ExpiredTokenException"))

    assert ROLE in refused.words
    assert ROLE in refused.remedy


def test_words_are_short_and_in_one_line():
    refused = of(said("InvalidParameterException", message="x\n\n" * 5000))

    assert len(refused.words) <= MOST_WORDS
    assert "\n" not in refused.words


def test_an_error_without_words_has_some():
    assert of(ClientError({}, "UpdateService")).code == "Unknown"
    assert of(ClientError({}, "UpdateService")).words == "no message"


@pytest.mark.parametrize(
    "bug",
    [ParamValidationError(report="?"), UnknownServiceError(service_name="esc", known_service_names="ecs")],
)
def test_a_mistake_of_ours_is_not_taken_for_a_refusal(bug):
    with pytest.raises(type(bug)):
        refuse(bug, "ecs", "update_service", "shop", None, parameters={}, lost=True)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("ThrottlingException", Result.THROTTLED),
        ("AccessDeniedException", Result.DENIED),
        ("SignatureDoesNotMatch", Result.CREDENTIALS),
        ("Timeout", Result.TIMEOUT),
        ("Unreachable", Result.UNREACHABLE),
        ("ServiceNotFoundException", Result.REFUSED),
    ],
)
def test_what_a_code_means_for_the_count(code, result):
    assert result_of(code) is result


def test_what_cannot_be_signed_was_never_sent_and_says_what_to_install():
    refused = of(MissingDependencyException(msg="use botocore[crt]"))

    assert (refused.code, refused.may_have_happened) == ("NoSigner", False)
    assert "signatures" in refused.remedy


def test_of_keys_in_which_another_one_stands_nothing_is_left():
    inner = "0123456789abcdef"
    ticket = Ticket()
    ticket.send(
        {
            "X-Amz-Security-Token": f"head+{inner}+tail",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={inner}/x",
        }
    )

    assert ticket.clean(f"no head+{inner}+tail, no {inner}") == "no ***, no ***"
