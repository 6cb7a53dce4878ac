"""boto3's clients: one for each account, mode and service, made when it is first needed.

Clients may be used by several threads, sessions may not: so one lock around the one session
(https://docs.aws.amazon.com/boto3/latest/guide/clients.html).
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader, create_loader

from watcher.aws.answers import refuse_foreign
from watcher.aws.bounded import read_bounded, session_of
from watcher.aws.keys import Keys
from watcher.aws.modes import Mode
from watcher.aws.roles import AwsRoles
from watcher.aws.ticket import show_ticket

SIGNED_BY_KEYS = frozenset({"cloudfront-keyvaluestore"})  # by Signature Version 4A
Received = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], None]


@functools.cache
def look_at_botocore() -> None:
    """Once, before anything is asked: may its answers be bounded? Some 50 ms.

    Raises:
        OtherBotocore: They may not.
    """
    nobodys: Mapping[str, Any] = {"aws_access_key_id": "-", "aws_secret_access_key": "-"}
    # An environment without its profile, or with a broken file, is told by whoever calls, as a refusal.
    with contextlib.suppress(BotoCoreError):
        session_of(botocore.session.Session().create_client("sts", region_name="us-east-1", **nobodys))


class Clients:
    """Makes clients, and keeps them as long as their keys are good.

    Args:
        received: Hears of each answer, also of those that lead to another attempt: service, operation, answer, headers.
        endpoint: Where all services are, instead of AWS.
        look: At botocore, before anything is asked of it.
    """

    def __init__(
        self, received: Received, endpoint: str | None, look: Callable[[], None] = look_at_botocore
    ) -> None:
        self._received = received
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, str], tuple[Keys | None, Any]] = {}
        look()
        core = botocore.session.Session()
        core.user_agent_extra = f"rollbackd/{version('rollbackd')}"
        core.register_component("data_loader", _models(core.get_config_variable("data_path")))
        self._session = boto3.Session(botocore_session=core)

    def get(self, mode: Mode, roles: AwsRoles, service: str, keys: Keys | None) -> Any:
        """The client. The first one of a service takes some 50 ms."""
        which = (roles.name, mode.name, service)
        with self._lock:
            found = self._made.get(which)
            if found is not None and found[0] == keys:
                return found[1]
            client = self._make(mode, roles, service, keys)
            self._made[which] = (keys, client)
        if found is not None:
            found[1].close()
        return client

    def forget(self, mode: Mode, account: str) -> None:
        """Drop the clients of *account*, with the keys that they have."""
        with self._lock:
            dropped = [which for which in self._made if which[:2] == (account, mode.name)]
            clients = [self._made.pop(which)[1] for which in dropped]
        for client in clients:
            client.close()

    def close(self) -> None:
        """Close the connections that nobody uses; the others close when their call ends."""
        with self._lock:
            clients = [client for _, client in self._made.values()]
            self._made.clear()
        for client in clients:
            client.close()

    def _make(self, mode: Mode, roles: AwsRoles, service: str, keys: Keys | None) -> Any:
        if service in SIGNED_BY_KEYS:
            _teach_to_sign()
        client = self._session.client(
            service,
            region_name=roles.region,
            endpoint_url=self._endpoint,
            aws_access_key_id=keys and keys.access,
            aws_secret_access_key=keys and keys.secret,
            aws_session_token=keys and keys.token,
            config=Config(
                connect_timeout=mode.connect,
                read_timeout=mode.answer,
                retries={"mode": "standard", "total_max_attempts": mode.attempts},
                max_pool_connections=mode.threads,
            ),
        )

        def received(event_name: str, response_dict: Any, parsed_response: Any, **_event: Any) -> None:
            if response_dict is not None:
                operation = xform_name(event_name.rpartition(".")[2])
                self._received(service, operation, parsed_response, response_dict["headers"])

        send = session_of(client)

        def before_send(request: AWSPreparedRequest, **_event: Any) -> AWSResponse:
            show_ticket(request.headers)
            return read_bounded(request, send)

        client.meta.events.register("before-send", before_send)
        client.meta.events.register("before-parse", refuse_foreign)
        client.meta.events.register("response-received", received)
        return client


@functools.cache
def _models(data_path: str | None) -> Loader:
    """What botocore knows of the services, read once in a process: megabytes of JSON, which nobody changes."""
    return create_loader(data_path)


def _teach_to_sign() -> None:
    """Without ``cryptography`` botocore says itself that it cannot, when it is called."""
    with contextlib.suppress(ImportError):
        from watcher.aws.signing_v4a import teach  # noqa: PLC0415 - few need it, and not every installation has it

        teach()
