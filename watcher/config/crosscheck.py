"""What is right in itself, and wrong together."""

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from rules.document import Mistakes, Node, nearest, quoted
from watcher.config.configuration import Account, Configured, Daemon, Key
from watcher.config.kinds import Kinds
from watcher.config.models import is_loopback
from watcher.config.references import read_reference, refer
from watcher.config.services import Built


def check_daemon(section: Node, daemon: Daemon, services: Collection[Key], mistakes: Mistakes) -> None:
    """Whoever can be reached must know who calls; each token is one name, one secret, and services that there are."""
    http = section.get("http")
    where = (http and http.get("listen")) or section
    if not daemon.tokens and not is_loopback(daemon.listen.host):
        mistakes.add(
            where,
            f"listens on {daemon.listen.host}, beyond this machine, and no token says who may call",
            "add `tokens:` (`rollbackd token` prints a line), or listen on 127.0.0.1",
        )
    written = section.get("tokens")
    tokens = written.items() if written else ()
    for key in ("name", "sha256"):
        _refuse_twice([node for token in tokens if (node := token.get(key))], key, mistakes)
    for token in tokens:
        _check_services(token.get("services"), services, mistakes)


def check_levers(section: Node, accounts: Collection[str], mistakes: Mistakes) -> None:
    """A parameter that disarms is in an account that there is."""
    written = section.get("disarmed_by")
    for lever in written.items() if written else ():
        refer(_at(lever, ("ssm", "account")), "account", accounts, mistakes)


def check_sources(
    sources: Mapping[str, Configured], accounts: Mapping[str, Account], kinds: Kinds, mistakes: Mistakes
) -> None:
    """What is asked in a loop is where its account is."""
    for source in sources.values():
        account = accounts.get(source.account or "")
        wrong = kinds.sources[source.kind].misplaced(source.settings, account.aws) if account else None
        if wrong is not None:
            mistakes.add(source.node, *wrong)


def check_connections(
    connections: Mapping[str, Configured], accounts: Collection[str], kinds: Kinds, mistakes: Mistakes
) -> None:
    """A connection that asks as an account names one that there is."""
    for connection in connections.values():
        keys = kinds.account_at(connection.kind)
        if keys:
            refer(_at(connection.node, keys), "account", accounts, mistakes)


def check_told(teams: Node | None, connections: Mapping[str, str], kinds: Kinds, mistakes: Mistakes) -> None:
    """What stands after a connection's name under ``tell`` is what its kind needs there. *connections*: kinds, by name."""
    for _, entry in teams.entries() if teams else ():
        told = entry.node.get("tell")
        for item in told.items() if told else ():
            referred = read_reference(item)
            fits = kinds.narrowed.get(connections.get(referred.name, "")) if referred else None
            if referred is None or fits is None:
                continue
            narrowing = referred.narrowing.content if referred.narrowing else ""
            misfit = fits(narrowing) if isinstance(narrowing, str) else None
            if misfit is not None:
                mistakes.add(referred.narrowing or referred.at, *misfit)


def check_acting(
    connections: Mapping[str, Configured], accounts: Mapping[str, Account], kinds: Kinds, mistakes: Mistakes
) -> None:
    """What is written with an account's role to act needs one, in shadow too."""
    for connection in connections.values():
        at = _at(connection.node, kinds.account_at(connection.kind))
        account = accounts.get(str(at.content)) if at is not None else None
        if at is not None and account is not None and connection.kind in kinds.acting and not account.act:
            words = f"{connection.kind} writes with the role to act, and the account {quoted(account.name)} has none"
            mistakes.add(at, words, f"add `act:` to `accounts.{account.name}`")


def _at(node: Node | None, keys: Iterable[str]) -> Node | None:
    for key in keys:
        node = node and node.get(key)
    return node


def check_addresses(
    services: Mapping[Key, Built], accounts: Mapping[str, Account], kinds: Kinds, mistakes: Mistakes
) -> None:
    """What runs at one address of a platform is one part of one service: two would undo each other's deployments."""
    taken: dict[str, str] = {}
    for key, built in services.items():
        for part, target in built.targets.items():
            account = accounts.get(target.account or "")
            wrong = kinds.targets[target.kind].misplaced(target.settings, account.aws) if account else None
            if wrong is not None:
                mistakes.add(target.node, *wrong)
            addresses = kinds.targets[target.kind].addresses(
                target.settings, account.aws if account else None
            )
            for address in addresses:
                whose = f"{'/'.join(key)} ({part})"
                first = taken.setdefault(address, whose)
                if first != whose:
                    mistakes.add(
                        target.node, f"{first} runs there already", "one service of the platform is one part"
                    )


def check_heard(
    services: Mapping[Key, Built], sources: Mapping[str, Configured], kinds: Kinds, mistakes: Mistakes
) -> None:
    """What is announced at one address of a source is one part of one service: nobody could tell which."""
    taken: dict[tuple[str, str], str] = {}
    for key, built in services.items():
        for heard in built.heard:
            for address, part in kinds.sources[sources[heard.source].kind].heard_at(heard.narrowing):
                whose = "/".join((*key, part) if part else key)
                first = taken.setdefault((heard.source, address), whose)
                if first != whose:
                    mistakes.add(
                        heard.node,
                        f"{first} is heard from there already",
                        "narrow both to what is theirs alone",
                    )


def _refuse_twice(nodes: list[Node], what: str, mistakes: Mistakes) -> None:
    lines: dict[object, int] = {}
    for node in nodes:
        first = lines.setdefault(node.content, node.at.line)
        if first != node.at.line:
            mistakes.add(node, f"the {what} of the token in line {first}", "each token has its own")


def _check_services(section: Node | None, services: Collection[Key], mistakes: Mistakes) -> None:
    names = {name for name, _ in services} | {f"{name}/{environment}" for name, environment in services}
    for item in section.items() if section else ():
        pattern = str(item.content)
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names):
            near = nearest(pattern, names)
            remedy = (
                f'did you mean "{near}"?' if near else 'write "*" for all, a service, or service/environment'
            )
            mistakes.add(item, f"no service is called {quoted(pattern)}", remedy)
