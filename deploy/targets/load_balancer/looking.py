"""Looking at a rule: which releases have how much of the traffic, and what forbids that the machine moves them.

The balancer does not tell which of two groups is the newer. A tag may (``rollbackd:since``); else it is the one that did
not have all the traffic when it was last seen, or that we have given some. Where none of it is known, nothing is guessed: an old release that is taken for a
new one would be watched in its stead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.errors import AwsRefused
from deploy.model import Live, Release, Unreadable
from deploy.targets.aws.split import Split
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.load_balancer.forward import Actions, Forward, forward_of
from deploy.targets.load_balancer.group import SINCE_TAG, Group, group_of
from deploy.targets.load_balancer.reading import Reader
from deploy.targets.load_balancer.settings import Settings
from deploy.targets.load_balancer.trace import Newer, Trace, newer_of, trace_of


@dataclass(frozen=True, slots=True)
class View:
    """A rule as it was seen.

    Attributes:
        forward: ``None``: it answers by itself, or redirects.
        groups: In the order in which they stand there, those without traffic too.
        tags: Of the rule.
        obstacles: What forbids that the machine moves it: one sentence each, with its remedy.
    """

    actions: Actions
    forward: Forward | None
    groups: tuple[Group, ...]
    tags: Mapping[str, str]
    split: Split
    obstacles: tuple[str, ...] = ()

    @property
    def ahead(self) -> Release | None:
        """What is coming, else what serves."""
        return self.split.coming or self.split.serving

    @property
    def trace(self) -> Trace | None:
        """Of our last move."""
        return trace_of(self.tags)

    @property
    def our_move(self) -> Trace | None:
        """Our own move, if what it wanted has all the traffic."""
        trace, alone = self.trace, self.split.alone
        return trace if trace is not None and alone is not None and alone.tag == trace.to else None

    def serving(self, release: Release) -> tuple[Group, ...]:
        """The groups that serve *release*, whether or not they have any traffic."""
        return tuple(
            each for each in self.groups if each.release is not None and each.release.is_same_as(release)
        )


async def look(
    reader: Reader, settings: Settings, key: str, last: Release | None, now: datetime
) -> View | Unreadable:
    """The rule, read just now; *last*: what had all the traffic when it was seen before; *key*: of what we wrote on it."""
    try:
        actions = await reader.actions(settings.arn)
        if actions is None:
            return Unreadable(
                f"there is no {settings.called.removeprefix('the ')}: it was deleted, or its ARN is wrong"
            )
        forward = forward_of(actions)
        tags = await reader.tags([settings.arn, *(forward.weights if forward else ())])
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    if forward is None:
        return View(actions, None, (), tags[settings.arn], Split(), _obstacles((), Split(), settings, tags))
    groups = tuple(
        group_of(arn, share, tags[arn], settings.release_tag, now) for arn, share in forward.shares.items()
    )
    split = _split(groups, settings, last, newer_of(tags[settings.arn].get(key, "")))
    if isinstance(split, Unreadable):
        return split
    return View(
        actions, forward, groups, tags[settings.arn], split, _obstacles(groups, split, settings, tags)
    )


def live_of(view: View) -> Live:
    """What *view* shows."""
    ours, ahead = view.our_move, view.ahead
    since = [each.since for each in view.serving(ahead) if each.since is not None] if ahead else []
    return Live(
        release=view.split.serving,
        in_flight=view.split.coming,
        shares=view.split.shares,
        key=ours.key if ours else None,
        since=ours.at if ours else max(since, default=None),
        obstacles=view.obstacles,
    )


def _split(
    groups: Sequence[Group], settings: Settings, last: Release | None, newer: Newer | None
) -> Split | Unreadable:
    found: list[_Sharing] = []
    for group in groups:
        if group.share <= 0:
            continue
        if group.release is None:
            return Unreadable(
                f"the target group {group.name} has traffic, and no tag {settings.release_tag} says which release it serves:"
                f" `aws elbv2 add-tags --resource-arns {plain(group.arn, 256)} --tags Key={settings.release_tag},Value=RELEASE`"
            )
        _add(found, group.release, group)
    if len(found) > 1 and not _in_order(found, last, newer):
        names = " and ".join(each.release.tag for each in found)
        return Unreadable(
            f"{names} share the traffic, and which of them is the newer is not known: write {SINCE_TAG} (such as"
            " 2026-11-24T12:00:00Z) onto each target group with its release"
        )
    return Split.of((each.release, each.share) for each in found)


@dataclass
class _Sharing:
    """A release that has traffic, by one group or by several. *since*: of the group that had it last."""

    release: Release
    share: float
    since: datetime | None


def _add(found: list[_Sharing], release: Release, group: Group) -> None:
    for each in found:
        if each.release.is_same_as(release):
            each.share += group.share
            each.since = max(filter(None, (each.since, group.since)), default=None)
            return
    found.append(_Sharing(release, group.share, group.since))


def _in_order(found: list[_Sharing], last: Release | None, newer: Newer | None) -> bool:
    """Put the newest last; ``False``: nobody knows which it is."""
    times = {each.since for each in found}
    if None not in times and len(times) == len(found):
        found.sort(key=lambda each: each.since.timestamp() if each.since else 0.0)
        return True
    if last is not None and len(found) == _TWO and any(each.release.is_same_as(last) for each in found):
        found.sort(key=lambda each: not each.release.is_same_as(last))
        return True
    if newer is not None and {each.release.tag for each in found} == {newer.before, newer.after}:
        found.sort(key=lambda each: each.release.tag == newer.after)
        return True
    return False


_TWO = 2


def _obstacles(
    groups: Sequence[Group], split: Split, settings: Settings, tags: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    said = (_owned(tags, settings), _lonely(groups, split, settings))
    return tuple(words for words in said if words)


def _owned(tags: Mapping[str, Mapping[str, str]], settings: Settings) -> str:
    """That a controller of Kubernetes has made the rule or a group in it: it writes them anew whenever they are not as it wants."""
    if not any(_BY_KUBERNETES in key for each in tags.values() for key in each):
        return ""
    return (
        f"{settings.called} belongs to the AWS Load Balancer Controller of a Kubernetes cluster, which would undo a rollback: go back by"
        " what it reads (the Ingress or its annotations)"
    )


# https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/ (resource tags)
_BY_KUBERNETES = ".k8s.aws/"


def _lonely(groups: Sequence[Group], split: Split, settings: Settings) -> str:
    others = [each for each in groups if each.release is not None and each.share == 0]
    if split.alone is None or others:
        return ""
    return (
        f"{settings.called} names no other target group that a tag says the release of, so there is nothing to go back to:"
        f" keep the group of the last release in it, with weight 0 and the tag {settings.release_tag}"
    )
