"""Rule files of one service: found beside the configuration, read with their parameters, their queries read by their providers."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel

import rules
from rules.document import Mistakes, Node, Place, quoted, unknown
from rules.errors import InvalidRules
from rules.model import BeforeAfter, Indicator, PercentileRank, Rule, RuleSet
from rules.rulefile import RuleFile, combined, lint_as_far, read_as_far
from watcher.config.configuration import Configured
from watcher.config.errors import InvalidConfiguration
from watcher.config.files import Unreadable, read_text, refuse_configuration, top_of
from watcher.config.kinds import Kinds
from watcher.config.models import RulesModel
from watcher.config.pushed import Tellers, refuse_hints, told_by
from watcher.config.references import refer
from watcher.signals.provider import connection_in

CATALOG = Path(rules.__file__).parent / "catalog"
ENDING = ".test.yaml"  # of the file beside a rule file that has its tests
EMPTY = RuleSet((), ())
NO_ACCOUNTS = "add `accounts: {NAME: {region: …, read: …}}`, and `account: NAME` to the service"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where rule files come from, and what they may refer to.

    Attributes:
        folder: Relative names start here: the folder of the configuration.
        connections: By name; whose kind a provider needs.
        broken: Names of connections in which there is a mistake, and the kind that is written there: it is told at its own place.
        accounts: Names of the accounts of AWS, which connect by themselves to what is asked there.
        tellers: Who tells of alerts, where they are pushed.
    """

    folder: Path
    kinds: Kinds
    connections: Mapping[str, Configured]
    accounts: Collection[str] = ()
    tellers: Tellers = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    catalog: Path = field(default=CATALOG)


def packs(catalog: Path = CATALOG) -> dict[str, Path]:
    """The rule packs in a folder, by name, in their order. The tests beside a pack are none."""
    return {
        path.stem: path
        for path in sorted(catalog.glob("*.yaml"), key=lambda path: path.stem)
        if not path.name.endswith(ENDING)
    }


def read_promises(
    section: Node | None, account: str | None, shelf: Shelf, mistakes: Mistakes
) -> tuple[RuleSet, dict[str, Node]]:
    """What all rule files of a service promise, and where each rule stands, by id. *account*: of the service."""
    files: list[tuple[Place, RuleFile]] = []
    for item in section.items() if section else ():
        file = _read_entry(item, shelf, mistakes)
        if file is not None:
            files.append((item.at, _connected(file, account, shelf, mistakes)))
    try:
        return combined(files), {name: node for _, file in files for name, node in file.promises.items()}
    except InvalidRules as invalid:
        mistakes.extend(invalid.problems)
        return EMPTY, {}


def check_queries(file: RuleFile, kinds: Kinds, mistakes: Mistakes) -> None:
    """Read each query as its provider does; the values are of no use here, the mistakes are."""
    for indicator in file.rules.indicators:
        query = file.queries.get(indicator.id)
        if query is None:  # a parameter is open
            continue
        kind = kinds.providers[indicator.provider]
        if mistakes.read(query.without("connection"), kind.query) is None:
            continue
        mistake = kind.mistake(indicator)
        if mistake is not None:
            mistakes.add(query, *mistake)
    for rule in file.rules.rules:
        _refuse_without_past(rule, file, kinds, mistakes)
    refuse_hints(file, kinds, mistakes)


def _refuse_without_past(rule: Rule, file: RuleFile, kinds: Kinds, mistakes: Mistakes) -> None:
    """A comparison with the past needs a system that keeps one."""
    if not isinstance(rule.judge, (BeforeAfter, PercentileRank)):
        return
    instead = (
        "compare both arms: canary_vs_baseline" if isinstance(rule.judge, BeforeAfter) else "use a threshold"
    )
    for indicator in file.rules.indicators:
        if indicator.id == rule.indicator and kinds.providers[indicator.provider].looks_itself:
            node = file.promises[rule.id]
            mistakes.add(
                node.get("judge") or node,
                f"{rule.judge.kind} needs a history, and {indicator.provider} remembers minutes",
                f"ask a system that keeps it, such as prometheus or cloudwatch, or {instead}",
            )


def lint_file(path: Path, kinds: Kinds) -> RuleFile:
    """Look at the rule file at *path* alone; what depends on parameters that nobody gave is not looked at.

    Raises:
        InvalidConfiguration: With all problems.
    """
    mistakes = Mistakes()
    try:
        text = read_text(path)
        refuse_configuration(text, path)
        file, problems = lint_as_far(text, str(path), kinds.catalogue)
    except InvalidRules as invalid:
        raise InvalidConfiguration(invalid.problems) from None
    except Unreadable as unreadable:
        remedy = unreadable.remedy(path, "name a rule file")
        raise InvalidConfiguration([top_of(path).problem(f"the file {unreadable}", remedy)]) from None
    mistakes.extend(problems)
    check_queries(file, kinds, mistakes)
    if mistakes.problems:
        raise InvalidConfiguration(mistakes.problems)
    return file


