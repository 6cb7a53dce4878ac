"""The kinds of this version, as the registries have them. Apart, so that tests of the configuration bring their own."""

from pydantic import BaseModel

from deploy.sources.registry import SOURCES
from deploy.targets.registry import TARGETS
from watcher.config.kinds import Kinds, ProviderKind
from watcher.notify.registry import NOTIFIERS
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.registry import PROVIDERS
from watcher.store.registry import STORES


def all_kinds() -> Kinds:
    """The kinds of this version."""
    return Kinds(
        providers={
            name: ProviderKind(
                query=kind.query,
                fits=kind.fits,
                settings=kind.settings,
                account_at=kind.account_at,
                mistake=kind.mistake,
                on_aws=kind.on_aws,
                needs_account=kind.needs_account,
                placed=kind.placed,
                stands_alone=kind.stands_alone,
                misfit=kind.misfit,
                looks_itself=kind.looks_itself,
                bucket=kind.bucket,
                pushed=kind.pushed,
                needs_telling=kind.needs_telling,
            )
            for name, kind in PROVIDERS.items()
        },
        notifiers={name: kind.settings or _read_by(name) for name, kind in NOTIFIERS.items()},
        acting={name for name, kind in NOTIFIERS.items() if kind.acts},
        boards={name for name, kind in NOTIFIERS.items() if kind.board},
        told_at={name: kind.account_at for name, kind in NOTIFIERS.items() if kind.account_at},
        narrowed={name: kind.misfit for name, kind in NOTIFIERS.items() if kind.misfit is not None},
        targets=TARGETS,
        stores={name: kind.settings for name, kind in STORES.items()},
        sources=SOURCES,
        senders=SENDERS,
    )


def _read_by(name: str) -> type[BaseModel]:
    """What is written of a connection that both reads and tells: it is written once, and the provider says how."""
    settings = PROVIDERS[name].settings
    if settings is None:
        raise LookupError(f"{name} is read without a connection, so none of it can tell people")
    return settings
