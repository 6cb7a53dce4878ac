"""The programs of ``examples/targets`` are run as the daemon runs them."""

import asyncio
import fcntl
from pathlib import Path

import pytest

from deploy.model import Begun, Live, Move, Refused, Release
from deploy.targets.command import AGAIN_IN
from tests.deploy.targets.programs import a_target

HERE = Path(__file__).parents[3] / "examples" / "targets" / "releases"
MOVE = Move("service", expect=Release.of_tag("v2"), to=Release.of_tag("v1"))


@pytest.fixture
def root(tmp_path):
    for tag in ("v1", "v2", "v3"):
        (tmp_path / "releases" / tag).mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/v2")
    return tmp_path


@pytest.fixture
def target(root):
    move = [str(HERE / "move"), str(root), "${tag}", "${expect}", "${key}"]
    return a_target(live=[str(HERE / "live"), str(root)], move=move)


def serves(root):
    return (root / "current").readlink().name


async def test_what_the_link_points_to_is_live(target):
    assert await target.observe() == Live(Release.of_tag("v2"))


async def test_before_the_first_deployment_nothing_serves(target, root):
    (root / "current").unlink()

    assert await target.observe() == Live(None)


async def test_a_release_may_say_that_it_cannot_be_undone(target, root):
    (root / "releases" / "v2" / "IRREVERSIBLE").touch()

    live = await target.observe()

    assert isinstance(live, Live)
    assert live.release is not None
    assert not live.release.reversible


async def test_a_move_changes_the_link_and_keeps_the_key(target, root):
    assert isinstance(await target.begin(MOVE, "w_1.3.0"), Begun)
    assert await target.observe() == Live(Release.of_tag("v1"), key="w_1.3.0")
    assert sorted(path.name for path in root.iterdir()) == [
        ".rollbackd-key",
        ".rollbackd-lock",
        "current",
        "releases",
    ]


async def test_a_move_that_is_repeated_does_not_undo_what_came_after_it(target, root):
    await target.begin(MOVE, "w_1.3.0")
    (root / "current").unlink()
    (root / "current").symlink_to("releases/v2")  # a person went forward again

    assert isinstance(await target.begin(MOVE, "w_1.3.0"), Begun)
    assert serves(root) == "v2"


async def test_another_release_than_expected_is_not_moved(target, root):
    (root / "current").unlink()
    (root / "current").symlink_to("releases/v3")

    assert await target.begin(MOVE, "k") == Refused("`move` refused with exit status 1: v3 serves, not v2")
    assert serves(root) == "v3"


async def test_a_release_that_is_not_there_is_refused(target, root):
    answer = await target.begin(Move("service", MOVE.expect, Release.of_tag("v0")), "k")

    assert answer == Refused(f"`move` refused with exit status 1: there is no release v0 in {root}")
    assert serves(root) == "v2"


async def test_two_moves_at_once_are_one_after_the_other(target, root):
    with (root / ".rollbackd-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = await target.begin(MOVE, "k")

    assert isinstance(answer, Refused)
    assert answer.again_in == AGAIN_IN
    assert serves(root) == "v2"


async def test_killed_between_its_two_writes_it_is_finished_by_a_repetition(target, root):
    (root / "current").unlink()
    (root / "current").symlink_to("releases/v1")  # the link was moved, the key was not written

    assert isinstance(await target.begin(MOVE, "k"), Begun)
    assert await target.observe() == Live(Release.of_tag("v1"), key="k")


async def test_many_at_once_leave_one_release_and_one_key(target, root):
    answers = await asyncio.gather(*(target.begin(MOVE, "k") for _ in range(8)))

    assert all(isinstance(answer, Begun) or answer.again_in for answer in answers)
    assert serves(root) == "v1"
