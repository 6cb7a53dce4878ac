"""Mirrors of the ledger: may they be read and written? Nothing is written by asking."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from deploy.mirrors.registry import MIRRORS
from deploy.model import Finding, Level
from deploy.ports import Aws, Need
from deploy.target import Examined, Place
from watcher.commands._doctor.accounts import Identities, allowed
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened
from watcher.commands._doctor.services import subject
from watcher.config import Account
from watcher.core.service import Mode

REMEDY = (
    "allow it (docs/ways-back.md lists what a mirror needs), or take the mirror out: rollbacks do not need it"
)


def permissions(opened: Opened, known: Identities) -> Iterator[Check]:
    """Of each mirror that is written: none is in shadow."""
    for key, service in opened.fleet.services.items():
        if service.policy.mode is Mode.SHADOW:
            continue
        for mirrors in opened.fleet.mirrors.get(key, {}).values():
            for each in mirrors:
                if isinstance(each, Examined):
                    yield Check(subject(key), f"mirror {each.name}", each.examine)
        for mirror in opened.configuration.mirrors.get(key, ()):
            account = opened.configuration.accounts.get(mirror.account or "")
            if account is None or opened.aws is None:
                continue
            owner = replace(account.aws, id=account.aws.id or known.ids.get(account.name))
            places = [Place(*key, part, owner) for part in opened.configuration.targets[key]]
            needs = [MIRRORS[mirror.kind].needs(mirror.settings, place, owner) for place in places]
            for which, role in (
                ("read", account.read or known.readers.get(account.name)),
                ("act", account.act),
            ):
                asked = list({need.resource: need for each in needs for need in each[which]}.values())
                if role is not None:
                    name = f"mirror {mirror.kind}, to {which}"
                    yield Check(subject(key), name, partial(_allowed, opened.aws, account, role, asked))


async def _allowed(aws: Aws, account: Account, role: str, needs: Sequence[Need]) -> Sequence[Finding]:
    found = await allowed(aws, account, role, needs)
    return [replace(each, remedy=REMEDY) if each.level is Level.FAIL else each for each in found]