def _read_entry(item: Node, shelf: Shelf, mistakes: Mistakes) -> RuleFile | None:
    written = mistakes.read(item, RulesModel)
    if written is None:
        return None
    where = item.get("file") or item.get("pack") or item
    path = shelf.folder / written.file if written.file else shelf.catalog / f"{written.pack}.yaml"
    try:
        text = read_text(path)
    except Unreadable as unreadable:
        _tell_missing(where, path, unreadable, shelf, mistakes)
        return None
    given = item.get("with") or Node(item.at, {})
    try:
        file, problems = read_as_far(text, str(path), shelf.kinds.catalogue, given)
    except InvalidRules as invalid:
        mistakes.extend(invalid.problems)
        return None
    if problems:  # the queries may have mistakes of their own, and all are told at once
        mistakes.extend(problems)
        check_queries(file, shelf.kinds, mistakes)
        return None
    return file


def _tell_missing(where: Node, path: Path, why: Unreadable, shelf: Shelf, mistakes: Mistakes) -> None:
    if path.parent == shelf.catalog:
        mistakes.add(where, *unknown("pack", path.stem, packs(shelf.catalog)))
        return
    remedy = why.remedy(path, f"it is looked for at {path}", whole=False)
    mistakes.add(where, f"the rule file {why}", remedy)


def _connected(file: RuleFile, account: str | None, shelf: Shelf, mistakes: Mistakes) -> RuleFile:
    """*file* with each indicator bound to its connection."""
    check_queries(file, shelf.kinds, mistakes)
    indicators = tuple(
        _bound(indicator, file.queries[indicator.id], account, shelf, mistakes)
        for indicator in file.rules.indicators
    )
    return replace(file, rules=RuleSet(indicators, file.rules.rules))


def _bound(
    indicator: Indicator, query: Node, account: str | None, shelf: Shelf, mistakes: Mistakes
) -> Indicator:
    kind = shelf.kinds.providers[indicator.provider]
    if kind.pushed is not None:
        indicator = told_by(kind.pushed, indicator, query, shelf.tellers, mistakes)
    if not (kind.on_aws or kind.needs_account(indicator)):
        return replace(indicator, connection=_fitting(indicator, query, shelf, mistakes))
    found = _account(indicator, query, account, shelf, mistakes)
    placed = kind.placed(indicator, found)
    if not kind.on_aws:
        return replace(placed, connection=_fitting(indicator, query, shelf, mistakes))
    return replace(placed, connection=connection_in(indicator.provider, found) if found else None)


def _account(
    indicator: Indicator, query: Node, account: str | None, shelf: Shelf, mistakes: Mistakes
) -> str | None:
    """The account that a query on AWS is asked in: its own, or that of its service."""
    connection = query.get("connection")
    if connection is not None:
        mistakes.add(connection, f"{indicator.provider} is connected to by an account", "write account: NAME")
    written = query.get("account")
    if written is not None:
        return refer(written, "account", shelf.accounts, mistakes)
    if account is None:
        remedy = "add `account:` to the service, or to the query" if shelf.accounts else NO_ACCOUNTS
        mistakes.add(query, f"{indicator.provider} needs an account of AWS", remedy)
    return account


def _fitting(indicator: Indicator, query: Node, shelf: Shelf, mistakes: Mistakes) -> str | None:
    """Its connection, which has to have what the query asks of it."""
    name = _connection(indicator, query, shelf, mistakes)
    connection = shelf.connections.get(name) if name is not None else None
    kind = shelf.kinds.providers[indicator.provider]
    if connection is None or not isinstance(query.read_as(kind.query), BaseModel):
        return name
    misfit = kind.misfit(indicator, connection.settings)
    if misfit is not None:
        mistakes.add(query, *misfit)
    return name


def _connection(indicator: Indicator, query: Node, shelf: Shelf, mistakes: Mistakes) -> str | None:
    fitting = [name for name, each in shelf.connections.items() if each.kind == indicator.provider]
    if shelf.kinds.providers[indicator.provider].settings is None:
        if indicator.connection is not None:
            where = query.get("connection") or query
            mistakes.add(where, f"{indicator.provider} needs no connection", "remove it")
        return None
    broken = _broken(indicator.provider, shelf)
    if indicator.connection in broken:
        return None
    if indicator.connection is None:
        if broken and not fitting:
            return None
        fitting += [name for name in broken if shelf.broken[name] == indicator.provider]
        if not fitting and shelf.kinds.providers[indicator.provider].stands_alone and not _has_secrets(query):
            return None
        if len(fitting) != 1:
            mistakes.add(query, *_which(indicator.provider, fitting))
        return fitting[0] if fitting else None
    if indicator.connection not in fitting:
        where = query.get("connection") or query
        mistakes.add(
            where, *unknown(f"connection of the kind {indicator.provider}", indicator.connection, fitting)
        )
    return indicator.connection


def _broken(provider: str, shelf: Shelf) -> list[str]:
    """Those with a mistake that may be meant for *provider*: of its kind, or of one that nobody knows."""
    known = shelf.kinds.connections
    return [name for name, kind in shelf.broken.items() if kind == provider or kind not in known]


def _has_secrets(query: Node) -> bool:
    return any("${secret." in str(scalar.content) for scalar in query.scalars())


def _which(provider: str, fitting: Iterable[str]) -> tuple[str, str]:
    names = sorted(fitting)
    if not names:
        return (
            f"there is no connection of the kind {provider}",
            f"add `connections: {{NAME: {{{provider}: …}}}}`",
        )
    return (
        f"there are several connections of the kind {provider}",
        f"add `connection: NAME` to the query, of a pack to its `with:`: {', '.join(map(quoted, names))}",
    )
