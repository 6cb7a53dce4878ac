"""What it takes to put one service back, read past all other mistakes: for a person whose service is down, and whose daemon is.

A misspelt rule, another service's target or a file that somebody is writing just now must not stand between them. Only
what decides where the service goes, and as whom, has to be right.
"""

from pathlib import Path

from rules.document import Mistakes, Node
from rules.model import RuleSet
from watcher.config.configuration import Account, Configuration, Configured, Daemon, Key
from watcher.config.errors import InvalidConfiguration
from watcher.config.files import Files, read_files
from watcher.config.kinds import Kinds
from watcher.config.models import KnownGoodModel
from watcher.config.promises import Shelf
from watcher.config.references import refer
from watcher.config.sections import read_accounts
from watcher.config.services import NOBODY, layered, read_targets
from watcher.core.service import KnownGood, Policy, Service


def read_to_go_back(path: Path, kinds: Kinds, key: Key) -> Configuration | None:
    """The service *key* of `rollbackd.yaml` at *path*, its account and its targets, and nothing else. Offline.

    Its rules are none, its mode is shadow, its store is one that remembers nothing: it is no configuration for a daemon.

    Returns:
        ``None`` where no readable file speaks of such a service.

    Raises:
        InvalidConfiguration: With what is wrong in that alone.
    """
    wrong, about_account = Mistakes(), Mistakes()
    files = read_files(path, Mistakes())
    entry = files.services.get(key)
    if entry is None:
        return None

    node = layered(files.root, key[1], entry.node)
    accounts = _account(files, node, about_account)
    shelf = Shelf(path.parent, kinds, {}, accounts)
    targets = read_targets(node.get("runs_on"), next(iter(accounts), None), shelf, wrong)
    if any(kinds.targets[each.kind].on_aws for each in targets.values()):
        wrong.extend(about_account.problems)
    known_good = _known_good(node.get("known_good"), wrong)
    if not targets and not wrong.problems:
        wrong.add(node, "it does not say what the service runs on", "add `runs_on: [{command: …}]`")
    if wrong.problems:
        raise InvalidConfiguration(wrong.problems)
    service = Service(*key, Policy(RuleSet((), ()), known_good=known_good), tuple(targets), NOBODY)
    return Configuration(
        file=str(path),
        daemon=Daemon(Configured("memory", kinds.stores["memory"].model_validate({}), files.root)),
        accounts=accounts,
        connections={},
        teams={},
        sources={},
        services={key: service},
        targets={key: targets},
        effective={},
        digest="",
    )


def _account(files: Files, node: Node, wrong: Mistakes) -> dict[str, Account]:
    """The one that the service is in, if it names one."""
    section = files.root.get("accounts")
    known = [name for name, _ in section.entries()] if section else []
    name = refer(node.get("account"), "account", known, wrong)
    if name is None or section is None:
        return {}
    alone = Node(section.at, {each: entry for each, entry in section.entries() if each == name})
    return read_accounts(alone, wrong)


def _known_good(node: Node | None, wrong: Mistakes) -> KnownGood:
    written = wrong.read(node, KnownGoodModel) if node else None
    return KnownGood(written.served_after, written.may_cross) if written else KnownGood()
