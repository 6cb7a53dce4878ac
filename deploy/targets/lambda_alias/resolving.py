"""Which release an announcement means: by what the alias points to, never by something newer than what was announced.

A pipeline names a version before or after it has moved the alias. CloudTrail tells of a move minutes late, so what it
named may be over by then: if the alias still does not show it a minute after it was first asked for, it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.model import Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.lambda_alias.alias import is_published
from deploy.targets.lambda_alias.looking import View
from deploy.targets.lambda_alias.reading import Reader
from deploy.targets.lambda_alias.settings import LATEST, Settings

SHOWS_WITHIN = timedelta(minutes=1)  # reads of Lambda are late by seconds
KEPT = 64  # moves of one alias
DEPLOYMENT = "deployment"  # the hint with the id of the event


@dataclass
class Missed:
    """Which moves of one alias were looked for in vain, and since when."""

    _since: Kept[str, datetime] = field(default_factory=lambda: Kept(KEPT))

    def is_over(self, id: str, now: datetime) -> bool:
        """The move *id* is not shown any more."""
        since = self._since.get(id) or self._since.keep(id, now)
        return now >= since + SHOWS_WITHIN


def resolve(
    view: View, settings: Settings, hints: Mapping[str, str], missed: Missed, now: datetime
) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, what is coming, else what serves."""
    if not hints.keys() & set(NAMES):
        ahead = view.ahead
        return with_hints(ahead, hints) if ahead else Unreadable(nothing(view, settings))
    for release, _ in reversed(view.split.parts):
        if _goes_by(release, hints):
            return with_hints(release, hints)
    if DEPLOYMENT not in hints:
        return Unreadable(f"{wanted(hints)} is not called yet")
    if missed.is_over(hints[DEPLOYMENT], now):
        return Gone(f"{wanted(hints)} is called no more: the alias has been moved again")
    return Unreadable(f"{wanted(hints)} is not called yet", awaited=True)


def nothing(view: View, settings: Settings) -> str:
    """Why nothing is called."""
    if view.alias is not None or settings.alias is None:
        return "nothing is called, and nothing is on its way"
    return (
        f"the function {settings.function_name} has no alias {settings.alias}: nothing was published by it yet, it was deleted, or"
        " `alias` is another"
    )


async def stands_by(
    reader: Reader, view: View, settings: Settings, hints: Mapping[str, str]
) -> Release | Unreadable | Gone:
    """The version that *hints* mean, called or not. One that is not called is known by its number alone.

    Raises:
        AwsRefused: Lambda does not tell it.
    """
    for release, _ in reversed(view.split.parts):
        if _goes_by(release, hints):
            return with_hints(release, hints)
    number = hints.get("tag", hints.get("version", ""))
    if not is_published(number):
        return Gone(f"{wanted(hints)} is no number of a version of {settings.function_name}")
    version = await reader.version_now(settings.function_name, number)
    if version is None:
        return Gone(f"{settings.function_name} has no version {number}: publish it first")
    if not _goes_by(version.release, hints):
        return Gone(f"version {number} of {settings.function_name} is another content than {wanted(hints)}")
    return with_hints(version.release, hints)


def _goes_by(release: Release, hints: Mapping[str, str]) -> bool:
    """A version alone is the number, or what the description says."""
    tags = {release.tag} | ({LATEST} if release.tag.startswith("LATEST.") else set())
    described = release.names.get("description")
    return goes_by(release, hints, tags, {release.tag} | ({described} if described else set()))
