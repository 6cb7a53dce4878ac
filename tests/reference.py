"""Writes docs/reference.md from the code: commands, routes, states, settings, metrics, log events.

``python -m tests.reference`` writes it; a test compares. A setting without a sentence here is found by the same test.
"""

import ast
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rules.duration import duration_text
from watcher.api.routes import ROUTES
from watcher.cli import Commands, _gist, _path
from watcher.config import models
from watcher.core.lifecycle import TABLE
from watcher.core.watch import State
from watcher.telemetry.metrics import Metrics

ROOT = Path(__file__).parent.parent
LEVELS = frozenset({"debug", "info", "warning", "error", "exception"})
PAGE = ROOT / "docs" / "reference.md"
MEANING = {
    State.WATCHING: "observing; every rule is being judged",
    State.COUNTING_DOWN: "breached; the rollback starts in N seconds unless somebody holds it",
    State.ASKING: "breached (or blind, where a rule asks then), and a person must order the rollback",
    State.HELD: "a person paused it, for at most 24 h",
    State.ROLLING_BACK: "the target is being moved",
    State.STUCK: "the rollback failed or did not finish; a person is needed",
    State.RECOVERING: "the known-good release serves again; the same indicators are watched until they are well, or not",
    State.PASSED: "final: observed for its bake, every rule healthy; or passed by a person's word",
    State.UNPROVEN: "final: the bake ended while a rule was blind or undecided. Silence is not health",
    State.ROLLED_BACK: "final: and it says whether the signals recovered",
    State.KEPT: "final: breached, and it stayed: by order, unanswered, or because the mode is shadow",
    State.SUPERSEDED: "final: a newer deployment took over",
}
SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", models.RootModel),
    ("daemon.", models.DaemonModel),
    ("daemon.http.", models.HttpModel),
    ("daemon.http.tls.", models.TlsModel),
    ("daemon.tokens[].", models.TokenModel),
    ("daemon.ceilings.", models.CeilingsModel),
    ("daemon.heartbeat.", models.HeartbeatModel),
    ("accounts.NAME.", models.AccountModel),
    ("teams.NAME.", models.TeamModel),
    ("services.NAME.ENVIRONMENT.", models.Layer),
    ("services.NAME.ENVIRONMENT.bake.", models.BakeModel),
    ("services.NAME.ENVIRONMENT.asking.", models.AskingModel),
    ("services.NAME.ENVIRONMENT.known_good.", models.KnownGoodModel),
    ("services.NAME.ENVIRONMENT.rules[].", models.RulesModel),
)
SETTINGS = {
    "version": "of the format; grows only when an old file would mean something else",
    "daemon": "how this daemon runs",
    "accounts": "AWS accounts: a role to read, one to act",
    "connections": "other outside systems, `NAME: {kind: settings}`; secrets are references (`{env: NAME}`, `{file: PATH}`)",
    "teams": "who is told, and who may order",
    "sources": "where deploy events come from, `NAME: {kind: settings}`; `http` is always there",
    "defaults": "any key of a service, once for all",
    "environments": "any key of a service, by environment: over the defaults, under the service",
    "services": "service → environment → its keys; also in `services.d/*.yaml`",
    "daemon.store": "`{sqlite: {path}}` on a local disk, or `{memory: {}}`",
    "daemon.http": "where it listens",
    "daemon.tokens": "who may call; `rollbackd token` prints a line",
    "daemon.reach": "private networks that may be measured and told; public addresses may anyway",
    "daemon.ceilings": "rollbacks that may start by themselves; beyond, a person is asked",
    "daemon.alone": "with `memory`: act all the same, although a restart forgets",
    "daemon.heartbeat": "a monitor outside that is told while all is well, and calls when it hears nothing",
    "daemon.heartbeat.url": "of the monitor; a secret, so a reference",
    "daemon.heartbeat.every": "how often; at most 1h",
    "daemon.http.listen": "address and port; beyond loopback only with tokens",
    "daemon.http.public_url": "how people reach it, for links",
    "daemon.http.tls": "certificate and key",
    "daemon.http.tls.certificate": "PEM file, with its chain",
    "daemon.http.tls.key": "PEM file",
    "daemon.tokens[].name": "the principal is `token:NAME`",
    "daemon.tokens[].sha256": "of the whole secret, 64 hexadecimal digits",
    "daemon.tokens[].may": "any of announce, read, order",
    "daemon.tokens[].services": "globs over the service, or over service/environment",
    "daemon.ceilings.service_per_day": "of one service",
    "daemon.ceilings.fleet_per_hour": "of all services: ten that breach at once share a cause",
    "accounts.NAME.region": "its region",
    "accounts.NAME.read": "the role that reads",
    "accounts.NAME.act": "the role that acts, assumed only to act; shadow never needs it",
    "teams.NAME.tell": "connections that tell people, `NAME` or `{NAME: CHANNEL}`",
    "teams.NAME.may_order": "principals: `token:NAME`, `local`; empty: whoever has a token that may order",
    "services.NAME.ENVIRONMENT.account": "for its target and its indicators in AWS",
    "services.NAME.ENVIRONMENT.runs_on": "its parts, each `{kind: settings}`; on the way back they move in this order",
    "services.NAME.ENVIRONMENT.heard_from": "sources that are believed; what is live is read anyway",
    "services.NAME.ENVIRONMENT.names": 'what signal systems call a release, by template: `{sentry: "checkout@${tag}"}`',
    "services.NAME.ENVIRONMENT.rules": "rule files and packs, with their parameters",
    "services.NAME.ENVIRONMENT.mode": "shadow (says what it would do) | ask | auto",
    "services.NAME.ENVIRONMENT.false_rollback_probability": "of one good deployment, all its rules together",
    "services.NAME.ENVIRONMENT.bake": "how long a watch observes, from when all the traffic is there",
    "services.NAME.ENVIRONMENT.rollout_timeout": "from the first news until the clocks start without word",
    "services.NAME.ENVIRONMENT.move_timeout": "of a rollback; then it is stuck",
    "services.NAME.ENVIRONMENT.countdown": "time to hold a rollback before it starts; at most 1h",
    "services.NAME.ENVIRONMENT.asking": "how long a question stands, and what happens then",
    "services.NAME.ENVIRONMENT.speak": "problems (silent until somebody is needed) | all",
    "services.NAME.ENVIRONMENT.known_good": "what may be gone back to",
    "services.NAME.ENVIRONMENT.team": "who is told, and who may order",
    "services.NAME.ENVIRONMENT.reads_live": "how often what is live is read; at most 10m",
    "services.NAME.ENVIRONMENT.bake.at_least": "never shorter",
    "services.NAME.ENVIRONMENT.bake.at_most": "until enough was seen, and never longer",
    "services.NAME.ENVIRONMENT.bake.runs": "for jobs: this many runs instead of a time",
    "services.NAME.ENVIRONMENT.asking.for": "how long",
    "services.NAME.ENVIRONMENT.asking.then": "keep | roll_back",
    "services.NAME.ENVIRONMENT.known_good.served_after": "a release that is unproven counts as known-good after serving this long",
    "services.NAME.ENVIRONMENT.known_good.may_cross": "releases that a rollback leaves out by itself; more, or a floor, asks",
    "services.NAME.ENVIRONMENT.rules[].file": "a rule file, relative to the configuration",
    "services.NAME.ENVIRONMENT.rules[].pack": "a rule pack of the catalog (none in this version)",
    "services.NAME.ENVIRONMENT.rules[].with": "its parameters",
}


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Reference",
            "",
            "Written from the code by `python -m tests.reference`; a test compares.",
            "",
            *_section("Commands", ("command", "what it does"), _commands()),
            *_section("HTTP", ("route", "scope", "what it is"), _routes()),
            *_section("States of a watch", ("state", "meaning", "leads to"), _states()),
            *_section("Settings of `rollbackd.yaml`", ("key", "default", "meaning"), _settings()),
            *_section("Metrics", ("name", "type", "labels", "meaning"), _metrics()),
            *_section("Log events", ("event", "level", "said by"), _events()),
        ]
    )


