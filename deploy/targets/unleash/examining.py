"""Whether a rollback would be let through: what the token may do, and whether changes are to be requested. Reads only.

Unleash tells by `GET /api/admin/user` what a token may do, in each project and environment.
"""

import asyncio
from collections.abc import Sequence

from deploy.model import About, Finding, Level, Unreadable
from deploy.targets.unleash.client import SKIP, Client
from deploy.targets.unleash.flag import Flag
from deploy.targets.unleash.settings import Settings
from deploy.targets.unleash.state import release_of

_SEE_TO_IT = "see to it before it is needed"


async def in_the_way(client: Client, settings: Settings) -> tuple[str, ...]:
    """What forbids a change of the flag, one sentence each."""
    lacks, asks = await asyncio.gather(client.lacks(), client.asks_for_approval())
    if isinstance(lacks, Unreadable):
        return (f"what the token may do is not known: {lacks.words}",)
    missing = [each for each in lacks if each != SKIP]
    where = f"{settings.project} and {settings.environment}"
    refused = (
        (f"the token has not {' and '.join(missing)} in {where}: a rollback is refused",) if missing else ()
    )
    return (*refused, *(_approval(asks, settings) if SKIP in lacks else ()))


def _approval(asks: object, settings: Settings) -> tuple[str, ...]:
    if isinstance(asks, Unreadable):
        return (f"whether changes are to be requested is not known: {asks.words}",)
    words = f"{settings.environment} has change requests: a rollback is refused, unless the token's role has {SKIP}"
    return (words,) if asks else ()


async def examine(client: Client, settings: Settings, flag: Flag | Unreadable) -> Sequence[Finding]:
    """What is to be said of the flag before it is needed."""
    if isinstance(flag, Unreadable):
        return [
            Finding(
                Level.FAIL,
                flag.words,
                "see that the address is right, and that the token may read the flag",
                about=About.LIVE,
            )
        ]
    if flag.archived:
        return [
            Finding(
                Level.FAIL,
                f"{settings.called} was archived",
                "revive it, or remove it from here",
                about=About.LIVE,
            )
        ]
    stands = list(await in_the_way(client, settings))
    events = await client.events()
    if isinstance(events, Unreadable):
        stands.append(f"since when it is set so cannot be read: {events.words}")
    found = [Finding(Level.WARN, words, _SEE_TO_IT, about=About.LIVE) for words in stands]
    return found or [
        Finding(Level.OK, f"{settings.called} is {release_of(flag, settings.flag).tag}", about=About.LIVE)
    ]
