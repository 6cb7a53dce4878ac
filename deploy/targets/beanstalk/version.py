"""What an application version is, apart from its label: the content that a release is recognised by.

A version is a label and a place: a bundle in S3. Beanstalk keeps no hash of it, so the fingerprint is the bundle's eTag, as S3 tells
it. The same bundle under a new label is the same release. Three things it does not know, and says so instead of guessing: of a bundle
that was written over after its version was made nobody knows what the instances run; one that is gone, or that we may not look at, has
no eTag. Such a release is known by its label alone. And what a bundle only *names* (an image by a tag that moves, a package without
a version) is not in its eTag, nor is the environment's configuration.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationVersionDescription.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html (ETag)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.model import FINGERPRINT, NAME, TAG, TAG_WORDS, Release
from deploy.targets.beanstalk.environment import moment

_EVER = datetime.min.replace(tzinfo=UTC)
SKEW = timedelta(minutes=1)  # between the clocks of S3 and of Beanstalk. A guess, and generous
USABLE = frozenset(
    {"Processed", "Unprocessed", ""}
)  # what can be deployed; the others failed, or are not ready


@dataclass(frozen=True, slots=True)
class Version:
    """An application version as Beanstalk tells it.

    Attributes:
        status: ``Processed``, ``Unprocessed`` (nobody checked its manifest), ``Failed``, ``Processing``, ``Building``.
        made: When it was made, or was built.
        commit: Where it comes from, if that is CodeCommit: its commit.
    """

    label: str
    arn: str
    bucket: str = ""
    key: str = ""
    status: str = ""
    created: datetime = _EVER
    made: datetime = _EVER
    description: str = ""
    commit: str = ""

    @property
    def place(self) -> str:
        """Where its bundle is."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What lies where a version says that its bundle is. *hidden*: we may not look; *unread*: why, in AWS's words."""

    etag: str = ""
    written: datetime = _EVER
    hidden: bool = False
    unread: str = ""

    def is_of(self, version: Version) -> bool:
        """It is the one that was there when *version* was made."""
        return self.etag != "" and self.written <= version.made + SKEW


def version_of(told: Mapping[str, Any]) -> Version:
    """One of DescribeApplicationVersions."""
    bundle, built = told.get("SourceBundle", {}), told.get("SourceBuildInformation", {})
    created = moment(told.get("DateCreated")) or _EVER
    of_git = built.get("SourceRepository") == "CodeCommit"
    return Version(
        label=str(told.get("VersionLabel", "")),
        arn=str(told.get("ApplicationVersionArn", "")),
        bucket=str(bundle.get("S3Bucket", "")),
        key=str(bundle.get("S3Key", "")),
        status=str(told.get("Status", "")),
        created=created,
        made=max(created, moment(told.get("DateUpdated")) or created),
        description=str(told.get("Description", "")),
        commit=str(built.get("SourceLocation", "")).rpartition("/")[2] if of_git else "",
    )


def release_of(label: str, version: Version | None, bundle: Bundle | None) -> Release:
    """The release that *label* is; *version*, *bundle*: ``None`` where there is none any more."""
    names = _names(label, version)
    if version is None or bundle is None or not bundle.is_of(version):
        return Release(Release.of_tag(label).fingerprint, label, names)
    fingerprint = f"etag:{bundle.etag}"
    if not re.fullmatch(FINGERPRINT, fingerprint):
        return Release(Release.of_tag(label).fingerprint, label, names)
    return Release(fingerprint, label, names)


def fits(label: str) -> bool:
    """It may be moved by this label."""
    return re.fullmatch(TAG, label) is not None


def unfit(label: str) -> str:
    """Why a label is none for rollbackd."""
    return f"the version label {label[:80]!r} is no tag: deploy with labels of {TAG_WORDS}"


def became_of(version: Version | None, bundle: Bundle | None, label: str) -> str:
    """What stands against going back to *label*; empty: nothing is known to."""
    if version is None:
        return (
            f"{label} is no application version any more, or the role to read may not see it: a lifecycle rule or a person has deleted"
            f" it; make it anew from the same bundle (`aws elasticbeanstalk create-application-version`), and keep what may be gone back to"
        )
    if version.status not in USABLE:
        return f"the application version {label} is {version.status}: it cannot be deployed"
    if bundle is None:
        return f"{label}: its bundle {version.place} is gone: put it back, and keep what may be gone back to"
    if bundle.etag and not bundle.is_of(version):
        return (
            f"{label}: its bundle {version.place} was written over since the version was made: what would be deployed is not what"
            " served; put the old one back, and give each release a key of its own"
        )
    return ""


def _names(label: str, version: Version | None) -> Mapping[str, str]:
    """What signal systems and people may call it, each within `NAME`. The description is where pipelines write a tag."""
    names = {"version": label}
    if version is not None:
        names |= {"description": version.description, "commit": version.commit, "bundle": version.key}
    return {name: value for name, value in names.items() if re.fullmatch(NAME, value)}
