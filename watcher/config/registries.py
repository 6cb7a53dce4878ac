"""The kinds of this version, as the registries have them. Apart, so that tests of the configuration bring their own."""

from deploy.sources.registry import SOURCES
from deploy.targets.registry import TARGETS
from watcher.config.kinds import Kinds, ProviderKind
from watcher.notify.registry import NOTIFIERS
from watcher.signals.registry import PROVIDERS
from watcher.store.registry import STORES


def all_kinds() -> Kinds:
    """The kinds of this version."""
    return Kinds(
        providers={
            name: ProviderKind(kind.query, kind.fits, kind.settings, kind.mistake)
            for name, kind in PROVIDERS.items()
        },
        notifiers={name: kind.settings for name, kind in NOTIFIERS.items()},
        targets={name: kind.settings for name, kind in TARGETS.items()},
        stores={name: kind.settings for name, kind in STORES.items()},
        sources={name: kind.settings for name, kind in SOURCES.items()},
    )
