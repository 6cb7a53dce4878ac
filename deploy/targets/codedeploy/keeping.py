"""Whether the files of a release are still where it was deployed from: looked at before they are needed. Reads only.

A lifecycle rule of the bucket may have deleted them, or somebody may have written over them.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    https://docs.aws.amazon.com/codedeploy/latest/userguide/application-revisions.html
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.targets.aws.beside import lifecycle_rules
from deploy.targets.aws.deleting import of_bundle
from deploy.targets.aws.wording import refusal
from deploy.targets.codedeploy.deployment import Deployment, Group
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.revision import Revision

LAST = 5  # releases that may be gone back to, and are looked at by `doctor`
ALL_AT_ONCE = "CodeDeployDefault.AllAtOnce"


async def became_of(reader: Reader, revision: Revision | None) -> str:
    """What stands against the files of *revision*; empty: nothing is known to. May raise `AwsRefused`."""
    return await lost(reader, revision) or (_may_be_another(revision) if revision is not None else "")


async def lost(reader: Reader, revision: Revision | None) -> str:
    """That the files of *revision* are not there any more, or not those; empty: nothing is known of that. May raise `AwsRefused`."""
    place = revision.told.get("s3Location") if revision is not None else None
    if revision is None or not place or not place.get("bucket") or not place.get("key"):
        return ""
    tag, then = revision.release.tag, str(place.get("eTag", "")).strip('"')
    now = await reader.etag(place["bucket"], place["key"], place.get("version"))
    if now is None:
        return f"{tag}: its bundle is not in {place['bucket']} any more: put it back, and keep what may be gone back to"
    if then and now != then:
        return (
            f"{tag}: its bundle was overwritten (eTag {now}, then {then}): CodeDeploy will refuse it; put the old one back, or give"
            " each release a key of its own"
        )
    return ""


def _may_be_another(revision: Revision) -> str:
    """That nobody knows whether the files are still those; empty where that is known."""
    place = revision.told.get("s3Location") or {}
    if not revision.is_only_a_name or not place.get("bucket") or not place.get("key"):
        return ""
    return (
        f"{revision.release.tag} was deployed without eTag and version: whether its bundle was overwritten since, nobody can tell;"
        " deploy with both (`aws deploy push` prints them), or give each release a key of its own"
    )


async def examine(reader: Reader, group: Group) -> Sequence[Finding]:
    """What there is to be said of *group* and of its last releases, for ``rollbackd doctor``. May raise `AwsRefused`."""
    found = list(_of_the_group(group))
    looked_at = _distinct(await reader.newest(group, succeeded=True))[:LAST]
    for revision in looked_at:
        try:
            words = await became_of(reader, revision)
        except AwsRefused as refused:
            return [*found, _unseen(refused)]
        found += (
            [Finding(Level.WARN, words, "see to it before it is needed", about=About.KEPT)] if words else []
        )
    found += await _taken(reader, looked_at)
    if found:
        return found
    return [
        Finding(
            Level.OK,
            f"the files of the last {len(looked_at)} releases are where they were deployed from",
            about=About.KEPT,
        )
    ]


async def _taken(reader: Reader, revisions: Sequence[Revision]) -> Sequence[Finding]:
    """What the rules of their buckets do with them: the newest alone stands for all that lie there with it."""
    found: dict[str, Finding] = {}
    for revision in revisions:
        place = revision.told.get("s3Location") or {}
        bucket, key = place.get("bucket"), place.get("key")
        if not bucket or not key:
            continue
        try:
            rules = await lifecycle_rules(reader.call, reader.account.name, bucket)
        except AwsRefused as refused:
            words = f"whether a rule of {bucket} deletes bundles cannot be known: {refusal(refused)}"
            found.setdefault(
                bucket,
                Finding(
                    Level.WARN,
                    words,
                    f"allow s3:GetLifecycleConfiguration on {bucket} to the role to read",
                    untold=True,
                    about=About.KEPT,
                ),
            )
            continue
        by_version = bool(place.get("version"))
        for each in of_bundle(rules, bucket, key, by_version=by_version, called=revision.release.tag):
            found.setdefault(each.words.partition(":")[0], each)
    return list(found.values())


def _of_the_group(group: Group) -> Iterator[Finding]:
    if group.config == ALL_AT_ONCE and not group.is_beside:
        yield Finding(
            Level.WARN,
            f"its deployments go to all instances at once ({ALL_AT_ONCE}), and so would a rollback: the service is down meanwhile",
            "let the group deploy by CodeDeployDefault.HalfAtATime, or OneAtATime",
            about=About.DEPLOYING,
        )

    if group.replaces and group.keeps == timedelta(0):
        yield Finding(
            Level.WARN,
            "its old instances are ended as soon as the traffic has moved: from then on a way back starts new ones, which takes minutes",
            "set `terminationWaitTimeInMinutes` to more than `bake.at_least`",
            about=About.WAITS,
        )


def _distinct(past: Sequence[Deployment]) -> list[Revision]:
    """Each revision once, the newest first."""
    found: dict[str, Revision] = {}
    for each in past:
        if each.revision is not None:
            found.setdefault(each.revision.release.fingerprint, each.revision)
    return list(found.values())


def _unseen(error: AwsRefused) -> Finding:
    return Finding(
        Level.WARN,
        f"whether the bundles of old releases are kept cannot be known: {refusal(error)}",
        "allow s3:GetObject and s3:GetObjectVersion on them to the role to read, or see that no lifecycle rule deletes them",
        untold=True,
        about=About.KEPT,
    )
