"""What belongs together with a service and stands elsewhere: its images, its target groups. Each is looked at alone. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.ports import AwsAccount
from deploy.targets.aws.batching import together
from deploy.targets.aws.beside import group_attributes
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.ecs.definition import Definition, Image
from deploy.targets.ecs.expiring import COUNT, fate, is_list, rule_for, rules_of
from deploy.targets.ecs.foretelling import MISSING, place_of
from deploy.targets.ecs.history import WENT_WELL
from deploy.targets.ecs.looking import View, revision_of_rollout
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.stopping import cut_off

LAST = 20  # deployments among which the one before is looked for
_LOOK = "let the role to read look: `rollbackd init` writes the policies"


async def belonging(reader: Reader, view: View, account: AwsAccount) -> Sequence[Finding]:
    """What of it does not fit; nothing if all does."""
    rollout = view.service.coming or view.service.serving
    if rollout is None:
        return []
    try:
        definition = await reader.definition(rollout.definition)
    except AwsRefused as refused:
        return [
            Finding(
                Level.WARN,
                f"what it runs cannot be read: {refusal(refused)}",
                _LOOK,
                untold=True,
                about=About.KEPT,
            )
        ]
    stops, kept = await together(_stops(reader, view, definition), _kept(reader, view, definition, account))
    return [*stops, *kept]


async def _stops(reader: Reader, view: View, definition: Definition) -> Sequence[Finding]:
    attributes: dict[str, Mapping[str, str]] = {}
    unread: dict[str, None] = {}
    for group in dict.fromkeys(each.group for each in view.service.behind):
        try:
            attributes[group] = await group_attributes(reader.call, reader.scope, group)
        except AwsRefused as refused:
            unread[f"for how long its target groups let requests end cannot be seen: {refusal(refused)}"] = (
                None
            )
    said = [Finding(Level.WARN, words, _LOOK, untold=True, about=About.KEPT) for words in unread]
    return [*said, *cut_off(view.service, definition, attributes)]


async def _kept(reader: Reader, view: View, definition: Definition, account: AwsAccount) -> Sequence[Finding]:
    """Whether the images of what runs, and of what ran before, will still be there."""
    found: dict[Finding, None] = {}
    before = None
    try:
        before = await _before(reader, view, definition)
    except AwsRefused as refused:
        words = (
            f"what ran before cannot be read, and so not whether its images will be kept: {refusal(refused)}"
        )
        found[Finding(Level.WARN, words, _LOOK, untold=True, about=About.KEPT)] = None
    digests = _running(view)
    for image in _distinct([*definition.images, *(before.images if before else ())]):
        digest = digests.get(image.container) if image in definition.images and image.told else None
        found |= dict.fromkeys(await _of_an_image(reader, image, digest, account))
    return list(found)


def _running(view: View) -> Mapping[str, str]:
    """By container, the digest that ECS has written down: it keeps to that one, whatever becomes of the tag."""
    rollout = view.service.coming or view.service.serving
    revision = revision_of_rollout(view.service, rollout, view.revisions) if rollout else None
    return revision.digests if revision else {}


async def _before(reader: Reader, view: View, now: Definition) -> Definition | None:
    """What was deployed with success before; ``None``: nothing, or ECS does not tell it. May raise `AwsRefused`."""
    if not view.service.is_ours:
        return None
    for attempt in await reader.newest(view.service.cluster, view.service.name, LAST):
        revision = await reader.revision(attempt.target) if attempt.status == WENT_WELL else None
        if revision is not None and revision.definition != now.arn:
            return await reader.definition(revision.definition)
    return None


async def _of_an_image(
    reader: Reader, image: Image, digest: str | None, account: AwsAccount
) -> Sequence[Finding]:
    place = place_of(image, account)
    if place is None:
        return []
    try:
        found = await _described(reader, place, image, digest)
        if found.get("imageStatus") == "ARCHIVED":
            words = f"ECR has archived {plain(image.written, 120)}: a task that starts anew cannot pull it"
            return [Finding(Level.FAIL, words, "restore it, and keep what services run", about=About.KEPT)]
        rule = rule_for(rules_of(await reader.lifecycle(*place)), found)
        if rule is None:
            return []
        others = await reader.images(*place) if rule.counts == COUNT or not found.get("imageTags") else ()
        said = fate(rule, found, others, image.written, reader.now())
    except AwsRefused as refused:
        if refused.code in MISSING:
            words = f"ECR has no image {plain(image.written, 120)} any more: a task that starts anew cannot pull it"
            return [Finding(Level.FAIL, words, "push it again, and keep what services run", about=About.KEPT)]
        words = f"whether {plain(image.written, 120)} will be kept cannot be known: {refusal(refused)}"
        return [Finding(Level.WARN, words, _look_at(place[0], account), untold=True, about=About.KEPT)]
    return [said] if said else []


async def _described(
    reader: Reader, place: tuple[str, str], image: Image, digest: str | None
) -> Mapping[str, Any]:
    """What ECR says of *image*; where its tag is gone or was moved since, of *digest*, which is what runs. May raise `AwsRefused`."""
    try:
        found = await reader.image(*place, image) or {}
    except AwsRefused as refused:
        if digest is None or image.digest or refused.code != "ImageNotFoundException":
            raise
    else:
        # Of an image for several platforms ECS writes down the one that runs, and the list keeps that.
        if image.digest or digest in {None, found.get("imageDigest")} or is_list(found):
            return found
    return await reader.image(*place, replace(image, written=f"{image.repository}@{digest}")) or {}


def _look_at(registry: str, account: AwsAccount) -> str:
    if account.id in {None, registry}:
        return _LOOK
    return (
        f"the repository is of the account {registry}: its policy there has to allow ecr:DescribeImages and ecr:GetLifecyclePolicy to"
        " the role to read, and so has the role's own"
    )


def _distinct(images: Iterable[Image]) -> Sequence[Image]:
    return list({image.written: image for image in images}.values())
