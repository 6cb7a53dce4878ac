"""One flag whose variant the daemon rolls out: by the percentage in the rule of that variant.

Each stage is a version in which that number is another, deployed by the strategy of the target. The way back is one too, with nothing
in it. Which of the two is the newer the configuration says: it names the variant.
"""

from collections.abc import Mapping

from deploy.model import Beginning, Gone, Move, Progress, Refused, Release, Shift, Unreadable
from deploy.target import with_hints
from deploy.targets.appconfig.flag import progressing
from deploy.targets.appconfig.flag.document import Document, offered, sharing
from deploy.targets.appconfig.flag.looking import FlagView
from deploy.targets.appconfig.flag.moving import Write, decide_shift, forward
from deploy.targets.appconfig.flag.target import LOOKS, FlagTarget
from deploy.targets.appconfig.moving import SOON
from deploy.targets.aws.acting import forbidden
from deploy.targets.aws.hinting import goes_by, wanted
from deploy.targets.aws.timing import BEGINS, READS, ends, within


class SharedFlag(FlagTarget):
    """A flag in its environment. See `Staged` and `StandingBy` in `deploy.target`."""

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The variant that is rolled out, if *hints* mean it by its tag or its name, whether anybody gets it or not. Reads only."""
        found = await within(READS, self._offered())
        if isinstance(found, Unreadable | Gone):
            return found
        name = self._settings.variant or ""
        if goes_by(found, hints, {found.tag, name}, {found.tag, name}):
            return with_hints(found, hints)
        return Gone(
            f"{self._settings.flag_called} rolls out {found.tag}, and not {wanted(hints)}: name it by its tag, or as {name}"
        )

    async def unready(self, release: Release) -> str | Unreadable:
        """Why *release* should not be given to anybody yet: it is not that variant any more. Nothing has to warm up there."""
        found = await within(READS, self._offered())
        if isinstance(found, Unreadable):
            return found
        if isinstance(found, Gone) or not found.is_same_as(release):
            return f"the variant {self._settings.variant} of {self._settings.flag_called} is not {release.tag} any more"
        return ""

    async def _offered(self) -> Release | Unreadable | Gone:
        document = await self._serving()
        if not isinstance(document, Document):
            return document
        found = offered(document, self._settings)
        return Gone(found) if isinstance(found, str) else found

    async def _serving(self) -> Document | Unreadable:
        view = await self._view()
        if isinstance(view, Unreadable):
            return view
        return await self._document(view)

    async def _document(self, view: FlagView) -> Document | Unreadable:
        if view.newest is None:
            return Unreadable("nothing was deployed yet")
        found = await self._flags.document(view.newest)
        return Unreadable(found) if isinstance(found, str) else found

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Look, decide, and deploy a version with another percentage, which is written before. See `moving.decide_shift`."""
        denied = forbidden(self._account)
        if denied is not None:
            return denied
        until = ends(BEGINS)
        found = await within(LOOKS, self._shift(shift, key))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        if not isinstance(found, tuple):
            return found
        return await self._change(found, Move(shift.part, shift.before, shift.after), key, until)

    async def _shift(self, shift: Shift, key: str) -> tuple[FlagView, Write] | Beginning | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        decided = decide_shift(view, self._settings, shift, key)
        if decided is not None:
            return decided
        document = await self._document(view)
        if isinstance(document, Unreadable):
            return document
        made = sharing(document, self._settings, shift.share)
        if isinstance(made, str):
            return Refused(made)
        return view, forward(made, shift, key, self._now())

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is. Reads only."""
        return await within(READS, self._shifted(shift, key))

    async def _shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        now = self._now()
        ordered = self._ordered.get(key) or self._ordered.keep(key, now)
        found = progressing.shifted(view, shift, key, ordered, now)
        return await self._with_reason(found, view.found.last.number if view.found.last else None)
