"""The picture of the signal, in the thread of a message: drawn beside the telling, and never in its way.

matplotlib costs half a second and 65 MiB, so it runs in a process of its own, which ends. Best effort: without the extra
``plot``, or when anything fails, the message stands without a picture, and the log says why.

Source:
    https://docs.slack.dev/messaging/working-with-files#upload
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError, SlackRequestError

from watcher.core.watch import Message, Tone
from watcher.core.wording import Chart, ChartLine, Event
from watcher.http import HttpRefused
from watcher.notify.slack.calls import Calls

DRAWN = frozenset(
    {Event.BREACHED, Event.ASKED, Event.WOULD_HAVE, Event.ROLLING_BACK, Event.ROLLED_BACK, Event.KEPT}
)
LONGEST = 20.0  # seconds to draw one
AT_ONCE = 4  # pictures in hand; more are left out
LARGEST = 1024 * 1024  # bytes of a picture; it has some 40 KiB
TITLE = 200
PNG = b"\x89PNG"
PROGRAM = (sys.executable, "-m", "watcher.notify.slack.draw")

log = structlog.stdlib.get_logger("rollbackd.slack")
ChartOf = Callable[[str], Awaitable[Chart | None]]


class Pictures:
    """Draws what is asked for and uploads it, a few at a time."""

    def __init__(
        self,
        calls: Calls,
        chart_of: ChartOf | None,
        tasks: asyncio.TaskGroup,
        program: Sequence[str] | None,
    ) -> None:
        self._calls = calls
        self._chart_of = chart_of
        self._tasks = tasks
        self._program = program
        self._drawing: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, calls: Calls, chart_of: ChartOf | None, program: Sequence[str] | None
    ) -> AsyncIterator["Pictures"]:
        """What is in hand when the context ends is given up. *program* draws one; ``None``: the extra ``plot`` is missing."""
        failed: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            pictures = cls(calls, chart_of, tasks, program)
            try:
                yield pictures
            except Exception as error:  # noqa: BLE001 - somebody else's: a group must not be made of it on its way
                failed = error
            finally:
                for task in pictures._drawing:
                    task.cancel()
        if failed is not None:
            raise failed

    def draw(self, message: Message, channel: str, thread: str) -> None:
        """Draw the watch of *message* into a thread, some time; at once it is only taken note of."""
        notice = message.notice
        loud = notice.event != Event.ROLLING_BACK or notice.tone is Tone.ALARM
        if self._chart_of is None or notice.event not in DRAWN or not loud:
            return
        if self._program is None or len(self._drawing) >= AT_ONCE:
            why = "the extra `plot` is not installed" if self._program is None else "too many are being drawn"
            log.warning("slack.picture_left_out", message=message.id, words=why)
            return
        task = self._tasks.create_task(self._draw(message, channel, thread, self._chart_of, self._program))
        self._drawing.add(task)
        task.add_done_callback(self._drawing.discard)

    async def _draw(
        self, message: Message, channel: str, thread: str, chart_of: ChartOf, program: Sequence[str]
    ) -> None:
        words = ""
        try:
            chart = await chart_of(message.notice.watch)
            if chart is not None:
                await self._upload(await drawn(chart, program), chart.title, channel, thread)
        except (SlackApiError, HttpRefused) as error:
            words = self._calls.words(error)
        except Undrawn as error:
            words = str(error)
        except (SlackRequestError, OSError) as error:
            words = type(error).__name__
        except Exception:
            # The one boundary of a picture: a bug in it must not end the telling of anything else.
            log.exception("slack.picture_failed", message=message.id)
        if words:
            log.warning("slack.picture_left_out", message=message.id, words=words)

    async def _upload(self, png: bytes, title: str, channel: str, thread: str) -> None:
        """Three calls: where it goes, the bytes, and in which thread it is shown."""
        await self._calls.make(
            self._calls.client.files_upload_v2,
            times=3,
            filename="signal.png",
            content=png,
            title=title[:TITLE],
            alt_txt=title[:TITLE],
            channel=channel,
            thread_ts=thread,
        )


class Undrawn(Exception):
    """No picture came, and why."""


async def drawn(chart: Chart, program: Sequence[str] = PROGRAM, longest: float = LONGEST) -> bytes:
    """*chart* as a PNG, from a process of its own that has *longest* seconds.

    Raises:
        Undrawn: None came, in time or at all.
        OSError: The process could not be started.
    """
    process = await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(longest):
            png, _ = await process.communicate(written(chart))
    except TimeoutError:
        raise Undrawn(f"no picture within {longest:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or not png.startswith(PNG) or len(png) > LARGEST:
        raise Undrawn(f"the drawing ended with {process.returncode}, after {len(png)} bytes")
    return png


def written(chart: Chart) -> bytes:
    """*chart* as the process reads it: moments in seconds since 1970."""
    content = {
        "title": chart.title,
        "unit": chart.unit,
        "limit": chart.limit,
        "old": _line(chart.old),
        "new": _line(chart.new),
        "marks": [
            {
                "what": mark.what,
                "at": mark.at.timestamp(),
                "until": mark.until.timestamp() if mark.until else None,
            }
            for mark in chart.marks
        ],
    }
    return json.dumps(content).encode()


def _line(line: ChartLine) -> dict[str, Any]:
    return {"name": line.name, "points": [[at.timestamp(), share] for at, share in line.points]}
