"""``mirror:``: where the known-good release of a service is said besides, checked so that no two services write one place."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from deploy.mirrors.registry import LATER, MIRRORS
from deploy.target import Place
from rules.document import Mistakes, Node
from rules.document import Place as At
from watcher.config.configuration import Account, Configured, Key
from watcher.config.sections import read_configured


class Mirrored(Protocol):
    """A service with its parts and its mirrors."""

    @property
    def targets(self) -> Mapping[str, Configured]:
        """By part."""

    @property
    def mirrors(self) -> tuple[Configured, ...]:
        """Of the whole service: each is of each part."""


def read_mirrors(section: Node | None, account: str | None, mistakes: Mistakes) -> tuple[Configured, ...]:
    """The mirrors that *section* lists."""
    known = {name: kind.settings for name, kind in MIRRORS.items()}
    found = [
        read_configured(node, "mirror", known, LATER, mistakes)
        for node in (section.items() if section else ())
    ]
    if section is not None and account is None and not all(each and _is_elsewhere(each) for each in found):
        mistakes.add(section, "a mirror needs an account", "add `account:` to the service or to the defaults")
    return tuple(
        each if _is_elsewhere(each) else replace(each, account=account) for each in found if each is not None
    )


def _is_elsewhere(mirror: Configured) -> bool:
    """It is not on AWS."""
    return not MIRRORS[mirror.kind].on_aws


def check_mirrors(
    services: Mapping[Key, Mirrored], accounts: Mapping[str, Account], mistakes: Mistakes
) -> None:
    """Each place has one service, and one part of it, that writes it."""
    taken: dict[str, str] = {}
    clashes: dict[
        At, tuple[Configured, dict[str, None]]
    ] = {}  # a mirror of the defaults is of all, and one mistake
    for key, built in services.items():
        for mirror in built.mirrors:
            kind, account = MIRRORS[mirror.kind], accounts.get(mirror.account or "")
            if kind.on_aws and account is None:
                continue  # told where it is missing
            wrong = kind.misplaced(mirror.settings, account.aws) if account else None
            if wrong is not None:
                mistakes.add(mirror.node, *wrong)
            for part in built.targets:
                place = Place(*key, part, account.aws if account else None)
                address, who = kind.address(mirror.settings, place), "/".join((*key, part))
                other = taken.setdefault(address, who)
                if other != who:
                    _, writers = clashes.setdefault(mirror.node.at, (mirror, {}))
                    writers.update(dict.fromkeys((other, who)))
    for mirror, writers in clashes.values():
        first, second, *more = writers
        names = f"{first}, {second} and {len(more)} more" if more else f"{first} and {second}"
        mistakes.add(
            mirror.node,
            f"{names} would write one {mirror.kind} mirror, and each overwrite what the other says",
            "write ${service}, ${environment} and, with several parts, ${part} into its name",
        )
