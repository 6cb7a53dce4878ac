"""Which lifecycle rules of a bucket of S3 take away what may be gone back to. Pure.

S3 does not know what is deployed: a rule deletes by age, or puts into an archive that nothing is read from until somebody restores it.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html (which classes have to be restored first)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy.model import About, Finding, Level
from deploy.targets.aws.wording import plain

_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})  # from GLACIER_IR is read at once
NO_RULES = "NoSuchLifecycleConfiguration"
REMEDY = "let it delete by a tag that your pipeline puts on what no release names any more, or take it out"


@dataclass(frozen=True, slots=True)
class Taking:
    """One rule that takes something away.

    Attributes:
        rule: Its id.
        does: What, and of what age, in words.
        prefix: Below which; empty: in the whole bucket.
        only_old_versions: Only of versions that were written over.
        leaves_versions: Where the bucket keeps versions, what it takes is still there by its version.
        of_some: Only of what has a certain size, which is not known here.
    """

    rule: str
    does: str
    prefix: str
    only_old_versions: bool = False
    leaves_versions: bool = False
    of_some: bool = False


def takings(rules: Sequence[Mapping[str, Any]]) -> Iterator[Taking]:
    """Of the ``Rules`` of GetBucketLifecycleConfiguration those in force; not those for what somebody has put a tag on."""
    for rule in rules:
        if rule.get("Status") != "Enabled" or _by_tag(rule):
            continue
        sizes = _sizes(rule)
        taking = Taking(plain(str(rule.get("ID", "")), 80), "", _prefix(rule), of_some=bool(sizes))
        if (when := _when(rule.get("Expiration", {}))) is not None:
            yield replace(taking, does=f"deletes what is {when}{sizes}", leaves_versions=True)
        for each in rule.get("Transitions", ()):
            if each.get("StorageClass") in _ARCHIVES and (when := _when(each)) is not None:
                yield replace(taking, does=f"archives what is {when}{sizes}")
        archived = [
            each
            for each in rule.get("NoncurrentVersionTransitions", ())
            if each.get("StorageClass") in _ARCHIVES
        ]
        for verb, old in (
            ("deletes", rule.get("NoncurrentVersionExpiration", {})),
            *(("archives", each) for each in archived),
        ):
            if "NoncurrentDays" in old:
                kept = (
                    f", but the newest {old['NewerNoncurrentVersions']}"
                    if "NewerNoncurrentVersions" in old
                    else ""
                )
                words = (
                    f"{verb} versions {old['NoncurrentDays']} days after they were written over{sizes}{kept}"
                )
                yield replace(taking, does=words, only_old_versions=True)


def of_bundle(
    rules: Sequence[Mapping[str, Any]], bucket: str, key: str, *, by_version: bool, called: str
) -> Iterator[Finding]:
    """What takes the bundle at *key* away. *by_version*: it is named by its version, which somebody may have written over."""
    for each in takings(rules):
        is_another = each.leaves_versions if by_version else each.only_old_versions
        if is_another or not key.startswith(each.prefix):
            continue
        words = f"the lifecycle rule {each.rule!r} of {bucket} {each.does}, whether or not it is deployed: so it does with {called}"
        yield Finding(Level.WARN, words, REMEDY, about=About.KEPT)


def _when(told: Mapping[str, Any]) -> str | None:
    """Of what age, in words; ``None``: of nothing that is live (what marks that something was deleted, say)."""
    if "Days" in told:
        return f"older than {told['Days']} days"
    return f"there on {told['Date']:%Y-%m-%d}" if "Date" in told else None


def _by_tag(rule: Mapping[str, Any]) -> bool:
    told = rule.get("Filter", {})
    return "Tag" in told or "Tags" in told.get("And", {})


def _sizes(rule: Mapping[str, Any]) -> str:
    """Of what size an object has to be, in words; empty: of any."""
    told = rule.get("Filter", {})
    told = {**told, **told.get("And", {})}
    bounds = (("ObjectSizeGreaterThan", "larger"), ("ObjectSizeLessThan", "smaller"))
    return "".join(f" and {words} than {told[name]} bytes" for name, words in bounds if name in told)


def _prefix(rule: Mapping[str, Any]) -> str:
    told = rule.get("Filter", {})
    return str(told.get("Prefix") or told.get("And", {}).get("Prefix") or rule.get("Prefix") or "")
