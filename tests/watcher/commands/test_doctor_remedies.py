"""Whatever the doctor warns of, or calls a failure, it says with what to do about it; and never sends anybody to itself."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

import deploy
import watcher
from deploy.errors import AwsRefused
from deploy.model import Finding, Level
from rules.sample import Unavailable, Who
from tests.builders import NOON
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.aws.codes import TIMEOUT, UNREACHABLE
from watcher.aws.permissions import remedy
from watcher.commands import doctor
from watcher.commands._doctor.checks import Check, Found, carried_out
from watcher.commands._doctor.notifiers import told_once
from watcher.commands._doctor.signals import REMEDIES
from watcher.http import Answer, Fault, Http, HttpRefused, Request
from watcher.notify import datadog, grafana, newrelic, sentry
from watcher.notify.markers import Board
from watcher.notify.sns.settings import Settings as TopicSettings
from watcher.notify.sns.topic import Topic
from watcher.signals.datadog.settings import Settings as DatadogSettings
from watcher.signals.newrelic.settings import Settings as NewRelicSettings
from watcher.signals.probe.check import unanswered
from watcher.signals.remedies import remedy_of
from watcher.signals.sentry.settings import Settings as SentrySettings

SECRET = SecretStr("a" * 32)
ROOMS = [Path(room.__file__ or "").parent for room in (deploy, watcher)]

# ----------------------------------------------------------------------------------------------------- all that is written


def made() -> Iterator[tuple[str, ast.Call]]:
    """Where findings are made: the place, and the call."""
    for path in (path for room in ROOMS for path in room.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "Finding(" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                    yield f"{path.parent.name}/{path.name}:{node.lineno}", node


def is_without_remedy(call: ast.Call) -> bool:
    """It may be more than ok, and nothing, or an empty text, is said of what to do."""
    given = [*call.args, *(each.value for each in call.keywords)]
    if isinstance(given[0], ast.Attribute) and given[0].attr == "OK":
        return False
    if any(isinstance(each, ast.Starred) for each in given):
        return False
    return len(given) < 3 or (isinstance(given[2], ast.Constant) and not given[2].value)


def test_no_finding_is_written_without_its_remedy():
    found = dict(made())

    assert len(found) > 150
    assert [place for place, call in found.items() if is_without_remedy(call)] == []


# ------------------------------------------------------------------------------------------------ markers, and whatever fails


class Line:
    """Answers so, whatever is asked."""

    def __init__(self, answer: Answer | HttpRefused) -> None:
        self.answer = answer

    async def send(self, _request: Request) -> Answer:
        if isinstance(self.answer, HttpRefused):
            raise self.answer
        return self.answer


def says(status: int, body: bytes = b"no; all is well") -> Answer:
    return Answer(status, {"content-type": "text/plain"}, body, 0.1)


def boards(line: Line) -> dict[str, tuple[Board, str]]:
    """Each system of markers, with what stands after its name."""
    http = cast("Http", line)
    keys = DatadogSettings(site="datadoghq.eu", api_key=SECRET, application_key=SECRET)
    places: dict[str, tuple[Any, str]] = {
        "datadog": (datadog.place(keys, http, lambda: NOON), ""),
        "sentry": (
            sentry.place(SentrySettings(organization="acme", token=SECRET), http, lambda: NOON),
            "shop shop@${tag}",
        ),
        "newrelic": (
            newrelic.place(NewRelicSettings(account=1, region="eu", key=SECRET), http, lambda: NOON),
            "shop",
        ),
        "grafana": (
            grafana.place(grafana.Settings(url="https://g.example", token=SECRET), http, lambda: NOON),
            "",
        ),
    }
    return {name: (Board(place, lambda: NOON), narrowing) for name, (place, narrowing) in places.items()}


def refused(fault: Fault) -> HttpRefused:
    return HttpRefused(Who.OPERATOR, f"https://far.example: {fault}", fault)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refused(Fault.DNS), "check the name, and the resolver"),
        (refused(Fault.REFUSED), "are host and port right"),
        (refused(Fault.CONNECT_TIMEOUT), "is the way there open"),
        (refused(Fault.BLOCKED), "`daemon.reach`"),
        (refused(Fault.TLS), "certificate"),
        (refused(Fault.TRUNCATED), "check the far end"),
        (says(503), "ask again"),
        (says(429), "ask again"),
        (says(418), "is the address that of"),
        (says(401), ""),
        (says(200, b"<html>"), "is the address that of its API?"),
        (says(200, b'{"data": null, "errors": [{"message": "no; all is well"}]}'), ""),
        (says(200, b'{"data": {"actor": {"account": null}}}'), ""),
    ],
)
async def test_a_system_of_markers_that_cannot_be_asked_is_told_with_what_to_do(answer, words):
    for name, (board, narrowing) in boards(Line(answer)).items():
        for found in await board.examine([narrowing]):
            assert found.level is Level.FAIL, name
            assert found.remedy, name
            assert words in found.remedy, name
            assert "all is well" not in found.remedy, f"{name}: what the far end says is no remedy"


async def test_what_stands_after_its_name_is_told_with_what_to_write():
    for name, (board, _) in boards(Line(says(200))).items():
        (found,) = await board.examine(["a b/c\\d"])

        assert found.level is Level.FAIL, name
        assert "write " in found.remedy, name


# --------------------------------------------------------------------------------------------- not to the doctor, from within


class Away:
    """AWS, that refuses everything."""

    def __init__(self, code: str, remedy: str | None = None) -> None:
        self.error = AwsRefused("sns:GetTopicAttributes", code, "no", may_have_happened=False, remedy=remedy)

    async def read(self, *_: str, **__: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    "code", ["NotFound", "AuthorizationError", "Throttling", "Strange", TIMEOUT, UNREACHABLE]
)
async def test_nobody_is_sent_from_the_doctor_to_the_doctor(code):
    lacking = remedy("sns:GetTopicAttributes", "rb-read", "not authorized")
    topic = "arn:aws:sns:eu-central-1:123456789012:releases"
    for aws in (Away(code), Away(code, lacking)):
        told = Topic(TopicSettings(account="shop", topic=topic), cast("Any", aws))
        found = await carried_out(
            [Check("a", "asked", aws.read), Check("a", "told", partial(told.examine, []))]
        )

        assert len(found) == 2
        assert all(
            ("VPC endpoint" in each.finding.remedy) is (code in {TIMEOUT, UNREACHABLE}) for each in found
        )
        assert all(each.finding.remedy and "rollbackd doctor" not in each.finding.remedy for each in found)


# ---------------------------------------------------------------------------------------------------------------- told once


def found(check: str, level: Level, subject: str = "connection dog") -> Found:
    return Found(subject, check, Finding(level, "words", "remedy"))


def test_a_connection_that_does_not_answer_is_told_of_once():
    silent, repeated = found("answers", Level.FAIL), found("tells", Level.FAIL)
    other = found("tells", Level.FAIL, "connection charts")

    assert told_once([silent, repeated, other]) == [silent, other]


def test_what_a_connection_that_answers_may_not_tell_is_told():
    both = [found("answers", Level.OK), found("answers", Level.FAIL), found("tells", Level.FAIL)]

    assert told_once(both) == both


# -------------------------------------------------------------------------------------------------------------- one bad world

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
connections:
  dog: {datadog: {url: "http://127.0.0.1:9", api_key: {file: ROOT/key}, application_key: {file: ROOT/key}}}
  errors: {sentry: {url: "http://127.0.0.1:9", organization: acme, token: {file: ROOT/key}}}
  nr: {newrelic: {url: "http://127.0.0.1:9", account: 1, region: eu, key: {file: ROOT/key}}}
  logs: {loki: {url: "http://127.0.0.1:9"}}
  prom: {prometheus: {url: "http://127.0.0.1:9"}}
  hook: {webhook: {url: "http://127.0.0.1:9/", secret: {file: ROOT/key}}}
teams:
  shop: {tell: [hook, dog, {errors: "shop ${tag}"}, {nr: shop}]}
services:
  web:
    production:
      team: shop
      mode: shadow
      runs_on: [{command: {live: [ROOT/nowhere], move: [ROOT/nowhere]}}]
      rules: [{file: web.yaml}]
      changes: {told_by: [http]}
"""
RULES = """\
version: 1
indicators:
  lines: {ratio: {loki: {stream: {app: shop}, bad: {contains: error}}}}
  asked: {ratio: {prometheus: {counter: requests_total, bad: {code: "5.."}}}}
  page: {ratio: {scrape: {url: "http://127.0.0.1:9/", counter: requests_total, bad: {code: "5.."}}}}
  ready: {probe: {http: {url: "http://127.0.0.1:9/"}}}
  moves: {state: {changes: {kinds: [flag]}}}
rules:
  - {name: there are lines, indicator: lines, judge: {slo: {objective: 99%}}, on_breach: ask}
  - {name: it is asked, indicator: asked, judge: {slo: {objective: 99%}}, on_breach: ask}
  - {name: there is a page, indicator: page, judge: {slo: {objective: 99%}}, on_breach: ask}
  - {name: it is ready, indicator: ready, judge: {threshold: {}}, on_breach: ask}
  - {name: nothing moves, indicator: moves, judge: {state: {}}, on_breach: tell}
"""


