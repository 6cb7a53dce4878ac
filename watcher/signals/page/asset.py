"""Whether a file is what its page needs: there, of the right kind, and unchanged. Pure.

Source:
    https://html.spec.whatwg.org/multipage/webappapis.html#fetch-a-single-module-script (a module must be JavaScript)
    https://fetch.spec.whatwg.org/#should-response-to-request-be-blocked-due-to-mime-type? (what a script may not be)
    https://www.w3.org/TR/SRI/
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from watcher.http import Answer
from watcher.signals.page.document import JAVASCRIPT, Asset, Role

LONGEST_NAME = 80  # characters of a file's name in a message
_NEVER_A_SCRIPT = re.compile(r"text/html|application/xhtml\+xml|text/csv|(?:image|audio|video)/.*")
_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)
_START = 256  # bytes in which a page says that it is one
_HASHES: Mapping[str, Callable[[bytes], Any]] = {  # from the weakest to the strongest
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


def wrong_asset(asset: Asset, answer: Answer) -> str:
    """Why a browser cannot use *answer* as what the page names; empty if it can."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return f"HTTP {answer.status}"
    if _PAGE.match(answer.body[:_START]):
        return f"HTTP {answer.status} with a page in its place, as where a file is missing"
    return _wrong_kind(asset.role, answer) or _wrong_content(asset.integrity, answer.body)


def name_of(url: str) -> str:
    """The file's name, for people: nothing of the rest, which may be a secret."""
    name = urlsplit(url).path.rpartition("/")[2] or urlsplit(url).netloc.rpartition("@")[2]
    return "".join(c if c.isprintable() else "?" for c in name)[:LONGEST_NAME]


def _wrong_kind(role: Role, answer: Answer) -> str:
    kind = answer.media_type
    strict = answer.headers.get("x-content-type-options", "").strip().lower() == "nosniff"
    allowed = {
        Role.MODULE: kind in JAVASCRIPT,
        Role.SCRIPT: kind in JAVASCRIPT or not (strict or _NEVER_A_SCRIPT.fullmatch(kind)),
        Role.STYLE: kind == "text/css",
        Role.OTHER: kind not in {"text/html", "application/xhtml+xml"},
    }
    return "" if allowed[role] else f"it is {kind[:60] or 'of no kind'}, which is no {_NEEDED[role]}"


_NEEDED = {Role.MODULE: "script", Role.SCRIPT: "script", Role.STYLE: "style sheet", Role.OTHER: "such file"}


def _wrong_content(integrity: str, body: bytes) -> str:
    """The strongest kind of hash that is written decides; of one kind any may fit. What nobody knows is left out."""
    written: dict[str, set[bytes]] = {}
    for each in integrity.split():
        name, _, value = each.partition("-")
        decoded = _decoded(value.partition("?")[0])
        if name.lower() in _HASHES and decoded is not None:
            written.setdefault(name.lower(), set()).add(decoded)
    strongest = max(written, key=list(_HASHES).index, default=None)
    if strongest is None or _HASHES[strongest](body).digest() in written[strongest]:
        return ""
    return f"it is not what the page expects: another {strongest}"


def _decoded(value: str) -> bytes | None:
    try:
        return base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
