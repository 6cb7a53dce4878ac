"""Expressions that an author wrote: what may stand in them, and how a release's names are filled in.

They are sent in one query with those of others, so they must be whole: brackets and quotes that close, no comment. What
they mean is the server's to say. A name of a release stands in quotes alone, where it cannot become syntax; behind ``=~``
it is quoted as plain characters besides, and so it is in Loki's ``|~``.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from rules.errors import Malformed
from watcher.signals.arms import filled, names_in
from watcher.signals.prometheus.promql import span

LONGEST = 4096  # characters
BUCKET = "${bucket}"
_QUOTED = r'"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'" r"|`[^`]*`"
_PIECE = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<other>\$\{{bucket\}}|[^\"'`]|[\"'`])", re.DOTALL)
_OPEN = {"(": ")", "[": "]", "{": "}"}
_RANGE = re.compile(r"\[([^\]]*)\]")
_OF_A_SECOND = re.compile(r"\b(rate|irate|deriv|idelta)\s*\(")
_RECORDED = re.compile(r":(i?rate[0-9]+[smhd])\b")  # as rules are named that record a speed
_COUNTER = re.compile(r"\b[a-zA-Z_][a-zA-Z0-9_]*_total\b(?!:)")  # a recording rule has colons
_NOISY = re.compile(r"\b(irate|idelta)\s*\(")
_GROUPED = re.compile(r"\bby\s*\(([^()]*)\)")
_HELD = re.compile(r'\b(\w+)\s*=\s*""')  # what stands in quotes is left out of what is looked at
_MATCHING = re.compile(r"\b(on|ignoring|group_left|group_right)\b")


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    is_quoted: bool


def _pieces(text: str) -> Iterator[_Piece]:
    for found in _PIECE.finditer(text):
        yield _Piece(found[0], found.lastgroup == "quoted")


def check(text: str) -> str:
    """*text*, if it is whole, and its ranges are the bucket's.

    Raises:
        Malformed: It is not.
    """
    if len(text) > LONGEST or not text.strip():
        raise Malformed(f"expected an expression of at most {LONGEST} characters", remedy="write one")
    if any(not (sign.isprintable() or sign in "\n\t") for sign in text):
        raise Malformed("signs that nobody can see", remedy="write the expression in plain characters")
    code = _without_quoted(text)
    if names_in(code):
        raise Malformed("a name of the release outside of quotes", remedy='write {version="${arm.version}"}')
    _closes(code.replace(BUCKET, "1m"))
    _ranges(code)
    _has_one_row(code)
    return text


def _without_quoted(text: str) -> str:
    return "".join('""' if piece.is_quoted else piece.text for piece in _pieces(text))


def check_count(text: str) -> str:
    """The same for an expression that counts.

    Raises:
        Malformed: It is not whole, or gives so many a second.
    """
    code = _without_quoted(text)
    found = _OF_A_SECOND.search(code) or _RECORDED.search(code)
    if found:
        raise Malformed(
            f"{found[1]}{'()' if found[0].endswith('(') else ''} is so many a second, and counts are needed",
            remedy=f"write increase(x[{BUCKET}]), or better `counter:` with `where` and `bad`",
        )
    counter = _COUNTER.search(code)
    if counter and "[" not in code:
        raise Malformed(
            f"{counter[0]} is a counter, whose value is all since it began and not a bucket's",
            remedy=f"write increase({counter[0]}[{BUCKET}]), or better `counter:` with `where` and `bad`",
        )
    return check(text)


def _closes(code: str) -> None:
    waiting: list[str] = []
    for sign in code:
        if sign in _OPEN:
            waiting.append(_OPEN[sign])
        elif sign in ")]}" and (not waiting or waiting.pop() != sign):
            raise Malformed(f"a {sign} that nothing opened", remedy="correct the brackets")
        elif sign == "#":
            raise Malformed("a comment in an expression", remedy="leave it out; YAML has comments of its own")
        elif sign == "`" or (sign in "\"'" and code.count(sign) % 2):
            raise Malformed("quotes that do not close", remedy="correct the quotes")
    if waiting:
        raise Malformed(f"a {waiting[-1]} is missing", remedy="correct the brackets")


def _ranges(code: str) -> None:
    for found in _RANGE.finditer(code):
        if not re.fullmatch(r"\s*\$\{bucket\}\s*(:.*)?", found[1]):
            raise Malformed(
                f"the range [{found[1][:40]}] is not the bucket's, so that buckets would overlap or leave gaps",
                remedy=f"write [{BUCKET}]",
            )
    noisy = _NOISY.search(code)
    if noisy:
        raise Malformed(
            f"{noisy[1]}() looks at two samples alone, which is chance", remedy=f"write rate(x[{BUCKET}])"
        )


def _has_one_row(code: str) -> None:
    """Grouped outermost by a label that no selector holds to one value, it gives a row for each. What the text does not show is told when it is read."""
    if _MATCHING.search(code):
        return  # what is matched, and so has how many rows, is the server's to say
    held = {found[1] for found in _HELD.finditer(code)}
    for found in _GROUPED.finditer(code):
        several = ", ".join(label for label in re.findall(r"\w+", found[1]) if label not in held)[:80]
        if several and not _depth(code[: found.start()]):
            raise Malformed(
                f"grouped by {several} it gives several series, and one is needed",
                remedy=f"leave `by ({several})` out, or select one value of it",
            )


def _depth(code: str) -> int:
    """How many brackets are open at the end of *code*."""
    return sum(map(code.count, _OPEN)) - sum(map(code.count, _OPEN.values()))


def expanded(text: str, arm: Mapping[str, str], bucket: timedelta) -> str:
    """*text* for one release.

    Raises:
        ArmUnnamed: The release lacks a name that it asks for.
    """
    done: list[str] = []
    for piece in _pieces(text):
        if not piece.is_quoted:
            done.append(piece.text.replace(BUCKET, span(bucket)))
        elif re.search(r"[=!|]~\s*$", "".join(done[-8:])):
            done.append(filled(piece.text, arm, _as_plain))
        else:
            done.append(filled(piece.text, arm))
    return "".join(done)


def _as_plain(value: str) -> str:
    """A name inside a pattern: in brackets instead of behind a backslash, which not every kind of quotes has."""
    return re.sub(r"[.+]", lambda found: f"[{found[0]}]", value)
