"""``rollback --direct`` at every target on AWS: the same story, by the target's own configuration, in one process."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.targets.played import ACTOR, AWS, Played
from tests.watcher.commands.emergency import CONFIGURATION, Emergency

ECS = "{ecs: {cluster: prod, service: web}}"
ALWAYS = "load_balancer"  # its memory is empty while a release is young; of the others `make long` tells
KINDS = [
    pytest.param(played, id=name, marks=[] if name == ALWAYS else pytest.mark.long)
    for name, played in AWS.items()
]


def on(played: Played, stage: Any, folder: Path) -> Emergency:
    """Nobody but a person, and *stage* as its platform."""
    return Emergency(
        folder,
        stage,
        configuration=CONFIGURATION.replace(ECS, json.dumps(played.runs_on(stage))),
        page=getattr(stage, "visitor", None),
        send=getattr(stage, "flagd", None),
    )


@pytest.mark.parametrize("played", KINDS)
def test_what_is_bad_is_put_back_by_whoever_asks_and_each_call_is_written_down(played, tmp_path):
    stage = played.make()
    move = stage.move()
    emergency = on(played, stage, tmp_path)

    ended = emergency.goes_back(move.to.tag)

    assert (ended.status, ended.words) == (0, "serves again")
    live = stage.live()
    assert live.release.is_same_as(move.to)
    assert live.in_flight is None
    agreed, *calls, end = emergency.events()
    assert (agreed, end) == ("agreed", "ended")
    assert calls == ["begins", "answered"] * (
        len(calls) // 2
    )  # a call that was not answered would stand alone
    assert calls
    assert {line["user"] for line in emergency.lines()} == {"ada"}
    assert {call.by for call in stage.world.mutating_calls()} == {ACTOR}
    assert stage.world.bugs == []


@pytest.mark.parametrize("played", KINDS)
def test_without_the_right_to_act_nothing_is_moved_and_it_is_said_by_whom(played, tmp_path):
    stage = played.make()
    move = stage.move()
    stage.world.identities.role(ACTOR, {"sts:*"})
    emergency = on(played, stage, tmp_path)

    ended = emergency.goes_back(move.to.tag)

    assert ended.status == 3
    assert f"to {ACTOR}" in ended.words
    assert [call for call in stage.world.mutating_calls() if not call.refused] == []
    assert emergency.events() == ["agreed", "begins", "answered", "ended"]
