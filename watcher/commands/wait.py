"""``rollbackd wait``: block until the verdict. For pipelines: the exit status is the verdict."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import click

from watcher.clock import monotonic
from watcher.commands._client import Failed, Refused, at, client
from watcher.commands._duration import SECONDS
from watcher.commands._screen import as_json, coloured, data, say
from watcher.commands._waiting import ASK_FOR, TIMED_OUT, Patient, TimedOut

PASSED, BREACHED, UNPROVEN, SUPERSEDED = 0, 1, 5, 6
STATUSES = {"passed": PASSED, "rolled_back": BREACHED, "unproven": UNPROVEN, "superseded": SUPERSEDED}


class Unwatched(Failed):
    """Nothing is watched, so nothing is proven."""

    exit_code: ClassVar[int] = UNPROVEN


@click.command()
@click.argument("id")
@click.option("--timeout", type=SECONDS, default="24h", show_default=True, help="How long to wait at most.")
@as_json
def command(*, id: str, timeout: float, as_json: bool) -> None:
    r"""Wait until the watch (w_…) or the deployment that was announced (a_…) is decided.

    \b
    Exit status  0  passed
                 1  rolled back, or kept while breached
                 3  the announcement was rejected, or the daemon refused
                 4  the daemon cannot be reached
                 5  unproven: silence is not health
                 6  superseded by a newer deployment
                 7  not decided within --timeout
    """
    waiting = Waiting(replace(client(), tries=1), monotonic() + timeout)
    verdict = waiting.verdict(waiting.watch(id) if id.startswith("a_") else id)
    if as_json:
        data(verdict)
    else:
        click.echo(verdict["words"])
    raise SystemExit(status_of(verdict))


def status_of(verdict: Mapping[str, Any]) -> int:
    """The exit status that a verdict is."""
    if not verdict["decided"]:
        return TIMED_OUT
    if verdict["state"] == "kept":
        return BREACHED if verdict["breached"] else UNPROVEN
    return STATUSES.get(verdict["state"], UNPROVEN)


def _unwatched(announcement: str, told: Mapping[str, Any]) -> Failed:
    words = f"{announcement} was {told['state']}, and nothing is watched: {told['why']}"
    if told["state"] == "rejected":
        return Refused(words, "")
    return Unwatched(words, "`rollbackd watches` lists what is")


class Waiting(Patient):
    """Waits for what comes of a deployment."""

    def watch(self, announcement: str) -> str:
        """The watch that came of an announcement.

        Raises:
            Failed: None did, and none will.
        """
        while True:
            told = self.ask(at("v1", "announcements", announcement), ASK_FOR)
            if told is None or (told["state"] == "pending" and self.left() <= 0):
                raise TimedOut(f"{announcement} is still pending", "the daemon's log says what it waits for")
            if told["watch"]:
                say(f"{told['state']}: {told['watch']}")
                return str(told["watch"])
            if told["state"] != "pending":
                raise _unwatched(announcement, told)

    def verdict(self, watch: str) -> Mapping[str, Any]:
        """The verdict, or what is known when the time is over."""
        seen = ""
        latest: Mapping[str, Any] | None = None
        while True:
            told = self.ask(at("v1", "watches", watch, "verdict"), ASK_FOR if latest else 0.0)
            latest = told or latest
            if latest is None:
                raise TimedOut(f"{watch} was not seen within the time", "wait longer: --timeout")
            if latest["state"] != seen:
                seen = latest["state"]
                say(coloured(latest["words"], seen))
            if latest["decided"] or self.left() <= 0:
                return latest
