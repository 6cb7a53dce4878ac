"""What may move beside a service: who tells of it, what it calls its own, and where it runs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from deploy.ports import AwsAccount
from rules.document import Mistakes, Node
from rules.model import RuleSet
from watcher.config.configuration import Account, Configured
from watcher.config.kinds import Kinds
from watcher.config.models import ChangesModel
from watcher.config.references import refer
from watcher.core.service import Around


@dataclass(frozen=True, slots=True)
class Runs:
    """Where a service runs.

    Attributes:
        account: The name of the account that it names for all of it.
        targets: Of its parts.
        accounts: Those that are configured, by name.
    """

    account: str | None
    targets: tuple[Configured, ...]
    kinds: Kinds
    accounts: Mapping[str, Account | None]

    def places(self) -> frozenset[tuple[str | None, str]]:
        """Accounts, as far as they are known, with their regions."""
        names = {self.account, *(target.account for target in self.targets)}
        known = [each for name in names if (each := self._aws(name)) is not None]
        return frozenset((each.id, each.region) for each in known)

    def addresses(self) -> frozenset[str]:
        """What its parts are called on their platforms."""
        return frozenset(
            address
            for target in self.targets
            for address in self.kinds.targets[target.kind].addresses(
                target.settings, self._aws(target.account)
            )
        )

    def _aws(self, name: str | None) -> AwsAccount | None:
        account = self.accounts.get(name) if name else None
        return account.aws if account else None


def read_around(
    section: Node | None,
    written: ChangesModel,
    runs: Runs,
    sources: Collection[str],
    mistakes: Mistakes,
) -> Around:
    """What ``changes:`` of a service says.

    Args:
        section: As it is written.
        written: The same, read.
        runs: Where the service runs.
        sources: Names of those that are configured.
        mistakes: Gets what is wrong.
    """
    told_by = section.get("told_by") if section is not None else None
    for item in told_by.items() if told_by else ():
        refer(item, "source", sources, mistakes)
    return Around(
        told_by=tuple(dict.fromkeys(written.told_by)),
        own=tuple(written.own),
        places=runs.places(),
        addresses=runs.addresses(),
    )


def check_told(
    around: Around, rules: RuleSet, promises: Mapping[str, Node], kinds: Kinds, mistakes: Mistakes
) -> None:
    """A rule of what moves sees nothing where nobody tells of it."""
    if around.told_by:
        return
    needy = {
        each.id
        for each in rules.indicators
        if each.provider in kinds.providers and kinds.providers[each.provider].needs_telling
    }
    for rule in rules.rules:
        if rule.indicator in needy:
            mistakes.add(
                promises[rule.id],
                "nobody tells of changes beside this service, so this rule would never see one",
                "write `changes: {told_by: [SOURCE]}` for the service, or in `defaults`",
            )
