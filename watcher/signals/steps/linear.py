"""Patterns that take a value out of a text, in time that grows with the text and not faster.

Rule files come from many hands and pages from the service that is under suspicion, so only a part of the grammar of regular
expressions is let in: characters, ``.``, classes, ``*`` ``+`` ``?`` ``{n}`` ``{n,m}`` after one of these, and one pair of
parentheses around what is taken. Each repeat is bounded, and gives nothing back once it has taken: so at each place of the
text at most `MOST_REPEATED` steps are made. A repeat of ``.`` would take all there is, and is refused.
"""

import functools
import re

from rules.errors import Malformed

LONGEST = 256  # characters of a pattern
USUAL = 512  # what `*` and `+` repeat at most
MOST_REPEATED = 1024  # of all repeats of a pattern together
LEAST_START = 2  # characters that a pattern begins with as they are: places where nothing can begin cost next to nothing
_REMEDY = 'write what stands before it, and a class in parentheses: name="csrf" value="([^"]+)"'
_TOKEN = re.compile(
    r"(?P<class>\\[dwsDWS]|\[\^?(?:\\[dws]|\\[^A-Za-z0-9]|[^\[\]\\])+\])|(?P<plain>\\[^A-Za-z0-9]|[^\\\[\](){}|*+?^$.])"
    r"|(?P<any>\.)|(?P<open>\()|(?P<close>\))|(?P<repeat>[*+?]|\{\d{1,4}(?:,\d{1,4})?\})"
)
_BOUNDS = {"*": (0, USUAL), "+": (1, USUAL), "?": (0, 1)}


def check(text: str) -> str:
    """*text*, if it is a pattern that is let in.

    Raises:
        Malformed: It is not.
    """
    try:
        re.compile(_translated(text))
    except re.error as error:  # a class whose range is reversed
        raise Malformed(f"not a pattern: {error}", remedy=_REMEDY) from error
    return text


@functools.lru_cache(maxsize=256)
def compiled(text: str) -> re.Pattern[str]:
    """The pattern in *text*, which was checked; its group 1 is what is taken."""
    return re.compile(_translated(text), re.ASCII)


def _translated(text: str) -> str:
    """The pattern, with each repeat bounded and possessive."""
    if len(text) > LONGEST:
        raise Malformed(f"a pattern longer than {LONGEST} characters", remedy="write a shorter one")
    written: list[str] = []
    at, before, opened, closed, repeated = 0, "", False, False, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        kind = found.lastgroup if found else None
        if found is None or kind is None:
            raise _refused(text, at)
        piece = found[0]
        if kind == "repeat":
            if before not in {"class", "plain"}:
                raise _refused(text, at)
            piece, most = _bounded(piece, text, at)
            repeated += most
        elif (kind == "open" and opened) or (kind == "close" and (closed or not opened)):
            raise _refused(text, at)
        opened, closed = opened or kind == "open", closed or kind == "close"
        written.append(piece)
        before, at = kind, found.end()
    if not closed or repeated > MOST_REPEATED or not _begins_plainly(text):
        raise Malformed(
            "a pattern without one pair of parentheses, that repeats too much, or that can begin anywhere",
            remedy=_REMEDY,
        )
    return "".join(written)


def _bounded(repeat: str, text: str, at: int) -> tuple[str, int]:
    low, high = _BOUNDS.get(repeat) or tuple(int(n) for n in (repeat[1:-1].split(",") * 2)[:2])
    if low > high or high > MOST_REPEATED:
        raise _refused(text, at)
    return f"{{{low},{high}}}+", high


def _begins_plainly(text: str) -> bool:
    at = 0
    for _ in range(LEAST_START):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup != "plain":
            return False
        at = found.end()
    following = _TOKEN.match(text, at)
    return following is None or following.lastgroup != "repeat"


def _refused(text: str, at: int) -> Malformed:
    return Malformed(f"not a pattern that is let in, from {text[at:][:20]!r} on", remedy=_REMEDY)
