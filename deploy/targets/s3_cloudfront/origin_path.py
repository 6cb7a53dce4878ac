"""The path of an origin says which release is live: each release is a tree of its own, and nothing is shared.

The settings of a distribution are sent back as a whole, with one path changed, if nobody has changed them meanwhile
(``If-Match``). The path is no part of the address under which edges keep a page, so they are told to fetch it anew; and not
before CloudFront says that all of them know the new path, for one that does not would fetch the old page again.

Source:
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HowToUpdateDistribution.html
"""

import copy
import shlex
from collections.abc import Mapping
from typing import Any

from deploy.model import Move, Unreadable
from deploy.targets.s3_cloudfront.pointer import Order, Pointer, Source
from deploy.targets.s3_cloudfront.reading import Reader
from deploy.targets.s3_cloudfront.settings import Settings, is_name
from deploy.targets.s3_cloudfront.trace import TAG_KEY, Trace, read

DEPLOYED = "Deployed"


class OriginPath:
    """See `pointer.Layout`."""

    caches = True
    swaps_files = True

    def __init__(self, settings: Settings, reader: Reader) -> None:
        self._settings = settings
        self._reader = reader
        self._tags: tuple[str, Mapping[str, str]] = ("", {})

    async def look(self) -> Pointer | Unreadable | None:
        """The distribution, and the page that its path leads to. In steady state GetDistribution and HeadObject."""
        settings = self._settings
        told = await self._reader.distribution(settings.distribution)
        distribution, version = told["Distribution"], str(told["ETag"])
        origin = self._origin(distribution["DistributionConfig"])
        if isinstance(origin, Unreadable):
            return origin
        name = self._name(str(origin.get("OriginPath", "")))
        if name is None:
            return Unreadable(
                f"the path {str(origin.get('OriginPath', ''))[:80]!r} of the origin {origin['Id']} leads to no release:"
                f" set it to /{settings.releases}NAME"
            )
        head = await self._reader.head(settings.bucket, settings.page_of(name))
        page = await self._reader.page(settings.bucket, head, settings.site) if head else None
        if head is None or page is None:
            return None
        trace = read((await self._tags_of(str(distribution["ARN"]), version)).get(TAG_KEY))
        since = distribution["LastModifiedTime"]
        return Pointer(
            page.release(name, head.told),
            version,
            since,
            trace if trace is not None and trace.made(name, since) else None,
            ""
            if distribution["Status"] == DEPLOYED
            else f"CloudFront tells its edges of {name} ({distribution['Status']})",
            {
                "config": distribution["DistributionConfig"],
                "origin": origin["Id"],
                "arn": distribution["ARN"],
            },
        )

    def order(self, pointer: Pointer, source: Source, _trace: Trace) -> Order:
        """All settings as they are, with the path of one origin changed, if they are what they were."""
        config = copy.deepcopy(dict(pointer.settings["config"]))
        for origin in config["Origins"]["Items"]:
            if origin["Id"] == pointer.settings["origin"]:
                origin["OriginPath"] = self._path(source.release.tag)
        parameters = {
            "Id": self._settings.distribution,
            "IfMatch": pointer.version,
            "DistributionConfig": config,
        }
        return self._order(source.release.tag, str(pointer.settings["origin"]), parameters)

    def trail(self, pointer: Pointer, trace: Trace) -> Order | None:
        """A tag of the distribution."""
        written, arn = trace.written(), str(pointer.settings["arn"])
        if written is None:
            return None
        parameters = {"Resource": arn, "Tags": {"Items": [{"Key": TAG_KEY, "Value": written}]}}
        told = f"cloudfront:TagResource {arn} {TAG_KEY} (so that the rollback is recognised as ours)"
        return Order("cloudfront", "tag_resource", parameters, told, "")

    def unseen(self, move: Move) -> Order:
        """The call, by the name alone."""
        return self._order(move.to.tag, self._settings.origin or "ORIGIN", {})

    def _order(self, name: str, origin: str, parameters: Mapping[str, Any]) -> Order:
        distribution, path = self._settings.distribution, self._path(name)
        change = f'.DistributionConfig | .Origins.Items |= map(if .Id == "{origin}" then .OriginPath = "{path}" else . end)'
        ask = shlex.join(("aws", "cloudfront", "get-distribution-config", "--id", distribution))
        send = shlex.join(("aws", "cloudfront", "update-distribution", "--id", distribution))
        return Order(
            "cloudfront",
            "update_distribution",
            parameters,
            f"cloudfront:UpdateDistribution {distribution}: OriginPath of {origin} = {path}, if its settings are what they were",
            f'{ask} > d.json && {send} --if-match "$(jq -r .ETag d.json)" --distribution-config "$(jq {shlex.quote(change)} d.json)"',
        )

    def _path(self, name: str) -> str:
        return f"/{self._settings.releases}{name}"

    def _name(self, path: str) -> str | None:
        below = f"/{self._settings.releases}"
        name = path.removeprefix(below) if path.startswith(below) else ""
        return name if is_name(name) else None

    def _origin(self, config: Mapping[str, Any]) -> Mapping[str, Any] | Unreadable:
        """The origin whose path is the pointer: the one that is named, else the only one that is the bucket."""
        items, wanted = config["Origins"].get("Items", ()), self._settings.origin
        bucket = f"{self._settings.bucket}.s3"
        found = [
            each
            for each in items
            if (
                each["Id"] == wanted
                if wanted
                else str(each["DomainName"]).startswith((f"{bucket}.", f"{bucket}-"))
            )
        ]
        if len(found) == 1:
            only: Mapping[str, Any] = found[0]
            return only
        what = f"called {wanted}" if wanted else f"that is the bucket {self._settings.bucket}"
        ids = ", ".join(str(each["Id"]) for each in items)
        return Unreadable(
            f"{self._settings.distribution} has {len(found)} origins {what}: name one of {ids} as `origin`"
        )

    async def _tags_of(self, arn: str, version: str) -> Mapping[str, str]:
        """Read once for each version of the settings: our tag is written just before them."""
        if self._tags[0] != version:
            self._tags = (version, await self._reader.distribution_tags(arn))
        return self._tags[1]
