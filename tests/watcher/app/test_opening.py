"""What the configuration names is opened under its name; and it can name nothing that could not be opened."""

import hashlib
import hmac
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from deploy.model import Live
from deploy.ports import Ran
from deploy.sources.registry import SOURCES
from deploy.targets.registry import TARGETS
from tests.builders import NOON
from tests.contract.notifier_contract import a_message
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.serve import serving_app
from tests.watcher.app.house import a_house
from watcher import clock, command
from watcher.app import Ports, load
from watcher.app.opening import (
    fleet_of,
    open_aws,
    open_http,
    open_notifiers,
    open_providers,
    open_store,
    sources_of,
)
from watcher.config import InvalidConfiguration
from watcher.config.registries import all_kinds
from watcher.errors import StoreUnavailable
from watcher.notify.notifier import Notifier, Told
from watcher.notify.registry import NOTIFIERS
from watcher.signals.provider import Examined, Opening
from watcher.signals.registry import PROVIDERS
from watcher.store.registry import STORES
from watcher.telemetry.metrics import Metrics

WEB = ("web", "production")
SECOND = '  desk: {webhook: {url: "http://127.0.0.1:PORT/desk", secret: {file: ROOT/desk.secret}}}\nteams:\n'
MISTAKES = """\
  mistakes: {sentry: {url: "http://127.0.0.1:PORT", organization: shop, token: {file: ROOT/sentry.token}}}
teams:
"""


@asynccontextmanager
async def opened_notifiers(house, ports=None):
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        configuration = load(house.file)
        store = await open_store(configuration, ports or Ports(), metrics, stack)
        http = await open_http(configuration, ports or Ports(), metrics, stack)
        aws = await open_aws(configuration, ports or Ports(), metrics, stack)
        yield await open_notifiers(configuration, ports or Ports(), http, aws, store, stack)


# --------------------------------------------------------------------------------------------------------------- connections

WITHOUT_THE_EXTRA = """
import asyncio, contextlib, sys
sys.modules["slack_sdk"] = None
from pathlib import Path
from watcher.app import Ports, load
from watcher.app.opening import open_ears, open_http
from watcher.errors import WatcherError
from watcher.telemetry.metrics import Metrics

async def main():
    configuration, ports, metrics = load(Path(sys.argv[1])), Ports(), Metrics()
    async with contextlib.AsyncExitStack() as stack:
        http = await open_http(configuration, ports, metrics, stack)
        await open_ears(configuration, ports, http, metrics, stack)

try:
    asyncio.run(main())
except WatcherError as error:
    print(error.remedy)
"""


def test_a_connection_that_hears_without_the_library_of_slack_is_told_with_what_to_do(tmp_path):
    house = a_house(tmp_path)
    (tmp_path / "slack.secret").write_text("it-is-a-secret")
    (tmp_path / "slack.secret").chmod(0o600)
    secret = f"{{file: {tmp_path}/slack.secret}}"
    slack = f"  chat: {{slack: {{token: {secret}, workspace: T0SHOP, app_token: {secret}}}}}\nteams:\n"
    house.file.write_text(house.file.read_text().replace("teams:\n", slack))
    program = [sys.executable, "-c", WITHOUT_THE_EXTRA, str(house.file)]

    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("pip install 'rollbackd[slack]'")


async def test_each_connection_is_opened_under_its_name_with_its_own_settings(tmp_path):
    heard: dict[str, tuple[str, str, bytes]] = {}

    async def hear(request: web.Request) -> web.Response:
        headers = request.headers
        heard[request.path] = (
            headers["X-Rollbackd-Signature"],
            headers["X-Rollbackd-Timestamp"],
            await request.read(),
        )
        return web.Response()

    app = web.Application()
    app.router.add_post("/{name}", hear)
    house = a_house(tmp_path)
    (tmp_path / "desk.secret").write_text("the secret of the desk")
    async with serving_app(app) as port:
        house.change("127.0.0.1:9/ops", f"127.0.0.1:{port}/ops")
        house.change("teams:\n", SECOND.replace("PORT", str(port)))
        async with opened_notifiers(house) as notifiers:
            told = {name: await each.tell(a_message(), "", None) for name, each in notifiers.items()}

    assert {name: type(telling) for name, telling in told.items()} == {"ops": Told, "desk": Told}
    for path, secret in (("/ops", b"a secret that is long enough"), ("/desk", b"the secret of the desk")):
        signature, timestamp, body = heard[path]
        mac = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256)
        assert signature == f"v1={mac.hexdigest()}"


