"""What may stand under ``runs_on: [{flagd: …}]``, and by which address news of the document is recognised.

Source:
    https://flagd.dev/concepts/syncs/#blob-sync
    https://flagd.dev/reference/openfeature-remote-evaluation-protocol/
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]{1,250}")


def _asked(url: str) -> str:
    """Where flagd answers: nothing secret goes there."""
    wrong = ValueError(
        "the address at which flagd answers is http:// or https://, a name and a port: http://flagd.internal:8016"
    )
    try:
        port = urlsplit(url).port
    except ValueError:
        raise wrong from None
    if not _ADDRESS.fullmatch(url) or not urlsplit(url).hostname or port == 0:
        raise wrong
    return url


class Settings(BaseModel):
    """A document of flags that flagd reads from a bucket of S3.

    Attributes:
        bucket: The bucket's name; it has versioning.
        key: The key of the document.
        flag: The one flag that is watched and put back; left out: the whole document is.
        serves: Where flagd answers by OFREP, without a slash at its end: it is asked what it gives after a move.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    bucket: Annotated[str, StringConstraints(pattern=r"^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")]
    key: Annotated[
        str, StringConstraints(pattern=r"^(?!.*(?:^|/)\.{1,2}(?:/|\Z))[A-Za-z0-9!_.*'()/-]{1,512}\Z")
    ]
    flag: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}\Z")] | None = None
    serves: Annotated[str, StringConstraints(max_length=255), AfterValidator(_asked)] | None = None

    @property
    def called(self) -> str:
        """For people."""
        return f"{self.flag} in {self.at}" if self.flag else self.at

    @property
    def at(self) -> str:
        """Where the document is."""
        return f"s3://{self.bucket}/{self.key}"


def unstaged(settings: Settings) -> tuple[str, str]:
    """Why its shares are not the daemon's to raise: they stand in the document, and each version of that is a release."""
    return (
        f"the shares of {settings.called} stand in the document (`fractional`), and rollbackd writes none of its own",
        (
            "remove `stages`, and let a person or the pipeline put the document with the next share: each is a deployment, watched for"
            " its own bake, and put back to the one before"
        ),
    )
