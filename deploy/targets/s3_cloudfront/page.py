"""A page, as the bucket has it: what it is by its content, what it names, and which release it says it is. Pure.

Of Python's parser only `feed` is used, and never `close`, which goes over an open tag again from each ``<``.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from deploy.model import NAME, Release

MARKER = "release"  # ``<meta name="release">``, and ``x-amz-meta-release``
MOST_READ = 256 * 1024  # bytes of a page that are looked into: half a second of one that is made to hurt
MOST_FILES = 200  # that are looked for; a page names some dozens
_INERT = frozenset({"noscript", "template", "title", "textarea"})
_NEEDED = frozenset({"stylesheet", "modulepreload"})


@dataclass(frozen=True, slots=True)
class Page:
    """An index.html.

    Attributes:
        fingerprint: The hash of its bytes.
        marker: The release that its ``<meta>`` names.
        files: Paths on the site of the scripts and styles that it cannot do without, each once.
        bundle: The path of its main script.
    """

    fingerprint: str
    marker: str | None = None
    files: tuple[str, ...] = ()
    bundle: str | None = None

    def release(self, name: str, told: str | None = None) -> Release:
        """This page as the release *name*; *told*: what its object says of itself (``x-amz-meta-release``)."""
        names = {"version": told or self.marker or name, "bundle": self.bundle}
        fitting = {each: value for each, value in names.items() if value and re.fullmatch(NAME, value)}
        return Release(self.fingerprint, name, fitting)


def hash_of(body: bytes) -> str:
    """The fingerprint of the page *body*."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def read(body: bytes, site: str) -> Page:
    """The page *body* of *site*. Of one that is larger than any page of an application only the beginning is looked into."""
    reader = _Reader(f"{site}/")
    reader.feed(body[:MOST_READ].decode("utf-8", "replace"))
    own = (_own(url, site) for url in dict.fromkeys(reader.files))
    files = tuple(path for path in own if path)[:MOST_FILES]
    scripts = [path for path in (_own(url, site) for url in reader.scripts) if path]
    return Page(hash_of(body), reader.marker, files, _main(scripts))


def _own(url: str, site: str) -> str | None:
    """The path below *site*; ``None``: it is somebody else's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    whole = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return whole.removeprefix(f"{site}/") if whole.startswith(f"{site}/") else None


def _main(scripts: list[str]) -> str | None:
    """Angular calls it ``main-HASH.js``, and names it last."""
    named = [path for path in scripts if path.rpartition("/")[2].startswith("main")]
    found = named or scripts
    return found[-1] if found else None


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.files: list[str] = []
        self.scripts: list[str] = []
        self.marker: str | None = None
        self._base: str | None = None
        self._url = url
        self._inert = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag; what stands in a ``<noscript>`` is for others."""
        self._inert += tag in _INERT
        if self._inert:
            return
        told: dict[str, str | None] = {}
        for name, value in attrs:  # of several of one name browsers take the first
            told.setdefault(name, value)
        match tag:
            case "base" if self._base is None and told.get("href"):
                self._base = _join(self._url, told["href"])
            case "meta" if self.marker is None and told.get("name") == MARKER:
                self.marker = (told.get("content") or "").strip() or None
            case "link" if _is_needed(told):
                self._add(told.get("href"))
            case "script" if told.get("src") and (told.get("type") or "module") in _SCRIPTS:
                self._add(told.get("src"), self.scripts)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """In HTML a slash at the end closes nothing."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of something."""
        self._inert -= bool(self._inert) and tag in _INERT

    def parse_html_declaration(self, i: int) -> int:
        """``<![`` is a comment to browsers; Python's parser may raise there."""
        cut = self.rawdata.startswith("<![", i)
        return self.parse_bogus_comment(i) if cut else super().parse_html_declaration(i)

    def _add(self, href: str | None, also: list[str] | None = None) -> None:
        url = _join(self._base or self._url, href)
        if url is not None:
            self.files.append(url)
            if also is not None:
                also.append(url)


_SCRIPTS = frozenset({"", "module", "text/javascript", "application/javascript"})


def _is_needed(told: Mapping[str, str | None]) -> bool:
    relations = set((told.get("rel") or "").lower().split())
    return bool(relations & _NEEDED) and "alternate" not in relations


def _join(base: str, href: str | None) -> str | None:
    try:
        url = urljoin(base, (href or "").strip()).partition("#")[0]
    except ValueError:
        return None
    return url if url.startswith(("http://", "https://")) else None
