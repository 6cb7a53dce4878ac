"""The target ``command`` in tests: its two programs are real, the platform is a JSON file that both know."""

import json
import sys
from pathlib import Path
from typing import Any

from deploy.ports import World
from deploy.target import Place
from deploy.targets.command import CommandTarget, Settings
from tests.contract.target_contract import TargetWorld
from watcher import clock, command

PROGRAM = """
import json, os, signal, sys, time
path = sys.argv[2]
with open(path) as file:
    world = json.load(file)

def keep():
    with open(path + ".new", "w") as file:
        json.dump(world, file)
    os.replace(path + ".new", path)

if world.get("hangs"):
    time.sleep(60)
if world.get("down"):
    sys.exit("the platform is down")
if sys.argv[1] == "live":
    print(json.dumps({name: world.get(name) for name in ("tag", "moving_to", "key")}))
    sys.exit()

tag, expect, key = sys.argv[3:]
if world.get("refuses"):
    sys.exit(world["refuses"])
if key != world.get("key"):
    if (world.get("moving_to") or world["tag"]) not in (expect, tag):
        sys.exit("another release runs")
    world["changes"].append(tag)
    world["key"] = key
    world["moving_to" if world.get("slow") else "tag"] = tag
    keep()
if world.get("loses"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def a_program(path: Path, source: str) -> list[str]:
    """The first arguments that run *source*, without what is slow about starting Python."""
    path.write_text(source)
    return [sys.executable, "-IS", str(path)]


def a_target(**settings: Any) -> CommandTarget:
    """A target of these settings, which runs its programs."""
    place = Place("checkout", "production", "service")
    return CommandTarget(Settings.model_validate(settings), place, World(command=command.run, now=clock.now))


class Programs(TargetWorld):
    def __init__(self, folder: Path) -> None:
        self._program = a_program(folder / "program.py", PROGRAM)
        self._file = folder / "world.json"
        self._file.write_text(json.dumps({"tag": None, "changes": []}))

    def target(self, timeout="7s", **more):
        live = [*self._program, "live", str(self._file)]
        move = [*self._program, "move", str(self._file), "${tag}", "${expect}", "${key}"]
        return a_target(live=live, move=move, timeout=self._patience(timeout), **more)

    def runs(self, tag, *, moving_to=None, key=None):
        self._be(tag=tag, moving_to=moving_to, key=key)

    def arrives(self):
        self._be(tag=self._world()["moving_to"], moving_to=None)

    def is_slow(self):
        self._be(slow=True)

    def is_down(self):
        self._be(down=True)

    def hangs(self):
        self._be(hangs=True)

    def refuses(self, words):
        self._be(refuses=words)

    def loses_answers(self):
        self._be(loses=True)

    def changes(self):
        return self._world()["changes"]

    def _patience(self, timeout):
        """Short where there is no answer."""
        return "300ms" if "hangs" in self._world() else timeout

    def _world(self):
        return json.loads(self._file.read_text())

    def _be(self, **facts):
        self._file.write_text(json.dumps(self._world() | facts))
