"""An environment of a repository as a target."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import Unanswered
from deploy.model import (
    Beginning,
    Begun,
    Finding,
    Foretold,
    Live,
    Move,
    Progress,
    Refused,
    Release,
    Unclear,
    Unreadable,
)
from deploy.ports import Rest, World
from deploy.target import Place
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.timing import within
from deploy.targets.github_actions.examining import examine
from deploy.targets.github_actions.foretelling import foretell, moved
from deploy.targets.github_actions.looking import View, look
from deploy.targets.github_actions.moving import SOON, Order, answered, by_hand, decide
from deploy.targets.github_actions.progressing import Ordered, progress
from deploy.targets.github_actions.reading import Pending, Reader, Run, Unread
from deploy.targets.github_actions.resolving import resolve
from deploy.targets.github_actions.settings import Settings

# An operation takes at most 7 s. A move first looks; what remains is for the call.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3.5)
BEGINS = timedelta(seconds=6.9)
KEPT_MOVES = 64
SYSTEM = "GitHub"


class GitHubActionsTarget:
    """What a workflow deploys. See `deploy.target.Target`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.github is None or world.page is None:
            raise AssertionError("a target on GitHub is opened with a way out")
        self.part = place.part
        self._settings = settings
        self._place = place
        self._page = world.page
        self._now = world.now
        access, github, now = settings.access, world.github, world.now
        rest: Rest = world.shared(("github rest", access), lambda: github(access))
        self._rest = rest
        self._ordered: Kept[str, tuple[datetime, int | None]] = Kept(KEPT_MOVES)
        self._reader: Reader = world.shared(("github", access), lambda: Reader(rest, now))

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        """The release that *hints* (``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else resolve(view, hints)

    async def observe(self) -> Live | Unreadable:
        """What GitHub, or the service's own page, says that serves. Where nothing changed it costs nothing of GitHub's limit."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else view.live

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key), SYSTEM)

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await look(self._reader, self._settings, self._page)
        if isinstance(view, Unreadable):
            return view
        ordered, known = self._ordered.get(key) or self._ordered.keep(key, (self._now(), None))
        try:
            run = await self._run(view, move, key, known)
            pending = await self._pending(run)
        except Unread as error:
            return Unreadable(str(error))
        line = by_hand(self._settings, self._place, move)
        return progress(view, Ordered(move, ordered, run, pending, line), self._settings, self._now())

    async def _run(self, view: View, move: Move, key: str, id: int | None) -> Run | None:
        """By its name; and by the id that GitHub answered, as long as this process remembers it."""
        found = view.run_of(key, move, self._settings.ref)
        if found is not None or id is None:
            return found
        return await self._reader.run(self._settings.repository, id)

    async def _pending(self, run: Run | None) -> Sequence[Pending]:
        waits = run is not None and run.status == "waiting"
        return await self._reader.pending(self._settings.repository, run.id) if run and waits else ()

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move), SYSTEM)
        if isinstance(found, Unreadable):
            line = by_hand(self._settings, self._place, move)
            return Foretold(calls=(line,), by_hand=line, obstacles=(found.words,), unread=True)
        return found

    async def _foretell(self, move: Move) -> Foretold:
        view = await look(self._reader, self._settings, self._page)
        return await foretell(self._reader, view, move, self._settings, self._place)

    async def examine(self) -> Sequence[Finding]:
        """Whether the workflow takes what it would be sent; for ``rollbackd doctor``. Reads only."""
        return await examine(self._reader, self._settings, self._settings.ref)

    async def _look(self, most: timedelta) -> View | Unreadable:
        return await within(most, look(self._reader, self._settings, self._page), SYSTEM)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, and dispatch at most one run. See `moving`."""
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        decided = await within(LOOKS, self._decide(move, key), SYSTEM)
        if isinstance(decided, Unreadable):
            return Refused(f"nothing was sent: {decided.words}", again_in=SOON)
        if not isinstance(decided, Order):
            return decided
        answer = await self._send(decided, ends)
        if isinstance(answer, Begun | Unclear):
            run = answer.platform_id if isinstance(answer, Begun) else None
            self._ordered.keep(key, (self._now(), int(run) if run else None))
        return answer

    async def _decide(self, move: Move, key: str) -> Order | Beginning | Unreadable:
        view = await look(self._reader, self._settings, self._page)
        if isinstance(view, Unreadable):
            return view
        decided = decide(view, self._settings, self._place, move, key)
        if isinstance(decided, Order):
            other = await moved(self._reader, self._settings, move)
            if other.words:
                again_in = SOON if other.is_unread else None
                return Refused(f"nothing was sent: {other.words}", again_in=again_in)
        return decided

    async def _send(self, order: Order, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until):
                got = await self._rest("POST", order.path, order.content)
        except Unanswered as error:
            words = f"{self._settings.called}: {error}"
            return (
                Unclear(words)
                if error.may_have_happened
                else Refused(f"{words}; {error.remedy}", again_in=SOON)
            )
        except TimeoutError:
            return Unclear(f"{self._settings.called} was dispatched, and GitHub did not answer in time")
        return answered(got, self._settings, self._now())
