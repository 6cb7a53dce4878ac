"""Requests that are signed for AWS and sent by somebody else: what AWS serves beside its own operations."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class Signs(Protocol):
    """Signs requests as the role to read of an account."""

    async def sign(
        self, account: str, service: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        """The headers that a request needs in addition, all of them secret. It must be sent as it is given here.

        Args:
            account: As the configuration calls it; its region is signed too.
            service: As AWS calls it in signatures (``aps``).
            method: Of HTTP.
            url: Without parameters: put them into the body, for encoding them twice alike is chance.
            headers: Those that are sent, and are signed with it.
            body: As it is sent.

        Raises:
            AwsRefused: There is no such account, or there are no credentials.
        """
