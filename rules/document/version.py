"""``version: 1``, in both kinds of file. It grows only when an old file would mean something else."""

from typing import Annotated

from pydantic import AfterValidator, Strict

from rules.errors import Malformed


def _known(version: int) -> int:
    if version != 1:
        raise Malformed(
            f"version {version} is not known here", remedy="write `version: 1`, or install a newer rollbackd"
        )
    return version


Version = Annotated[int, Strict(), AfterValidator(_known)]
