"""Looking at two environments that swap a name: the one that has it is what people meet.

Names are answered for a minute by whoever has asked before (the record's time to live). So long after a swap the release that had the
name serves still, and the other is coming; then it serves.

When the name was swapped last, the events of both environments tell: EventBridge has none of it. They are read anew for a while after an
environment was changed, for events come late, and then not before the next change.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.CNAMESwap.html: "Don't terminate your old environment until
    the DNS changes propagate and your old DNS records expire."
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Unreadable
from deploy.targets.aws.batching import together
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.beanstalk.environment import Environment, Happened
from deploy.targets.beanstalk.looking import View, missing, seen
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings

TTL = timedelta(seconds=60)  # [C] of the records of elasticbeanstalk.com. A name of your own has another
SKEW = timedelta(seconds=30)  # our clock against that of the events: a guess, and generous
SETTLES = timedelta(minutes=2)  # until all events of a change are to be read. A guess, and generous
ASKED = timedelta(
    seconds=15
)  # events, at most so often: a rollback looks every 5 s, and Beanstalk throttles hard
# [C] The whole event names both: "Completed swapping CNAMEs for environments 'shop-blue' and 'shop-green'."
_SWAPPED = "completed swapping cnames for environments"

_State = tuple[str, tuple[datetime, ...]]  # who has the name, and when each was changed


@dataclass(frozen=True, slots=True)
class _Told:
    """What the events said of a state of the pair; since when they are asked about it, and when they were last."""

    state: _State
    first: datetime
    asked: datetime
    at: datetime | None


@dataclass
class Pair:
    """Two environments, as one target sees them."""

    reader: Reader
    settings: Settings
    now: Callable[[], datetime]
    _events: _Told | None = None
    _last: tuple[str, datetime] | None = None  # who had the name at the last look, and when that was
    _came: tuple[datetime, datetime] | None = None  # between which looks it came to whoever has it

    async def look(self) -> View | Unreadable:
        """What people meet, with what stands beside it."""
        try:
            return await self._look()
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def environments(self) -> tuple[Environment, Environment | None] | Unreadable:
        """The one that has the name and the other one, read just now, by one call. May raise `AwsRefused`."""
        settings = self.settings
        found = await together(
            *(self.reader.environment(settings.application, each) for each in settings.names)
        )
        there = [each for each in found if each is not None]
        if not there:
            return Unreadable(missing(settings, " and no environment ".join(settings.names)))
        holder = next((each for each in there if each.cname == settings.cname), None)
        if holder is None:
            return Unreadable(nameless(settings, there))
        return holder, next((each for each in there if each is not holder), None)

    async def _look(self) -> View | Unreadable:
        both = await self.environments()
        if isinstance(both, Unreadable):
            return both
        holder, other = both
        named = await self._named(holder, other)
        changed = max(filter(None, (holder.updated, named)))
        reads = [seen(self.reader, holder, self.settings.moved, changed)]
        if other is not None:
            reads.append(seen(self.reader, other, self.settings.moved, other.updated))
        views: list[View] = []
        for found in await together(*reads):
            if isinstance(found, Unreadable):
                return found
            views.append(called(found, self.settings))
        return self._met(views[0], views[1] if other is not None else None, named)

    def _met(self, view: View, beside: View | None, named: datetime | None) -> View:
        """What people meet, of what runs where the name leads to and of what runs beside it."""
        before = beside.of(beside.serving) if beside is not None else None
        now, ahead = replace(view, named=named, beside=beside), view.ahead
        lingers = named is not None and self.now() < named + TTL
        if beside is None or before is None or ahead is None or not lingers or before.is_same_as(ahead):
            return now
        # Whose instances they are says the label; of one label both have the same version.
        return replace(
            now,
            releases={**beside.releases, **view.releases},
            serving=beside.serving,
            coming=view.coming or view.serving,
            shares={},
            lingers=True,
        )

    async def _named(self, holder: Environment, other: Environment | None) -> datetime | None:
        """Since when *holder* has the name: by the events, and by what was seen until they tell."""
        now, last = self.now(), self._last
        if last is not None and last[0] != holder.name:
            self._came = last[1], now
        self._last = holder.name, now
        at, came = await self._told(holder, other), self._came
        is_told = at is not None and (came is None or at >= came[0] - SKEW)
        return at if is_told or came is None else came[1]

    async def _told(self, holder: Environment, other: Environment | None) -> datetime | None:
        both = [each for each in (holder, other) if each is not None]
        state = holder.name, tuple(each.updated for each in both)
        now, known = self.now(), self._events
        first = known.first if known is not None and known.state == state else now
        if known is not None and known.state == state and now < known.asked + ASKED:
            return known.at
        if known is not None and now >= first + SETTLES:
            return known.at
        events = await together(*(self.reader.events(each, "INFO") for each in both))
        at = max(filter(None, map(swapped_at, events)), default=None)
        self._events = _Told(state, first, now, at)
        return at


def swapped_at(events: Sequence[Happened]) -> datetime | None:
    """When the last swap among *events* was done."""
    return max((each.at for each in events if each.message.lower().startswith(_SWAPPED)), default=None)


def nameless(settings: Settings, there: Sequence[Environment]) -> str:
    """That none of those *there* has the name."""
    have = ", ".join(f"{each.name} has {plain(each.cname) or 'none'}" for each in there)
    return (
        f"none of the environments has the name {settings.cname}: {have}; it was given to a third one, one of them was terminated"
        " with it, the configuration names another, or the role to read may see only one of them"
    )


def called(view: View, settings: Settings) -> View:
    """*view*, whose releases know where they run: queries ask by these names."""
    name = view.environment.name
    names = {"environment": name}
    if name in settings.balancers:
        names["load_balancer"] = settings.balancers[name]
    releases = {
        label: replace(release, names={**release.names, **names}) for label, release in view.releases.items()
    }
    return replace(view, releases=releases)
