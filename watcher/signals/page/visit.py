"""One visit to a page: the page, the files that it names, and its mark."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, Fault, Http, HttpRefused, Late, Request
from watcher.signals.page.asset import name_of, wrong_asset
from watcher.signals.page.document import Asset, Document, Role, Unreadable, read
from watcher.signals.page.marker import cached, in_json, in_meta, in_script
from watcher.signals.page.query import Query
from watcher.signals.probe.check import Noting, Probed, Reason, Seen, context_of
from watcher.signals.probe.following import (
    Astray,
    Deadline,
    Following,
    Landed,
    TooLate,
    origin_of,
    same_site,
    unfinished,
)

MOST_OF_PAGE = 512 * 1024  # bytes: what a browser must read before it draws anything is some kilobytes
MOST_OF_ASSET = 8 * 1024 * 1024
MOST_ASSETS = 200
AT_ONCE = 4  # so that a visit is like that of a browser, and never holds more than as many files
NAMED = 3  # files that a message names
_SCRIPTS = frozenset({Role.SCRIPT, Role.MODULE})
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


class Page:
    """A page at one address, which is visited again and again."""

    def __init__(self, url: str, query: Query, http: Http, count: Callable[[Reason], None]) -> None:
        self.host = urlsplit(url).hostname or ""
        self._url = url
        self._query = query
        self._http = http
        self._noted = Noting(self.host, count)

    async def look(self, _at: datetime) -> Seen:
        """Visit once, with nothing in the cache."""
        with self._http.lateness.measured() as late:
            try:
                visit = _Visit.begun(self._url, self._query, self._http, late)
            except OSError as error:
                why = error.strerror or type(error).__name__
                return Invalid(Who.OPERATOR, f"the authorities in `ca` cannot be read: {why}")
            return self._noted(await visit.seen())

    def begin_anew(self) -> None:
        """Nothing is remembered between two visits."""

    def weight(self, _seen: object) -> int:
        """One."""
        return 1


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What became of a file: *trouble* if it cannot be used, *mark* if it says which release it is of."""

    trouble: Seen | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class _Visit:
    query: Query
    request: Request
    http: Http
    deadline: Deadline

    @classmethod
    def begun(cls, url: str, query: Query, http: Http, late: Late) -> "_Visit":
        """A visit that begins now.

        Raises:
            OSError: The authorities that are trusted cannot be read.
        """
        tls = context_of(query.tls)
        headers = {"Accept": "text/html", **query.headers}  # as a browser says that it wants a page
        request = Request(
            "page", url, headers=headers, most=MOST_OF_PAGE, far=Who.SERVICE, fresh=True, tls=tls
        )
        return cls(query, request, http, Deadline(query.patience, late))

    async def seen(self) -> Seen:
        """What the visit came to."""
        try:
            landed = await self._following(same_site).go(self.request, self.query.patience)
        except (Astray, TooLate, HttpRefused) as failure:
            return unfinished(failure, self.deadline)
        wrong = self._wrong_page(landed.answer)
        if wrong is not None:
            return wrong
        try:
            document = read(landed.answer.body.decode("utf-8", "replace"), landed.url)
        except Unreadable as unreadable:
            return Probed(Reason.BODY, f"the page cannot be read: {unreadable}", answered=True)
        return await self._drawn(landed, document)

    async def _drawn(self, landed: Landed, document: Document) -> Seen:
        """Whether a browser could draw *document*."""
        assets = [each for each in document.assets.values() if self._is_asked(landed.url, each)]
        if len(assets) > MOST_ASSETS:
            return Invalid(Who.AUTHOR, f"the page names more than {MOST_ASSETS} files")
        fetched = await self._fetch_all(landed.url, assets)
        mark = await self._mark(landed, document, fetched)
        named = mark if isinstance(mark, str) else None
        if not document.scripts and not any(each.role in _SCRIPTS for each in assets):
            return self._empty(landed, document, named)
        bad = [
            (asset, each.trouble.words)
            for asset, each in zip(assets, fetched, strict=True)
            if isinstance(each.trouble, Probed)
        ]
        if bad:
            return self._told(landed, Reason.ASSET, _listed(bad, len(assets)), named)
        troubles = [
            each for each in (mark, *(file.trouble for file in fetched)) if not isinstance(each, str | None)
        ]
        return troubles[0] if troubles else Probed(None, cached(landed.answer), named, answered=True)

    def _empty(self, landed: Landed, document: Document, mark: str | None) -> Seen:
        """No script of the page's own was found: there is none, or nobody said where they are."""
        strange = next((each.url for each in document.assets.values() if each.role in _SCRIPTS), None)
        if strange is None:
            return self._told(landed, Reason.BODY, "the page names no script: nothing would be drawn", mark)
        origin = replace(self.request, url=strange).origin
        words = f"the page has no script of its own origin, but of {origin}"
        return Invalid(Who.AUTHOR, f"{words}: if that is yours, add it to `origins`")

    def _told(self, landed: Landed, reason: Reason, words: str, mark: str | None) -> Probed:
        """A bad page. Where it is known to be of another release, that is seen when it is counted."""
        hint = cached(landed.answer)
        said = ", ".join(each for each in (f"of {mark[:40]!r}" if mark else "", hint) if each)
        return Probed(reason, f"{words} (the page is {said})" if said else words, mark, answered=True)

    def _wrong_page(self, answer: Answer) -> Probed | None:
        good = any(first <= answer.status <= last for first, last in self.query.expect.status)
        if not good:
            return Probed(Reason.STATUS, f"HTTP {answer.status}", answered=True)
        if answer.media_type not in _PAGES:
            kind = answer.media_type[:60] or "of no kind"
            return Probed(Reason.BODY, f"the page is {kind}, and not text/html", answered=True)
        return None

    def _is_asked(self, page: str, asset: Asset) -> bool:
        if self.query.expect.assets == "all":
            return True
        own = {origin_of(page), *(origin_of(each) for each in self.query.origins)}
        return origin_of(asset.url) in own

    async def _fetch_all(self, page: str, assets: Sequence[Asset]) -> list[_Fetched]:
        turn = asyncio.Semaphore(AT_ONCE)

        async def fetch(asset: Asset) -> _Fetched:
            async with turn:
                return await self._fetch(page, asset)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch(asset)) for asset in assets]
        return [task.result() for task in tasks]

    async def _fetch(self, page: str, asset: Asset) -> _Fetched:
        headers = self.query.headers if same_site(page, asset.url) else {}
        request = replace(self.request, url=asset.url, headers=headers, most=MOST_OF_ASSET, fresh=False)
        try:
            answer = (await self._following(_stays_safe).go(request, self.query.patience)).answer
        except (Astray, TooLate, HttpRefused) as failure:
            return _Fetched(self._missed(failure))
        words = wrong_asset(asset, answer)
        if words:
            return _Fetched(Probed(Reason.ASSET, words, answered=True))
        return _Fetched(mark=self._mark_in(asset, answer))

    def _missed(self, failure: Astray | TooLate | HttpRefused) -> Seen:
        # A browser reads both, and the daemon does not.
        if isinstance(failure, HttpRefused) and failure.fault in {Fault.TOO_LARGE, Fault.ENCODING}:
            return Invalid(Who.AUTHOR, f"{failure.words}: it is not read")
        return unfinished(failure, self.deadline)

    def _mark_in(self, asset: Asset, answer: Answer) -> str | None:
        marker = self.query.expect.release
        if marker is None or marker.global_ is None or asset.role not in _SCRIPTS:
            return None
        return in_script(answer.body.decode("utf-8", "replace"), marker.global_)

    async def _mark(
        self, landed: Landed, document: Document, fetched: Sequence[_Fetched]
    ) -> str | Probed | Unavailable | Invalid | None:
        """What the page calls its release; ``None`` where it says nothing."""
        marker = self.query.expect.release
        if marker is None:
            return None
        if marker.meta is not None:
            return in_meta(document, marker.meta)
        if marker.global_ is not None:
            inside = (in_script(script, marker.global_) for script in document.scripts)
            return next((each for each in (*inside, *(f.mark for f in fetched)) if each), None)
        return await self._mark_beside(landed)

    async def _mark_beside(self, landed: Landed) -> str | Probed | Unavailable | Invalid | None:
        file = self.query.expect.release.json_ if self.query.expect.release else None
        if file is None:
            return None
        url = urljoin(landed.url, file.url)
        headers = self.query.headers if same_site(landed.url, url) else {}
        try:
            request = replace(self.request, url=url, headers=headers)
            found = await self._following(same_site).go(request, self.query.patience)
        except (Astray, TooLate, HttpRefused) as failure:
            return unfinished(failure, self.deadline)
        return in_json(found.answer, file.path)

    def _following(self, may: Callable[[str, str], bool]) -> Following:
        return Following(self.http, may, self.deadline)


def _stays_safe(start: str, to: str) -> bool:
    """A file may lie anywhere, but not less safe than it was asked for."""
    before, after = origin_of(start), origin_of(to)
    return before is not None and after is not None and not (before[0] == "https" and after[0] == "http")


def _listed(bad: Sequence[tuple[Asset, str]], of: int) -> str:
    named = "; ".join(f"{name_of(asset.url)}: {words}" for asset, words in bad[:NAMED])
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    return f"{len(bad)} of {of} files: {named}{more}"
