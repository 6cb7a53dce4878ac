"""Looks at a site before it is needed: will what a rollback goes to still be there, and will it be seen.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.targets.aws.deleting import REMEDY, Taking, takings
from deploy.targets.aws.owning import of_a_stack
from deploy.targets.aws.wording import MISSING, refusal
from deploy.targets.s3_cloudfront.foretelling import kept_by_browsers
from deploy.targets.s3_cloudfront.reading import Reader
from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, KEY_VALUE_STORE, ORIGIN_PATH, Settings

LONG = 60  # seconds that an edge may keep a page that stands for a missing one
_ERRORS = frozenset({403, 404})


async def examine(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """What there is to say. What may not be looked at is said, and hides nothing else."""
    found: list[Finding] = []
    for look in (_kept, _versions, _events, _page, _distribution):
        try:
            found += await look(reader, settings)
        except AwsRefused as refused:
            if refused.code in MISSING:  # then nothing else of it can be seen either
                return [
                    *found,
                    Finding(
                        Level.FAIL, refusal(refused), "correct `bucket` and `distribution`", about=About.LIVE
                    ),
                ]
            found.append(_unseen(refused))
    kept = f"releases and their files are kept in {settings.bucket}"
    return found or [Finding(Level.OK, kept, about=About.KEPT)]


async def _kept(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """Rules that take away what a rollback needs. Those for versions of before take nothing that is live."""
    lifecycle = await reader.bucket("get_bucket_lifecycle_configuration", settings.bucket)
    rules = [each for each in takings(lifecycle.get("Rules", ())) if not each.only_old_versions]
    if all(_meet(settings.releases, each.prefix) for each in rules) or settings.layout != INDEX_POINTER:
        return [*_deleted(settings, rules, ())]
    head = await reader.head(settings.bucket, settings.pointer)
    page = await reader.page(settings.bucket, head, settings.site) if head else None
    files = (settings.key_of(path, "") for path in page.files) if page else ()
    return [*_deleted(settings, rules, (settings.pointer, *files))]


async def _versions(reader: Reader, settings: Settings) -> Sequence[Finding]:
    if settings.layout != INDEX_POINTER:
        return ()
    return [*_remembered(await reader.bucket("get_bucket_versioning", settings.bucket))]


async def _events(reader: Reader, settings: Settings) -> Sequence[Finding]:
    if settings.layout != INDEX_POINTER:
        return ()
    return [*_told(settings, await reader.bucket("get_bucket_notification_configuration", settings.bucket))]


async def _page(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """The live page: how it is cached. Who may read it is said by what stands in the way of moving it."""
    if settings.layout != INDEX_POINTER:
        return ()
    head = await reader.head(settings.bucket, settings.pointer)
    words = kept_by_browsers(settings.pointer, head.caching) if head else ""
    return (
        [Finding(Level.WARN, words, "see docs/s3-cloudfront.md, Uploading", about=About.DEPLOYING)]
        if words
        else ()
    )


async def _distribution(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """That it is there; where caches are cleared after a move, what they keep all the same; and who else writes the pointer.

    A stack's template says the path of an origin. What page lies in the bucket, and the keys of a store, no template says.
    """
    told = await reader.distribution(settings.distribution)
    if settings.layout == KEY_VALUE_STORE:
        return ()
    found = [*_error_pages(settings, told["Distribution"]["DistributionConfig"])]
    if settings.layout == ORIGIN_PATH:
        tags = await reader.distribution_tags(str(told["Distribution"]["ARN"]))
        found += of_a_stack(tags, f"the distribution {settings.distribution}")
    return found


def _unseen(error: AwsRefused) -> Finding:
    return Finding(
        Level.WARN,
        f"whether all is as a rollback needs it cannot be known: {refusal(error)}",
        "let the role to read look: docs/s3-cloudfront.md",
        untold=True,
        about=About.KEPT,
    )


def _deleted(settings: Settings, rules: Sequence[Taking], files: Sequence[str]) -> Iterator[Finding]:
    """*files*: keys that the live page cannot do without, where it does not lie among the releases."""
    for each in rules:
        is_needed = _meet(settings.releases, each.prefix) or any(key.startswith(each.prefix) for key in files)
        words = f"the lifecycle rule {each.rule!r} {each.does} below {each.prefix or '/'!r}"
        if is_needed and not each.of_some:
            lost = "a release that was live for longer loses its files, and going back shows a white screen"
            yield Finding(Level.FAIL, f"{words}: {lost}", REMEDY, about=About.KEPT)
        elif is_needed or (settings.layout == INDEX_POINTER and _meet(settings.root, each.prefix)):
            lost = "if files of a release are among that, one that was live for longer loses them"
            yield Finding(Level.WARN, f"{words}: {lost}", REMEDY, about=About.KEPT)


def _meet(one: str, other: str) -> bool:
    """Something may lie below both prefixes."""
    return one.startswith(other) or other.startswith(one)


def _remembered(told: Mapping[str, Any]) -> Iterator[Finding]:
    if told.get("Status") != "Enabled":
        yield Finding(
            Level.WARN,
            "the bucket keeps no versions: should the store be lost, nobody remembers which releases were live before",
            "enable versioning; a lifecycle rule for noncurrent versions keeps it small",
            about=About.KEPT,
        )


def _told(settings: Settings, told: Mapping[str, Any]) -> Iterator[Finding]:
    if "EventBridgeConfiguration" not in told:
        yield Finding(
            Level.WARN,
            f"{settings.bucket} does not tell EventBridge of what is put into it: deployments are found by reading, up to 30 s late",
            "enable EventBridge in the bucket's properties, and a rule for `Object Created` that sends to the queue",
            about=About.DEPLOYING,
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
                about=About.DEPLOYING,
            )
