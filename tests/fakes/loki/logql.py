"""As much LogQL as is needed to answer honestly: ``sum by``, ``count_over_time``, ``label_replace``, ``or``, filters, parsers.

Anything else is a parse error, so that no test can rely on an answer that was put there for it. Written without the
provider's words: two that are wrong alike would agree.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.loki.lines import Line

Labels = tuple[tuple[str, str], ...]
Matrix = dict[Labels, dict[int, float]]  # by nanoseconds
SECOND = 1_000_000_000
MOST_CHARACTERS = 131_072
_TOKEN = re.compile(
    r'\s*(?P<t>"(?:[^"\\\n]|\\.)*"|`[^`]*`|\[[^\]]*\]|[A-Za-z_][A-Za-z0-9_]*|\|=|\|~|!=|!~|=~|[={}(),|])'
)
_SPAN = re.compile(r"(\d+)(h|m|s)")


class Wrong(Exception):
    """Loki says 400, in plain text."""


@dataclass(frozen=True)
class Log:
    """Lines, and what is done to each; ``None`` drops it."""

    stream: Callable[[Mapping[str, str]], bool]
    stages: tuple[Callable[[str, dict[str, str]], bool], ...]


@dataclass(frozen=True)
class Count:
    log: Log
    range_: int


@dataclass(frozen=True)
class Sum:
    of: Any
    by: tuple[str, ...]


@dataclass(frozen=True)
class Replaced:
    of: Any
    label: str
    value: str
    source: str
    pattern: str


@dataclass(frozen=True)
class Or:
    of: tuple[Any, ...]


class Parser:
    """By recursive descent."""

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise Wrong(f"parse error : input size too long ({len(text)} > {MOST_CHARACTERS})")
        self._tokens: list[str] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise Wrong(
                    f"parse error at line 1, col {at + 1}: syntax error: unexpected {text[at : at + 10]!r}"
                )
            self._tokens.append(found["t"])
            at = found.end()
        self._at = 0

    def whole(self) -> Any:
        found = self._or()
        if self._next():
            self._fail()
        return found

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _fail(self) -> Any:
        raise Wrong(
            f"parse error at line 1, col {self._at + 1}: syntax error: unexpected {self._next() or '$end'}"
        )

    def _take(self, token: str = "") -> str:
        found = self._next()
        if not found or (token and found != token):
            self._fail()
        self._at += 1
        return found

    def _string(self) -> str:
        token = self._take()
        if token[0] == "`":
            return token[1:-1]
        if token[0] != '"':
            self._at -= 1
            self._fail()
        text: str = json.loads(token)
        return text

    def _or(self) -> Any:
        parts = [self._term()]
        while self._next() == "or":
            self._take()
            parts.append(self._term())
        if len(parts) > 1 and any(isinstance(part, Log) for part in parts):
            self._fail()
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _metric(self) -> Any:
        found = self._or()
        if isinstance(found, Log):
            self._fail()
        return found

    def _term(self) -> Any:
        token = self._next()
        if token == "{":
            return self._log()
        self._take()
        if token == "(":
            inner = self._or()
            self._take(")")
            return inner
        if token == "sum":
            return self._sum()
        if token == "count_over_time":
            self._take("(")
            log, range_ = self._log(), self._take()
            if range_[0] != "[":
                self._fail()
            self._take(")")
            return Count(log, span(range_[1:-1]))
        if token == "label_replace":
            return self._replaced()
        self._at -= 1
        return self._fail()

    def _sum(self) -> Sum:
        by: list[str] = []
        if self._next() == "by":
            self._take()
            self._take("(")
            while self._next() != ")":
                by.append(self._take())
                if self._next() == ",":
                    self._take()
            self._take(")")
        self._take("(")
        inner = self._metric()
        self._take(")")
        return Sum(inner, tuple(by))

    def _replaced(self) -> Replaced:
        self._take("(")
        inner = self._metric()
        texts = []
        for _ in range(4):
            self._take(",")
            texts.append(self._string())
        self._take(")")
        return Replaced(inner, *texts)

    def _log(self) -> Log:
        self._take("{")
        matchers: list[tuple[str, str, str]] = []
        while self._next() != "}":
            matchers.append((self._take(), self._take(), self._string()))
            if self._next() == ",":
                self._take()
        self._take("}")
        sure = [_matcher(*each) for each in matchers]
        if not any(
            operator in {"=", "=~"} and not _matcher(name, operator, value)({})
            for name, operator, value in matchers
        ):
            raise Wrong(
                "parse error : queries require at least one regexp or equality matcher that does not have an "
                'empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
            )
        stages = []
        while self._next() in {"|=", "!=", "|~", "!~", "|"}:
            stages.append(self._stage())
        return Log(lambda labels: all(each(labels) for each in sure), tuple(stages))

    def _stage(self) -> Callable[[str, dict[str, str]], bool]:
        operator = self._take()
        if operator != "|":
            text = self._string()
            has: Callable[[str], bool] = (
                (lambda line: text in line)
                if operator[1] == "="
                else (lambda line: re.search(text, line) is not None)
            )
            return lambda line, _labels: has(line) is (operator[0] == "|")
        name = self._take()
        if name == "json":
            return _json
        if name == "logfmt":
            return _logfmt
        sure = _matcher(name, self._take(), self._string())
        return lambda _line, labels: sure(labels)


def _matcher(name: str, operator: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if operator not in {"=", "!=", "=~", "!~"}:
        raise Wrong(f"parse error at line 1, col 1: syntax error: unexpected {operator}")
    pattern = re.compile(value if "~" in operator else re.escape(value))
    return lambda labels: (pattern.fullmatch(labels.get(name, "")) is not None) is (operator[0] == "=")


def span(text: str) -> int:
    if not re.fullmatch(rf"({_SPAN.pattern})+", text):
        raise Wrong(f'parse error at line 1, col 1: not a valid duration string: "{text}"')
    return sum(int(many) * {"h": 3600, "m": 60, "s": 1}[unit] for many, unit in _SPAN.findall(text)) * SECOND


def _extracted(labels: dict[str, str], found: Mapping[str, str]) -> None:
    labels.update({(f"{name}_extracted" if name in labels else name): value for name, value in found.items()})


def _json(line: str, labels: dict[str, str]) -> bool:
    found = _read_json(line)
    if found is None:
        labels["__error__"] = "JSONParserErr"
    else:
        _extracted(labels, found)
    return True


@functools.lru_cache(maxsize=65536)
def _read_json(line: str) -> Mapping[str, str] | None:
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return {name: str(value) for name, value in content.items()} if isinstance(content, dict) else None


def _logfmt(line: str, labels: dict[str, str]) -> bool:
    _extracted(labels, {name: json.loads(value) for name, value in re.findall(r'(\w+)=("[^"]*")', line)})
    return True


def evaluated(expression: Any, lines: Sequence[Line], ends: range) -> Matrix:
    """The numbers at each of *ends*."""
    match expression:
        case Count():
            return _counted(expression, lines, ends)
        case Sum():
            summed: Matrix = {}
            for labels, points in evaluated(expression.of, lines, ends).items():
                kept = tuple((name, value) for name, value in labels if name in expression.by)
                into = summed.setdefault(kept, {})
                for at, x in points.items():
                    into[at] = into.get(at, 0.0) + x
            return summed
        case Replaced():
            return {
                _replaced(expression, labels): points
                for labels, points in evaluated(expression.of, lines, ends).items()
            }
        case Or():
            joined: Matrix = {}
            for part in expression.of:
                for labels, points in evaluated(part, lines, ends).items():
                    joined[labels] = {**points, **joined.get(labels, {})}  # what is there already stays
            return joined
        case _:
            raise Wrong("parse error at line 1, col 1: syntax error: unexpected $end")


def _replaced(expression: Replaced, labels: Labels) -> Labels:
    found = re.fullmatch(expression.pattern, dict(labels).get(expression.source, ""))
    if found is None:
        return labels
    return tuple(sorted({**dict(labels), expression.label: expression.value}.items()))


def _counted(expression: Count, lines: Sequence[Line], ends: range) -> Matrix:
    """Of ``(end - range, end]`` each."""
    found: Matrix = {}
    for line in lines:
        if not expression.log.stream(line.stream):
            continue
        at = round(line.at.timestamp() * 1_000_000) * 1000
        first = ends.start + max(-(-(at - ends.start) // ends.step), 0) * ends.step
        within = [end for end in range(first, ends.stop, ends.step) if end - expression.range_ < at][
            : expression.range_ // ends.step + 1
        ]
        labels = dict(line.stream)
        if not within or not all(stage(line.text, labels) for stage in expression.log.stages):
            continue
        if "__error__" in labels:
            raise Wrong(f"pipeline error: '{labels['__error__']}' for series: '{labels}'.")
        points = found.setdefault(tuple(sorted(labels.items())), {})
        for end in within:
            points[end] = points.get(end, 0.0) + 1
    return found
