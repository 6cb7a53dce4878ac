"""``rollbackd wait``: block until the verdict. For pipelines: the exit status is the verdict."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import click

from watcher.clock import monotonic
from watcher.commands._client import Failed, Refused, at, client
from watcher.commands._duration import SECONDS
from watcher.commands._screen import as_json, coloured, data, line, say
from watcher.commands._time import moment
from watcher.commands._waiting import ASK_FOR, TIMED_OUT, Patient, TimedOut

PASSED, BREACHED, UNPROVEN, SUPERSEDED = 0, 1, 5, 6
BROKEN_OFF = 130  # as shells say it: 1, which is click's, would call it rolled back
STATUSES = {"passed": PASSED, "rolled_back": BREACHED, "unproven": UNPROVEN, "superseded": SUPERSEDED}


class Unwatched(Failed):
    """Nothing is watched, so nothing is proven."""

    exit_code: ClassVar[int] = UNPROVEN


@click.command()
@click.argument("id", required=False)
@click.option("--timeout", type=SECONDS, default="24h", show_default=True, help="How long to wait at most.")
@click.option(
    "--ssm",
    "parameter",
    metavar="PARAMETER",
    help="Wait for the verdict that the daemon writes into this parameter of Systems Manager, without a way in to the daemon.",
)
@click.option("--tag", help="With --ssm: what was deployed, as rollbackd calls it.")
@click.option(
    "--since",
    callback=moment,
    help="With --tag: from before it was deployed, as 2026-11-24T14:02:10Z. What was watched before is not its verdict.",
)
@click.option(
    "--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="With --ssm: where the parameter is."
)
@as_json
def command(
    *,
    id: str | None,
    timeout: float,
    parameter: str | None,
    tag: str | None,
    since: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    r"""Wait until the watch (w_…) or the deployment that was announced (a_…) is decided.

    With --ssm the daemon is not asked: it writes how each watch stands into a parameter (docs/pipeline.md), which is read with the
    credentials of AWS that are here. Say which watch (w_…), or --tag and --since.

    \b
    Exit status  0  passed
                 1  rolled back, or kept while breached
                 3  the announcement was rejected, or the daemon or AWS refused
                 4  the daemon or AWS cannot be reached
                 5  unproven: silence is not health
                 6  superseded by a newer deployment
                 7  not decided within --timeout
               130  broken off (Ctrl-C)
    """
    ends = monotonic() + timeout
    try:
        if parameter is None:
            verdict = _asked(id, tag, since, ends)
        else:
            verdict = _read(parameter, id, tag, since, region, ends)
    except KeyboardInterrupt:
        say("broken off: nothing is decided here")
        raise SystemExit(BROKEN_OFF) from None
    if as_json:
        data(verdict)
    else:
        line(verdict["words"])
    raise SystemExit(status_of(verdict))


def _asked(id: str | None, tag: str | None, since: str | None, ends: float) -> Mapping[str, Any]:
    if not id:
        raise click.UsageError("say for what: the id of a watch (w_…) or of an announcement (a_…)")
    if tag or since:
        raise click.UsageError(
            "--tag and --since say whose verdict a parameter is to have: add --ssm PARAMETER"
        )
    waiting = Waiting(client=replace(client(), tries=1), ends=ends)
    return waiting.verdict(waiting.watch(id) if id.startswith("a_") else id)


def _read(
    parameter: str, id: str | None, tag: str | None, since: str | None, region: str | None, ends: float
) -> Mapping[str, Any]:
    # What is empty was meant to be something: a variable of a shell that nobody has set must not let an older verdict pass.
    if not parameter:
        raise click.UsageError("which parameter? --ssm is empty")
    if not region:
        raise click.UsageError("where is the parameter? Say --region, or set AWS_REGION")
    if id is None and not (tag and since):
        raise click.UsageError("say whose verdict: the id of a watch (w_…), or --tag and --since")
    if id is not None and (tag or since or not id.startswith("w_")):
        raise click.UsageError(
            "a parameter knows watches (w_…) and tags alone: say the one, or --tag and --since"
        )
    # Imported here: what speaks with AWS takes half a second and 30 MB, and who asks the daemon needs none of it.
    from watcher.commands._parameter import Meant, waited  # noqa: PLC0415

    meant = Meant(watch=id, tag=tag, since=datetime.fromisoformat(since) if since else None)
    return waited(parameter, region, meant, ends)


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
