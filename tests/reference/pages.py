"""The pages of docs/reference, as text."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import Enum
from importlib import import_module
from itertools import groupby
from typing import Any

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rules.duration import duration_text
from tests.reference import code, kinds, rulefile
from tests.reference.errors import PROBLEMS, REMEDIES, STATUSES
from tests.reference.events import EVENTS
from tests.reference.settings import SETTINGS, settings
from tests.reference.states import STATES
from watcher.api.routes import ROUTES
from watcher.cli import Commands, _gist, _path
from watcher.core.lifecycle import TABLE
from watcher.telemetry.metrics import Metrics

UNSAID = "**nobody has said what this means**"  # a test fails then: say it in tests/reference
FOLDER = code.ROOT / "docs" / "reference"
INDEX = """\
# Reference

Written from the code by `python -m tests.reference`; a test compares.

| page | what stands there |
|---|---|
| [commands](commands.md) | every command, and the exit statuses |
| [settings](settings.md) | every key of `rollbackd.yaml`, of what it connects to, and of queries |
| [rule files](rules.md) | every key of a rule file, the judges, the packs |
| [states](states.md) | of a watch, and what each leads to |
| [HTTP](http.md) | every route, and every problem that it answers with |
| [metrics](metrics.md) | what Prometheus is told |
| [log events](log-events.md) | every line of the log, by name, with what it means |
| [errors](errors.md) | the errors that people meet, and what to do |
"""
LEADS = {
    "Exit statuses": "Data on stdout, words on stderr; `--json` where a program reads. Commands that speak to a running daemon find it at"
    " `ROLLBACKD_URL` (`http://127.0.0.1:8080`) and show `ROLLBACKD_TOKEN`.",
    "Problems": "A refusal is `application/problem+json`: `type` is `urn:rollbackd:KIND`, and `remedy` says what to do. The statuses are"
    " those that it comes with.",
    "Log events": "One JSON object a line on stdout: `at` (UTC), `level`, `event`, and the keys below; `exception` where there is a trace,"
    " `left_out` where lines of the same event were left out before, as they came in floods. `info` is for nobody, `warning` for"
    " tomorrow, `error` for now. `…` stands for what the line is about.",
    "Errors": "Each says what happened, and what to do about it: in the log, on stderr, or as the answer of HTTP. What a platform or a"
    " provider says is no error, but a value that is told in its own words.",
    "Queries": "What stands in `indicators: {NAME: {kind: {provider: query}}}` of a rule file; beside these keys `connection: NAME`, where"
    " a configuration has several. [Prometheus](../prometheus.md), [CloudWatch](../aws.md#cloudwatch-in-a-rule-file), [probes](../probes.md).",
}

Row = tuple[str, ...]


def pages() -> dict[str, str]:
    """Every page, by the name of its file."""
    return {
        "README.md": INDEX,
        "commands.md": _page(
            "Commands",
            _section("Commands", ("command", "what it does"), commands()),
            _section("Exit statuses", ("status", "meaning"), _statuses()),
        ),
        "settings.md": _page("Settings", *_settings()),
        "rules.md": _page(
            "Rule files",
            _section("Keys", ("key", "default", "meaning"), _rulefile()),
            _section("Judges", ("judge", "fits", "promises"), rulefile.fits()),
            _section("Settings of judges", ("key", "default", "meaning"), _judges()),
            _section("Packs", ("pack", "for"), rulefile.packs()),
        ),
        "states.md": _page(
            "States of a watch", _section("States", ("state", "meaning", "leads to"), _states())
        ),
        "http.md": _page(
            "HTTP",
            _section("Routes", ("route", "scope", "what it is"), _routes()),
            _section("Problems", ("kind", "status", "what it means, and what to do"), _problems()),
        ),
        "metrics.md": _page(
            "Metrics", _section("Metrics", ("name", "type", "labels", "meaning"), _metrics())
        ),
        "log-events.md": _page(
            "The log", _section("Log events", ("event", "level", "keys", "meaning"), _events())
        ),
        "errors.md": _page(
            "What goes wrong",
            _section("Errors", ("error", "module", "what happened", "what to do"), _errors()),
        ),
    }


def _page(title: str, *sections: list[str]) -> str:
    head = [f"# {title}", "", "Written from the code by `python -m tests.reference`; a test compares.", ""]
    return "\n".join([*head, *(line for section in sections for line in section)])


def _section(title: str, head: Row, rows: Iterable[Row]) -> list[str]:
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    lead = [LEADS[title], ""] if title in LEADS else []
    return [f"## {title}", "", *lead, f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""]


def commands() -> Iterator[Row]:
    """Each command, with what the docstring of its module says after the colon."""
    for name in Commands().list_commands(click.Context(click.Command("x"))):
        yield f"`rollbackd {name}`", _gist(_path(name))


def _statuses() -> Iterator[Row]:
    for number in sorted(code.statuses()):
        yield str(number), STATUSES.get(number, UNSAID)


def _settings() -> Iterator[list[str]]:
    head = ("key", "default", "meaning")
    rows = ((f"`{key}`", _default(default), SETTINGS.get(key, UNSAID)) for key, default in settings())
    yield _section("Settings of `rollbackd.yaml`", head, rows)
    for title, models in groupby(kinds.kinds(), key=lambda each: each[0]):
        of_kinds = [key for _, prefix, model in models for key in kinds.entries(prefix, model)]
        yield _section(
            title, head, ((f"`{key}`", _default(default), words) for key, default, words in of_kinds)
        )


def _rulefile() -> Iterator[Row]:
    for key, default in rulefile.entries():
        yield f"`{key}`", _default(default), rulefile.RULES.get(key, UNSAID)


def _judges() -> Iterator[Row]:
    for key, default in rulefile.judges():
        yield f"`{key}`", _default(default), rulefile.JUDGES.get(key, UNSAID)


def _states() -> Iterator[Row]:
    for state, ways in TABLE.items():
        leads = ", ".join(dict.fromkeys(to.words for to in ways.values()))
        yield state.words, STATES.get(state, UNSAID), leads or "nothing"


def _routes() -> Iterator[Row]:
    for route in ROUTES:
        yield f"`{route.method} {route.path}`", str(route.scope), route.summary


def _problems() -> Iterator[Row]:
    for kind, statuses in sorted(code.problems().items()):
        yield f"`{kind}`", ", ".join(sorted(statuses)), PROBLEMS.get(kind, UNSAID)


def _metrics() -> Iterator[Row]:
    metrics = Metrics()
    for module, maker in code.counting():
        getattr(import_module(module), maker)(metrics.registry)
    collectors: dict[str, Any] = dict(
        metrics.registry._names_to_collectors
    )  # collect() hides what has no value yet
    for name, collector in collectors.items():
        if name == getattr(collector, "_name", None):
            suffix = "_total" if collector._type == "counter" else ""
            labels = ", ".join(collector._labelnames)
            yield f"`{name}{suffix}`", collector._type, labels, collector._documentation


def _events() -> Iterator[Row]:
    for name, said in sorted(code.events().items()):
        yield f"`{name}`", ", ".join(sorted(said.levels)), ", ".join(said.keys), EVENTS.get(name, UNSAID)


def _errors() -> Iterator[Row]:
    for name, (module, words) in code.errors().items():
        yield f"`{name}`", f"`{module}`", words, REMEDIES.get(name, UNSAID)


def _default(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, timedelta):
        return f"`{duration_text(default)}`"
    if default is None or default in ([], {}, ()) or isinstance(default, BaseModel):
        return ""
    if isinstance(default, list):
        return ", ".join(f"`{getattr(each, 'value', each)}`" for each in default)
    return f"`{default.value if isinstance(default, Enum) else default}`"
