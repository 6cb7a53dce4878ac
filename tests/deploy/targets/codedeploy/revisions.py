"""Revisions as tests name them: by a number."""

import hashlib
from collections.abc import Mapping
from typing import Any

BUCKET = "artifacts"


def bundle(number: int, **more: Any) -> Mapping[str, Any]:
    """In S3, in a versioned bucket; *more* are other members of its location."""
    place = {
        "bucket": BUCKET,
        "key": key(number),
        "bundleType": "zip",
        "version": f"v{number}",
        "eTag": etag(number),
    }
    told = {name: value for name, value in {**place, **more}.items() if value is not None}
    return {"revisionType": "S3", "s3Location": told}


def commit(hash_: str) -> Mapping[str, Any]:
    """On GitHub."""
    return {"revisionType": "GitHub", "gitHubLocation": {"repository": "team/shop", "commitId": hash_}}


def key(number: int) -> str:
    """Of a bundle."""
    return f"shop/1.{number}.zip"


def content(number: int) -> bytes:
    """What is in a bundle."""
    return f"bundle {number}".encode()


def etag(number: int) -> str:
    """As S3 makes it."""
    return hashlib.md5(content(number), usedforsecurity=False).hexdigest()


def tag(number: int) -> str:
    """By which a bundle is moved."""
    return f"{BUCKET}/{key(number)}@v{number}"
