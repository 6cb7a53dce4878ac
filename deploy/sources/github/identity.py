"""What a deployment of GitHub's is called here: ``github:acme/shop#42``, and of a server of one's own ``github:HOST/acme/shop#42``.

Without the host, a repository of one name on two servers would be one, and the status of one be set on the other.
"""

import re

from deploy.github import GITHUB_COM, HOST, REPOSITORY

_ID = re.compile(rf"github:(?:(?P<host>{HOST})/)?(?P<repository>{REPOSITORY})#(?P<id>[0-9]{{1,19}})")


def called(host: str, repository: str, id: int) -> str:
    """The id of a deployment."""
    where = "" if host == GITHUB_COM else f"{host}/"
    return f"github:{where}{repository}#{id}"


def read(text: str) -> tuple[str, str, int] | None:
    """Host, repository and number in an id; ``None``: it is none of GitHub's."""
    found = _ID.fullmatch(text)
    return found and (found["host"] or GITHUB_COM, found["repository"], int(found["id"]))
