"""The daemon as it is built: a file disarms it before it does anything, and while it stands."""

from tests.watcher.app.house import a_house, built
from watcher.runtime.levers import EVERY
from watcher.runtime.rounds import Loop

LEVER = "daemon:\n  disarmed_by: [{file: ROOT/disarmed}]"


async def test_it_is_disarmed_by_a_file_before_its_loops_go(tmp_path):
    house = a_house(tmp_path)
    house.change("daemon:", LEVER)
    (tmp_path / "disarmed").write_text("web/production: the database moves")

    async with built(house) as daemon:
        await daemon.logs("lever.pulled")
        (service,) = (await daemon.get("/v1/services")).json["services"]

    assert service["armed"] is False
    assert service["disarmed"]["by"] == f"file:{tmp_path}/disarmed"
    assert service["disarmed"]["reason"] == "the database moves"
    (loop,) = [each for each in daemon.running.daemon.loops if each.name == "levers"]
    assert isinstance(loop, Loop)
    assert loop.idle == EVERY  # by which it is in force within 10 s


async def test_who_arms_it_all_the_same_is_told_that_the_file_still_stands(tmp_path):
    house = a_house(tmp_path)
    house.change("daemon:", LEVER)
    (tmp_path / "disarmed").write_text("")

    async with built(house) as daemon:
        answer = await daemon.post("/v1/services/*/*/orders", order="arm", reason="now")

    assert answer.status == 202
    assert "does so again within 10 s unless it no longer says so" in str(answer.json["warnings"])


async def test_without_a_lever_there_is_no_loop_for_them(tmp_path):
    async with built(a_house(tmp_path)) as daemon:
        assert "levers" not in [loop.name for loop in daemon.running.daemon.loops]
