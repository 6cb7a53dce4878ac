"""A flag of LaunchDarkly as a target whose traffic is shared out: by the percentages of its default rule.

Forward and back are one patch each, which tests the version first: nobody's change is written over, and a step forward that was on its
way while the rollback was sent is refused by LaunchDarkly, whichever of the two comes first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.model import (
    About,
    Beginning,
    Drifted,
    Finding,
    Gone,
    Level,
    Move,
    Progress,
    Release,
    Shift,
    Unreadable,
)
from deploy.ports import World
from deploy.target import Place, with_hints
from deploy.targets.aws import split
from deploy.targets.aws.hinting import goes_by, wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.split import NOBODY, Split
from deploy.targets.launchdarkly.flag import Flag
from deploy.targets.launchdarkly.moving import Order
from deploy.targets.launchdarkly.settings import Settings
from deploy.targets.launchdarkly.shares import (
    decide,
    decide_shift,
    given,
    in_order,
    parts_of,
    place_of,
    seen_by,
)
from deploy.targets.launchdarkly.target import KEPT, LaunchDarklyTarget

# A change is in the audit log after so long, or will never be. A guess, and generous.
LOGGED_WITHIN = timedelta(minutes=2)
UNTOLD = ""  # what was said to a change that the log does not have


class SharedFlag(LaunchDarklyTarget):
    """A flag in one environment. See `Staged` and `StandingBy` in `deploy.target`, and `shares` for what its releases are."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        super().__init__(settings, place, world)
        self._last: int | None = None  # the variation that everybody had when it was seen last
        self._said: Kept[int, Sequence[str]] = Kept(KEPT)

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The variation that *hints* mean, by its tag or by its name alone, whether anybody gets it or not. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        for place in () if flag.archived else range(len(flag.variations)):
            release = given(flag, place, self._settings.flag)
            name = release.names["variation"]
            if goes_by(release, hints, {release.tag, f"on.{name}", name}, {release.tag, name}):
                return with_hints(release, hints)
        return Gone(
            f"no variation of {self._settings.called} is {wanted(hints)}: `on.true`, or `on.` and its place, from 0"
        )

    async def unready(self, release: Release) -> str | Unreadable:
        """Why *release* should not be given to anybody yet: it is no variation any more. Nothing has to warm up there."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        if flag.archived or place_of(flag, self._settings, release) is None:
            return f"no variation of {self._settings.called} is {release.tag} any more"
        return ""

    async def _given(self, flag: Flag) -> Split | Unreadable:
        if flag.archived:
            return NOBODY
        parts = parts_of(flag, self._settings.flag)
        if len(parts) == 1:
            self._last = parts[0].place
        is_known = self._last is not None and self._last in [each.place for each in parts]
        said = () if is_known else await self._comments(flag)
        if isinstance(said, Unreadable):
            return said
        found = in_order(flag, parts, self._last, said)
        if found is not None:
            return found
        shared = " and ".join(each.release.tag for each in parts)
        return Unreadable(
            f"{self._settings.called}: {shared} share the traffic, and which of them is the newer is not known: give everybody the older"
            " one, and roll out from there while rollbackd runs; or let the flag give the older one when it is off"
        )

    async def _comments(self, flag: Flag) -> Sequence[str] | Unreadable:
        """What was said to its last changes: asked once for each version. A log that is late is waited for, as long as it may be late."""
        kept = self._said.get(flag.version)
        if kept is not None:
            return kept
        said = await self._client.said(flag.modified)
        if isinstance(said, Unreadable):
            return said  # in a moment it may say that what looks old is new
        if said is None:
            return ()
        if said.is_whole:
            return self._said.keep(flag.version, said.comments)
        if self._now() < flag.modified + LOGGED_WITHIN:
            return Unreadable(
                f"the audit log does not tell yet who changed {self._settings.called}", awaited=True
            )
        return (UNTOLD, *said.comments)

    async def examine(self) -> Sequence[Finding]:
        """What `LaunchDarklyTarget.examine` finds, and whether its audit log may be read. Reads only."""
        found, said = await super().examine(), await self._client.said(self._now())
        if said is not None:
            return found
        words = (
            "the audit log may not be read: after a restart in the middle of a rollout it is not known which variation is the newer,"
            f" unless {self._settings.called} gives the older one when it is off"
        )
        return [
            *found,
            Finding(
                Level.WARN, words, "give the token a role that may read the audit log", about=About.OWNER
            ),
        ]

    def _progress(self, flag: Flag, move: Move, ordered: datetime, now: datetime) -> Progress:
        seen = seen_by(flag, self._settings, (move.to, move.expect))
        return split.progress(seen, move, ordered, now, self._by_hand(flag, move))

    def _decide(self, flag: Flag, move: Move, key: str) -> Order | Beginning:
        return decide(flag, self._settings, move, key)

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Look, decide, and send at most one patch. See `shares.decide_shift`."""
        return await self._send(lambda flag: decide_shift(flag, self._settings, shift, key), key)

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        if flag.archived:
            return Drifted(f"{self._settings.called} was archived")
        now = self._now()
        ordered = self._ordered.get(key) or self._ordered.keep(key, now)
        return split.shifted(seen_by(flag, self._settings, (shift.before, shift.after)), shift, ordered, now)
