"""Looking at one flag in its environment: what the versions that serve and come say of it, and what of that was our doing.

A deployment brings a version of all flags of the profile. One that leaves this flag as it is brings nothing here, whoever made it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.errors import AwsRefused
from deploy.model import Live, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.appconfig.content import FLAGS
from deploy.targets.appconfig.deployment import Deployment
from deploy.targets.appconfig.flag.document import Document, read, split_of
from deploy.targets.appconfig.looking import Found, Tagged, find
from deploy.targets.appconfig.reading import Profile, Reader
from deploy.targets.appconfig.settings import Settings
from deploy.targets.appconfig.trace import Trace
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.split import NOBODY, Split
from deploy.targets.aws.wording import plain, refusal

KEPT = 512  # versions: who gets what of the flag in each


@dataclass
class FlagReader:
    """Reads one flag of the versions of a profile. Every function may raise `AwsRefused`; none changes anything.

    Args:
        of: What reads the account.
    """

    of: Reader
    settings: Settings
    # By the number of the deployment: that of a version may be given again, once the newest was deleted.
    _splits: Kept[int, Split | str] = field(default_factory=lambda: Kept(KEPT))
    _newest: Kept[int, Document] = field(default_factory=lambda: Kept(1))  # it may have 2 MiB

    async def version(self, version: str) -> Document | str:
        """What stands in *version* now; or why there is none."""
        content = await self.of.content(self.settings, version)
        if content is None:
            return f"version {plain(version, 40)} was deleted"
        return read(content, self.settings.flag or "")

    async def document(self, deployment: Deployment) -> Document | str:
        """The version that was deployed; or why there is none. What was read last is kept: it is what a change begins with."""
        kept = self._newest.get(deployment.number)
        if kept is not None:
            return kept
        found = await self.version(deployment.version)
        return found if isinstance(found, str) else self._newest.keep(deployment.number, found)

    async def split(self, deployment: Deployment) -> Split | str:
        """Who gets what of the flag where its version serves; or why that cannot be told. Of a deployment it is read once."""
        kept = self._splits.get(deployment.number)
        if kept is not None:
            return kept
        document = await self.document(deployment)
        return self._splits.keep(
            deployment.number, document if isinstance(document, str) else split_of(document, self.settings)
        )


def unfit(settings: Settings, profile: Profile) -> str:
    """Why no flag of *profile* can be written; empty: it is one of feature flags, which AppConfig hosts."""
    if profile.kind != FLAGS:
        return f"the profile {settings.profile} is one of {plain(profile.kind, 60) or 'free form'}, and has no flags: `flag` needs one of {FLAGS}"
    if not profile.is_hosted:
        return (
            f"the configuration of {settings.profile} lies at {plain(profile.location, 120)}: one flag of it is put back by writing a version,"
            " which only what AppConfig itself hosts has; leave `flag` out, so that the whole version goes back"
        )
    return ""


@dataclass(frozen=True, slots=True)
class FlagView:
    """One flag in its environment as it was seen.

    Attributes:
        found: The deployments of the profile.
        head: What the newest deployment that stands brings.
        below: What served before that, and serves once it is taken back.
        last: What the newest deployment brought, also one that was taken back.
    """

    found: Found = field(default_factory=Found)
    head: Split = NOBODY
    below: Split = NOBODY
    last: Split = NOBODY

    @property
    def newest(self) -> Deployment | None:
        """The newest deployment that was not taken back."""
        return self.found.head

    @property
    def changes(self) -> bool:
        """The newest deployment gives the flag otherwise than what served before."""
        return not is_alike(self.head, self.below)

    @property
    def trace(self) -> Trace | None:
        """Our last move, if the newest deployment gave, or would have given, the flag otherwise; else it was another flag's."""
        before = self.below if self.newest is self.found.last else self.head
        return None if is_alike(self.last, before) else self.found.trace

    @property
    def serving(self) -> Split:
        """What the version says that all clients have; while another is on its way, the one before."""
        return self.head if self.newest is not None and self.newest.serves else self.below

    @property
    def ahead(self) -> Split:
        """What the version says that is on its way, else what serves."""
        return self.below if self.newest is not None and self.newest.goes_back else self.head

    @property
    def split(self) -> Split:
        """Who gets what now.

        While a version goes to more and more clients, some have the flag as it was. A step of our own is counted once all have it:
        until then it was not made.
        """
        newest = self.newest
        if newest is None or newest.serves:
            return self.head
        trace = self.found.trace
        if trace is not None and trace.forward and newest is self.found.last:
            return self.below
        new = [(release, share * newest.share) for release, share in self.head.parts]
        old = [(release, share * (1 - newest.share)) for release, share in self.below.parts]
        return Split.of([*new, *old] if newest.goes_back else [*old, *new])

    def ours(self, key: str) -> Trace | None:
        """What the move of this *key* did to the newest deployment."""
        trace = self.found.trace
        return trace if trace is not None and trace.key == key else None


async def look(
    reader: FlagReader, account: AwsAccount, tagged: Tagged, *, deep: bool = False
) -> FlagView | Unreadable:
    """The flag, read just now. *deep*: also what served before what serves, wherever it stands."""
    try:
        return await _look(reader, account, tagged, deep=deep)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))


def live_of(view: FlagView) -> Live:
    """What *view* shows. By its key a way back is known for ours; a step forward is none, and what it brought is watched."""
    found, split = view.found, view.split
    is_told = found.head is not None and found.head is found.last and view.changes
    ours = view.trace
    trace = ours if ours is not None and not ours.forward else None
    since = found.head.started if is_told and found.head is not None else None
    return Live(
        release=split.serving,
        in_flight=split.coming,
        shares=split.shares if split.coming else {},
        key=trace.key if trace else None,
        since=trace.at if trace else since,
    )


async def _look(
    reader: FlagReader, account: AwsAccount, tagged: Tagged, *, deep: bool
) -> FlagView | Unreadable:
    wrong = unfit(reader.settings, await reader.of.profile(reader.settings))
    if wrong:
        return Unreadable(wrong)
    found = await find(reader.of, reader.settings, account, tagged, deep=deep)
    if isinstance(found, Unreadable) or found.head is None:
        return found if isinstance(found, Unreadable) else FlagView(found)
    below = await reader.split(found.below) if found.below is not None else NOBODY
    last = await reader.split(found.last) if found.last not in {found.head, None} else None
    head = await reader.split(found.head)
    if isinstance(head, str):
        return Unreadable(f"{reader.settings.flag_called}, version {plain(found.head.version, 40)}: {head}")
    # A version in which the flag was not there yet gives nothing of it.
    of_last = head if last is None else last
    return FlagView(found, head, *(NOBODY if isinstance(each, str) else each for each in (below, of_last)))


def is_alike(one: Split, other: Split) -> bool:
    """They give the same to the same share."""
    return _told(one) == _told(other)


def _told(split: Split) -> Mapping[str, float]:
    return {release.fingerprint: share for release, share in split.parts}
