"""Weights of a rule as a target: what has the traffic is read together with other rules, and it is moved alone."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    Beginning,
    Begun,
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
    Shift,
    Standing,
    Unclear,
    Unfinished,
    Unreadable,
    is_about,
)
from deploy.ports import AwsAccount, World
from deploy.target import Place, with_hints
from deploy.targets.aws import split
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of
from deploy.targets.aws.owning import of_a_stack
from deploy.targets.aws.timing import within
from deploy.targets.aws.wording import refusal
from deploy.targets.load_balancer import foretelling
from deploy.targets.load_balancer.keeping import recall, writing
from deploy.targets.load_balancer.looking import View, live_of, look
from deploy.targets.load_balancer.moving import (
    SOON,
    Order,
    answered,
    by_hand,
    decide,
    decide_shift,
    ill,
    sick,
)
from deploy.targets.load_balancer.reading import Reader
from deploy.targets.load_balancer.settings import Settings
from deploy.targets.load_balancer.trace import TAG_KEY, Newer, Trace, newer_of

# An operation takes at most 7 s. A move first looks, leaves its trace, looks again; what remains is for the call.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
MOVES = timedelta(seconds=2)  # at least
CALLS_LAST = timedelta(seconds=15)  # a call that is on its way has arrived, or never will; twice its patience
MARKS = timedelta(seconds=30)
KEPT_MOVES = 64


class LoadBalancerTarget:
    """Weights of a rule. See `Target`, `Staged`, `StandingBy`, `Keeper` and `Examined` in `deploy.target`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._act = world.aws.act
        self._now = world.now
        self._key = key_of(place.service, place.environment)
        self._last: Release | None = None  # what had all the traffic when it was seen last
        self._ordered: Kept[str, datetime] = Kept(KEPT_MOVES)
        name, read = self._account.name, world.aws.read
        self._reader: Reader = world.shared(("load_balancer", self._account), lambda: Reader(name, read))

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``tag``, ``fingerprint``, ``version``) mean, if a group with traffic serves it."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else resolve(view, hints)

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release of a group that the rule names, with traffic or without, that *hints* mean."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else stands_by(view, self._settings, hints)

    async def unready(self, release: Release) -> str | Unreadable:
        """Why the group of *release* should not be given requests yet: all its targets have to be healthy."""
        return await within(READS, self._unready(release))

    async def _unready(self, release: Release) -> str | Unreadable:
        view = await self._view()
        if isinstance(view, Unreadable):
            return view
        wanted = view.serving(release)
        return ill(wanted, await foretelling.healths(self._reader, wanted))

    async def observe(self) -> Live | Unreadable:
        """What has the traffic now. Its share of one call for the rule, and of one for the tags."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else live_of(view)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        now, trace = self._now(), view.trace
        ours = trace.at if trace is not None and trace.key == key else None
        ordered = ours or self._ordered.get(key) or self._ordered.keep(key, now)
        if now >= ordered + CALLS_LAST and self._was_overtaken(view, move):
            return Unfinished(f"{move.to.tag} was ordered, and our own last step forward came after it")
        return split.progress(view.split, move, ordered, now, self._by_hand(view, move))

    def _was_overtaken(self, view: View, move: Move) -> bool:
        """A step forward that was on its way when *move* was sent, by whichever replica, has undone it: nobody else gave that share."""
        newer = newer_of(view.tags.get(self._key, ""))
        if newer is None or newer.share is None or view.split.third(move) is not None:
            return False
        is_of_these = (newer.before, newer.after) == (move.to.tag, move.expect.tag)
        return is_of_these and is_about(view.split.share_of(move.expect), newer.share)

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        return foretelling.unseen(found.words) if isinstance(found, Unreadable) else found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await self._view()
        if isinstance(view, Unreadable):
            return view
        return await foretelling.foretell(self._reader, view, move, self._settings, self._account)

    async def examine(self) -> Sequence[Finding]:
        """Whether somebody else writes the rule too. Reads only."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return [
                Finding(
                    Level.WARN,
                    f"who else writes it cannot be seen: {view.words}",
                    "may it be read?",
                    untold=True,
                    about=About.OWNER,
                )
            ]
        found = [*of_a_stack(view.tags, self._settings.called)]
        return found or [Finding(Level.OK, "nobody else is known to write it", about=About.OWNER)]

    async def _look(self, most: timedelta) -> View | Unreadable:
        return await within(most, self._view())

    async def _view(self) -> View | Unreadable:
        view = await look(self._reader, self._settings, self._key, self._last, self._now())
        if isinstance(view, View) and view.split.alone is not None:
            self._last = view.split.alone
        return view

    def _by_hand(self, view: View, move: Move) -> str:
        order = decide(view, self._settings, move)
        return by_hand(order, move, self._account) if isinstance(order, Order) else ""

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace, look once more, and send at most one call that moves. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        found = await within(LOOKS, self._decided(move))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        view, order = found
        if not isinstance(order, Order):
            return order
        untraced = await self._leave(move, key, ends - MOVES.total_seconds())
        return await self._send(view, order, untraced, ends)

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Look, write down which of the two is the newer, look once more, and send at most one call that moves."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        found = await within(LOOKS, self._shared(shift))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        view, order = found
        if not isinstance(order, Order):
            return order
        if words := await self._say_newer(view, shift, ends - MOVES.total_seconds()):
            return Refused(
                f"nothing was sent: which release is the newer could not be written on the rule: {words}"
            )
        self._ordered.keep(key, self._now())
        return await self._send(view, order, "", ends)

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is. Reads only."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        now = self._now()
        return split.shifted(view.split, shift, self._ordered.get(key) or self._ordered.keep(key, now), now)

    async def _shared(self, shift: Shift) -> tuple[View, Order | Beginning] | Unreadable:
        view = await self._view()
        if isinstance(view, Unreadable):
            return view
        return await self._unless_sick(view, decide_shift(view, self._settings, shift), shift.after)

    async def _say_newer(self, view: View, shift: Shift, until: float) -> str:
        """Write on the rule which of the two is the newer, and what it gets: whoever looks for the first time cannot know."""
        newer = Newer(shift.before.tag, shift.after.tag, shift.share).written()
        if newer is None:
            return "the names of the releases fit in no tag"
        if view.tags.get(self._key) == newer:
            return ""
        try:
            async with asyncio.timeout_at(until):
                await self._tag(self._settings.arn, self._key, newer)
        except AwsRefused as refused:
            return refusal(refused)
        except TimeoutError:
            return "AddTags was not answered in time"
        return ""

    async def _decided(self, move: Move) -> tuple[View, Order | Beginning] | Unreadable:
        view = await self._view()
        if isinstance(view, Unreadable):
            return view
        return await self._unless_sick(view, decide(view, self._settings, move), move.to)

    async def _unless_sick(
        self, view: View, order: Order | Beginning, to: Release
    ) -> tuple[View, Order | Beginning] | Unreadable:
        """*order*, unless what it gives traffic to is not healthy."""
        if not isinstance(order, Order):
            return view, order
        wanted = view.serving(to)
        try:
            words = sick(wanted, await foretelling.healths(self._reader, wanted))
        except AwsRefused as refused:
            return Unreadable(refusal(refused))
        return view, Refused(words) if words else order

    async def _leave(self, move: Move, key: str, until: float) -> str:
        """What kept the trace from being left; never what keeps the rollback from being made."""
        trace = Trace(key, self._now(), move.expect.tag, move.to.tag).written()
        if trace is None:
            return "it fits in no tag"
        try:
            async with asyncio.timeout_at(until):
                await self._tag(self._settings.arn, TAG_KEY, trace)
        except AwsRefused as refused:
            return refusal(refused)
        except TimeoutError:
            return "AddTags was not answered in time"
        return ""

    async def _send(self, view: View, order: Order, untraced: str, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until - MOVES.total_seconds() / 2):
                now = await self._reader.actions(self._settings.arn)
        except AwsRefused as refused:
            return Refused(f"nothing was sent: {refusal(refused)}", again_in=SOON)
        except TimeoutError:
            return Refused("nothing was sent: AWS was too slow to be looked at once more", again_in=SOON)
        if now != view.actions:
            return Refused("somebody changed the rule meanwhile: it is read again", again_in=SOON)
        try:
            async with asyncio.timeout_at(until):
                await self._act(self._account.name, "elbv2", order.operation, **order.parameters)
        except AwsRefused as refused:
            return answered(refused)
        except TimeoutError:
            return Unclear(f"{order.told()} was not answered in time")
        without = f"; its trace could not be left on the rule: {untraced}" if untraced else ""
        return Begun(self._settings.arn, f"{order.told()}{without}")

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What our marks and the trace say. Reads only."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else recall(view, self._key, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the groups that serve them. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return f"the target groups could not be marked: {view.words}"
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                for arn, value in writing(view, standings, self._key).items():
                    await self._tag(arn, self._key, value)
        except AwsRefused as refused:
            return f"the target groups could not be marked: {refusal(refused)}"
        except TimeoutError:
            return "not all marks were written: AWS did not answer in time"
        return ""

    async def _tag(self, arn: str, key: str, value: str) -> None:
        tags: list[dict[str, Any]] = [{"Key": key, "Value": value}]
        await self._act(self._account.name, "elbv2", "add_tags", ResourceArns=[arn], Tags=tags)


def resolve(view: View, hints: Mapping[str, str]) -> Release | Unreadable:
    """The release that *hints* mean; with none, what is coming, else what serves."""
    if not hints.keys() & set(NAMES):
        ahead = view.ahead
        return (
            with_hints(ahead, hints)
            if ahead
            else Unreadable("nothing has traffic, and nothing is on its way")
        )
    for release, _ in reversed(view.split.parts):
        if goes_by(release, hints, {release.tag}, {release.tag}):
            return with_hints(release, hints)
    return Unreadable(f"{wanted(hints)} has no traffic yet")


def stands_by(view: View, settings: Settings, hints: Mapping[str, str]) -> Release | Gone:
    """The release that *hints* mean, of those whose groups the rule names."""
    for group in view.groups:
        release = group.release
        if release is not None and goes_by(release, hints, {release.tag}, {release.tag}):
            return with_hints(release, hints)
    serve = ", ".join(
        f"{each.name} serves {each.release.tag if each.release else '?'}" for each in view.groups
    )
    return Gone(
        f"no target group of {settings.called} serves {wanted(hints)} ({serve or 'it forwards nothing'}): name its group"
        f" there with weight 0, and write its release onto it as the tag {settings.release_tag}"
    )
