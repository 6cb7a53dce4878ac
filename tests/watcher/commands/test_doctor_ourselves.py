"""What ``rollbackd doctor`` says of the daemon itself, of who is told, and of GitHub."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import BaseModel

from deploy.model import Level
from tests.fakes.github import SECRET, TOKEN, GitHubWorld, app
from tests.fakes.github.world import OTHERS
from tests.fakes.serve import http_to_loopback, serving_app
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.clock import now
from watcher.commands import doctor
from watcher.commands._doctor.checks import Found
from watcher.commands._doctor.notifiers import Examined
from watcher.commands._doctor.opened import told_open
from watcher.errors import WatcherError
from watcher.notify.notifier import Kind, Notifier, Opening

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true, reach: [127.0.0.0/8], DAEMON}
sources: {github: {github: {secret: {file: ROOT/secret}, repositories: [acme/shop]READS}}}
connections:
  status: {github: {CREDENTIALS, url: "URL"}}
  ops: {webhook: {url: "http://127.0.0.1:9/ops", secret: {file: ROOT/secret}}}
  pager: {webhook: {url: "http://127.0.0.1:9/pager", secret: {file: ROOT/secret}}}
teams: {shop: {tell: TELL}}
services:
  web:
    production:
      team: shop
      mode: ask
      runs_on: [{command: {live: [ROOT/live], move: [ROOT/live]}}]
      heard_from: HEARD
      rules: [{file: web.yaml}]
"""
RULES = """\
version: 1
indicators:
  errors: {ratio: {scrape: {url: "http://127.0.0.1:9/", counter: requests_total, bad: {code: "5.."}}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""
USUAL = {
    "DAEMON": "tokens: []",
    "CREDENTIALS": "token: {file: ROOT/token}",
    "TELL": "[ops, pager, status: acme/shop]",
    "HEARD": "[{github: {repository: acme/shop, environment: production}}]",
    "READS": "",
    "URL": "http://127.0.0.1:9",
}


async def examined(folder: Path, token: str = TOKEN, secret: str = SECRET, **written: str) -> list[Found]:
    (folder / "secret").write_text(secret)
    (folder / "token").write_text(token)
    (folder / "live").write_text('#!/bin/sh\necho \'{"tag": "v2"}\'\n')
    (folder / "live").chmod(0o755)
    (folder / "web.yaml").write_text(RULES)
    text = MAIN
    for word, instead in (USUAL | written).items():
        text = text.replace(word, instead)
    (folder / "rollbackd.yaml").write_text(text.replace("ROOT", str(folder)))
    impatient = timedelta(milliseconds=10)
    return await doctor.examined(load(folder / "rollbackd.yaml"), Ports(now=now), impatient)


def said(found: list[Found], subject: str, check: str) -> list[tuple[Level, str]]:
    return [
        (each.finding.level, each.finding.words)
        for each in found
        if (each.subject, each.check) == (subject, check)
    ]


def one(found: list[Found], subject: str, check: str) -> tuple[Level, str]:
    (only,) = said(found, subject, check)
    return only


# ---------------------------------------------------------------------------------------------------------- the daemon


async def test_a_daemon_whose_death_nobody_would_hear_of_is_told_so(tmp_path):
    level, words = one(await examined(tmp_path), "daemon", "heartbeat")

    assert level is Level.WARN
    assert "nobody hears when the daemon is dead" in words


async def test_where_a_monitor_is_set_it_is_looked_at_instead(tmp_path):
    (tmp_path / "beat").write_text("http://127.0.0.1:9/uuid-of-the-monitor")

    level, words = one(
        await examined(tmp_path, DAEMON="heartbeat: {url: {file: ROOT/beat}}"), "daemon", "heartbeat"
    )

    assert level is Level.FAIL
    assert "uuid-of-the-monitor" not in words


TOKENS = f"tokens: [{{name: ci, sha256: '{'a' * 64}', may: [read]}}]"


@pytest.mark.parametrize(
    ("daemon", "level", "words"),
    [
        ("tokens: []", Level.OK, "only this machine is heard, at 127.0.0.1:8080"),
        (TOKENS, Level.OK, "1 tokens are known at 127.0.0.1:8080"),
        (
            f'{TOKENS}, http: {{listen: "0.0.0.0:8080"}}',
            Level.WARN,
            "tokens travel in the open to 0.0.0.0:8080",
        ),
        (
            f'{TOKENS}, http: {{listen: "0.0.0.0:8080", public_url: "https://rollbackd.example"}}',
            Level.OK,
            "1 tokens are known",
        ),
    ],
)
async def test_who_may_call_is_told(tmp_path, daemon, level, words):
    found = await examined(tmp_path, DAEMON=daemon)

    assert one(found, "daemon", "callers")[0] is level
    assert words in one(found, "daemon", "callers")[1]


@pytest.mark.parametrize(
    ("tell", "level", "words"),
    [
        ("[ops, pager]", Level.OK, "ops and pager tell of web/production"),
        (
            "[ops, status: acme/shop]",
            Level.WARN,
            "only ops tells of web/production: while it is down, nobody hears",
        ),
        ("[ops: one, ops: other]", Level.WARN, "only ops tells"),
        ("[status: acme/shop]", Level.WARN, "nobody is told when a person is needed for web/production"),
    ],
)
async def test_a_team_that_may_not_hear_of_what_it_is_asked_is_told(tmp_path, tell, level, words):
    found = await examined(tmp_path, TELL=tell)

    assert one(found, "team shop", "told")[0] is level
    assert words in one(found, "team shop", "told")[1]


# ------------------------------------------------------------------------------------------------------------- webhooks


async def test_a_webhook_is_told_where_to_call_and_for_whom(tmp_path):
    found = await examined(tmp_path, DAEMON='http: {public_url: "https://rollbackd.example"}')

    assert one(found, "source github", "address") == (
        Level.OK,
        "it is to call https://rollbackd.example/v1/hooks/github",
    )
    assert one(found, "source github", "heard") == (Level.OK, "1 services are heard from it")
    assert one(found, "source github", "secret") == (
        Level.OK,
        f"deliveries are signed by a secret of {len(SECRET)} characters",
    )


async def test_a_webhook_that_nobody_is_heard_from_and_a_secret_that_can_be_guessed_are_told(tmp_path):
    found = await examined(tmp_path, secret="secret" * 6, HEARD="[]")

    assert one(found, "source github", "address")[0] is Level.WARN
    assert one(found, "source github", "heard")[0] is Level.WARN
    assert one(found, "source github", "secret") == (
        Level.WARN,
        "a secret of 5 different characters is easy to guess",
    )


# --------------------------------------------------------------------------------------------------------------- GitHub


@contextlib.asynccontextmanager
async def a_github(public_key: str = "") -> AsyncIterator[tuple[GitHubWorld, str]]:
    world = GitHubWorld(now)
    async with serving_app(app(world, public_key)) as port:
        yield world, f"http://127.0.0.1:{port}"


async def test_a_token_that_is_taken_is_told_with_what_cannot_be_known_and_nothing_is_written(tmp_path):
    async with a_github() as (world, url):
        found = await examined(tmp_path, URL=url)

    answers = said(found, "connection status", "answers")
    assert [level for level, _ in answers] == [Level.OK, Level.OK]
    assert "takes the token" in answers[0][1]
    assert "whether the token may write statuses is told nowhere" in answers[1][1]
    assert one(found, "clock", "by the connection status")[0] is Level.OK
    assert {request.split()[0] for request in world.requests} == {"GET"}
    assert not [each for each in found if TOKEN in each.finding.words]


@pytest.mark.parametrize("tell", ["[ops, pager, status]", "[ops, pager, status: acme/shop]"])
async def test_where_no_repository_is_named_those_are_looked_at_that_are_heard(tmp_path, tell):
    async with a_github() as (world, url):
        await examined(tmp_path, URL=url, TELL=tell)

    assert "GET /repos/acme/shop" in world.requests


@pytest.mark.parametrize(
    ("scopes", "level", "words"),
    [
        ("repo_deployment, read:org", Level.OK, "may be written"),
        ("read:org", Level.FAIL, "has the scopes read:org"),
        ("", Level.FAIL, "has the scopes (none)"),
    ],
)
async def test_a_classic_token_is_known_by_its_scopes(tmp_path, scopes, level, words):
    async with a_github() as (world, url):
        world.scopes = scopes
        found = await examined(tmp_path, URL=url)

    assert said(found, "connection status", "answers")[-1][0] is level
    assert words in said(found, "connection status", "answers")[-1][1]


async def test_a_token_that_is_not_known_is_told_once(tmp_path):
    async with a_github() as (_world, url):
        found = await examined(tmp_path, token="ghp_old", URL=url)

    level, words = one(found, "connection status", "answers")
    assert level is Level.FAIL
    assert "HTTP 401" in words
    assert "ghp_old" not in words


@pytest.mark.parametrize(
    ("token", "spoil", "words"),
    [
        (OTHERS, {}, "may only read it"),
        (TOKEN, {"repository": "acme/another"}, "HTTP 404"),
        (TOKEN, {"permissions": {"metadata": "read"}}, "HTTP 403"),
        (TOKEN, {"archived": True}, "archived"),
        (TOKEN, {"down": True}, "HTTP 502"),
        (TOKEN, {"left": 0}, "GitHub's limit of requests"),
    ],
)
async def test_what_would_keep_a_status_from_being_set_is_told_before_it_is_needed(
    tmp_path, token, spoil, words
):
    async with a_github() as (world, url):
        vars(world).update(spoil)
        found = await examined(tmp_path, token=token, URL=url)

    worst = said(found, "connection status", "answers")[-1]
    remedies = [each.finding.remedy for each in found if each.subject == "connection status"]
    assert worst[0] is Level.FAIL
    assert words in " ".join([worst[1], *remedies])


READS = ', reads: {token: {file: ROOT/token}, url: "URL"}'


@pytest.mark.parametrize(
    ("token", "level", "words"),
    [(TOKEN, Level.OK, "the deployments of acme/shop are read"), ("ghp_old", Level.FAIL, "HTTP 401")],
)
async def test_what_no_webhook_delivers_can_be_read_or_is_told_why_not(tmp_path, token, level, words):
    async with a_github() as (_world, url):
        found = await examined(tmp_path, token=token, READS=READS, URL=url)

    assert one(found, "source github", "reads")[0] is level
    assert words in one(found, "source github", "reads")[1]


@pytest.mark.parametrize(("may", "level"), [("write", Level.OK), ("read", Level.FAIL)])
async def test_an_app_is_known_by_what_its_installation_may(tmp_path, may, level):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, text = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key").write_bytes(private)
    async with a_github(key.public_key().public_bytes(pem, text).decode()) as (world, url):
        world.permissions = {"deployments": may}
        credentials = "app: {id: 4711, installation: 9, private_key: {file: ROOT/key}}"
        found = await examined(tmp_path, URL=url, CREDENTIALS=credentials)

    first = said(found, "connection status", "answers")[0]
    assert first[0] is level
    assert f"deployments: {may}" in first[1]


async def test_a_github_that_cannot_be_reached_is_told(tmp_path):
    level, words = one(await examined(tmp_path), "connection status", "answers")

    assert level is Level.FAIL
    assert "127.0.0.1:9" in words


class _Missing(WatcherError):
    """An extra is not installed."""


class _Settings(BaseModel):
    """None are needed."""


class _Closed(contextlib.AbstractAsyncContextManager[Notifier]):
    async def __aenter__(self) -> Notifier:
        raise _Missing("a library is not installed", remedy="install it")

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


async def test_a_connection_that_cannot_be_opened_is_told_and_hides_no_other():
    async with http_to_loopback(now) as http, contextlib.AsyncExitStack() as stack:
        told = await told_open(Kind(_Settings, lambda *_: _Closed()), _Settings(), Opening(http, now), stack)
        found = await told.examine([]) if isinstance(told, Examined) else []

    assert [(each.level, each.words, each.remedy) for each in found] == [
        (Level.FAIL, "a library is not installed", "install it")
    ]
