"""``rollbackd ready`` at every target on AWS and at those beside it: the row of a service that could be put back, and of one that could not."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.model import Level, Move, Recalled
from deploy.tags import Ledger
from tests.deploy.targets.beside import BESIDE, Beside
from tests.deploy.targets.played import ACTOR, AWS, Played
from tests.watcher.commands.test_ready import NOWHERE
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._direct.remembering import ledger_of
from watcher.commands._ready.examining import examined
from watcher.commands._ready.rows import Row

KEY = ("checkout", "production")
CONFIGURATION = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
defaults: {mode: auto}
services:
  checkout:
    production:
      runs_on: [RUNS_ON]
      rules: [{file: web.yaml}]
"""
ACCOUNT = f"""\
accounts:
  shop: {{region: eu-central-1, act: "{ACTOR}"}}
defaults: {{account: shop, mode: auto}}
"""
ON_AWS = CONFIGURATION.replace("defaults: {mode: auto}\n", ACCOUNT)
ALWAYS = {"lambda", "launchdarkly"}  # of the others `make long` tells


KINDS = [
    pytest.param(each, id=name, marks=[] if name in ALWAYS else pytest.mark.long)
    for name, each in {**AWS, **BESIDE}.items()
]


def standing(kind: Played | Beside) -> tuple[Any, Move]:
    """The stage, and the way back from what is live there."""
    stage = kind.make()
    if isinstance(kind, Played):
        return stage, stage.move()
    return stage, kind.way(stage)


async def the_row(kind: Played | Beside, stage: Any, move: Move, folder: Path, token: str = "writes") -> Row:
    """By what the daemon remembers: that the release to go back to has served for a month."""
    runs_on = kind.runs_on(stage) if isinstance(kind, Played) else kind.runs_on(folder, token)
    (folder / "web.yaml").write_text(NOWHERE)
    path = folder / "rollbackd.yaml"
    whole = ON_AWS if isinstance(kind, Played) else CONFIGURATION
    path.write_text(whole.replace("RUNS_ON", json.dumps(runs_on)))
    now = stage.clock.time
    served = ((move.to, now - timedelta(days=30)), (move.expect, now - timedelta(hours=1)))
    configuration = load(path)

    async def ledger(key: tuple[str, str], part: str) -> Ledger:
        return ledger_of(configuration.services[key], part, Recalled(served), now)

    ports = Ports(
        now=stage.clock,
        aws=getattr(stage, "aws", None),
        page=getattr(stage, "visitor", None),
        send=getattr(stage, "send", None) or getattr(stage, "flagd", None),
        github=getattr(stage, "github", None),
    )
    (row,) = await examined(configuration, ports, timedelta(0), ledger)
    assert row.service.key == KEY
    return row


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_says_where_to_and_how_long_and_nothing_is_changed(kind, tmp_path):
    stage, move = standing(kind)

    row = asyncio.run(the_row(kind, stage, move, tmp_path))

    _, _, live, back, takes, acts, *_ = row.cells()
    assert (live, back) == (move.expect.tag, move.to.tag)
    assert "second" in takes or "min" in takes or " s" in takes
    assert acts == (
        "yes" if isinstance(kind, Played) else "-"
    )  # of a flag the way back says what its token lacks
    assert [each.words for each in row.ways[0].findings] == [f"back to {move.to.tag} (served)"]
    assert changed(kind, stage) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_that_nobody_may_put_back_is_red(kind, tmp_path):
    stage, move = standing(kind)
    if isinstance(kind, Played):
        stage.world.identities.role(ACTOR, {"sts:*"})

    token = "" if isinstance(kind, Played) else "reads"

    row = asyncio.run(the_row(kind, stage, move, tmp_path, token))

    red = [each.words for each in row.findings if each.level is Level.FAIL]
    assert row.cells()[-1] == "NO"
    assert any(f"{ACTOR} may not" in words or "the token" in words for words in red)
    assert changed(kind, stage) == []


def changed(kind: Played | Beside, stage: Any) -> list[Any]:
    """What has changed anything."""
    return list(stage.world.mutating_calls()) if isinstance(kind, Played) else kind.changed(stage)