def settings() -> Iterator[tuple[str, object]]:
    """Every key of the configuration, with its default."""
    for prefix, model in SECTIONS:
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True)
            yield f"{prefix}{field.alias or name}", default


def _section(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return [f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""]


def _commands() -> Iterator[tuple[str, str]]:
    import click  # noqa: PLC0415 - a context to ask with, and nothing else here needs it

    for name in Commands().list_commands(click.Context(click.Command("x"))):
        yield f"`rollbackd {name}`", _gist(_path(name))


def _routes() -> Iterator[tuple[str, str, str]]:
    for route in ROUTES:
        yield f"`{route.method} {route.path}`", str(route.scope), route.summary


def _states() -> Iterator[tuple[str, str, str]]:
    for state, ways in TABLE.items():
        leads = ", ".join(dict.fromkeys(to.words for to in ways.values()))
        yield state.words, MEANING[state], leads or "nothing"


def _settings() -> Iterator[tuple[str, str, str]]:
    for key, default in settings():
        yield f"`{key}`", _default(default), SETTINGS[key]


def _default(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, timedelta):
        return f"`{duration_text(default)}`"
    if default is None or default in ([], {}) or isinstance(default, BaseModel):
        return ""
    return f"`{default.value if isinstance(default, Enum) else default}`"


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    collectors: dict[str, Any] = dict(
        Metrics().registry._names_to_collectors
    )  # collect() hides what has no value yet
    for name, collector in collectors.items():
        if name == getattr(collector, "_name", None):
            suffix = "_total" if collector._type == "counter" else ""
            yield (
                f"`{name}{suffix}`",
                collector._type,
                ", ".join(collector._labelnames),
                collector._documentation,
            )


def _events() -> Iterator[tuple[str, str, str]]:
    found = {event for path in sorted((ROOT / "watcher").rglob("*.py")) for event in _logged(path)}
    yield from sorted(found)


def _logged(path: Path) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr=level), args=[ast.Constant(value=str(event)), *_]):
                if "." in event and level in LEVELS:
                    where = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
                    yield f"`{event}`", level.replace("exception", "error"), where.removesuffix(".__init__")
            case _:
                pass


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
