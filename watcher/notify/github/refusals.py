"""What follows where GitHub does not take a status: later, or never; who must act, and what to do.

Source:
    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from gidgethub import HTTPException, RateLimitExceeded

from watcher.http import Fault, HttpRefused
from watcher.notify.notifier import Later, Never

SOON = timedelta(seconds=5)
SECONDARY = timedelta(minutes=1)  # that GitHub asks to be left alone for, where it does not say how long
LONGEST = timedelta(hours=1)  # that GitHub is believed
EXCERPT = 120  # characters of GitHub's own words
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
OF_DEPLOYMENTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token or the app's key is not accepted: make a new one, and put it where the connection points",
    HTTPStatus.FORBIDDEN: "give the token or the app the permission Deployments: write on this repository",
    HTTPStatus.MOVED_PERMANENTLY: "the repository was renamed: write its new name in the configuration",
    HTTPStatus.NOT_FOUND: "the repository or its deployment is not there, or the token does not see it: add the repository to it",
    HTTPStatus.UNPROCESSABLE_ENTITY: "GitHub does not take the status as it is: look whether the environment is protected or archived",
}
OF_COMMITS: Mapping[int, str] = {
    **OF_DEPLOYMENTS,
    HTTPStatus.FORBIDDEN: "give the token or the app the permission Commit statuses: write on this repository, or leave `commits` out",
    HTTPStatus.UNPROCESSABLE_ENTITY: "GitHub takes 1,000 statuses of one commit at most, and none of a commit that is gone",
}
NO_KEY = "the app's private key is none: put the PEM file that GitHub gave where `private_key` points"
_OTHER = "is `url` that of GitHub's REST API?"


def refused(
    where: str, error: HTTPException, now: datetime, remedies: Mapping[int, str] = OF_DEPLOYMENTS
) -> Later | Never:
    """What follows from an answer of GitHub's. *where* is whose status it was."""
    status, said = int(error.status_code), excerpt(error)
    words = f"{where}: HTTP {status}{said}"
    wait = _wait(error, now)
    if isinstance(error, RateLimitExceeded) or status in _LATER or (wait is not None and _is_limit(error)):
        return Later(wait or SOON, f"{words}; GitHub's limit of requests, nobody need act")
    if _is_limit(error):
        return Later(SECONDARY, f"{words}; GitHub's limit of requests, nobody need act")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Later(wait or SOON, words)
    return Never(f"{words}; {remedies.get(status, _OTHER)}")


def unanswered(where: str, error: HttpRefused) -> Later | Never:
    """What follows where there was no answer."""
    if error.fault in {Fault.BAD_URL, Fault.BLOCKED}:
        return Never(f"{where}: {error.words}; {error.remedy}")
    return Later(SOON, f"{where}: {error.words}")


def _is_limit(error: HTTPException) -> bool:
    """A secondary limit comes as 403 or 429, and is told from a missing permission by its words, or by when to come again."""
    if int(error.status_code) not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return False
    return "retry-after" in error.headers or "secondary rate limit" in str(error).lower()


def _wait(error: HTTPException, now: datetime) -> timedelta | None:
    if isinstance(error, RateLimitExceeded) and not error.headers:
        until: datetime = error.rate_limit.reset_datetime
        return min(max(until - now, SOON), LONGEST)
    told = error.headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,6}", told):
        return min(timedelta(seconds=int(told)), LONGEST)
    reset = error.headers.get("x-ratelimit-reset", "")
    if error.headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"[0-9]{1,12}", reset):
        return min(max(datetime.fromtimestamp(int(reset), UTC) - now, SOON), LONGEST)
    return None


def excerpt(error: HTTPException) -> str:
    """GitHub's own, as they are safe to repeat."""
    text = " ".join(str(error.args[0]).split())[:EXCERPT] if error.args and error.args[0] else ""
    return f" ({text})" if text.isprintable() and text else ""
