"""Whether a rule of ECR will delete, or archive, an image that services run. Pure.

ECR looks at neither: a rule deletes what runs, and what may be gone back to, like anything else. An image belongs to the first rule,
by its priority, that selects it, and no later one touches it. One that a list of images for several platforms names is kept as long
as the list: DescribeImages does not tell which those are.

Source:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.model import About, Finding, Level
from deploy.targets.aws.wording import plain

FEW = 20  # pushes: a repository that each commit is pushed to may see these in a day or two. A guess
SOON = timedelta(days=1)  # within which ECR carries out what is due
_EVER = datetime.min.replace(tzinfo=UTC)
LISTS = ("index", "manifest.list")  # in the media type of a list
COUNT, _PUSHED = "imageCountMoreThan", "sinceImagePushed"
_REMEDY = (
    "let a rule with a lower rulePriority keep what services run, by a tag that your pipeline or the mirror `ecr` lays on it"
    ' (tagPatternList ["known-good*"], imageCountMoreThan 999), or raise countNumber'
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        status: Which images it selects: ``tagged``, ``untagged``, ``any``.
        patterns: Of tags, all of which an image must have; ``*`` stands for anything.
        counts: By what it selects among those: ``imageCountMoreThan``, ``sinceImagePushed``, or a kind that is not known here.
        number: Of images, or of days.
        does: What it does, in words.
    """

    priority: int
    status: str
    patterns: tuple[str, ...]
    counts: str
    number: int
    does: str

    def selects(self, tags: Sequence[str]) -> bool:
        """An image with these *tags* is one of its."""
        if self.status == "any":
            return True
        if self.status == "untagged" or not tags:
            return self.status == "untagged" and not tags
        return all(any(_like(tag, pattern) for tag in tags) for pattern in self.patterns)


def rules_of(text: str | None) -> Sequence[Rule]:
    """The rules for images that can be pulled, the first first; what is no policy has none."""
    try:
        told = json.loads(text or "{}")
        found = [_rule(each) for each in told.get("rules", ()) if _is_of_use(each)]
    except (ValueError, TypeError, AttributeError, KeyError):
        return ()
    return sorted(found, key=lambda rule: rule.priority)


def _is_of_use(told: Mapping[str, Any]) -> bool:
    return str(told["selection"].get("storageClass")) != "archive"


def _rule(told: Mapping[str, Any]) -> Rule:
    selection = told["selection"]
    prefixes = (f"{each}*" for each in selection.get("tagPrefixList", ()))
    return Rule(
        int(told["rulePriority"]),
        str(selection["tagStatus"]),
        (*prefixes, *(str(each) for each in selection.get("tagPatternList", ()))),
        str(selection["countType"]),
        int(selection["countNumber"]),
        "archives" if told.get("action", {}).get("type") == "transition" else "deletes",
    )


def _like(tag: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tag) is not None


def rule_for(rules: Sequence[Rule], image: Mapping[str, Any]) -> Rule | None:
    """The rule that *image* (of ECR's ``imageDetails``) belongs to."""
    return next((rule for rule in rules if rule.selects(image.get("imageTags", ()))), None)


def fate(
    rule: Rule, image: Mapping[str, Any], images: Sequence[Mapping[str, Any]], called: str, now: datetime
) -> Finding | None:
    """What becomes of *image* by the rule that it belongs to; ``None``: nothing soon.

    Args:
        rule: See `rule_for`.
        image: Of ECR's ``imageDetails``.
        images: All of the repository: where it is so large that some are missing, what is said is the best that may be.
        called: As the task definition writes it.
        now: The time.
    """
    said = _fate(rule, image, images, called, now)
    if said is None or image.get("imageTags") or is_list(image) or not any(map(is_list, images)):
        return said
    return Finding(
        Level.WARN,
        f"{said.words}, unless a list of images for several platforms names it",
        said.remedy,
        about=About.KEPT,
    )


def is_list(image: Mapping[str, Any]) -> bool:
    """*image* (of ECR's ``imageDetails``) is a list of images for several platforms."""
    kind = str(image.get("imageManifestMediaType", ""))
    return any(each in kind for each in LISTS)


def _fate(
    rule: Rule, image: Mapping[str, Any], images: Sequence[Mapping[str, Any]], called: str, now: datetime
) -> Finding | None:
    which = f"the rule {rule.priority} of ECR's lifecycle policy {rule.does} images"
    if rule.counts == COUNT:
        return _by_count(rule, _newer(rule, image, images), which, plain(called, 120))
    if rule.counts == _PUSHED:
        return _by_age(rule, _pushed(image), which, plain(called, 120), now)
    words = f"{which} by {plain(rule.counts, 40)} {rule.number}, whether or not they run: {plain(called, 120)} is one of its"
    return Finding(Level.WARN, words, _REMEDY, about=About.KEPT)


def _by_count(rule: Rule, newer: int, which: str, called: str) -> Finding | None:
    left = rule.number - newer
    if left > FEW:
        return None
    when = "with its next run" if left <= 0 else f"with the push number {left} from now on"
    words = f"{which} but the newest {rule.number}, whether or not they run: {called} goes {when}"
    return Finding(Level.FAIL if left <= 1 else Level.WARN, words, _REMEDY, about=About.KEPT)


def _by_age(rule: Rule, pushed: datetime, which: str, called: str, now: datetime) -> Finding:
    goes = pushed + timedelta(days=rule.number)
    words = f"{which} {rule.number} days after their push, whether or not they run: {called} goes on {goes:%Y-%m-%d}"
    return Finding(Level.FAIL if goes <= now + SOON else Level.WARN, words, _REMEDY, about=About.KEPT)


def _newer(rule: Rule, image: Mapping[str, Any], images: Sequence[Mapping[str, Any]]) -> int:
    """How many that the rule selects were pushed after it."""
    return sum(_pushed(each) > _pushed(image) and rule.selects(each.get("imageTags", ())) for each in images)


def _pushed(image: Mapping[str, Any]) -> datetime:
    at = image.get("imagePushedAt")
    return at if isinstance(at, datetime) else _EVER
