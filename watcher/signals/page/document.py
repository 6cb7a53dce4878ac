"""What a page names: its files, its own scripts, its marks. Read as a browser reads it. Pure.

Of Python's parser only `feed` is used, and never `close`: what stands open at the end of a text is dropped there, as
browsers do it, while `close` goes over it again from each `<`, which takes minutes for a page that is made to hurt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html.parser import HTMLParser
from urllib.parse import urljoin

MOST_PIECES = 50_000  # tags and texts of a page; the largest have some thousand
# Attributes as the parser gives them: the name in small letters, and no value where there is none.
Attributes = Mapping[str, str | None]

JAVASCRIPT = frozenset(
    f"{kind}/{name}"
    for kind in ("application", "text")
    for name in ("javascript", "ecmascript", "x-javascript", "x-ecmascript", "jscript", "livescript")
)
_INERT = frozenset({"noscript", "template", "title", "textarea"})  # what stands in these is not carried out


class Role(StrEnum):
    """What a browser takes a file for."""

    SCRIPT = "script"
    MODULE = "module"
    STYLE = "style"
    OTHER = "file"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the page names. *integrity*: hashes of its content, as the page writes them."""

    url: str
    role: Role
    integrity: str = ""


@dataclass
class Document:
    """What was read.

    Attributes:
        assets: Each address once, in the order of the page.
        scripts: Those that stand in the page itself.
        metas: The content of each ``<meta>``, by its name in small letters.
    """

    assets: dict[str, Asset] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    metas: dict[str, str] = field(default_factory=dict)


class Unreadable(Exception):
    """It is made of more pieces than a page is."""


def read(text: str, url: str) -> Document:
    """The page in *text*, which came from *url*.

    Raises:
        Unreadable: It has more than `MOST_PIECES` tags and texts.
    """
    reader = _Reader(url)
    reader.feed(text)
    return reader.document


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.document = Document()
        self._base = url
        self._has_base = False
        self._inert = 0
        self._script: list[str] | None = None
        self._pieces = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag; one that closes itself comes here too."""
        self._count()
        if tag in _INERT:
            self._inert += 1
        if self._inert:
            return
        attributes: dict[str, str | None] = {}
        for name, value in attrs:  # of several of one name browsers take the first
            attributes.setdefault(name, value)
        if tag == "base" and not self._has_base and attributes.get("href") is not None:
            self._has_base = True
            self._base = _joined(self._base, attributes["href"]) or self._base
        elif tag == "meta":
            name = attributes.get("name") or attributes.get("property") or ""
            self.document.metas.setdefault(name.lower(), attributes.get("content") or "")
        elif tag == "script":
            self._begin_script(attributes)
        elif tag == "link":
            self._add(attributes.get("href"), role_of_link(attributes), attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """In HTML a slash at the end closes nothing."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of something."""
        self._count()
        if tag in _INERT and self._inert:
            self._inert -= 1
        if tag == "script" and self._script is not None:
            self.document.scripts.append("".join(self._script))
            self._script = None

    def handle_data(self, data: str) -> None:
        """Text; a script is kept."""
        self._count()
        if self._script is not None:
            self._script.append(data)

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 - the parser's own name
        """What is not carried out."""
        self._count()

    def parse_html_declaration(self, i: int) -> int:
        """What begins with ``<!``. ``<![`` is a comment to browsers, up to the next ``>``; Python's parser may raise there."""
        return (
            self.parse_bogus_comment(i)
            if self.rawdata.startswith("<![", i)
            else super().parse_html_declaration(i)
        )

    def _begin_script(self, attributes: Attributes) -> None:
        role = role_of_script(attributes)
        if "src" in attributes:  # what stands inside is not carried out then
            self._add(attributes["src"], role, attributes)
        elif role is not None:
            self._script = []

    def _add(self, href: str | None, role: Role | None, attributes: Attributes) -> None:
        url = _joined(self._base, href) if role is not None else None
        if url is not None and role is not None:
            integrity = (attributes.get("integrity") or "").strip()
            known = self.document.assets.get(url)
            if known is not None:  # preloaded, and then used as what it is
                role = Role.MODULE if Role.MODULE in {role, known.role} else known.role
                integrity = known.integrity or integrity
            self.document.assets[url] = Asset(url, role, integrity)

    def _count(self) -> None:
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise Unreadable(f"it is made of more than {MOST_PIECES} pieces")


def role_of_script(attributes: Attributes) -> Role | None:
    """What a ``<script>`` is; ``None`` for data that browsers do not carry out."""
    kind = (attributes.get("type") or "").strip().lower()
    if kind == "module":
        return Role.MODULE
    return Role.SCRIPT if kind in {"", *JAVASCRIPT} else None


def role_of_link(attributes: Attributes) -> Role | None:
    """What a ``<link>`` names; ``None`` where the page shows without it: icons, other languages, other pages."""
    relations = set((attributes.get("rel") or "").lower().split())
    wanted = (attributes.get("as") or "").strip().lower()
    if "stylesheet" in relations and "alternate" not in relations and "disabled" not in attributes:
        return Role.STYLE
    if "modulepreload" in relations:
        return Role.MODULE if wanted in {"", "script"} else Role.OTHER
    if relations & {"preload", "prefetch"}:
        return {"script": Role.SCRIPT, "style": Role.STYLE, "font": Role.OTHER, "fetch": Role.OTHER}.get(
            wanted
        )
    return None


def _joined(base: str, href: str | None) -> str | None:
    """The address that *href* names; ``None`` for what is no address in HTTP (``data:``)."""
    if not (href or "").strip():
        return None
    try:
        url = urljoin(base, (href or "").strip()).partition("#")[0]
    except ValueError:
        return None
    return url if url.startswith(("http://", "https://")) else None
