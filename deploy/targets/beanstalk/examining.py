"""Whether what may be gone back to will still be there when it is needed: for ``rollbackd doctor``. Reads only.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-lifecycle.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.model import Finding, Level
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.policy import ALL_AT_ONCE
from deploy.targets.beanstalk.reading import Reader

FEW = 20  # versions: an application with a handful of environments may go through these in a day or two. A guess


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
            )
        )
    return found or [Finding(Level.OK, "no lifecycle rule deletes versions that may be gone back to")]


def lifecycle(rules: Mapping[str, Any]) -> Iterator[Finding]:
    """What rules say that delete versions. One that serves somewhere is never deleted; one that is gone back to may be."""
    count, age = rules.get("MaxCountRule", {}), rules.get("MaxAgeRule", {})
    remedy = "keep more of them, or none of the rules: what may be gone back to must be there"
    if count.get("Enabled") is True and int(count.get("MaxCount", 0)) < FEW:
        words = f"a lifecycle rule keeps {count.get('MaxCount', 0)} versions of the application, of all its environments together"
        yield Finding(Level.WARN, f"{words}{_source(count)}", remedy)
    if age.get("Enabled") is True:
        words = f"a lifecycle rule deletes versions that are older than {age.get('MaxAgeInDays', 0)} days, however long they served"
        yield Finding(Level.WARN, f"{words}{_source(age)}", remedy)


def _source(rule: Mapping[str, Any]) -> str:
    return ", and their bundles" if rule.get("DeleteSourceFromS3") is True else ""
