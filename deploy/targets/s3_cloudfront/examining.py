"""Looks at a site before it is needed: will what a rollback goes to still be there, and will it be seen.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Finding, Level
from deploy.targets.aws.wording import refusal
from deploy.targets.s3_cloudfront.foretelling import kept_by_browsers
from deploy.targets.s3_cloudfront.reading import Reader
from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, KEY_VALUE_STORE, Settings

LONG = 60  # seconds that an edge may keep a page that stands for a missing one
_ERRORS = frozenset({403, 404})


async def examine(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """What there is to say, the worst last. May raise `AwsRefused` where the bucket or the distribution cannot be looked at."""
    lifecycle = await reader.bucket("get_bucket_lifecycle_configuration", settings.bucket)
    found = list(_deleted(settings, lifecycle.get("Rules", ())))
    if settings.layout == INDEX_POINTER:
        found += _remembered(await reader.bucket("get_bucket_versioning", settings.bucket))
        found += _told(
            settings, await reader.bucket("get_bucket_notification_configuration", settings.bucket)
        )
        found += await _page(reader, settings)
    if settings.layout != KEY_VALUE_STORE:
        told = await reader.distribution(settings.distribution)
        found += _error_pages(settings, told["Distribution"]["DistributionConfig"])
    kept = f"releases and their files are kept in {settings.bucket}"
    return found or [Finding(Level.OK, kept)]


async def _page(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """The live page: how it is cached. Who may read it is said by what stands in the way of moving it."""
    head = await reader.head(settings.bucket, settings.pointer)
    if head is None:
        return ()
    found = []
    if words := kept_by_browsers(settings.pointer, head.caching):
        found.append(Finding(Level.WARN, words, "see docs/s3-cloudfront.md, Uploading"))
    return found


def refused(error: AwsRefused) -> Finding:
    """What it means that it cannot be looked at."""
    return Finding(
        Level.WARN,
        f"whether releases are kept cannot be known: {refusal(error)}",
        "let the role to read look: docs/s3-cloudfront.md",
    )


def _deleted(settings: Settings, rules: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Rules that delete what a rollback needs. Those for versions of before delete nothing that is live."""
    for rule in rules:
        expires, prefix = rule.get("Expiration", {}), _prefix(rule)
        what = _what(expires)
        if rule.get("Status") != "Enabled" or not what or _by_tag(rule) or not _concerns(settings, prefix):
            continue
        yield Finding(
            Level.FAIL,
            f"the lifecycle rule {rule.get('ID', '')!r} deletes what is {what} below {prefix or '/'!r}: a release that was live for"
            " longer loses its files, and going back shows a white screen",
            "let it delete by a tag that your pipeline puts on what no release names any more, or take it out",
        )


def _what(expires: Mapping[str, Any]) -> str:
    """What a rule deletes, in words; empty: nothing that is live."""
    if "Days" in expires:
        return f"older than {expires['Days']} days"
    return f"there on {expires['Date']:%Y-%m-%d}" if "Date" in expires else ""


def _by_tag(rule: Mapping[str, Any]) -> bool:
    """It deletes only what somebody has put a tag on."""
    told = rule.get("Filter", {})
    return "Tag" in told or "Tags" in told.get("And", {})


def _prefix(rule: Mapping[str, Any]) -> str:
    told = rule.get("Filter", {})
    return str(told.get("Prefix") or told.get("And", {}).get("Prefix") or rule.get("Prefix") or "")


def _concerns(settings: Settings, prefix: str) -> bool:
    needed = (settings.releases, settings.root) if settings.layout == INDEX_POINTER else (settings.releases,)
    return any(prefix.startswith(each) or each.startswith(prefix) for each in needed)


def _remembered(told: Mapping[str, Any]) -> Iterator[Finding]:
    if told.get("Status") != "Enabled":
        yield Finding(
            Level.WARN,
            "the bucket keeps no versions: should the store be lost, nobody remembers which releases were live before",
            "enable versioning; a lifecycle rule for noncurrent versions keeps it small",
        )


def _told(settings: Settings, told: Mapping[str, Any]) -> Iterator[Finding]:
    if "EventBridgeConfiguration" not in told:
        yield Finding(
            Level.WARN,
            f"{settings.bucket} does not tell EventBridge of what is put into it: deployments are found by reading, up to 30 s late",
            "enable EventBridge in the bucket's properties, and a rule for `Object Created` that sends to the queue",
        )


def _error_pages(settings: Settings, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Addresses of an application that are no files are answered by an error page, which is kept under each of them."""
    if "/*" in settings.invalidate:
        return
    for each in config.get("CustomErrorResponses", {}).get("Items", ()):
        if each["ErrorCode"] in _ERRORS and int(each.get("ErrorCachingMinTTL", 10)) > LONG:
            yield Finding(
                Level.WARN,
                f"edges keep the page that stands for HTTP {each['ErrorCode']} for {each['ErrorCachingMinTTL']} s under every address:"
                f" who opens the site at one of its pages gets the old release after a move, for clearing"
                f" {' '.join(settings.invalidate)} does not reach it",
                'set its minimum time to 10 s or less, or `invalidate: ["/*"]`',
            )
