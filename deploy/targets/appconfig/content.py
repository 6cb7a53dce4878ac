"""What a version of a configuration is: a hash of what stands in it, and nothing else is kept of that.

JSON is put into one order first, so that the same configuration written anew is the same release. In feature flags AppConfig itself
writes when each was made and changed; that is no content.

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from deploy.model import NAME, TAG, Release

FLAGS = "AWS.AppConfig.FeatureFlags"  # the type of a profile
HOSTED = "hosted"  # where the configuration of a profile lies: with AppConfig itself
_OF_FLAGS = frozenset({"_createdAt", "_updatedAt"})
_OTHER = "v:"  # before a version that may not stand as a tag: some of S3's begin with a dot


def tag_of(version: str) -> str:
    """The tag of a version: what AppConfig calls it."""
    return version if re.fullmatch(TAG, version) else f"{_OTHER}{version}"


def version_of(tag: str) -> str:
    """What AppConfig calls the version of *tag*."""
    return tag.removeprefix(_OTHER)


def release_of(version: str, label: str, content: bytes | None, kind: str) -> Release:
    """The release that *version* is.

    Args:
        version: As AppConfig calls it.
        label: What its owner calls it; empty: nothing.
        content: ``None``: AppConfig does not tell it (it lies elsewhere, or was deleted), and the version is all that is known.
        kind: The type of the profile.
    """
    tag = tag_of(version)
    names = {name: value for name, value in (("version", version), ("label", label)) if _is_name(value)}
    if content is None:
        return Release(Release.of_tag(tag).fingerprint, tag, names)
    return Release(fingerprint(content, kind), tag, names)


def fingerprint(content: bytes, kind: str) -> str:
    """The hash of *content*, in one order where it is JSON."""
    try:
        told = from_json(content, allow_inf_nan=False)
    except ValueError:
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    plain = without_times(told) if kind == FLAGS else told
    written = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"


def without_times(told: Any) -> Any:
    """What is told of flags, without when each was made and changed."""
    if isinstance(told, Mapping):
        return {name: without_times(each) for name, each in told.items() if name not in _OF_FLAGS}
    return [without_times(each) for each in told] if isinstance(told, list) else told


def _is_name(value: str) -> bool:
    return bool(re.fullmatch(NAME, value))
