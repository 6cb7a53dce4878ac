"""``rollbackd record``: the past of a real Prometheus, and of CloudWatch, as lines that ``replay`` reads."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.aws import Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.fakes.prometheus.real import Samples, filled
from tests.watcher.commands.speaking import run
from tests.watcher.commands.test_doctor import CONFIGURATION as ON_AWS
from tests.watcher.commands.test_doctor import GROUP, READ, a_shop
from tests.watcher.commands.test_doctor import RULES as OF_CLOUDWATCH
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.clock import now
from watcher.commands.record import recorded

HOURS = 3
CONFIGURATION = """\
version: 1
daemon: {store: {memory: {}}, alone: true, reach: [127.0.0.0/8]}
connections:
  prom: {prometheus: {url: "URL"}}
services:
  web:
    production:
      mode: shadow
      runs_on: [{command: {live: [/bin/true], move: [/bin/true]}}]
      rules: [{file: web.yaml}]
"""
RULES = """\
version: 1
indicators:
  errors: {ratio: {prometheus: {counter: http_requests_total, where: {service: shop}, bad: {code: "5.."}}}}
  by_release: {ratio: {prometheus: {counter: http_requests_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  ready: {probe: {http: {url: "http://127.0.0.1:1/", every: 10s}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: each release, indicator: by_release, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: ready, indicator: ready, judge: {threshold: {bad: 3, of: 5}}, on_breach: tell}
"""


def seen() -> Samples:
    """A counter of 10 requests a minute, of which one fails, scraped four times a minute for some hours before now."""
    samples, until = Samples(), now().replace(second=0, microsecond=0)
    for step in range(-HOURS * 240, 0):
        at = until + step * timedelta(seconds=15)
        done = (step + HOURS * 240) // 4
        for code, each in (("200", 9), ("500", 1)):
            labels = {"service": "shop", "version": "v1", "code": code}
            samples.add("http_requests_total", labels, at, float(done * each))
    return samples


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a real server that knows them."""
    loop = asyncio.new_event_loop()
    running = filled(seen(), tmp_path_factory.mktemp("prometheus"))
    yield loop.run_until_complete(running.__aenter__())
    loop.run_until_complete(running.__aexit__(None, None, None))
    loop.close()


def written(folder: Path, url: str) -> str:
    (folder / "web.yaml").write_text(RULES)
    (folder / "rollbackd.yaml").write_text(CONFIGURATION.replace("URL", url))
    return str(folder / "rollbackd.yaml")


def test_the_past_is_read_and_can_be_replayed(server, tmp_path):
    config = written(tmp_path, server)

    said = run("record", "web/production", "--past", "2h", "--release", "v1", "--config", config)

    rows = [json.loads(line) for line in said.out.splitlines()]
    by_release = [row for row in rows if row["indicator"] == "by_release"]
    errors = [row for row in rows if row["indicator"] == "errors"]
    assert said.err == "ready: http knows only what the daemon has seen itself\n"
    assert said.status == 1  # of one signal nothing can be read
    assert 100 <= len(errors) <= 120
    assert {(row["total"], row["bad"]) for row in errors[1:-1]} == {(10.0, 1.0)}
    assert [row["end"] for row in by_release] == [row["end"] for row in errors]
    assert {row["release"] for row in by_release} == {"v1"}

    (tmp_path / "past.jsonl").write_text(said.out)
    again = run(
        "replay", str(tmp_path / "web.yaml"), "--samples", str(tmp_path / "past.jsonl"),
        "--made-up", "3", "--history", "30m", "--at-most", "40m", "--json",
    )  # fmt: skip
    told = json.loads(again.out)
    # A tenth fails, before and after: the objective of 99 % does not hold, and nothing was deployed. It was so before, so it asks.
    assert told["summary"]["wrong"] == 0
    assert [each["ended"] for each in told["deployments"]] == ["asked"] * 3
    assert told["summary"]["rules"][0]["breached"] == 3


def test_what_tells_releases_apart_wants_one(server, tmp_path):
    said = run("record", "web/production", "--past", "30m", "--config", written(tmp_path, server))

    assert "by_release: its query tells releases apart: say --release TAG" in said.err
    assert said.out


def test_a_server_that_is_gone_is_told_once(tmp_path):
    said = run(
        "record", "web/production", "--past", "1d", "--config", written(tmp_path, "http://127.0.0.1:1")
    )

    assert (said.status, said.out) == (1, "")
    assert len([line for line in said.err.splitlines() if line.startswith("errors: ")]) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("web/prodction",), 'unknown service "web/prodction"'),
        (("web/production", "--arm", "version"), "write NAME=VALUE"),
        (("web/production", "--past", "yesterday"), "not a duration"),
    ],
)
def test_what_is_refused(tmp_path, words, told):
    said = run("record", *words, "--config", written(tmp_path, "http://127.0.0.1:1"))

    assert said.status == 2
    assert told in said.err


async def test_the_past_of_cloudwatch_is_read_in_pieces_with_the_role_that_reads(tmp_path, capsys):
    clock = Clock(NOON)
    world = a_shop(clock)
    for minute in (5, 20 * 60):
        at = NOON - timedelta(minutes=minute)
        world.cloudwatch.put("AWS/ApplicationELB", "RequestCount", GROUP, at, [1.0] * 7)
        world.cloudwatch.put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", GROUP, at, [1.0] * 3)
    world.advance()
    (tmp_path / "web.yaml").write_text(OF_CLOUDWATCH)
    (tmp_path / "rollbackd.yaml").write_text(ON_AWS)
    configuration = load(tmp_path / "rollbackd.yaml")
    ports = Ports(now=clock, aws=Direct(world, {"shop": Scope("eu-central-1", read=READ)}))
    (service,) = configuration.services.values()

    troubles = await recorded(configuration, ports, service, timedelta(days=1), (), {})

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    errors = [line for line in told if line["indicator"] == "errors"]
    assert (
        sum(line["total"] for line in errors) == 27 * 50 + 2 * 7
    )  # those of the last 3 minutes are not final
    assert [line["bad"] for line in errors if line["bad"]] == [3, 3]
    assert troubles == ["tasks: its query tells releases apart: say --release TAG"]
    assert world.bugs == []
