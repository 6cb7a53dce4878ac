"""A table whose last column is sentences: wrapped at the page's width, with what to do under each row. Pure, but for `page`.

Counted are the columns of a terminal: a letter of Chinese, Japanese or Korean takes two, an accent over the letter before it none.
A sentence that would be tall in its column stands under its row instead. What somebody may want to copy (a span between
backticks, an address, an ARN, an action of IAM) is never cut: what is wider than all of that stands on a line of its own.
"""

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import click

from watcher.commands._screen import plain

PIPED = 80  # columns, where nobody says how wide it is
LEAST, MOST = 60, 160  # narrower nothing is readable; wider no eye finds the next line
INDENT, _GAP = "  ", "  "
_TRY = "try: "
_TALL = 3  # lines: a sentence of more of them has more room under its row
_WORD = re.compile(r"(?:`[^`]*`|(?<=\d) (?:%|(?:s|min|h)\b)|\S)+")  # a number keeps its unit
# Of the letters that our own sentences have, and a terminal may lack.
_PLAINER = str.maketrans(
    {"“": '"', "”": '"', "→": "->", "…": "...", "·": "-", "×": "x", "≥": ">=", "≤": "<="}
    | {"\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "\N{NO-BREAK SPACE}": " "}
)


@dataclass(frozen=True, slots=True)
class Page:
    """What is written on: how many columns wide it is, and which letters it has."""

    width: int = PIPED
    encoding: str = "utf-8"

    def text(self, text: str) -> str:
        """*text* as it can be shown here: nothing that steers a terminal, and of letters that it lacks the nearest."""
        text = plain(text)
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.translate(_PLAINER).encode(self.encoding, "replace").decode(self.encoding)
        return text


def page() -> Page:
    """The terminal's; of a pipe, 80 columns."""
    columns = shutil.get_terminal_size((PIPED, 0)).columns
    return Page(min(max(columns, LEAST), MOST), sys.stdout.encoding or "utf-8")


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its short cells, the sentence at its end, and what to do about it (empty: nothing). *colour*: of the first cell."""

    cells: Sequence[str]
    words: str
    remedy: str = ""
    colour: str | None = None


def sheet(heads: Sequence[str], lines: Sequence[Line], on: Page) -> Iterator[str]:
    """A head, and *lines* under it; the last of *heads* is that of the sentences."""
    rows = [[on.text(cell) for cell in line.cells] for line in lines]
    widths = [_width(column, on) for column in zip(heads[:-1], *rows, strict=True)]
    yield click.style(INDENT + _row(heads[:-1], widths) + heads[-1], bold=True)
    for line, cells in zip(lines, rows, strict=True):
        yield from _of_a_line(line, cells, widths, on)


def _of_a_line(line: Line, cells: Sequence[str], widths: Sequence[int], on: Page) -> Iterator[str]:
    nothing = _row([], widths)
    begins = len(INDENT) + len(nothing)
    room = on.width - begins
    under = len(INDENT) + widths[0] + len(_GAP)
    words = on.text(line.words)
    sentence = filled(words, room)
    wrapped = [filled(cell, width) for cell, width in zip(cells, widths, strict=True)]
    beneath: list[str] = []
    if len(sentence) > _TALL or max(map(columns, sentence), default=0) > room:
        sentence, beneath = [], filled(words, on.width - under)
        wrapped[-1] = filled(cells[-1], widths[-1] + room)
    shown = []
    for each in zip_longest(*wrapped, fillvalue=""):
        beside = _row(each, widths)
        fits = bool(sentence) and columns(beside) == columns(nothing)
        shown.append((INDENT + beside + (sentence.pop(0) if fits else "")).rstrip())
    shown += [" " * begins + each for each in sentence]
    yield _coloured(shown[0], line, _row(wrapped[0][:1], widths[:1]).removesuffix(_GAP))
    yield from shown[1:]
    yield from (_placed(each, under, on) for each in beneath)
    yield from _remedy(line, under, on)


def _remedy(line: Line, begins: int, on: Page) -> Iterator[str]:
    inside = begins + len(_TRY)
    first, *rest = filled(on.text(line.remedy), on.width - inside) or [""]
    if first:
        yield " " * begins + _TRY + first
        yield from (_placed(each, inside, on) for each in rest)


def _placed(text: str, begins: int, on: Page) -> str:
    """At *begins*; what is too long for that, alone in its line and whole, as near to it as it fits."""
    return " " * max(len(INDENT), min(begins, on.width - columns(text))) + text


def columns(text: str) -> int:
    """How many columns of a terminal *text* takes; nothing that steers it is in there."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def filled(text: str, width: int) -> list[str]:
    """*text* in lines of at most *width*; a word that is longer stands alone in one, whole.

    What is written without spaces, letter by letter of two columns, may be parted after each of them.
    """
    lines: list[str] = []
    for match in _WORD.finditer(text):
        word, *rest = _parted(match.group(), width)
        if lines and columns(lines[-1]) + 1 + columns(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
        lines += rest
    return lines


def _parted(word: str, width: int) -> list[str]:
    """*word*, in lines of at most *width* where it is wider and has letters of two columns; else whole."""
    if columns(word) <= width or "`" in word or columns(word) == len(word):
        return [word]
    parts = [""]
    for letter in word:
        is_parted = parts[-1] and _columns(parts[-1][-1]) > 1
        if is_parted and columns(parts[-1]) + _columns(letter) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _width(column: Sequence[str], on: Page) -> int:
    """Of a column: as wide as it needs to be, and at most a quarter of the page, but for words that are longer."""
    words = max((columns(word) for cell in column for word in _WORD.findall(cell)), default=0)
    most = max(on.width // 4, min(words, on.width // 3))
    return min(most, max((columns(line) for cell in column for line in filled(cell, most)), default=0))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    missing = [""] * (len(widths) - len(cells))
    return "".join(_padded(cell, width) for cell, width in zip([*cells, *missing], widths, strict=True))


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - columns(cell)) + _GAP


def _coloured(shown: str, line: Line, first: str) -> str:
    if line.colour is None:
        return shown
    end = len(INDENT) + len(first)
    return INDENT + click.style(shown[len(INDENT) : end], fg=line.colour) + shown[end:]