TOPIC = "  topic: {sns: {account: shop, topic: 'arn:aws:sns:eu-central-1:123456789012:releases'}}\nteams:\n"


async def test_a_topic_is_told_by_the_account_that_is_configured(tmp_path):
    house, world = a_house(tmp_path), AwsWorld(lambda: NOON)
    world.sns.create_topic("releases")
    house.change("connections:", "accounts: {shop: {region: eu-central-1}}\nconnections:")
    house.change("teams:\n", TOPIC)
    async with opened_notifiers(house, Ports(aws=Direct(world))) as notifiers:
        telling = await notifiers["topic"].tell(a_message(), "", None)

    assert isinstance(telling, Told)
    assert len(world.sns.log) == 1


async def test_a_topic_of_an_account_that_is_not_configured_is_a_mistake_before_anything_starts(tmp_path):
    house = a_house(tmp_path)
    house.change("teams:\n", TOPIC)

    with pytest.raises(InvalidConfiguration) as refused:
        load(house.file)

    assert 'connections.topic.sns.account: unknown account "shop"' in str(refused.value)


async def test_where_nobody_is_to_be_told_there_is_no_notifier(tmp_path):
    house = a_house(tmp_path)
    house.write(house.text.partition("connections:")[0] + "teams:" + house.text.partition("teams:")[2])

    async with opened_notifiers(house) as notifiers:
        assert notifiers == {}


async def test_a_test_may_stand_between_the_daemon_and_its_notifiers(tmp_path):
    def nobody(notifiers: Mapping[str, Notifier]) -> Mapping[str, Notifier]:
        return {f"not {name}": each for name, each in notifiers.items()}

    async with opened_notifiers(a_house(tmp_path), Ports(around_notifiers=nobody)) as notifiers:
        assert set(notifiers) == {"not ops"}


async def test_a_provider_that_needs_no_connection_is_open_under_the_name_of_its_kind(tmp_path):
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        configuration = load(a_house(tmp_path).file)
        http = await open_http(configuration, Ports(), metrics, stack)

        opening = Opening(http, clock.now, clock.monotonic, metrics)
        providers = await open_providers(configuration, opening, stack)

        without = {
            name: kind
            for name, kind in PROVIDERS.items()
            if (kind.settings is None or kind.stands_alone) and not kind.on_aws
        }
        assert {name: each.kind for name, each in providers.items()} == without


async def test_what_is_left_of_a_providers_limits_is_shown_under_the_name_of_its_connection(tmp_path):
    async def tell(_request: web.Request) -> web.Response:
        told = {"X-Sentry-Rate-Limit-Limit": "40", "X-Sentry-Rate-Limit-Remaining": "39"}
        return web.json_response([], headers=told)

    app = web.Application()
    app.router.add_get("/{path:.*}", tell)
    house, metrics = a_house(tmp_path), Metrics()
    (tmp_path / "sentry.token").write_text("sntrys_0123456789")
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving_app(app))
        house.change("teams:\n", MISTAKES.replace("PORT", str(port)))
        configuration = load(house.file)
        http = await open_http(configuration, Ports(), metrics, stack)
        opening = Opening(http, clock.now, clock.monotonic, metrics)
        provider = (await open_providers(configuration, opening, stack))["mistakes"].provider
        assert isinstance(provider, Examined)
        await provider.examine()

    left = [
        (each.labels["provider"], each.labels["connection"], each.value)
        for family in metrics.registry.collect()
        for each in family.samples
        if each.name == "rollbackd_signal_limit_remaining_requests"
    ]
    assert set(left) == {("sentry", "mistakes", 39)}


# --------------------------------------------------------------------------------------------------------------------- store


async def test_each_kind_of_store_is_opened_by_what_is_written(tmp_path):
    house = a_house(tmp_path)
    async with AsyncExitStack() as stack:
        await (await open_store(load(house.file), Ports(), Metrics(), stack)).check()
    assert house.store.exists()

    house.store.unlink()
    house.change("{sqlite: {path: ROOT/state.db}}", "{memory: {}}")
    async with AsyncExitStack() as stack:
        await (await open_store(load(house.file), Ports(), Metrics(), stack)).check()
    assert not house.store.exists()


async def test_an_operation_of_the_store_that_fails_is_counted(tmp_path):
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        store = await open_store(load(a_house(tmp_path).file), Ports(), metrics, stack)
    with pytest.raises(StoreUnavailable):
        await store.check()

    errors = [line for line in metrics.render().decode().splitlines() if "store_errors_total{" in line]
    assert len(errors) == 1
    assert errors[0].endswith(" 1.0")


# ----------------------------------------------------------------------------------------------------------------- platforms

