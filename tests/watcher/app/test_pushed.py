"""Systems that push their alerts, through a daemon that the app has built: real HTTP, its own door and its own store.

SNS is not among them: what proves it is fetched from Amazon. It keeps the same contract at the door (tests/contract).
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contract.alerts_contract import FIRING, STORIES, SYSTEMS, expected
from tests.fakes.alerts import NOON, SECRET, Alert, Log, System, Turn, at, worst
from tests.fakes.alerts.cloudwatch import TOPIC, Sns
from tests.fakes.alerts.groups import INTERVAL, Grafana
from tests.fakes.alerts.post import burst, once, post, trickled
from tests.fakes.alerts.trouble import ORDERS, tampered
from tests.watcher.app.house import AtWork, a_house, built
from watcher.app import Ports
from watcher.core.alerts import Mood

ROOT = Path(__file__).parents[3]
PROVEN_HERE = sorted(set(SYSTEMS) - {"sns"})
SIGNED = {"hmac": {"secret": SECRET, "timestamp_header": "X-Grafana-Alerting-Timestamp"}}


@dataclass
class Clock:
    """The daemon's, which is set."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def set(self, time: datetime) -> None:
        self.time = time


@dataclass
class Door:
    """A daemon that hears *system* under the name of its kind."""

    daemon: AtWork
    clock: Clock
    system: System

    @property
    def url(self) -> str:
        return f"{self.daemon.url}/v1/alerts/{self.system.kind}"

    async def moods(self, log: Log) -> Mapping[str, Mood]:
        known = await self.daemon.running.store.alerts(self.system.kind)
        moods = {each.alert.key: each.mood for each in known.alerts}
        # Each by its own turns: to look through those of all for each of a thousand holds the daemon's loop up until its watchdog ends it.
        turns: dict[Alert, list[Turn]] = {}
        for turn in log.turns:
            turns.setdefault(turn.alert, []).append(turn)
        return {
            alert.name: worst([moods[key] for key in self.system.keys(Log(own), alert) if key in moods])
            for alert, own in turns.items()
        }


def written(settings: Any) -> Any:
    """Settings as a user writes them: the secret in a file."""
    if not isinstance(settings, Mapping):
        return settings
    return {
        name: {"file": "ROOT/alert.secret"} if name == "secret" else written(value)
        for name, value in settings.items()
    }


@contextlib.asynccontextmanager
async def a_door(root: Path, system: System) -> AsyncIterator[Door]:
    house, clock = a_house(root), Clock()
    (root / "alert.secret").write_text(SECRET)
    section = json.dumps({system.kind: {system.kind: written(system.settings)}})
    house.change("connections:\n", f"alerts: {section}\nconnections:\n")
    async with built(house, Ports(now=clock.now)) as daemon:
        yield Door(daemon, clock, system)


@pytest.fixture(params=PROVEN_HERE)
def system(request) -> System:
    made: System = SYSTEMS[request.param]()
    return made


@pytest.mark.lasts(2)
@pytest.mark.parametrize("order", ["in order", "again", "backwards"])
async def test_one_log_ends_in_the_same_moods_in_the_store(tmp_path, system, order):
    log = STORIES["several at once"]
    deliveries = ORDERS[order](system.deliveries(log, log.end + INTERVAL))

    async with a_door(tmp_path, system) as door:
        statuses = await post(door.daemon.session, door.url, system, deliveries, door.clock.set)
        moods = await door.moods(log)

    assert set(statuses) == {202}
    assert moods == expected(system, log)


async def test_a_signature_with_its_time_is_looked_at_by_the_daemons_clock(tmp_path):
    system, log = Grafana(settings=SIGNED), STORIES["it fires"]
    (delivery,) = system.deliveries(log, log.end + INTERVAL)

    async with a_door(tmp_path, system) as door:
        door.clock.set(at(60))
        late = await once(door.daemon.session, door.url, delivery)
        door.clock.set(delivery.at)
        forged = await once(door.daemon.session, door.url, tampered(delivery))
        good = await once(door.daemon.session, door.url, delivery)

    assert (late, forged, good) == (401, 401, 202)


@pytest.mark.parametrize(
    "forged",
    [{"SigningCertURL": "https://evil.example/SimpleNotificationService-1.pem"}, {"SignatureVersion": "1"}],
)
async def test_a_forger_of_sns_hears_no_and_leads_nowhere(tmp_path, forged):
    system = Sns()

    async with a_door(tmp_path, system) as door:
        status = await once(door.daemon.session, door.url, system.notification("{}", NOON, **forged))
        other = await once(door.daemon.session, door.url, Sns(topic=f"{TOPIC}-2").notification("{}", NOON))
        samples = (await door.daemon.get("/metrics")).samples

    assert (status, other) == (401, 401)
    assert not [name for name in samples if "outgoing_requests_total" in name and "sns" in name]


async def test_who_sends_a_byte_at_a_time_keeps_nobody_else_waiting(tmp_path, system):
    log = STORIES["it fires"]
    delivery = system.deliveries(log, log.end + INTERVAL)[0]

    async with a_door(tmp_path, system) as door:
        door.clock.set(delivery.at)
        host, port = door.daemon.running.address
        path = f"/v1/alerts/{system.kind}"
        slow = [asyncio.ensure_future(trickled(host, port, path, delivery, pause=60)) for _ in range(20)]
        status = await once(door.daemon.session, door.url, delivery)
        waiting = [each for each in slow if not each.done()]
        for each in slow:
            each.cancel()
        await asyncio.wait(slow)

    assert (status, len(waiting)) == (202, 20)


@pytest.mark.lasts(8)
async def test_a_thousand_at_once_are_all_remembered(tmp_path, system):
    many = [Alert(f"alert-{number}", number) for number in range(1000)]
    deliveries = [
        each for alert in many for each in system.deliveries(Log([Turn(at(0), alert, FIRING)]), at(1))
    ]

    async with a_door(tmp_path, system) as door:
        door.clock.set(at(1))
        statuses = await burst(door.daemon.session, door.url, deliveries)
        moods = await door.moods(Log([Turn(at(0), alert, FIRING) for alert in many]))

    assert statuses == [202] * 1000
    assert set(moods.values()) == {FIRING}


WITHOUT_CRYPTOGRAPHY = """
import asyncio, sys
sys.modules["cryptography"] = None
from pathlib import Path
from tests.watcher.app.house import House, built

async def main():
    house = House(Path(sys.argv[1]))
    house.text = house.file.read_text()
    async with built(house) as daemon:
        in_force = daemon.running.in_force
        was = in_force.configuration
        house.change("connections:\\n", sys.argv[2] + "connections:\\n")
        assert not await in_force.reload()
        assert in_force.configuration is was
        (refused,) = await daemon.logs("configuration.refused")
        print(refused["problem"])

asyncio.run(main())
"""


@pytest.mark.lasts(3)
def test_a_topic_that_comes_with_a_reload_and_cannot_be_proven_here_leaves_the_running_one_in_force(tmp_path):
    a_house(tmp_path)
    added = json.dumps({"alarms": {"sns": {"topics": [TOPIC]}}})
    program = [sys.executable, "-c", WITHOUT_CRYPTOGRAPHY, str(tmp_path), f"alerts: {added}\n"]

    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("topics of SNS over HTTPS need cryptography, which is not installed: ")
