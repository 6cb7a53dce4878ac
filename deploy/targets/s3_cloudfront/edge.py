"""What the edge serves: the site is asked for its page, as anybody may. What the bucket has is not yet what people get.

One edge of some hundreds answers, the nearest to the daemon; that all of them do is what an invalidation says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from deploy.errors import DeployError
from deploy.model import Release
from deploy.ports import Page as Ask
from deploy.targets.aws.wording import plain
from deploy.targets.s3_cloudfront.page import MARKER, read
from deploy.targets.s3_cloudfront.settings import is_name

HEADER = f"x-amz-meta-{MARKER}"
# What the function of a site that is shared out adds to its pages (examples/aws/site-by-weight.js).
BY_WEIGHT = ("x-rollbackd-site", "by-weight")


@dataclass(frozen=True, slots=True)
class Served:
    """What the edge answered, and how it calls itself. *by_weight*: a function that picks one of two releases has seen it."""

    release: Release | None
    fingerprint: str
    name: str
    by_weight: bool = False

    def as_one_of(self, known: Iterable[Release]) -> Release | None:
        """Which release it is: by its content, else (something on the way may have rewritten it) by its name; else by itself."""
        candidates = tuple(known)
        for release in candidates:
            if release.fingerprint == self.fingerprint:
                return release
        return next((each for each in candidates if self.name and each.tag == self.name), self.release)

    def named(self) -> str:
        """For people."""
        return self.name or "a page that does not say which release it is of"


async def ask(page: Ask, site: str, address: str = "") -> Served | str:
    """What *site* serves, at its *address* (by default its root); or why that cannot be said, in words."""
    try:
        got = await page(address or f"{site}/")
    except DeployError as refused:
        return f"the site cannot be asked: {plain(str(refused))}"
    if got.status != HTTPStatus.OK:
        leads = f", which leads to {plain(got.headers['location'], 100)}" if "location" in got.headers else ""
        return f"the site answers HTTP {got.status}{leads}"
    told = got.headers.get(HEADER)
    found = read(got.body, site)
    name = told or found.marker or ""
    release = found.release(name, told) if is_name(name) else None
    name, value = BY_WEIGHT
    return Served(release, found.fingerprint, release.tag if release else "", got.headers.get(name) == value)
