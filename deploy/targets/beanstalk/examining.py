"""Whether what may be gone back to will still be there when it is needed: for ``rollbackd doctor``. Reads only.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-lifecycle.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.targets.aws.beside import lifecycle_rules
from deploy.targets.aws.deleting import of_bundle
from deploy.targets.aws.owning import of_a_stack
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.policy import ALL_AT_ONCE
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.version import Bundle

FEW = 20  # versions: an application with a handful of environments may go through these in a day or two. A guess

_MAY_LOOK = "let the role to read look: docs/beanstalk.md"


async def examine(reader: Reader, view: View) -> Sequence[Finding]:
    """What there is to be said of the environment before it is needed. May raise `AwsRefused`."""
    policy = await reader.policy(view.environment)
    found = list(lifecycle(await reader.lifecycle(view.environment.application)))
    if policy.kind == ALL_AT_ONCE and not policy.single:
        found.append(
            Finding(
                Level.WARN,
                "its deployments go to all instances at once (AllAtOnce), and so would a rollback: the service is down meanwhile",
                "set aws:elasticbeanstalk:command DeploymentPolicy to Rolling, RollingWithAdditionalBatch or Immutable",
                about=About.DEPLOYING,
            )
        )
    found += await _of_the_bundle(reader, view)
    found += await _owned(reader, view)
    return found or [
        Finding(Level.OK, "no lifecycle rule deletes versions that may be gone back to", about=About.KEPT)
    ]


async def _owned(reader: Reader, view: View) -> Sequence[Finding]:
    """That somebody else writes the environment too."""
    environment = view.environment
    if not environment.arn:
        return []
    try:
        return [*of_a_stack(await reader.tags(environment.arn), f"the environment {plain(environment.name)}")]
    except AwsRefused as refused:
        words = f"whether a stack of CloudFormation owns {plain(environment.name)} cannot be known: {refusal(refused)}"
        return [Finding(Level.WARN, words, _MAY_LOOK, untold=True, about=About.KEPT)]


async def _of_the_bundle(reader: Reader, view: View) -> Sequence[Finding]:
    """That the bundle of what runs cannot be looked at; that rules of its bucket take it, and those beside it, away."""
    environment = view.environment
    if not environment.label:
        return []
    version, bundle = await reader.version_now(environment.application, environment.label)
    found = list(unread(bundle))
    if version is None or not version.bucket or not version.key:
        return found
    try:
        rules = await lifecycle_rules(reader.call, reader.scope, version.bucket)
    except AwsRefused as refused:
        words = f"whether a rule of {version.bucket} deletes bundles cannot be known: {refusal(refused)}"
        return [*found, Finding(Level.WARN, words, _MAY_LOOK, untold=True, about=About.KEPT)]
    return [
        *found,
        *of_bundle(rules, version.bucket, version.key, by_version=False, called=environment.label),
    ]


def unread(bundle: Bundle | None) -> Iterator[Finding]:
    """That the role to read may not look at bundles."""
    if bundle is not None and bundle.unread:
        words = "whether bundles are there and are what they were cannot be seen, so that a release is known by its label alone"
        yield Finding(Level.WARN, f"{words}: {bundle.unread}", _MAY_LOOK, untold=True, about=About.KEPT)


def lifecycle(rules: Mapping[str, Any]) -> Iterator[Finding]:
    """What rules say that delete versions. One that serves somewhere is never deleted; one that is gone back to may be."""
    count, age = rules.get("MaxCountRule", {}), rules.get("MaxAgeRule", {})
    remedy = "keep more of them, or none of the rules: what may be gone back to must be there"
    if count.get("Enabled") is True and int(count.get("MaxCount", 0)) < FEW:
        words = f"a lifecycle rule keeps {count.get('MaxCount', 0)} versions of the application, of all its environments together"
        yield Finding(Level.WARN, f"{words}{_source(count)}", remedy, about=About.KEPT)
    if age.get("Enabled") is True:
        words = f"a lifecycle rule deletes versions that are older than {age.get('MaxAgeInDays', 0)} days, however long they served"
        yield Finding(Level.WARN, f"{words}{_source(age)}", remedy, about=About.KEPT)


def _source(rule: Mapping[str, Any]) -> str:
    return ", and their bundles" if rule.get("DeleteSourceFromS3") is True else ""
