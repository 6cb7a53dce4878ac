"""A swap of names as a way back, for the target."""

from collections.abc import Callable, Sequence
from datetime import datetime

from deploy.model import About, Beginning, Finding, Foretold, Level, Move, Progress, Refused, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.beanstalk.examining import lifecycle, unread
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.moving import Asked, Order
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.swap.foretelling import foretell, unseen
from deploy.targets.beanstalk.swap.pairing import Pair
from deploy.targets.beanstalk.swap.progressing import progress
from deploy.targets.beanstalk.swap.standing import other_of
from deploy.targets.beanstalk.swap.swapping import by_hand, decide, swap


class Swap:
    """Two environments, one of which has the name. See `deploy.targets.beanstalk.way.Way`."""

    def __init__(
        self, reader: Reader, settings: Settings, account: AwsAccount, now: Callable[[], datetime]
    ) -> None:
        self._reader = reader
        self._settings = settings
        self._account = account
        self._pair = Pair(reader, settings, now)

    async def look(self) -> View | Unreadable:
        """What people meet by the name."""
        return await self._pair.look()

    async def decide(self, view: View, move: Move, asked: Asked) -> Order | Beginning:
        """See `swapping`."""
        return await decide(self._reader, view, self._settings, move, asked)

    async def changed(self, order: Order) -> str:
        """Another hand has the name swapped since: ours would swap it back."""
        found = await self._pair.environments()
        if isinstance(found, Unreadable):
            return found.words
        holder, _ = found
        if holder.name == order.parameters["SourceEnvironmentName"]:
            return ""
        return f"{self._settings.cname} leads to {holder.name} now: another hand has swapped it in this very moment"

    async def progress(self, view: View, move: Move, asked: Asked) -> Progress | Unreadable:
        """See `progressing`."""
        line = by_hand(swap(view, self._settings, move.to), self._account)
        return progress(view, self._settings, move, asked, line)

    async def foretell(self, view: View, move: Move, at: datetime) -> Foretold:
        """See `foretelling`."""
        decided = await self.decide(view, move, Asked(at))
        refused = decided.words if isinstance(decided, Refused) and decided.third_tag is None else ""
        return foretell(
            view, self._settings, move, self._account, refused, hidden=await self._is_hidden(view, at)
        )

    async def _is_hidden(self, view: View, at: datetime) -> bool:
        """The other one is not to be seen, and nobody says that it was terminated."""
        if view.beside is not None:
            return False
        other = other_of(view, self._settings)
        return not await self._reader.was_terminated(self._settings.application, other, at)

    def unseen(self, _move: Move, words: str) -> Foretold:
        """That it cannot be read."""
        return unseen(words)

    async def examine(self, view: View) -> Sequence[Finding]:
        """Whether there is something to go back to at all."""
        environment = view.environment
        found = list(lifecycle(await self._reader.lifecycle(environment.application)))
        if environment.label:
            _, bundle = await self._reader.version_now(environment.application, environment.label)
            found += unread(bundle)
        beside = view.beside
        if beside is None:
            found.append(
                Finding(
                    Level.WARN,
                    f"only {environment.name} is there, of the two that swap {self._settings.cname}: nothing could be swapped back",
                    "keep the environment that served before until the new release has proved itself; where it is there, let the role to read see it",
                    about=About.WAY_BACK,
                )
            )
            return found
        runs = beside.of(beside.serving)
        words = f"{environment.name} has {self._settings.cname}, and {beside.environment.name} runs {runs.tag if runs else 'nothing'}"
        return [
            *found,
            Finding(
                Level.OK,
                f"{words}: {beside.environment.status}, {beside.environment.color or 'no health'}",
                about=About.WAY_BACK,
            ),
        ]
