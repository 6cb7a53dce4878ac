"""Putting a document back: decided by what is in the bucket at that moment, and put on the condition that it is still that.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Move, Refused, Release, Unclear
from deploy.targets.aws.wording import NOT_NOW, refusal
from deploy.targets.flagd.document import MOST, Document, with_flag
from deploy.targets.flagd.reading import MOVE, OF, OVERTAKEN, Reader, Seen
from deploy.targets.flagd.settings import Settings

SOON = timedelta(seconds=5)
LATER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Put:
    """One PutObject: *document* over what has *etag*, as *kind* of content."""

    document: Document
    etag: str
    kind: str

    def parameters(self, settings: Settings, key: str) -> Mapping[str, Any]:
        """As boto3 takes them."""
        return {
            "Bucket": settings.bucket,
            "Key": settings.key,
            "Body": self.document.body,
            "ContentType": self.kind,
            "Metadata": {MOVE: key} | ({OF: settings.flag} if settings.flag else {}),
            "IfMatch": self.etag,
        }

    def told(self, settings: Settings, move: Move) -> str:
        """In words."""
        return f"s3:PutObject {move.to.tag} over {settings.at} if its ETag is {self.etag} still"


async def decide(
    reader: Reader, seen: Seen | None, live: Release | None, move: Move
) -> Put | AlreadyThere | Refused:
    """The call that puts ``move.to`` back over *seen*, which is *live*; or why there is none. May raise `AwsRefused`."""
    settings = reader.settings
    if seen is None or live is None:
        what = "it is gone" if seen is None else f"it has no flag {settings.flag}"
        return Refused(f"{settings.called}: {what}; put it back by hand")
    if live.is_same_as(move.to):
        return AlreadyThere()
    if not live.is_same_as(move.expect):
        return Refused(f"it is {live.tag}, not {move.expect.tag}: somebody else has put it there", live.tag)
    old = await reader.find(move.to)
    wanted = _wanted(seen, old, move, settings)
    if wanted is None:
        return Refused(unfound(settings, move, is_kept=old is not None))
    if len(wanted.body) > MOST:
        return Refused(f"{settings.called}: the document would have more than {MOST} bytes")
    return Put(wanted, seen.etag, seen.kind if settings.flag or old is None else old.kind)


def _wanted(seen: Seen, old: Seen | None, move: Move, settings: Settings) -> Document | None:
    then = old.document if old is not None and isinstance(old.document, Document) else None
    if settings.flag is None:
        return then
    return (
        with_flag(seen.document, settings.flag, then, move.to)
        if isinstance(seen.document, Document)
        else None
    )


def unfound(settings: Settings, move: Move, *, is_kept: bool) -> str:
    """Why a release cannot be made again."""
    why = (
        "rules of `$evaluators` that it names were changed since"
        if is_kept
        else "no version of the document that S3 keeps has it: give the bucket versioning, and a lifecycle rule that keeps versions"
    )
    return f"{settings.called} cannot be put back to {move.to.tag}: {why}"


def by_hand(settings: Settings, move: Move, old: Seen | None) -> str:
    """What a person runs: the whole document of that version, or where they edit one flag of it."""
    if settings.flag is not None or old is None or old.version is None:
        return f"put {settings.called} back to {move.to.tag}"
    copied = f"{settings.bucket}/{settings.key}?versionId={old.version}"
    asks = (
        "aws",
        "s3api",
        "copy-object",
        "--bucket",
        settings.bucket,
        "--key",
        settings.key,
        "--copy-source",
        copied,
    )
    return f"{shlex.join(asks)}  # {move.to.tag}"


def refused(error: AwsRefused) -> Refused | Unclear:
    """What it means that the call was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in OVERTAKEN:
        return Refused(
            f"{words}: somebody has put another document there meanwhile, and it is read again", again_in=SOON
        )
    return Refused(words, again_in=LATER if error.code in NOT_NOW else None)
