"""The picture stands in the thread, drawn beside the telling; whatever goes wrong with it, the message stands."""

import asyncio
import json
import struct
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.builders import NOON, minutes
from tests.crash.patience import until
from tests.fakes.slack import ROOM, down, hangs, refuses
from tests.watcher.notify.slack.scene import a_scene, told
from watcher.core.wording import Chart, ChartLine, Event, Mark
from watcher.notify.notifier import Told
from watcher.notify.slack.draw import picture, span
from watcher.notify.slack.pictures import AT_ONCE, Pictures, Undrawn, drawn, written

PNG = b"\x89PNG\r\n\x1a\nnothing else"
DRAWS = (sys.executable, "-c", f"import sys; sys.stdin.read(); sys.stdout.buffer.write({PNG!r})")
FAILS = (sys.executable, "-c", "raise SystemExit(3)")
TEXT = (sys.executable, "-c", "print('no picture')")
SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")


def points(*shares, start=NOON):
    return tuple((start + minutes(number), share) for number, share in enumerate(shares))


def a_chart(**changes: Any) -> Chart:
    plain = Chart(
        "checkout · production: failed requests by release",
        "share of failed requests",
        ChartLine("v42", points(0.001, 0.002, 0.001, 0.001)),
        ChartLine("v43", points(0.05, 0.06, 0.04, start=NOON + minutes(1))),
        (
            Mark("deployed", NOON + minutes(1)),
            Mark("began", NOON + minutes(1), NOON + minutes(2)),
            Mark("decided", NOON + minutes(3)),
        ),
        limit=0.0021,
    )
    return replace(plain, **changes)


async def chart_of(watch: str) -> Chart | None:
    return a_chart()


def has(scene, how):
    """The bot draws with another program, or none."""
    scene.bot._pictures._program = how
    return scene


async def test_the_picture_of_a_breach_stands_in_its_thread_with_its_words():
    async with a_scene(chart_of) as scene:
        await has(scene, DRAWS).tell(told(), told(kind="append"))
        async with asyncio.timeout(60):
            await until(lambda: bool(scene.world.files))

        (file,) = scene.world.files
        assert (file.content, file.title) == (PNG, "checkout · production: failed requests by release")
        assert file.alt == file.title
        assert scene.replies[-1].posted.files == (file,)
        assert len(scene.world.room()) == 1


async def test_what_is_drawn_is_what_is_uploaded():
    async with a_scene(chart_of) as scene:
        await scene.tell(told(), told(kind="append"))
        async with asyncio.timeout(60):
            await until(lambda: bool(scene.world.files))

        assert size_of(scene.world.files[0].content) == (1200, 630)


async def test_the_message_does_not_wait_for_its_picture():
    async with a_scene(chart_of) as scene:
        (_, telling) = await has(scene, SLEEPS).tell(told(), told(kind="append"))

        assert isinstance(telling, Told)
        assert len(scene.replies) == 1


@pytest.mark.parametrize("event", [Event.OPENED, Event.WENT_BACK, Event.PASSED, Event.STUCK])
async def test_nothing_is_drawn_where_no_signal_is_the_news(event):
    asked = []

    async def notes(watch):
        asked.append(watch)

    async with a_scene(notes) as scene:
        await has(scene, DRAWS).tell(told(event, 4), told(event, 4, "append"))

    assert asked == []


async def test_a_watch_that_has_nothing_to_draw_gets_no_picture():
    asked = asyncio.Event()

    async def nothing(watch):
        asked.set()

    async with a_scene(nothing) as scene:
        await has(scene, FAILS).tell(told(), told(kind="append"))
        await asyncio.wait_for(asked.wait(), 60)

        assert scene.world.files == []


async def test_without_the_extra_the_message_stands_and_the_log_says_why():
    async with a_scene(chart_of) as scene:
        with capture_logs() as log:
            tellings = await has(scene, None).tell(told(), told(kind="append"))

        assert all(isinstance(each, Told) for each in tellings)
        assert [(line["event"], line["words"]) for line in log] == [
            ("slack.picture_left_out", "the extra `plot` is not installed")
        ]


