"""Services: are they there, what is live, may they be moved, and how long does the way back take."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from deploy.model import About, Finding, Foretold, Gone, Level, Live, Move, Recalled, Release, Unreadable
from deploy.ports import Need
from deploy.target import Examined, Keeper, Target, Waiting
from deploy.targets.registry import TARGETS
from watcher.commands._doctor.accounts import Identities, allowed
from watcher.commands._doctor.checks import OF_A_SERVICE, USUAL, Check
from watcher.commands._doctor.opened import Opened
from watcher.commands._doctor.waits import compared
from watcher.config import Configuration
from watcher.core.service import Hooks, Mode, Service
from watcher.runtime.fleet import Key

LOOKS = timedelta(seconds=16)  # twice what a target may take
RECALLS = timedelta(seconds=75)  # a platform's memory may take 60 s
SHORT = 19  # characters of a fingerprint: twelve, where it begins with "sha256:"


@dataclass
class Lives:
    """What is live, by service and part: noted by the first checks, for those that need it."""

    found: dict[Key, dict[str, Live]] = field(default_factory=dict)

    def releases(self, key: Key) -> Mapping[str, Release]:
        """By part, what serves."""
        return {part: live.release for part, live in self.found.get(key, {}).items() if live.release}


def looking(opened: Opened, lives: Lives) -> Iterator[Check]:
    """The first checks: what is live."""
    for key, targets in opened.fleet.targets.items():
        service = opened.fleet.services[key]
        for part, target in targets.items():
            yield Check(
                subject(key),
                _of(part, targets, "live"),
                partial(_live, service, part, target, lives, _mends(opened, key, part)),
                LOOKS,
                *_at(opened, key, part),
            )
            yield from _belonging(opened, key, part, targets)


def belonging(opened: Opened) -> Iterator[Check]:
    """Those that hold against each other what belongs together: the configuration, and settings of its platforms."""
    for key, targets in opened.fleet.targets.items():
        for part, target in targets.items():
            kind = TARGETS[opened.configuration.targets[key][part].kind]
            if kind.on_aws or isinstance(target, Examined | Waiting):
                yield Check(
                    subject(key),
                    _of(part, targets, "there"),
                    partial(_there, target),
                    LOOKS,
                    *_at(opened, key, part),
                )
            yield from _belonging(opened, key, part, targets)


def _belonging(opened: Opened, key: Key, part: str, targets: Mapping[str, Target]) -> Iterator[Check]:
    target, service, at = targets[part], opened.fleet.services[key], _at(opened, key, part)
    if isinstance(target, Examined):
        yield Check(subject(key), _of(part, targets, "kept"), target.examine, LOOKS, *at)
    if isinstance(target, Waiting):
        yield Check(subject(key), _of(part, targets, "waits"), partial(_waits, service, target), LOOKS, *at)


def moving(opened: Opened, lives: Lives, known: Identities) -> Iterator[Check]:
    """Those that need to know what is live: the way back, and the permissions for it."""
    for key, targets in opened.fleet.targets.items():
        releases = lives.releases(key)
        for part, target in targets.items():
            if part not in releases:
                continue
            release = releases[part]
            yield Check(
                subject(key),
                _of(part, targets, "way back"),
                partial(_way_back, opened, target, release),
                RECALLS,
                *_at(opened, key, part),
            )
            yield from _permissions(opened, key, part, release, known)


def subject(key: Key) -> str:
    """Of a service, in a report."""
    return f"{OF_A_SERVICE}{key[0]}/{key[1]}"


def _at(opened: Opened, key: Key, part: str) -> tuple[str, str]:
    """Where a part is looked at, and by which account."""
    configured = opened.configuration.targets[key][part]
    of_several = len(opened.configuration.targets[key]) > 1
    where = f"{part} ({configured.kind})" if of_several else configured.kind
    return where, f"account {configured.account}" if configured.account else ""


def _mends(opened: Opened, key: Key, part: str) -> str:
    """What to do where a platform does not say what is live."""
    configured = opened.configuration.targets[key][part]
    usual = "is it called so there, and may it be read?"
    if configured.kind == "command":
        return f"{usual} What a program is to print is in docs/programs.md"
    return f"{usual} What the account lacks is said above" if configured.account else usual


def only(configuration: Configuration, key: Key) -> Configuration:
    """*configuration*, with one service alone."""
    return replace(
        configuration,
        services={key: configuration.services[key]},
        targets={key: configuration.targets[key]},
    )


def _of(part: str, targets: Mapping[str, Target], name: str) -> str:
    return name if len(targets) == 1 else f"{name} of {part}"


async def _live(service: Service, part: str, target: Target, lives: Lives, mends: str) -> Sequence[Finding]:
    live = await target.observe()
    if isinstance(live, Unreadable):
        return [
            Finding(
                Level.FAIL,
                live.words,
                mends,
                about=About.LIVE,
            )
        ]
    lives.found.setdefault(service.key, {})[part] = live
    stands = Level.FAIL if service.policy.mode is Mode.AUTO else Level.WARN
    return [
        await _serving(live, target),
        *(
            Finding(stands, words, f"in the mode {service.policy.mode} now", about=About.WAY_BACK)
            for words in live.obstacles
        ),
    ]


async def _there(target: Target) -> Sequence[Finding]:
    """That it can be looked at: what is compared with nothing would pass for what fits."""
    live = await target.observe()
    if isinstance(live, Unreadable) and not live.awaited:
        return [
            Finding(Level.FAIL, live.words, "is it called so there, and may it be read?", about=About.LIVE)
        ]
    return []


async def _waits(service: Service, target: Waiting) -> Sequence[Finding]:
    waits = await target.waits()
    if isinstance(waits, Unreadable):
        return [
            Finding(
                Level.WARN,
                f"for how long it waits cannot be seen: {waits.words}",
                "may it be read?",
                untold=True,
                about=About.WAITS,
            )
        ]
    return compared(waits, service.policy)


async def _serving(live: Live, target: Target) -> Finding:
    if live.release is None:
        coming = await target.resolve({})
        if isinstance(coming, Unreadable | Gone):
            return Finding(
                Level.FAIL, f"nothing serves: {coming.words}", "deploy something to it", about=About.LIVE
            )
        return Finding(
            Level.WARN, f"nothing serves yet; {_named(coming)} is coming", "wait for it", about=About.LIVE
        )
    coming_words = f"; {_named(live.in_flight)} is being deployed" if live.in_flight else ""
    return Finding(Level.OK, f"{_named(live.release)} is live{coming_words}", about=About.LIVE)


def _named(release: Release) -> str:
    return f"{release.tag} (fingerprint {release.fingerprint[:SHORT]})"


# ------------------------------------------------------------------------------------------------------------- the way back


async def _way_back(opened: Opened, target: Target, live: Release) -> Sequence[Finding]:
    """What a rollback would do now, if what is live were bad."""
    remembered = await _remembered(opened, target)
    if isinstance(remembered, Unreadable):
        return [
            Finding(
                Level.FAIL,
                f"what served before cannot be read: {remembered.words}",
                "may it be read?",
                about=About.WAY_BACK,
            )
        ]
    last = before(remembered, live)
    if last is None:
        foretold = await target.foretell(Move(target.part, live, live))
        words = "the platform remembers no other release: the way back opens with the next deployment"
        return [
            Finding(
                Level.OK,
                f"{words}; a move takes {foretold.takes or 'a time that is not known'}",
                about=About.WAY_BACK,
            )
        ]
    foretold = await target.foretell(Move(target.part, live, last))
    return [
        Finding(Level.OK, _foretold(last, foretold), about=About.WAY_BACK),
        *(
            Finding(
                Level.WARN, f"to {last.tag}: {words}", "see to it before it is needed", about=About.WAY_BACK
            )
            for words in foretold.obstacles
        ),
    ]


async def _remembered(opened: Opened, target: Target) -> Recalled | Unreadable:
    if not isinstance(target, Keeper):
        return Recalled()
    return await target.recall(opened.ports.now())


def before(remembered: Recalled, live: Release) -> Release | None:
    """The last release that served and was another one, if it is not one that was rolled back."""
    served = (
        release
        for release, _ in reversed(remembered.served)
        if not release.is_same_as(live) and release.fingerprint not in remembered.quarantined
    )
    return next(served, None)


def _foretold(to: Release, foretold: Foretold) -> str:
    told = [f"to {_named(to)}"]
    told += [f"takes {foretold.takes}"] if foretold.takes else []
    told += [foretold.capacity] if foretold.capacity else []
    return "; ".join(told)


def _permissions(opened: Opened, key: Key, part: str, release: Release, known: Identities) -> Iterator[Check]:
    configured = opened.configuration.targets[key][part]
    account = opened.configuration.accounts.get(configured.account or "")
    if opened.aws is None or account is None or account.act is None:
        return
    owner = replace(account.aws, id=account.aws.id or known.ids.get(account.name))
    needs: tuple[Need, ...] = TARGETS[configured.kind].needs(configured.settings, owner, release)
    if needs:
        answers = opened.fleet.services[key].policy.rollout.hooks is Hooks.ANSWER
        aws, role = opened.aws, account.act
        yield Check(
            subject(key),
            "to act",
            partial(allowed, aws, account, role, needs, answers=answers),
            USUAL,
            *_at(opened, key, part),
        )
