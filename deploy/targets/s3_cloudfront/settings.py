"""What may stand under ``runs_on: [{s3_cloudfront: …}]``, and by which addresses news of the site are recognised.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html for paths
"""

import re
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from deploy.model import SERVICE, TAG
from deploy.ports import AwsAccount

INDEX_POINTER, ORIGIN_PATH, KEY_VALUE_STORE = "index_pointer", "origin_path", "key_value_store"
MOST_PATHS = 15  # as many wildcards may be in progress at once; a site needs two paths
_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}"
_PREFIX = rf"(?:{_SEGMENT}/){{0,8}}"
_STORE = re.compile(r"arn:aws[a-z-]{0,16}:cloudfront::(?P<account>[0-9]{12}):key-value-store/[0-9a-f-]{36}")
_NAME = re.compile(rf"{TAG}")


def _site(url: str) -> str:
    """An address of the site, as people open it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("the address of a site begins with https:// and a name, and holds no user")
    if parts.query or parts.fragment or url.endswith("/"):
        raise ValueError("the address of a site ends without a slash, and without `?` and `#`")
    return url


def _path(path: str) -> str:
    if not re.fullmatch(r"/[!-~]{0,255}", path) or "*" in path[:-1]:
        raise ValueError("a path begins with a slash, has no blanks, and a `*` at its end alone")
    return path


class Settings(BaseModel):
    """A static site in a bucket of S3, behind a distribution of CloudFront.

    Attributes:
        bucket: The bucket's name.
        distribution: The distribution's id.
        site: How people open it: https://shop.example.com, without a slash at its end. It is asked what it serves.
        layout: What says which release is live: `index_pointer`, the page itself; `origin_path`, a setting of the
            distribution; `key_value_store`, a key that a CloudFront Function reads.
        releases: Below which prefix each release has its own, NAME/.
        index: The page, in each release; and as the pointer.
        root: With `index_pointer`: below which prefix the live page is; empty: at the top of the bucket.
        invalidate: What CloudFront is told to fetch anew after a move.
        origin: With `origin_path`: the id of the origin whose path is set; by default the one that is this bucket.
        store: With `key_value_store`: the ARN of the store.
        key: With `key_value_store`: the key whose value is the release's NAME.
        traffic: With `key_value_store`: `by_weight`, where its function shares the site out between two releases.
        metrics: The account of us-east-1, by its name in the configuration, in which CloudFront's metrics are read: whoever names
            no rules is watched by the pack `angular` then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")]
    distribution: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8,32}\Z")]
    site: Annotated[str, StringConstraints(max_length=255), AfterValidator(_site)]
    layout: Literal["index_pointer", "origin_path", "key_value_store"] = "index_pointer"
    releases: Annotated[str, StringConstraints(pattern=rf"^(?:{_SEGMENT}/){{1,8}}\Z")] = "releases/"
    index: Annotated[str, StringConstraints(pattern=rf"^{_SEGMENT}\Z")] = "index.html"
    root: Annotated[str, StringConstraints(pattern=rf"^{_PREFIX}\Z")] = ""
    invalidate: Annotated[
        list[Annotated[str, AfterValidator(_path)]], Field(min_length=1, max_length=MOST_PATHS)
    ] = ["/", "/index.html"]
    origin: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}\Z")] | None = None
    store: str | None = None
    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}\Z")] = "release"
    traffic: Literal["by_weight"] | None = None
    metrics: Annotated[str, StringConstraints(pattern=rf"^{SERVICE}\Z")] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """What belongs to one layout stands with that alone."""
        if self.origin is not None and self.layout != ORIGIN_PATH:
            raise ValueError("`origin` belongs to `layout: origin_path`")
        if self.root and self.layout != INDEX_POINTER:
            raise ValueError(
                "`root` belongs to `layout: index_pointer`; else a release is below `releases` as a whole"
            )
        if self.traffic is not None and self.layout != KEY_VALUE_STORE:
            raise ValueError(
                "`traffic` belongs to `layout: key_value_store`: no other layout shares a site out between two releases"
            )
        if (self.store is not None) != (self.layout == KEY_VALUE_STORE):
            raise ValueError(
                "`store`, the ARN of a key value store, belongs to `layout: key_value_store`, which needs it"
            )
        if self.store is not None and not _STORE.fullmatch(self.store):
            raise ValueError(
                "`store` is an ARN such as arn:aws:cloudfront::123456789012:key-value-store/0a1b2c3d-0000-0000-0000-000000000000"
            )
        return self

    @property
    def pointer(self) -> str:
        """The key of the live page, with `index_pointer`."""
        return f"{self.root}{self.index}"

    def page_of(self, name: str) -> str:
        """The key of the page of the release *name*."""
        return f"{self.releases}{name}/{self.index}"

    def key_of(self, path: str, name: str) -> str:
        """The key of the file that the site serves at *path* (of an address) while the release *name* is live."""
        file = unquote(path)
        return f"{self.root}{file}" if self.layout == INDEX_POINTER else f"{self.releases}{name}/{file}"


def is_name(name: str) -> bool:
    """*name* may be that of a release: one step of a path, and a tag."""
    return bool(_NAME.fullmatch(name)) and "/" not in name


def addresses(settings: Settings, _account: AwsAccount | None) -> tuple[str, ...]:
    """By which events of the bucket are recognised: ``s3:{bucket}/{key}``. Other layouts are told of by no event of their own."""
    return (f"s3:{settings.bucket}/{settings.pointer}",) if settings.layout == INDEX_POINTER else ()


def misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    """A key value store of another account than *account*."""
    found = _STORE.fullmatch(settings.store or "")
    if found is None or account.id in {None, found["account"]}:
        return None
    return (
        f"the store is of {found['account']}, and the account {account.name} is {account.id}",
        "name the account that the distribution is in",
    )


def unstaged(settings: Settings) -> tuple[str, str] | None:
    """Why the site is not to be shared out by the daemon: its pointer names one release."""
    if settings.traffic == "by_weight":
        return None
    if settings.layout == KEY_VALUE_STORE:
        return (
            f"the key {settings.key} is taken to name one release, which everybody gets",
            "let the function pick one of two (examples/aws/site-by-weight.js), and write `traffic: by_weight`",
        )
    return (
        f"with `layout: {settings.layout}` everybody gets one release",
        "remove `stages`; or let a function pick the release: `layout: key_value_store, traffic: by_weight`",
    )