async def examined(folder: Path) -> list[Found]:
    (folder / "key").write_text("a" * 32)
    (folder / "web.yaml").write_text(RULES)
    path = folder / "rollbackd.yaml"
    path.write_text(MAIN.replace("ROOT", str(folder)))
    return await doctor.examined(load(path), Ports(now=lambda: NOON), timedelta(milliseconds=10))


async def test_where_nothing_may_be_reached_each_finding_says_so_once_and_what_to_write(tmp_path):
    every = await examined(tmp_path)

    wrong = [each for each in every if each.finding.level is not Level.OK]
    assert [each for each in wrong if not each.finding.remedy] == []
    for name in ("dog", "errors", "nr", "logs", "prom"):
        (only,) = [each.finding for each in wrong if each.subject == f"connection {name}"]
        assert "`daemon.reach`" in only.remedy
        assert "key" not in only.remedy
    for name in ("lines", "asked"):
        (signal,) = [each.finding for each in wrong if each.check == f"signal {name}"]
        assert signal.remedy == "add its network to `daemon.reach`, if it is one of yours"
        assert signal.untold


def test_what_looks_itself_knows_what_mends_the_way_there():
    blocked = unanswered(refused(Fault.BLOCKED))

    assert isinstance(blocked, Unavailable)
    assert "`daemon.reach`" in remedy_of(blocked, REMEDIES)
    assert remedy_of(Unavailable(Who.PROVIDER, "no"), REMEDIES) == REMEDIES[Who.PROVIDER]


async def test_of_what_moves_it_says_who_would_tell_and_not_that_there_is_no_traffic(tmp_path):
    (moves,) = [each.finding for each in await examined(tmp_path) if each.check == "signal moves"]

    assert moves.level is Level.OK
    assert moves.words.startswith("http would tell of it: only the daemon knows what moved")
