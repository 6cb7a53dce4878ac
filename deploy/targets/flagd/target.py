"""A document of flags in S3 as a target: what flagd reads is put back, and flagd is asked whether it gives it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    Beginning,
    Begun,
    Drifted,
    Failed,
    Finding,
    Foretold,
    Level,
    Live,
    Move,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Unclear,
    Unreadable,
)
from deploy.ports import AwsAccount, World
from deploy.target import Place, with_hints
from deploy.targets.aws.acting import forbidden
from deploy.targets.aws.hinting import goes_by, wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.timing import BEGINS, EXAMINES, READS, ends, within
from deploy.targets.flagd.document import Document
from deploy.targets.flagd.moving import SOON, Put, by_hand, decide, refused
from deploy.targets.flagd.reading import Reader, Seen
from deploy.targets.flagd.serving import differs
from deploy.targets.flagd.settings import Settings
from deploy.targets.leaving import BEGUN_IS_FINISHED, NONE_AWAY

# S3 answers reads with what was written last: an order of which nothing is seen for so long did not arrive. A guess.
LOST_AFTER = timedelta(minutes=2)
LOOKS = timedelta(seconds=4)
KEPT = 64
_TAKES = "some seconds: flagd reads a bucket every 5 s, or as it is configured"
_HINTS = ("tag", "fingerprint", "version")


class FlagdTarget:
    """See `deploy.target.Target` and `deploy.target.Examined`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None or world.send is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._act = world.aws.act
        self._send = world.send
        self._now = world.now
        self._reader = Reader(place.account.name, world.aws.read, settings)
        self._ordered: Kept[str, datetime] = Kept(KEPT)

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        """The release that *hints* (``tag``, ``fingerprint``, ``version``) mean, if it is in the bucket; with none, what is."""
        seen = await within(READS, self._reader.now())
        if isinstance(seen, Unreadable):
            return seen
        release = self._release(seen)
        if not isinstance(release, Release):
            return release or Unreadable(f"{self._settings.at} is not there")
        named = {release.tag, release.names.get("version", release.tag)}
        if any(each in hints for each in _HINTS) and not goes_by(release, hints, named, named):
            return Unreadable(f"it is {release.tag}, and not {wanted(hints)}")
        return with_hints(release, hints)

    async def observe(self) -> Live | Unreadable:
        """What is in the bucket. Where nothing changed, one request."""
        seen = await within(READS, self._reader.now())
        if isinstance(seen, Unreadable) or seen is None:
            return Live(None) if seen is None else seen
        release = self._release(seen)
        return (
            release if isinstance(release, Unreadable) else Live(release, key=seen.key, since=seen.modified)
        )

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is: in the bucket, and then in what flagd gives. Reads only."""
        seen = await within(READS / 2, self._reader.now())
        live = seen if isinstance(seen, Unreadable) else self._release(seen)
        if isinstance(live, Unreadable):
            return live
        if live is None or seen is None or isinstance(seen, Unreadable):
            return Drifted(f"{self._settings.at} is not there any more")
        return await self._served(seen, move) if live.is_same_as(move.to) else self._unserved(live, move, key)

    def _unserved(self, live: Release, move: Move, key: str) -> Progress:
        if not live.is_same_as(move.expect):
            return Drifted(f"it is {live.tag}, not {move.to.tag}: somebody else has put it there", live.tag)
        now = self._now()
        if now >= (self._ordered.get(key) or self._ordered.keep(key, now)) + LOST_AFTER:
            return Failed(f"{move.to.tag} was ordered, and nothing is seen of it: the order was lost")
        return Moving(f"it is {live.tag} still; {move.to.tag} was ordered")

    async def _served(self, seen: Seen, move: Move) -> Progress:
        settings = self._settings
        if settings.serves is None or not isinstance(seen.document, Document):
            return Serving()
        words = await differs(self._send, settings.serves, seen.document, settings.flag)
        return Moving(f"{move.to.tag} is in the bucket; {words}") if words else Serving()

    def _release(self, seen: Seen | None) -> Release | Unreadable | None:
        if seen is None:
            return None
        if isinstance(seen.document, str):
            return Unreadable(f"flagd would not take {self._settings.at}: {seen.document}")
        release = self._reader.release(seen)
        return release or Unreadable(f"{self._settings.at} has no flag {self._settings.flag}")

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Foretold):
            return found
        unseen = f"s3:PutObject {move.to.tag} over {self._settings.at}"
        return Foretold(
            (unseen,), by_hand=by_hand(self._settings, move, None), obstacles=(found.words,), unread=True
        )

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        decided, old = await asyncio.gather(self._decide(move), self._reader.find(move.to))
        if isinstance(decided, Unreadable):
            return decided
        stands = (decided.words,) if isinstance(decided, Refused) and decided.third_tag is None else ()
        return Foretold(
            calls=(decided.told(self._settings, move),) if isinstance(decided, Put) else (),
            takes=_TAKES,
            capacity=NONE_AWAY,
            sessions=BEGUN_IS_FINISHED,
            by_hand=by_hand(self._settings, move, old),
            obstacles=stands,
            gone=stands,
        )

    async def examine(self) -> Sequence[Finding]:
        """Whether there is something to go back to, and whether flagd gives what is in the bucket. Reads only."""
        found = await within(EXAMINES, self._examine())
        return (
            [Finding(Level.FAIL, found.words, "see that it can be read", about=About.LIVE)]
            if isinstance(found, Unreadable)
            else found
        )

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        settings, seen = self._settings, await self._reader.now()
        if isinstance(seen, Unreadable):
            return seen
        release = self._release(seen)
        if seen is None or not isinstance(release, Release) or isinstance(seen.document, str):
            return release if isinstance(release, Unreadable) else Unreadable(f"{settings.at} is not there")
        found = []
        if not await self._reader.is_versioned():
            words = f"{settings.bucket} has no versioning: there is nothing to go back to"
            remedy = f"aws s3api put-bucket-versioning --bucket {settings.bucket} --versioning-configuration Status=Enabled"
            found.append(Finding(Level.FAIL, words, remedy, about=About.LIVE))
        if settings.serves is not None:
            differing = await differs(self._send, settings.serves, seen.document, settings.flag)
            found += (
                [Finding(Level.WARN, differing, "look what flagd says of its source", about=About.LIVE)]
                if differing
                else []
            )
        return found or [Finding(Level.OK, f"{settings.called} is {release.tag}", about=About.LIVE)]

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, and put at most one document, on the condition that none was put since. See `moving`."""
        denied = forbidden(self._account)
        if denied is not None:
            return denied
        until = ends(BEGINS)
        decided = await within(LOOKS, self._decide(move))
        if isinstance(decided, Unreadable):
            return Refused(f"nothing was sent: {decided.words}", again_in=SOON)
        if not isinstance(decided, Put):
            return decided
        self._ordered.keep(key, self._now())
        try:
            async with asyncio.timeout_at(until):
                await self._act(
                    self._account.name, "s3", "put_object", **decided.parameters(self._settings, key)
                )
        except AwsRefused as error:
            return refused(error)
        except TimeoutError:
            return Unclear(f"{self._settings.at} was put, and S3 did not answer in time")
        return Begun(words=decided.told(self._settings, move))

    async def _decide(self, move: Move) -> Put | Beginning | Unreadable:
        seen = await self._reader.now()
        live = None if isinstance(seen, Unreadable) else self._release(seen)
        if isinstance(seen, Unreadable):
            return seen
        return live if isinstance(live, Unreadable) else await decide(self._reader, seen, live, move)
