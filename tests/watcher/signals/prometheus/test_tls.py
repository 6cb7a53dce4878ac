"""Before the real server stands one that ends TLS: its certificate is of an authority of its own, and it wants to see ours."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from deploy.model import Level
from rules.sample import Unavailable, Who
from tests.fakes.prometheus.gate import Gate, before
from tests.watcher.signals.prometheus.asking import RATIO, asking, canary
from watcher.signals.provider import Examined

OURS = "rollbackd.example"


@dataclass(frozen=True)
class Papers:
    """What the server is run with, and the settings of a connection that is let in."""

    server: ssl.SSLContext
    tls: Mapping[str, str]


def papers(folder: Path, authority: trustme.CA, ours: trustme.CA) -> Papers:
    """A server whose certificate *authority* has signed and who lets in whom it has signed; ours is signed by *ours*."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    shown = ours.issue_cert(OURS)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    shown.private_key_pem.write_to_path(folder / "us.key")
    (folder / "us.pem").write_bytes(b"".join(blob.bytes() for blob in shown.cert_chain_pems))
    files = {"authority": "ca.pem", "certificate": "us.pem", "key": "us.key"}
    return Papers(server, {name: str(folder / file) for name, file in files.items()})


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


async def test_whoever_shows_the_certificate_that_is_wanted_is_answered(tmp_path, shop, authority):
    given = papers(tmp_path, authority, authority)
    async with before(Gate(), shop, given.server) as url, asking(url, tls=given.tls) as ask:
        reading = await ask.one(RATIO)
        found = await ask.provider.examine() if isinstance(ask.provider, Examined) else []

    assert len(canary(reading)) == 5  # the minutes in which the new release served
    assert found[-1].level is Level.OK


@pytest.mark.parametrize("shown", ["nothing", "one of another authority"])
async def test_whoever_does_not_is_told_that_the_server_wants_one(tmp_path, shop, authority, shown):
    given = papers(tmp_path, authority, trustme.CA())
    tls = {"authority": given.tls["authority"]} if shown == "nothing" else given.tls
    gate = Gate()
    async with before(gate, shop, given.server) as url, asking(url, tls=tls) as ask:
        reading = await ask.one(RATIO)
        found = await ask.provider.examine() if isinstance(ask.provider, Examined) else []

    assert isinstance(reading, Unavailable)
    assert gate.asked == []
    assert "certificate" in reading.words
    assert [each.level for each in found] == [Level.FAIL]


async def test_a_server_whose_authority_is_not_ours_is_not_asked(tmp_path, shop, authority):
    given = papers(tmp_path, authority, authority)
    gate = Gate()
    async with before(gate, shop, given.server) as url, asking(url) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert "certificate" in reading.words
    assert gate.asked == []


async def test_a_key_of_another_certificate_is_told_before_anybody_is_asked(tmp_path, shop, authority):
    given = papers(tmp_path, authority, authority)
    authority.issue_cert(OURS).private_key_pem.write_to_path(tmp_path / "other.key")
    async with (
        before(Gate(), shop, given.server) as url,
        asking(url, tls={**given.tls, "key": str(tmp_path / "other.key")}) as ask,
    ):
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert "the files of `tls` cannot be used" in reading.words