PARTS = """\
        api:
          command: {live: [/bin/echo, '{"tag": "${service}-${environment}-${part}"}'], move: [/bin/false, "${tag}"]}
        worker:
          command: {live: [/bin/echo, '{"tag": "${service}-${environment}-${part}"}'], move: [/bin/false, "${tag}"]}
"""


def with_parts(house):
    head, _, tail = house.text.partition("        - command:")
    house.write(head + PARTS + "      rules:" + tail.partition("      rules:")[2])
    return house


async def test_each_part_has_its_own_target_and_knows_its_place(tmp_path):
    fleet = fleet_of(load(with_parts(a_house(tmp_path)).file), Ports(), None)

    seen = {part: await target.observe() for part, target in fleet.targets[WEB].items()}

    assert list(seen) == ["api", "worker"]
    for part, live in seen.items():
        assert isinstance(live, Live)
        assert live.release is not None
        assert live.release.tag == f"web-production-{part}"


async def test_what_a_way_back_leaves_as_it_is_is_known_of_each_part(tmp_path):
    fleet = fleet_of(load(with_parts(a_house(tmp_path)).file), Ports(), None)

    assert list(fleet.not_undone[WEB]) == ["api", "worker"]
    assert all(
        words.startswith("whatever `move` does not put back") for words in fleet.not_undone[WEB].values()
    )


async def test_no_platform_is_touched_before_somebody_asks(tmp_path):
    ran: list[str] = []

    async def counted(argv: Sequence[str], timeout: timedelta, environment: Mapping[str, str]) -> Ran:
        ran.append(argv[0])
        return await command.run(argv, timeout, environment)

    fleet = fleet_of(load(with_parts(a_house(tmp_path)).file), Ports(command=counted), None)
    assert ran == []

    await fleet.targets[WEB]["api"].observe()
    assert ran == ["/bin/echo"]


async def test_a_mirror_is_opened_where_there_is_a_way_to_it(tmp_path):
    house = a_house(tmp_path)
    (tmp_path / "git.secret").write_text("ghp_of_the_shop")
    mirror = "{git: {repository: acme/shop, token: {file: ROOT/git.secret}}}"
    house.change("      rules:", f"      mirror: [{mirror}]\n      rules:")
    configuration = load(house.file)

    async with AsyncExitStack() as stack:
        http = await open_http(configuration, Ports(), Metrics(), stack)
        reached, cut_off = (fleet_of(configuration, Ports(), None, each) for each in (http, None))

    assert [each.name for each in reached.mirrors[WEB]["service"]] == [
        "git acme/shop known-good/web/production"
    ]
    assert cut_off.mirrors[WEB]["service"] == []


def test_the_services_are_those_that_are_written(tmp_path):
    configuration = load(a_house(tmp_path).file)

    assert fleet_of(configuration, Ports(), None).services == configuration.services


@pytest.mark.parametrize("written", ["", "sources: {http: {http: {}}}\n"])
def test_what_is_told_over_http_is_heard_whether_it_is_written_or_not(tmp_path, written):
    house = a_house(tmp_path)
    house.change("connections:\n", f"{written}connections:\n")

    sources = sources_of(load(house.file))

    assert {name: source.name for name, source in sources.items()} == {"http": "http"}


# --------------------------------------------------------------------------------------------------------------------- kinds


def test_whatever_kind_can_be_written_can_be_opened():
    kinds = all_kinds()

    assert set(kinds.stores) == set(STORES)
    assert set(kinds.targets) == set(TARGETS)
    assert set(kinds.sources) == set(SOURCES)
    assert set(kinds.connections) <= {*PROVIDERS, *NOTIFIERS}


def test_what_is_both_read_and_told_is_written_as_its_provider_says():
    kinds = all_kinds()
    both = set(PROVIDERS) & set(NOTIFIERS)

    assert both == {name for name, kind in NOTIFIERS.items() if kind.settings is None}
    assert all(kinds.connections[name] is PROVIDERS[name].settings for name in both)
    assert all(NOTIFIERS[name].board for name in both)  # whoever wrote it to read is not told one by one


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{sqlite: {path: ROOT/state.db}}", "{tape: {}}"),
        ("{webhook:", "{pigeon:"),
        ("connections:\n", "sources: {town: {crier: {}}}\nconnections:\n"),
        ("- command:", "- by_hand:"),
    ],
)
def test_a_kind_that_nobody_knows_does_not_get_past_the_configuration(tmp_path, old, new):
    house = a_house(tmp_path)
    house.change(old, new)

    with pytest.raises(InvalidConfiguration, match="unknown"):
        load(house.file)
