"""Looking at a profile in its environment: what serves, what comes, what was taken back, and what of it was our doing."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.errors import AwsRefused
from deploy.model import Live, Release, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.appconfig.deployment import COMPLETE, Deployment
from deploy.targets.appconfig.reading import Reader
from deploy.targets.appconfig.settings import Settings, deployment_arn
from deploy.targets.appconfig.trace import Trace, trace_of
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.wording import refusal

# Our trace on a deployment that is complete, if it has one: what takes it back writes it just before that changes.
Tagged = Kept[str, tuple[Trace, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """The deployments of a profile to its environment, whatever they bring; each as in `View`."""

    past: tuple[Deployment, ...] = ()
    last: Deployment | None = None
    head: Deployment | None = None
    below: Deployment | None = None
    numbers: int = 0
    busy: Deployment | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment, and the release that it brings."""

    deployment: Deployment
    release: Release


@dataclass(frozen=True, slots=True)
class View:
    """A profile in its environment as it was seen.

    Attributes:
        last: The newest deployment of the profile, also one that was taken back.
        head: The newest that was not taken back: it comes, serves, or is being taken back.
        below: What served before `head`, and serves once that is taken back.
        numbers: The number of the environment's newest deployment, of whichever profile.
        busy: A deployment that is under way in the environment, of whichever profile: AppConfig starts no other.
        trace: Our last move, if `last` shows that it was made.
    """

    past: tuple[Deployment, ...] = ()
    last: Deployed | None = None
    head: Deployed | None = None
    below: Deployed | None = None
    numbers: int = 0
    busy: Deployment | None = None
    trace: Trace | None = None

    @property
    def coming(self) -> Release | None:
        """What is being moved to."""
        if self.head is None or self.head.deployment.serves:
            return None
        if self.head.deployment.goes_back:
            return self.below.release if self.below else None
        return self.head.release

    @property
    def serving(self) -> Release | None:
        """What all targets have; while something is on its way, what they had before."""
        if self.head is not None and self.head.deployment.serves:
            return self.head.release
        return self.below.release if self.below else None

    @property
    def ahead(self) -> Release | None:
        """What is coming, else what serves."""
        return self.coming or self.serving

    @property
    def shares(self) -> dict[str, float]:
        """By fingerprint."""
        if self.head is None:
            return {}
        share = 1.0 if self.head.deployment.serves else self.head.deployment.share
        found = {self.head.release.fingerprint: share}
        if self.below is not None and share < 1:
            of = self.below.release.fingerprint
            found[of] = found.get(of, 0.0) + 1 - share
        return found


async def look(
    reader: Reader, settings: Settings, account: AwsAccount, tagged: Tagged, *, deep: bool = False
) -> View | Unreadable:
    """The profile, read just now. *deep*: also what served before what serves, wherever it stands."""
    try:
        return await _look(reader, settings, account, tagged, deep=deep)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))


def live_of(view: View) -> Live:
    """What *view* shows."""
    ours = view.trace
    since = view.head.deployment.started if view.head and view.head is view.last else None
    return Live(
        release=view.serving,
        in_flight=view.coming,
        shares=view.shares,
        key=ours.key if ours else None,
        since=ours.at if ours else since,
    )


async def find(
    reader: Reader, settings: Settings, account: AwsAccount, tagged: Tagged, *, deep: bool
) -> Found | Unreadable:
    """The deployments, read just now. May raise `AwsRefused`."""
    page = await reader.deployments(settings, lambda found: _is_enough(_of(settings, found), deep=deep))
    everything = page.deployments
    past = _of(settings, everything)
    if not past and page.more is not None:
        return Unreadable(
            f"the newest {len(everything)} deployments of the environment are of other profiles, and none before them is looked at:"
            f" deploy the version of {settings.profile} that serves once more"
        )
    if not past:
        return Found(numbers=_newest(everything), busy=_busy(everything))
    standing = [each for each in past if not each.is_undone]
    return Found(
        past=tuple(past),
        last=past[0],
        head=standing[0] if standing else None,
        below=next((each for each in standing[1:] if each.state == COMPLETE), None),
        numbers=_newest(everything),
        busy=_busy(everything),
        trace=await _trace(reader, settings, account, past[0], tagged),
    )


async def _look(
    reader: Reader, settings: Settings, account: AwsAccount, tagged: Tagged, *, deep: bool
) -> View | Unreadable:
    found = await find(reader, settings, account, tagged, deep=deep)
    if isinstance(found, Unreadable):
        return found

    async def deployed(each: Deployment | None) -> Deployed | None:
        if each is None:
            return None
        return Deployed(each, await reader.release(settings, each))

    last = await deployed(found.last)
    return View(
        past=found.past,
        last=last,
        head=last if found.head is found.last else await deployed(found.head),
        below=await deployed(found.below),
        numbers=found.numbers,
        busy=found.busy,
        trace=found.trace,
    )


def _of(settings: Settings, found: Sequence[Deployment]) -> list[Deployment]:
    return [each for each in found if each.profile == settings.profile]


def _is_enough(found: Sequence[Deployment], *, deep: bool) -> bool:
    """What serves is among them; and what served before it, where that is of concern."""
    standing = [each for each in found if not each.is_undone]
    if standing and standing[0].serves and not deep:
        return True
    return any(each.state == COMPLETE for each in standing[1:])


def _newest(found: Sequence[Deployment]) -> int:
    return found[0].number if found else 0


def _busy(found: Sequence[Deployment]) -> Deployment | None:
    return next((each for each in found if each.is_under_way), None)


async def _trace(
    reader: Reader, settings: Settings, account: AwsAccount, last: Deployment, tagged: Tagged
) -> Trace | None:
    """What we did to the newest deployment: we started it; or we took it back, and it was."""
    arn = deployment_arn(settings, account, last.number)
    if arn is None:
        return None
    found = tagged.get(arn) if last.state == COMPLETE else None
    if found is None:
        trace = trace_of(await reader.tags(arn))
        found = () if trace is None else (trace,)
        if last.state == COMPLETE:
            tagged.keep(arn, found)
    return next((each for each in found if each.starts or last.is_undone or last.goes_back), None)
