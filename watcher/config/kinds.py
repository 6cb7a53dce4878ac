"""All kinds that a configuration may name, and those of later versions."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from deploy.source import Kind as SourceKind
from deploy.sources.registry import LATER as LATER_SOURCES
from deploy.target import Kind as TargetKind
from deploy.targets.registry import LATER as LATER_TARGETS
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.rulefile import Catalogue
from watcher.notify.registry import LATER as LATER_NOTIFIERS
from watcher.signals.alert.senders.sender import Kind as SenderKind
from watcher.signals.provider import Pushing
from watcher.signals.registry import LATER as LATER_PROVIDERS
from watcher.store.registry import LATER as LATER_STORES


def no_mistake(_: Indicator) -> tuple[str, str] | None:
    """A query that its model accepts is right."""
    return None


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What the configuration needs of a kind of provider.

    Attributes:
        settings: Of a connection; ``None`` where none is needed.
        account_at: The keys, from the outside in, under which a connection's settings may name an account of AWS.
        mistake: What a query, right in itself, lacks for the kind of its indicator, and the remedy.
        on_aws: It is connected to by the accounts; its query may name one.
        needs_account: It finds on AWS what it asks, though it is not asked there itself.
        placed: What an indicator's query says once the account of its service is known.
        stands_alone: It has settings, and needs no connection for all that.
        misfit: What a query asks of a connection that does not have it, and the remedy.
        looks_itself: It knows only what it has seen itself, and not for long.
        bucket: Length of a bucket of an indicator.
        pushed: It is told by a source that the query names, and asks nobody.
        needs_telling: It sees nothing of a service that nobody tells of changes.
    """

    query: type[BaseModel]
    fits: frozenset[IndicatorKind]
    settings: type[BaseModel] | None = None
    account_at: tuple[str, ...] = ()
    mistake: Callable[[Indicator], tuple[str, str] | None] = no_mistake
    on_aws: bool = False
    needs_account: Callable[[Indicator], bool] = lambda _indicator: False
    placed: Callable[[Indicator, str | None], Indicator] = lambda indicator, _account: indicator
    stands_alone: bool = False
    misfit: Callable[[Indicator, BaseModel], tuple[str, str] | None] = lambda _indicator, _settings: None
    looks_itself: bool = False
    bucket: Callable[[Indicator], timedelta] = lambda _indicator: timedelta(minutes=1)
    pushed: Pushing | None = None
    needs_telling: bool = False


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of everything that has kinds; tests bring their own."""

    providers: Mapping[str, ProviderKind]
    notifiers: Mapping[str, type[BaseModel]]
    targets: Mapping[str, TargetKind[Any]]
    sources: Mapping[str, SourceKind[Any]]
    stores: Mapping[str, type[BaseModel]]
    senders: Mapping[str, SenderKind[Any]] = field(default_factory=dict)
    boards: Collection[str] = frozenset()  # notifiers that disturb nobody
    acting: Collection[str] = frozenset()  # notifiers that write with an account's role to act
    told_at: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # `Kind.account_at` of notifiers
    # By kind of notifier: why a narrowing cannot stand after the connection's name, and the remedy.
    narrowed: Mapping[str, Callable[[str], tuple[str, str] | None]] = field(default_factory=dict)
    later_providers: Collection[str] = frozenset(LATER_PROVIDERS)
    later_notifiers: Collection[str] = frozenset(LATER_NOTIFIERS)
    later_stores: Collection[str] = frozenset(LATER_STORES)
    later_targets: Collection[str] = frozenset(LATER_TARGETS)
    later_sources: Collection[str] = frozenset(LATER_SOURCES)

    @property
    def catalogue(self) -> Catalogue:
        """What rule files may refer to."""
        return Catalogue(
            {name: kind.fits for name, kind in self.providers.items()},
            frozenset(self.later_providers),
            suites=frozenset(
                name for name, kind in self.providers.items() if name in kind.query.model_fields
            ),
        )

    @property
    def connections(self) -> Mapping[str, type[BaseModel]]:
        """Settings of all that is connected to: providers that need it, and notifiers."""
        needing = {name: kind.settings for name, kind in self.providers.items() if kind.settings is not None}
        return needing | dict(self.notifiers)

    def account_at(self, connection: str) -> tuple[str, ...]:
        """The keys under which the settings of a connection of that kind name an account of AWS; empty: none does."""
        provider = self.providers.get(connection)
        return provider.account_at if provider else self.told_at.get(connection, ())

    @property
    def later_connections(self) -> Collection[str]:
        """Connections of later versions."""
        return {*self.later_providers, *self.later_notifiers}
