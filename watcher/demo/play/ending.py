"""What is told at the end: the timeline with its figures, the peers, the message, and whether all of it really happened. Pure."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from watcher.demo.figures import Figures, failed_by, figures
from watcher.demo.picture import words
from watcher.demo.record import Record
from watcher.demo.story import Act, Claim, Said, Story

WIDTH = 120


def ending(story: Story, record: Record, claims: Sequence[Claim], report: Path) -> Iterator[str]:
    """All lines."""
    main = story.acts[-1]
    found = figures(main, record)
    yield ""
    yield f"── {words.title(main)} "
    for event in words.timeline(main):
        yield f"  {event.at - main.deployed:+6.1f} s  {event.words}"
    yield from _figures(main, found)
    yield from _peers(main, found)
    yield "  on CloudWatch alone this takes about five minutes: its data are minutes, two to three minutes late"
    yield from _message(main)
    yield "── did all that really happen?"
    for claim in claims:
        yield f"  {'✓' if claim.held else '✗'} {claim.words}  ({claim.found})"
    yield f"the report, with the plots: {report}"


def _figures(act: Act, found: Figures) -> Iterator[str]:
    if act.is_bad:
        yield (
            f"  found out after {words.seconds(found.detected)} · back after {words.seconds(found.back)} · "
            f"{found.harm.bad} of {found.harm.total} requests {act.wrong} · calls made: {act.asked}"
        )
    else:
        yield (
            f"  {found.new.total} requests of {act.new} compared with {found.old.total} of {act.old} · "
            f"failed: {found.new.share or 0:.2%} and {found.old.share or 0:.2%} · calls made: {act.asked}"
        )


def _peers(act: Act, found: Figures) -> Iterator[str]:
    yield f"── the same requests before a fixed threshold, {act.new} ({act.kind}); 2 s here for one of their minutes"
    for alarm in found.alarms:
        failed = failed_by(alarm, found.speed)
        if alarm.at is None:
            what = "would not have acted"
        elif act.is_bad:
            minutes = 0 if alarm.in_its_time is None else alarm.in_its_time.total_seconds() / 60
            what = f"would have acted after {minutes:.0f} of its minutes, {failed or 0:,.0f} requests at this rate"
        else:
            what = f"WOULD HAVE ROLLED IT BACK at {alarm.at - act.deployed:+.0f} s"
        yield f"  {alarm.peer.name:17} {alarm.peer.says:25} {what}"


def _message(act: Act) -> Iterator[str]:
    said = next((each for each in act.said if each.loud), act.said[-1] if act.said else None)
    if said is not None:
        yield "── the message, as Slack would show it"
        yield from _boxed(said)


def _boxed(said: Said) -> Iterator[str]:
    lines = [part for line in (said.headline, *said.lines) for part in textwrap.wrap(line, WIDTH - 4)]
    buttons = "  ".join(f"[{button}]" for button in said.buttons)
    for line in [*lines, *([buttons] if buttons else [])]:
        yield f"  ┃ {line}"
