"""Tags of resources, and the search for them (Resource Groups Tagging API)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.policies import Request
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

_MOST = 50  # [D] tags of one resource; ``aws:`` ones do not count
_PAGE = 100  # [D]
_OWN = {
    "elasticloadbalancing": "AddTags"
}  # by which a service lets its resources be tagged, where it is not TagResource [M]


class Tagging:
    """The tags of every resource, by its ARN."""

    def __init__(self) -> None:
        self._tags: dict[str, Timeline[Mapping[str, str]]] = {}
        self.kept: set[str] = set()  # resources whose tags a tag policy keeps as they are

    def of(self, arn: str, at: datetime) -> Mapping[str, str]:
        """The tags that *arn* had at *at*."""
        known = self._tags.get(arn)
        return (known.at(at) if known else None) or {}

    def put(self, arn: str, tags: Mapping[str, str], at: datetime) -> None:
        """Add *tags*, or write over those with the same keys."""
        known = self._tags.setdefault(arn, Timeline())
        after = {**(known.latest if known.values else {}), **tags}
        if len(after) > _MOST:
            raise AwsError("InvalidParameterException", f"Too many tags: at most {_MOST} are allowed")
        if any(key.lower().startswith("aws:") for key in tags):
            raise AwsError("InvalidParameterException", "Tag keys that begin with aws: are reserved")
        known.put(at, after)

    def remove(self, arn: str, keys: Iterable[str], at: datetime) -> None:
        """Take tags away; one that is not there is no error."""
        gone = set(keys)
        left = {key: value for key, value in self.of(arn, at).items() if key not in gone}
        self._tags.setdefault(arn, Timeline()).put(at, left)

    def get_resources(self, asked: Asked) -> Mapping[str, Any]:
        """``GetResources``. [D] Only resources that have, or once had, a tag."""
        found = [
            arn
            for arn in sorted(self._tags)
            if _kind_fits(arn, asked.get("ResourceTypeFilters", []))
            and arn in asked.get("ResourceARNList", [arn])
            and all(_tag_fits(self.of(arn, asked.seen_at), wanted) for wanted in asked.get("TagFilters", []))
        ]
        begin = int(asked.get("PaginationToken") or 0)
        size = asked.get("ResourcesPerPage", _PAGE)
        listed = [
            {"ResourceARN": arn, "Tags": in_pascal(self.of(arn, asked.seen_at))}
            for arn in found[begin : begin + size]
        ]
        token = str(begin + size) if begin + size < len(found) else ""  # [D] the last page has an empty token
        return {"ResourceTagMappingList": listed, "PaginationToken": token}

    def tag_resources(self, asked: Asked, may: Callable[[Request], bool]) -> Mapping[str, Any]:
        """``TagResources``. [D] What a resource's own service refuses is told of each, and the call is well all the same."""
        tags = asked["Tags"]
        failed = {arn: words for arn in asked["ResourceARNList"] if (words := self._refused(arn, tags, may))}
        for arn in asked["ResourceARNList"]:
            if arn not in failed:
                self.put(arn, tags, asked.now)
        told = {
            arn: {"StatusCode": 400, "ErrorCode": "InvalidParameterException", "ErrorMessage": words}
            for arn, words in failed.items()
        }
        return {"FailedResourcesMap": told}

    def _refused(self, arn: str, tags: Mapping[str, str], may: Callable[[Request], bool]) -> str:
        service = arn.split(":")[2]
        needed = f"{service}:{_OWN.get(service, 'TagResource')}"
        if not may(Request(needed, (arn,), {"aws:TagKeys": tuple(tags)})):
            return f"not authorized to perform: {needed} on resource: {arn}"
        if arn in self.kept:
            return "The tag policy does not allow the specified value for the following tag key"
        now = self._tags[arn].latest if arn in self._tags and self._tags[arn].values else {}
        return f"Too many tags: at most {_MOST} are allowed" if len({**now, **tags}) > _MOST else ""

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What the Tagging API answers to."""
        return {"GetResources": self.get_resources}


def in_camel(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As ECS writes tags."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def in_pascal(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As the others write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _kind_fits(arn: str, kinds: Sequence[str]) -> bool:
    parts = arn.split(":")
    kind = f"{parts[2]}:{parts[5].split('/')[0]}"
    return not kinds or any(wanted in {kind, parts[2]} for wanted in kinds)


def _tag_fits(tags: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    return wanted["Key"] in tags and (not wanted.get("Values") or tags[wanted["Key"]] in wanted["Values"])
