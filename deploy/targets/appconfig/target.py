"""A configuration profile in one environment as a target."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.model import (
    About,
    Beginning,
    Finding,
    Foretold,
    Gone,
    Level,
    Live,
    Move,
    Progress,
    Recalled,
    Refused,
    Release,
    Standing,
    Unreadable,
)
from deploy.targets.appconfig import foretelling
from deploy.targets.appconfig.acting import OnAppConfig
from deploy.targets.appconfig.examining import examine
from deploy.targets.appconfig.keeping import recall, writing
from deploy.targets.appconfig.looking import View, live_of, look
from deploy.targets.appconfig.moving import SOON, Order, decide, with_key_of
from deploy.targets.appconfig.progressing import progress
from deploy.targets.appconfig.resolving import resolve
from deploy.targets.aws.timing import within

# An operation takes at most 7 s. A move first looks, and leaves its trace; what remains is for the call.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
EXAMINES = timedelta(seconds=15)
RECALLS = timedelta(seconds=60)


class AppConfigTarget(OnAppConfig):
    """A profile in its environment. See `deploy.target.Target`, `Keeper` and `Examined` there."""

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else resolve(view, self._settings, hints)

    async def observe(self) -> Live | Unreadable:
        """What is deployed now. In steady state its share of one ListDeployments for the environment, and nothing else."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else live_of(view)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        now = self._now()
        ordered = self._ordered.get(key) or self._ordered.keep(key, now)
        line = foretelling.line(view, move, self._settings, self._account, now)
        found = progress(view, move, key, ordered, now, line)
        return await self._with_reason(found, view.last.deployment.number if view.last else None)

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return foretelling.unseen(self._settings, move, self._account, self._now(), found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        return await foretelling.foretell(
            self._reader, view, move, self._settings, self._account, self._now()
        )

    async def examine(self) -> Sequence[Finding]:
        """Whether old versions are there, and how they would be deployed. Reads only."""
        found = await within(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            return [
                Finding(
                    Level.WARN,
                    f"old versions cannot be looked at: {found.words}",
                    "may it be read?",
                    untold=True,
                    about=About.KEPT,
                )
            ]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await self._view(deep=True)
        return view if isinstance(view, Unreadable) else await examine(self._reader, view, self._settings)

    async def _look(self, most: timedelta, *, deep: bool = False) -> View | Unreadable:
        return await within(most, self._view(deep=deep))

    async def _view(self, *, deep: bool) -> View | Unreadable:
        return await look(self._reader, self._settings, self._account, self._tagged, deep=deep)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace where the call has no room for it, and send at most one call that moves. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        order = await within(LOOKS, self._decided(move, key))
        if isinstance(order, Unreadable):
            return Refused(f"nothing was sent: {order.words}", again_in=SOON)
        if not isinstance(order, Order):
            return order
        untraced = await self._leave(order, ends)
        return await self._send(order, move, key, untraced, ends)

    async def _decided(self, move: Move, key: str) -> Order | Beginning | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        order = decide(view, self._settings, move, key, self._now(), unstopped=self._unstopped)
        if not isinstance(order, Order) or order.stops is not None:
            return order
        gone = await foretelling.lost(self._reader, self._settings, move)
        if gone:
            return Refused(gone)
        return with_key_of(order, await foretelling.before(self._reader, view, move, self._settings))

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What AppConfig remembers, and what our marks say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        return await recall(self._reader, view, self._settings, self._account, self._key, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the deployments that brought them. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        view = await self._look(READS, deep=True)
        if isinstance(view, Unreadable):
            return f"the deployments could not be marked: {view.words}"
        return await self._mark_all(writing(view, standings, self._settings, self._account))