@pytest.mark.parametrize(
    ("program", "trouble", "words"),
    [
        (FAILS, None, "the drawing ended with 3"),
        (TEXT, None, "the drawing ended with 0"),
        (("/nowhere/at/all",), None, "FileNotFoundError"),
        (
            DRAWS,
            refuses("missing_scope", "files.getUploadURLExternal", needed="files:write"),
            "missing_scope (files:write)",
        ),
        (DRAWS, refuses("not_in_channel", "files.completeUploadExternal"), "Slack says not_in_channel"),
        (DRAWS, down("upload"), "SlackRequestError"),
        (DRAWS, hangs("files.getUploadURLExternal"), "no complete answer within"),
    ],
)
async def test_whatever_is_wrong_with_a_picture_the_message_stands_and_the_log_says_why(
    program, trouble, words
):
    async with a_scene(chart_of, timeout=timedelta(seconds=0.2)) as scene:
        scene.world.trouble = trouble
        with capture_logs() as log:
            tellings = await has(scene, program).tell(told(), told(kind="append"))
            async with asyncio.timeout(60):
                await until(lambda: bool(log))

        assert all(isinstance(each, Told) for each in tellings)
        assert len(scene.replies) == 1
        assert log[0]["event"] == "slack.picture_left_out"
        assert words in log[0]["words"]


async def test_a_bug_in_a_picture_ends_no_telling():
    async def fails(watch):
        raise ZeroDivisionError

    async with a_scene(fails) as scene:
        with capture_logs() as log:
            await has(scene, DRAWS).tell(told(), told(kind="append"))
            async with asyncio.timeout(60):
                await until(lambda: bool(log))
            (telling,) = await scene.tell(told(Event.STUCK, 5))

        assert isinstance(telling, Told)
        assert [line["event"] for line in log] == ["slack.picture_failed"]


async def test_a_storm_of_messages_draws_a_few_at_a_time():
    waiting = asyncio.Event()

    async def waits(watch):
        await waiting.wait()

    nobody: Any = None  # nothing is sent
    async with Pictures.open(nobody, waits, DRAWS) as pictures:
        with capture_logs() as log:
            for _ in range(AT_ONCE + 2):
                pictures.draw(told(kind="append"), ROOM, "1.1")
        waiting.set()

    assert [line["words"] for line in log] == ["too many are being drawn"] * 2


# ------------------------------------------------------------------------------------------------------------- the drawing


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


async def test_a_chart_is_drawn_as_a_png_that_a_phone_can_show_whatever_is_in_it():
    png = await drawn(
        a_chart(
            title="$x^2$ 漢 \\frac{" * 40,
            old=ChartLine("before", ()),
            new=ChartLine("$v43$", points(0.0, 0.0)),
            marks=(Mark("deployed", NOON - timedelta(days=30)),),
            limit=None,
        )
    )

    assert size_of(png) == (1200, 630)
    assert len(png) < 200_000


def test_each_kind_of_line_and_mark_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    plain = json.loads(written(a_chart()))
    long_ago = json.loads(written(a_chart(marks=(Mark("deployed", NOON - timedelta(days=30)),), limit=None)))
    alone = json.loads(written(a_chart(old=ChartLine("before", ()), marks=())))

    assert [size_of(picture(each)) for each in (plain, long_ago, alone)] == [(1200, 630)] * 3


def test_what_happened_long_ago_does_not_squeeze_what_is_measured():
    def seconds(mark):
        start, end = span(json.loads(written(a_chart(marks=(mark,)))))
        return end - start

    within = seconds(Mark("deployed", NOON + minutes(1)))
    assert seconds(Mark("deployed", NOON - timedelta(days=30))) == within
    assert seconds(Mark("deployed", NOON - timedelta(seconds=30))) > within
    assert seconds(Mark("back", NOON + minutes(5))) > within


async def test_a_drawing_that_takes_too_long_is_ended():
    began = asyncio.get_running_loop().time()

    with pytest.raises(Undrawn, match=r"no picture within 0.2 s"):
        await drawn(a_chart(), SLEEPS, 0.2)
    assert asyncio.get_running_loop().time() - began < 30  # it sleeps for 60


def test_what_the_process_reads_says_when_in_seconds():
    assert b'"at": 1795521660.0, "until": 1795521720.0' in written(a_chart())
