"""The way back of each part, as a rollback would choose it now from what the platform remembers. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from deploy.model import About, Finding, Level, Move, Release, Unreadable
from deploy.tags import Ledger, way_back
from deploy.target import Target
from watcher.commands._direct.remembering import Known, known_of
from watcher.core.service import Service


@dataclass(frozen=True, slots=True)
class Way:
    """Of one part.

    Attributes:
        live: The tag of what is coming or serves; empty: not known.
        to: The tag of the known-good; empty: there is none, or it is not known.
        takes: How long, where that is known.
        findings: How it stands.
    """

    part: str
    findings: tuple[Finding, ...]
    live: str = ""
    to: str = ""
    takes: str = ""


async def way_of(
    service: Service, part: str, target: Target, now: datetime, ledger: Ledger | None = None
) -> Way:
    """The way back of *part*: by *ledger*, the daemon's, or by what its platform remembers."""
    known = await known_of(service, {part: target}, now, ledger)
    if isinstance(known, Unreadable):
        level = Level.WARN if known.awaited else Level.FAIL
        return Way(
            part,
            (
                Finding(
                    level, f"what runs cannot be read: {known.words}", "may it be read?", about=About.LIVE
                ),
            ),
        )
    live = known[part].ahead
    if live is None:
        return Way(
            part, (Finding(Level.FAIL, f"{part}: nothing runs", "deploy something to it", about=About.LIVE),)
        )
    return await _way(service, part, target, known[part], live, now)


async def _way(
    service: Service, part: str, target: Target, known: Known, live: Release, now: datetime
) -> Way:
    match known.ledger:
        case Unreadable(words):
            unread = Finding(
                Level.FAIL,
                f"what served before cannot be read: {words}",
                "may it be read?",
                about=About.WAY_BACK,
            )
            return Way(part, (unread,), live.tag)
        case None:
            return Way(part, (FORGETS,), live.tag)
        case Ledger():
            return await _remembered(service, target, known.ledger, live, now)


async def _remembered(service: Service, target: Target, ledger: Ledger, live: Release, now: datetime) -> Way:
    back = way_back(ledger, live.fingerprint, service.policy.known_good.served_after, now)
    if back is None:
        alone = all(entry.release.is_same_as(live) for entry in ledger.entries)
        return Way(target.part, (FIRST if alone else NO_GOOD,), live.tag)
    foretold = await target.foretell(Move(target.part, live, back.release))
    stands = [
        Finding(
            Level.FAIL,
            f"back to {back.release.tag}: {words}",
            "see to it before it is needed",
            about=About.WAY_BACK,
        )
        for words in foretold.obstacles
    ]
    well = Finding(Level.OK, f"back to {back.release.tag} ({back.grade})", about=About.WAY_BACK)
    return Way(target.part, tuple(stands) or (well,), live.tag, back.release.tag, foretold.takes)


FORGETS = Finding(
    Level.WARN,
    "its platform remembers no releases: only the daemon's store knows the way back",
    "`rollbackd plan` says it; without the daemon, --to has to be given",
    about=About.WAY_BACK,
)
FIRST = Finding(
    Level.WARN,
    "the platform remembers no other release: the way back opens with the next deployment",
    "nothing: deploy as ever",
    about=About.WAY_BACK,
)
NO_GOOD = Finding(
    Level.FAIL,
    "of what served before nothing is known to be good",
    "`rollbackd tags` says why of each; a person's word: `rollbackd allow`",
    about=About.WAY_BACK,
)
