"""What a deployment of GitHub's is called here: ``github:acme/shop#42``, and of a server of one's own ``github:HOST/acme/shop#42``.

Without the host, a repository of one name on two servers would be one, and the status of one be set on the other.
"""

import re
from urllib.parse import urlsplit

from deploy.sources.github.settings import REPOSITORY

GITHUB_COM = "github.com"
_HOST = r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?"
_ID = re.compile(rf"github:(?:(?P<host>{_HOST})/)?(?P<repository>{REPOSITORY})#(?P<id>[0-9]{{1,19}})")


def host_of(url: str | None) -> str:
    """The server at *url*, be it a page's or that of its REST API; `GITHUB_COM` where nothing that could be one is said.

    ``api.github.com`` is github.com's, and ``api.acme.ghe.com`` that of acme.ghe.com; a server of one's own has one host.
    """
    try:
        host = urlsplit(url or "").netloc.lower().removeprefix("api.")
    except ValueError:
        return GITHUB_COM
    return host if re.fullmatch(_HOST, host) else GITHUB_COM


def called(host: str, repository: str, id: int) -> str:
    """The id of a deployment."""
    where = "" if host == GITHUB_COM else f"{host}/"
    return f"github:{where}{repository}#{id}"


def read(text: str) -> tuple[str, str, int] | None:
    """Host, repository and number in an id; ``None``: it is none of GitHub's."""
    found = _ID.fullmatch(text)
    return found and (found["host"] or GITHUB_COM, found["repository"], int(found["id"]))
