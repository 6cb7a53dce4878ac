"""CodeDeploy's words, made fit for a screen; and what a person can do about them."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.targets.aws.wording import plain
from deploy.targets.codedeploy.deployment import SHIFTING, Deployment
from deploy.targets.codedeploy.onto import OnInstance

FEW = 3  # instances that are named


def counts(deployment: Deployment) -> str:
    """``3 of 10 instances have shop.zip@4f2a, 1 failed``."""
    count = deployment.counts
    tag = deployment.release.tag if deployment.release else deployment.id
    if deployment.platform in SHIFTING:
        return f"{tag} is deployed by {deployment.id} ({deployment.status})"
    if not count.total:
        return f"{tag} is on its way ({deployment.id}), and no instance has begun"
    said = [f"{count.succeeded} of {count.total} instances have {tag}"]
    said += [f"{count.in_progress} are being deployed to"] if count.in_progress else []
    said += [f"{count.failed} failed"] if count.failed else []
    said += [f"{count.skipped} were not touched"] if count.skipped else []
    return ", ".join(said)


def failures(found: Sequence[OnInstance]) -> str:
    """On which instances what failed, in the words of the scripts; empty if nothing did."""
    failed = [each for each in found if each.status == "Failed"]
    named = [f"{each.instance} at {each.event or 'no lifecycle event'}{_said(each)}" for each in failed[:FEW]]
    more = [f"{len(failed) - FEW} more"] if len(failed) > FEW else []
    return "; ".join((*named, *more))


def _said(each: OnInstance) -> str:
    words = plain(each.words, 200)
    return f": {words}" if words else ""


def why(deployment: Deployment) -> str:
    """How it ended, and CodeDeploy's reason."""
    code, message = deployment.error
    reason = " ".join(part for part in (code, plain(message)) if part)
    return f"{deployment.id} {deployment.status}{f': {reason}' if reason else ''}"


def command(operation: str, options: Mapping[str, Any], region: str) -> str:
    """A line for a person's shell."""
    return shlex.join(("aws", "deploy", operation.replace("_", "-"), *_written(options), "--region", region))


def _written(options: Mapping[str, Any]) -> Iterable[str]:
    for name, value in options.items():
        flag = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        else:
            yield from (f"--{flag}", value if isinstance(value, str) else json.dumps(value))
