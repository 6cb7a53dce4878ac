"""``rollback --direct`` at targets that are no part of AWS: whoever asks has the token that the configuration names, and it decides."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.targets.beside import BESIDE, NOBODYS, Beside
from tests.watcher.commands.emergency import KEY, RULES, Emergency
from watcher.commands._client import Misused, Refused, Unreachable
from watcher.commands._direct.opening import load
from watcher.commands._direct.telling import WARNINGS
from watcher.config import InvalidConfiguration
from watcher.store.sqlite.place import held, holder

CONFIGURATION = """\
version: 1
daemon:
  store: {postgresql: {dsn: {env: NO_PERSON_HAS_THIS}}}
services:
  checkout:
    production:
      mode: auto
      runs_on: [RUNS_ON]
      rules: [{file: web.yaml}]
"""
KINDS = [pytest.param(each, id=name) for name, each in BESIDE.items()]


def on(kind: Beside, stage: Any, folder: Path, token: str = "writes") -> Emergency:
    """Nobody but a person, and *stage* as its platform."""
    return Emergency(
        folder,
        stage,
        configuration=CONFIGURATION.replace("RUNS_ON", json.dumps(kind.runs_on(folder, token))),
        send=getattr(stage, "send", None),
        github=getattr(stage, "github", None),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_bad_is_put_back_once_and_each_call_is_written_down_and_no_token(kind, tmp_path):
    stage = kind.make()
    move = kind.way(stage)
    emergency = on(kind, stage, tmp_path)

    ended = emergency.goes_back(move.to.tag)

    assert (ended.status, ended.words) == (0, "serves again")
    assert stage.live().release.is_same_as(move.to)
    assert len(kind.changed(stage)) == 1
    assert emergency.events() == ["agreed", "begins", "answered", "ended"]
    assert {(line["user"], line["reason"]) for line in emergency.lines()} == {("ada", "checkout is down")}
    written = emergency.audit.read_text() + "\n".join(emergency.told)
    assert kind.tokens["writes"] not in written
    assert f"rollbackd distrust {move.expect.tag} --service checkout" in emergency.told[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_said_again_once_it_is_done_it_is_done(kind, tmp_path):
    stage = kind.make()
    to = kind.way(stage).to.tag
    on(kind, stage, tmp_path).goes_back(to)

    again = on(kind, stage, tmp_path).goes_back(to)

    assert (again.status, again.words) == (0, f"{to} serves already, and nothing is in flight")
    assert len(kind.changed(stage)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_name_it_goes_back_to_what_the_platform_remembers_or_says_that_a_name_is_needed(
    kind, tmp_path
):
    stage = kind.make()
    move = kind.way(stage)
    emergency = on(kind, stage, tmp_path)

    if kind.remembers:
        assert emergency.goes_back().status == 0
        assert stage.live().release.is_same_as(move.to)
        assert any(f"{move.to.tag} is known-good" in line for line in emergency.told)
        return
    with pytest.raises(Misused, match="its platform remembers no releases") as misused:
        emergency.goes_back()
    assert "--to TAG" in misused.value.remedy
    assert kind.changed(stage) == []


@pytest.mark.parametrize("kind", KINDS)
def test_before_it_is_asked_for_it_is_said_what_a_daemon_that_runs_will_make_of_it(kind, tmp_path):
    stage = kind.make()
    emergency = on(kind, stage, tmp_path)
    emergency.says = False

    with pytest.raises(Refused, match="nothing was sent"):
        emergency.goes_back(kind.way(stage).to.tag)

    assert [line.removeprefix("note: ") for line in emergency.told][-2:] == list(WARNINGS)
    assert kind.changed(stage) == []
    assert not emergency.audit.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_may_only_read_moves_nothing_and_the_audit_says_what_was_tried_and_why_it_was_refused(
    kind, tmp_path
):
    stage = kind.make()
    move = kind.way(stage)
    emergency = on(kind, stage, tmp_path, "reads")

    ended = emergency.goes_back(move.to.tag)

    assert ended.status == 3
    assert "HTTP 403" in ended.words
    assert "token" in ended.words
    assert "by hand: " in ended.words
    assert kind.changed(stage) == []
    assert [(line["event"], line["words"]) for line in emergency.lines()] == [
        ("agreed", ""),
        ("begins", f"service: {move.expect.tag} → {move.to.tag}"),
        ("answered", ended.words),
        ("ended", ended.words),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_is_not_accepted_is_named_with_what_to_do_and_nothing_is_asked_or_tried(kind, tmp_path):
    stage = kind.make()
    to = kind.way(stage).to.tag
    emergency = on(kind, stage, tmp_path, "nobodys")

    with pytest.raises(Unreachable, match="what runs cannot be read: service: ") as unreachable:
        emergency.goes_back(to)

    assert "HTTP 401" in str(unreachable.value)
    assert "the token is not accepted" in str(unreachable.value)
    assert NOBODYS not in str(unreachable.value)
    assert (emergency.asked, kind.changed(stage)) == ([], [])
    assert not emergency.audit.exists()


def test_a_daemon_that_lives_here_is_named_before_it_is_asked_for(tmp_path):
    kind, store = BESIDE["launchdarkly"], tmp_path / "state.db"
    stage = kind.make()
    emergency = on(kind, stage, tmp_path)
    emergency.configuration = emergency.configuration.replace(
        "{postgresql: {dsn: {env: NO_PERSON_HAS_THIS}}}", f"{{sqlite: {{path: {store}}}}}"
    )
    emergency.says = False

    with pytest.raises(Refused, match="nothing was sent"):
        emergency.goes_back("off")
    with held(store), pytest.raises(Refused, match="nothing was sent"):
        emergency.goes_back("off")
    with held(store):
        known = holder(store)

    said = [line for line in emergency.told if "a daemon runs here" in line]
    words = f"process {os.getpid()} has its store. The same without --direct is asked of it"
    assert len(said) == (known is not None)  # not every system tells
    assert all(words in line for line in said)


def test_a_token_that_whoever_asks_does_not_have_is_named_by_where_it_should_be(tmp_path, monkeypatch):
    monkeypatch.delenv("LAUNCHDARKLY_TOKEN", raising=False)
    runs_on = BESIDE["launchdarkly"].runs_on(tmp_path, "writes")
    runs_on["launchdarkly"]["token"] = {"env": "LAUNCHDARKLY_TOKEN"}
    (tmp_path / "web.yaml").write_text(RULES)
    path = tmp_path / "rollbackd.yaml"
    path.write_text(CONFIGURATION.replace("RUNS_ON", json.dumps(runs_on)))

    with pytest.raises(InvalidConfiguration, match="LAUNCHDARKLY_TOKEN"):
        load(path, KEY, lambda _: None)
