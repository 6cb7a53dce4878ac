"""Who has how much of the traffic: by the instances, for a balancer gives each the same; where traffic is split, by the setting. Pure.

An instance that is being deployed to serves nobody, where it is deployed to in place: so the share of a release that none has yet is
told as 0, and it is judged from the first one on. New instances beside the old ones may serve before Beanstalk calls them
deployed, and are gone as soon as they fail: of a release that only such have no share is told, which means from then on.
"""

from collections.abc import Mapping, Sequence

from deploy.model import Release
from deploy.targets.beanstalk.environment import IN_PROGRESS, READY, Environment, Instance
from deploy.targets.beanstalk.policy import SPLITTING, Policy


def shares_of(
    environment: Environment,
    instances: Sequence[Instance],
    releases: Mapping[str, Release],
    coming: str | None,
    policy: Policy | None,
) -> Mapping[str, float]:
    """The shares (0..1) by fingerprint; *coming*: the label of what is on its way, *policy*: how."""
    counts: dict[str, float] = {}
    for each in instances:
        if each.label and each.status != IN_PROGRESS:  # one on which it failed runs it all the same
            of = releases[each.label].fingerprint
            counts[of] = counts.get(of, 0.0) + 1
    total = sum(counts.values())
    shares = {of: count / total for of, count in counts.items()}
    if coming is None or policy is None or not counts:
        return shares
    new = releases[coming].fingerprint
    if new not in counts:
        begun = policy.is_beside and any(each.label == coming for each in instances)
        return shares if begun else {**shares, new: 0.0}
    if policy.kind != SPLITTING or environment.status == READY or len(counts) == 1:
        return shares
    rest = (1 - policy.share) / (total - counts[new])
    return {of: policy.share if of == new else count * rest for of, count in counts.items()}
