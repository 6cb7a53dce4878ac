"""CloudFront: settings with compare-and-set, invalidations that are known by their reference, and what an edge answers.

Source:
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-invalidations
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.cloudfront.state import Config, Distribution, Invalidation
from tests.fakes.aws.cloudfront.stores import Stores
from tests.fakes.aws.s3.state import Bucket, Written
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

MOST_PATHS, MOST_WILDCARDS = 3000, 15  # [D] in progress at once
_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody gets from an edge."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CloudFront:
    """All distributions of one account; CloudFront is in no region.

    Args:
        account: Its number.
        draw: Draws ids.
        bucket: The bucket with this name, in whatever region.
    """

    def __init__(self, account: str, draw: Callable[[str], str], bucket: Callable[[str], Bucket]) -> None:
        self._account = account
        self._draw = draw
        self._bucket = bucket
        self._distributions: dict[str, Distribution] = {}
        self.stores = Stores(account, draw)

    # -- what happens

    def create(
        self,
        id: str,
        bucket: str,
        at: datetime,
        *,
        path: str = "",
        region: str = "eu-central-1",
        settings: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Distribution:
        """A distribution before *bucket*, which all edges know."""
        document = {
            "CallerReference": self._draw("reference")[:16],
            "Comment": "",
            "Enabled": True,
            "DefaultRootObject": _INDEX,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {"Id": "site", "DomainName": f"{bucket}.s3.{region}.amazonaws.com", "OriginPath": path}
                ],
            },
            "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "redirect-to-https"},
            **(settings or {}),
        }
        configs: Timeline[Config] = Timeline()
        configs.put(at, Config(self._version(), document, at, at))
        arn = f"arn:aws:cloudfront::{self._account}:distribution/{id}"
        made = Distribution(id, arn, at, configs, **more)
        self._distributions[id] = made
        return made

    def find(self, id: str) -> Distribution:
        """A distribution that is there."""
        if id not in self._distributions:
            raise AwsError("NoSuchDistribution", "The specified distribution does not exist.", 404)
        return self._distributions[id]

    def point(self, id: str, path: str, at: datetime) -> None:
        """Another hand sets the path of the origin."""
        document = copy.deepcopy(dict(self.find(id).config.document))
        document["Origins"]["Items"][0]["OriginPath"] = path
        self._told(self.find(id), document, at)

    def clear(self, id: str, at: datetime, *paths: str, reference: str = "") -> Invalidation:
        """Another hand invalidates *paths*."""
        distribution = self.find(id)
        drawn = f"I{self._draw('invalidation')[:13].upper()}"
        found = Invalidation(drawn, reference or drawn, paths, at, at + distribution.clears_in)
        distribution.invalidations.append(found)
        return found

    def answer(self, id: str, path: str, at: datetime) -> Seen:
        """What somebody gets who asks an edge for *path*: what is missing is answered by the page, with 200."""
        distribution = self.find(id)
        path, _, query = path.partition("?")
        found = self._object(distribution, path, at, bucket_in(query))
        if found is None and path not in {"/", f"/{_INDEX}"}:
            return self.answer(id, f"/{_INDEX}", at)
        if found is None:
            return Seen(403, {"content-type": "application/xml"}, b"<Error><Code>AccessDenied</Code></Error>")
        headers = {f"x-amz-meta-{name}": value for name, value in found.metadata.items()}
        if distribution.store is not None and distribution.by_weight:
            headers["x-rollbackd-site"] = "by-weight"
        return Seen(200, headers, found.body)

    def _object(self, distribution: Distribution, path: str, at: datetime, bucket_of: int) -> Written | None:
        fetched = distribution.fetched(path, at)
        origin = distribution.known(fetched).origin
        bucket = self._bucket(str(origin["DomainName"]).partition(".s3.")[0])
        prefix = str(origin["OriginPath"]).lstrip("/")
        if distribution.store is not None:  # the release is part of what the edge keeps it under
            store = self.stores.find(distribution.store)
            value = store.value("release", at - store.spreads_in) or "none"
            prefix = f"releases/{picked(value, bucket_of) if distribution.by_weight else value}"
            fetched = at
        key = f"{prefix}/{path.lstrip('/') or _INDEX}".lstrip("/")
        return bucket.at(key, fetched)

    # -- the API

    def get_distribution(self, asked: Asked) -> Mapping[str, Any]:
        """``GetDistribution``."""
        return self._shown(self.find(asked["Id"]), asked.now)

    def update_distribution(self, asked: Asked) -> Mapping[str, Any]:
        """``UpdateDistribution``. [D] All of the settings, with the version that they were read with."""
        distribution = self.find(asked["Id"])
        wanted = asked.get("IfMatch")
        if not wanted:
            raise AwsError(
                "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource."
            )
        if wanted != distribution.config.version:
            raise AwsError(
                "PreconditionFailed", "The request failed because it didn't meet the preconditions", 412
            )
        told = asked["DistributionConfig"]
        if told["CallerReference"] != distribution.config.document["CallerReference"]:
            raise AwsError("IllegalUpdate", "The update contains modifications that are not allowed.")
        self._told(distribution, told, asked.now)
        return self._shown(distribution, asked.now)

    def create_invalidation(self, asked: Asked) -> Mapping[str, Any]:
        """``CreateInvalidation``. [D] The same reference with the same paths is the same invalidation."""
        distribution, batch = self.find(asked["DistributionId"]), asked["InvalidationBatch"]
        paths, reference = batch["Paths"].get("Items", []), batch["CallerReference"]
        if len(paths) != batch["Paths"]["Quantity"]:
            raise AwsError(
                "InconsistentQuantities", "The value of Quantity and the size of Items don't match."
            )
        known = [each for each in distribution.invalidations if each.reference == reference]
        if known and list(known[0].paths) != list(paths):
            raise AwsError(
                "InvalidArgument", "Invalidation batch with the caller reference exists already"
            )  # [U]
        if not known:
            _has_room(distribution, paths, asked.now)
            known = [self.clear(distribution.id, asked.now, *paths, reference=reference)]
        return {
            "Location": f"https://cloudfront.amazonaws.com/{known[0].id}",
            "Invalidation": _told(known[0], asked.now),
        }

    def get_invalidation(self, asked: Asked) -> Mapping[str, Any]:
        """``GetInvalidation``."""
        found = [each for each in self.find(asked["DistributionId"]).invalidations if each.id == asked["Id"]]
        if not found:
            raise AwsError("NoSuchInvalidation", "The specified invalidation does not exist.", 404)
        return {"Invalidation": _told(found[0], asked.now)}

    def list_invalidations(self, asked: Asked) -> Mapping[str, Any]:
        """``ListInvalidations``, the first page. [D] The newest first."""
        every = list(reversed(self.find(asked["DistributionId"]).invalidations))
        most = int(asked.get("MaxItems") or 100)
        items = [
            {"Id": each.id, "CreateTime": each.at, "Status": _status(each, asked.now)}
            for each in every[:most]
        ]
        listed = {"Marker": "", "MaxItems": most, "IsTruncated": len(every) > most, "Quantity": len(items)}
        return {"InvalidationList": {**listed, "Items": items}}

    def list_tags_for_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        tags = self._by_arn(asked["Resource"]).tags
        return {"Tags": {"Items": [{"Key": key, "Value": value} for key, value in tags.items()]}}

    def tag_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``TagResource``."""
        told = {each["Key"]: each.get("Value", "") for each in asked["Tags"].get("Items", [])}
        self._by_arn(asked["Resource"]).tags.update(told)
        return {}

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What CloudFront answers to."""
        return {
            "GetDistribution": self.get_distribution,
            "UpdateDistribution": self.update_distribution,
            "CreateInvalidation": self.create_invalidation,
            "GetInvalidation": self.get_invalidation,
            "ListInvalidations": self.list_invalidations,
            "ListTagsForResource": self.list_tags_for_resource,
            "TagResource": self.tag_resource,
        }

    # -- inside

    def _version(self) -> str:
        return f"E{self._draw('version')[:13].upper()}"

    def _told(self, distribution: Distribution, document: Mapping[str, Any], at: datetime) -> None:
        distribution.configs.put(at, Config(self._version(), document, at, at + distribution.tells_in))

    def _by_arn(self, arn: str) -> Distribution:
        found = [each for each in self._distributions.values() if each.arn == arn]
        if not found:
            raise AwsError("NoSuchResource", "A resource that was specified is not valid.", 404)
        return found[0]

    def _shown(self, distribution: Distribution, now: datetime) -> Mapping[str, Any]:
        config = distribution.config
        under_way = [each for each in distribution.invalidations if each.by > now]
        return {
            "ETag": config.version,
            "Distribution": {
                "Id": distribution.id,
                "ARN": distribution.arn,
                "Status": "Deployed" if config.known_at <= now else "InProgress",
                "LastModifiedTime": config.at,
                "InProgressInvalidationBatches": len(under_way),
                "DomainName": f"{distribution.id.lower()}.cloudfront.net",
                "DistributionConfig": copy.deepcopy(dict(config.document)),
            },
        }


def picked(value: str, bucket: int) -> str:
    """The release that a viewer of *bucket* (of ten thousand) gets, as examples/aws/site-by-weight.js picks it."""
    shared = value.split("|")
    if len(shared) != _SHARED:
        return value
    old, new, weight = shared
    return new if bucket < round(float(weight) * 100) else old


_SHARED = 3


def bucket_in(query: str) -> int:
    """The bucket that *query* asks for; that of rollbackd, which is who asks here, is the first."""
    asked = parse_qs(query).get("rollbackd-bucket", [])
    return int(asked[0]) if asked else 0


def _has_room(distribution: Distribution, paths: list[str], now: datetime) -> None:
    every = [path for each in distribution.invalidations if each.by > now for path in each.paths] + paths
    wildcards = [path for path in every if path.endswith("*")]
    if len(every) - len(wildcards) > MOST_PATHS or len(wildcards) > MOST_WILDCARDS:
        words = "You have exceeded the maximum number of allowable InProgress invalidation batch requests"
        raise AwsError("TooManyInvalidationsInProgress", words)


def _status(invalidation: Invalidation, now: datetime) -> str:
    return "Completed" if invalidation.by <= now else "InProgress"


def _told(invalidation: Invalidation, now: datetime) -> Mapping[str, Any]:
    paths = list(invalidation.paths)
    return {
        "Id": invalidation.id,
        "Status": _status(invalidation, now),
        "CreateTime": invalidation.at,
        "InvalidationBatch": {
            "Paths": {"Quantity": len(paths), "Items": paths},
            "CallerReference": invalidation.reference,
        },
    }
