"""A flag of Unleash as a target whose traffic is shared out: by the percentage of its gradual rollout."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from deploy.model import (
    About,
    AlreadyThere,
    Beginning,
    Drifted,
    Finding,
    Gone,
    Level,
    Move,
    Progress,
    Refused,
    Release,
    Shift,
    Unfinished,
    Unreadable,
)
from deploy.target import with_hints
from deploy.targets.aws.hinting import goes_by, wanted
from deploy.targets.aws.split import Split
from deploy.targets.unleash import shares
from deploy.targets.unleash.flag import Flag
from deploy.targets.unleash.history import was_on
from deploy.targets.unleash.moving import Call
from deploy.targets.unleash.progressing import Sent
from deploy.targets.unleash.state import OFF
from deploy.targets.unleash.target import UnleashTarget


class SharedFlag(UnleashTarget):
    """A flag in one environment. See `Staged` and `StandingBy` in `deploy.target`, and `shares` for what its releases are."""

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """What its gradual rollout gives, if *hints* mean it, whether anybody gets it or not. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        found = shares.rolled_out(flag, self._settings)
        refused = "it was archived" if flag.archived else shares.unstartable(flag, self._settings)
        if isinstance(found, str) or refused:
            return Gone(refused)
        release = shares.given(flag, found, self._settings)
        names = {release.tag, release.names["state"]}
        if goes_by(release, hints, names, names):
            return with_hints(release, hints)
        return Gone(f"what {self._settings.called} gives is {release.tag}, and not {wanted(hints)}")

    async def unready(self, release: Release) -> str | Unreadable:
        """Why *release* should not be given to anybody yet: the flag gives something else by now. Nothing has to warm up there."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        found = shares.rolled_out(flag, self._settings)
        if isinstance(found, str):
            return found
        now = shares.given(flag, found, self._settings)
        return "" if now.is_same_as(release) else f"what {self._settings.called} gives is {now.tag} by now"

    def _given(self, flag: Flag) -> Split:
        return shares.parts_of(flag, self._settings)

    async def examine(self) -> Sequence[Finding]:
        """What `UnleashTarget.examine` finds, and whether it can be shared out. Reads only."""
        found, flag = await super().examine(), await self._client.flag()
        refused = (
            "" if isinstance(flag, Unreadable) or flag.archived else shares.unstartable(flag, self._settings)
        )
        if not refused:
            return found
        words, _, remedy = refused.partition(": ")
        stands = [each for each in found if each.level is not Level.OK]
        return [
            *stands,
            Finding(Level.FAIL, f"{words}: it cannot be raised in stages", remedy, about=About.DEPLOYING),
        ]

    def _progress(self, flag: Flag, move: Move, sent: Sent, now: datetime) -> Progress:
        return shares.progress(flag, self._settings, move, sent, now)

    def _decide(self, flag: Flag, move: Move) -> Call | AlreadyThere | Refused:
        return shares.decide(flag, self._settings, move)

    def _wanted(self, flag: Flag, move: Move) -> Flag | None:
        return shares.wanted_of(flag, self._settings, move)

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Look, decide, and send at most one call. See `shares.decide_shift`."""
        return await self._send(lambda flag: shares.decide_shift(flag, self._settings, shift), key)

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        now = self._now()
        sent = self._ordered.last(key, now)
        found = shares.shifted(flag, self._settings, shift, sent, now)
        if isinstance(found, Unfinished) and sent.call is None:
            # What was sent last is not known any more. Who has turned it off since is not written over.
            events = await self._client.events()
            if isinstance(events, Unreadable):
                return events
            if was_on(events, self._settings.environment):
                found = Drifted(
                    f"{self._settings.called} was on for its share, and is off: somebody else has turned it off",
                    OFF,
                )
        return await self._with_whom(flag, found) if isinstance(found, Drifted) else found
