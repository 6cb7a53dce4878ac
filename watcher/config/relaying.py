"""``daemon.relay``: a sidecar that reads its own task, and tells the central daemon what it counted."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from rules.document import Mistakes, Node
from rules.errors import Malformed
from watcher.config.configuration import Configured, Daemon
from watcher.config.models import Strictly, url
from watcher.config.secrets import sealed
from watcher.core.service import Service

MOST_OWN = 8  # names; ECS adds as many
RELAY = "relay"  # the kind of provider whose indicators sidecars read


class FromEnvironment(Strictly):
    """``{env: NAME}``: what a variable says when the sidecar starts. It is no secret."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


Literally = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$")]
Said = Literally | FromEnvironment
System = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class EcsModel(Strictly):
    """Who it is and which release it stands beside, as ECS tells every task: `container` is the one that serves."""

    container: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}$")]


class RelayModel(Strictly):
    """``daemon.relay``."""

    to: Annotated[str, AfterValidator(url)]
    token: SecretStr
    ecs: EcsModel | None = None
    instance: Said | None = None
    names: Annotated[dict[System, Said], Field(default_factory=dict, max_length=MOST_OWN)]

    @model_validator(mode="after")
    def _says_who_it_is(self) -> Self:
        if self.ecs is None and self.instance is None:
            raise Malformed(
                "which instance is this?",
                remedy="write `ecs: {container: NAME}` on ECS, or `instance: {env: HOSTNAME}`",
            )
        return self


def read_relay(section: Node | None, mistakes: Mistakes) -> Configured | None:
    """What *section* says; ``None`` where there is none, or it cannot be read."""
    if section is None:
        return None
    settings = sealed(section, RelayModel, mistakes)
    value = mistakes.read(settings, RelayModel)
    return None if value is None else Configured(RELAY, value, settings)


def check_relay(section: Node, daemon: Daemon, services: Iterable[Service], mistakes: Mistakes) -> None:
    """A sidecar keeps nothing, judges nothing, and has something to read."""
    node = section.get(RELAY)
    if node is None or daemon.relay is None:
        return
    if daemon.store.kind != "memory":
        mistakes.add(node, "a sidecar that relays keeps nothing itself", "write store: {memory: {}}")
    if daemon.alone:
        mistakes.add(
            section.get("alone") or node,
            "it either relays, or decides alone: many sidecars would be many judges",
            "remove `alone`, or `relay`",
        )
    if not any(_is_relayed(service) for service in services):
        mistakes.add(
            node,
            "no rule asks for anything that a sidecar could read",
            "name a service whose rule file has `relay: {scrape: {…}}`",
        )


def _is_relayed(service: Service) -> bool:
    return any(indicator.provider == RELAY for indicator in service.policy.rules.indicators)
