"""The small platform: what its programs say and take, and that they are honest."""

import json
import subprocess
import sys
from typing import Any

import pytest

from watcher.demo.world import shop
from watcher.demo.world.behaviour import HICCUP, KINDS, NOTHING, USUAL, Behaviour
from watcher.demo.world.files import Desired, Files, Running, Slot


@pytest.fixture
def files(tmp_path):
    """A platform on which v1 serves on three instances."""
    found = Files(tmp_path)
    found.publish("v1", USUAL)
    found.publish("v2", KINDS["errors"])
    found.want(Desired("v1"))
    found.runs(running("v1", "v1", "v1"))
    return found


def coming(files: Files) -> Any:
    """The tag that is on its way."""
    said: Any = shop.live(files)["moving_to"]
    return said["tag"]


def running(*tags: str, out: frozenset[int] = frozenset()) -> Running:
    return Running(
        tuple(Slot(tag, number not in out, 8000 + number) for number, tag in enumerate(tags)), 9000
    )


def test_what_serves_alone_is_live(files):
    said = shop.live(files)

    assert said["tag"] == "v1"
    assert said["names"] == {"version": "v1"}
    assert said["shares"] == {"v1": 1.0}
    assert "moving_to" not in said


def test_a_canary_is_on_its_way(files):
    shop.deploy(files, "v2", 1)
    files.runs(running("v2", "v1", "v1"))

    said = shop.live(files)

    assert said["tag"] == "v1"
    assert coming(files) == "v2"
    assert said["shares"] == {"v2": 0.3333, "v1": 0.6667}


def test_a_move_is_on_its_way_until_the_last_instance_serves(files):
    shop.deploy(files, "v2", 1)
    assert shop.move(files, "v1", "v2", "k") is None

    files.runs(running("v2", "v1", "v1", out=frozenset({0})))
    assert coming(files) == "v1"
    files.runs(running("v1", "v1", "v1", out=frozenset({0})))
    assert coming(files) == "v1"
    files.runs(running("v1", "v1", "v1"))
    assert "moving_to" not in shop.live(files)
    assert shop.live(files)["key"] == "k"


def test_one_key_is_taken_once(files):
    shop.deploy(files, "v2", 1)

    assert shop.move(files, "v1", "v2", "k") is None
    assert shop.move(files, "v1", "v2", "k") is None

    assert [call["taken"] for call in files.logged()] == [True, False]


def test_a_move_from_what_should_not_run_is_refused_and_changes_nothing(files):
    why = shop.move(files, "v1", "v7", "k")

    assert why == "v1 should run, not v7"
    assert files.desired() == Desired("v1")
    assert files.logged()[0]["taken"] is False


def test_two_releases_have_two_fingerprints_and_one_has_one(files):
    assert files.fingerprint("v1") != files.fingerprint("v2")
    assert files.fingerprint("v1") == files.fingerprint("v1")


def test_weather_makes_every_release_worse_or_one(files):
    shop.break_(files, None, HICCUP)
    shop.break_(files, "v2", Behaviour(dead=True))
    weather = files.weather()

    assert weather.over("v1", USUAL).failing == pytest.approx(USUAL.failing + HICCUP.failing)
    assert not weather.over("v1", USUAL).dead
    assert weather.over("v2", USUAL).dead

    shop.heal(files)
    assert files.weather().over("v2", USUAL) == USUAL


def test_the_program_is_what_the_functions_are(files, capsys):
    def said(*argv: str) -> int:
        return shop.main(["--world", str(files.root), *argv])

    assert said("publish", "v3", "--failing", "5%", "--slow", "0.1") == 0
    assert files.registry()["v3"] == Behaviour(0.05, 0.1)
    assert said("deploy", "v3", "--canaries", "1") == 0
    assert said("live") == 0
    assert json.loads(capsys.readouterr().out)["moving_to"]["tag"] == "v3"
    assert said("move", "v1", "--expect", "v9", "--key", "k") == 1
    assert "not v9" in capsys.readouterr().err
    assert said("move", "v1", "--expect", "v3", "--key", "k") == 0
    assert said("promote", "v3") == 0
    assert files.desired() == Desired("v3")
    assert said("break", "v3", "--dead") == 0
    files.runs(running("v3", "v1", "v1", out=frozenset({0})))
    assert said("show") == 0
    shown = capsys.readouterr().out
    assert "v3: dead" in shown
    assert "out of service" in shown
    assert said("heal") == 0
    assert files.weather().only == {}
    assert files.weather().everywhere == NOTHING


def test_a_share_beyond_all_is_refused(files, capsys):
    with pytest.raises(SystemExit):
        shop.main(["--world", str(files.root), "publish", "v3", "--failing", "120%"])

    assert "not a share" in capsys.readouterr().err


def test_it_needs_nothing_but_the_standard_library():
    told = "import sys, watcher.demo.world.shop; print([m for m in ('aiohttp', 'click', 'pydantic') if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=120, check=True
    )

    assert done.stdout.strip() == "[]"


def test_nothing_runs_before_the_world_is_there(tmp_path):
    assert Files(tmp_path).running() == Running()
    assert Files(tmp_path).logged() == []
