"""Where the play is shown: plain lines for a log, one screen for a terminal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import click
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from watcher.clock import now
from watcher.demo.picture.spark import bar, spark
from watcher.demo.record import Record, Tally
from watcher.demo.story import Act

SECONDS = 40  # of the sparklines, and the width of all pictures
REFRESH = 4  # times a second
FRAME = 13  # rows that all but the story needs
NARROW = 16  # columns of a line of the story that its time and the frame need
TOP_ERRORS = 0.15  # the share at which a sparkline is full
TOP_RATE = 240.0  # requests a second
STYLES = {"good": "green", "bad": "bold red", "head": "bold", "daemon": "cyan", "note": "yellow"}

Lines = Sequence[tuple[float, str, str]]  # when, what, in which style


class Screen(Protocol):
    """Where the play is shown."""

    def say(self, words: str, style: str = "") -> None:
        """One more line of the story."""

    def turn_to(self, act: Act | None) -> None:
        """From now on, *act* is what is to be seen."""


@dataclass
class Plain:
    """A line for each thing that happened, with the seconds since the curtain rose."""

    started: float

    def say(self, words: str, style: str = "") -> None:
        """Print it."""
        click.echo(line(now().timestamp() - self.started, words, style))

    def turn_to(self, act: Act | None) -> None:
        """Nothing is to be seen but lines."""


def line(seconds: float, words: str, style: str) -> str:
    """One line of the story, as text."""
    head = "\n" if style == "head" else ""
    return f"{head}[{seconds:5.1f} s] {words}"


@dataclass(frozen=True, slots=True)
class Backstage:
    """What the screen looks at: the users' record, the daemon in words, and what runs where (tag, whether it serves)."""

    record: Record
    daemon: Callable[[], str]
    instances: Callable[[], Sequence[tuple[str, bool]]]


@dataclass
class Spectacle:
    """One screen: the traffic and the errors of both releases, the evidence filling up, the state, the story."""

    started: float
    backstage: Backstage
    lines: list[tuple[float, str, str]] = field(default_factory=list)
    _act: Act | None = None

    def say(self, words: str, style: str = "") -> None:
        """Add it to the story."""
        self.lines.append((now().timestamp(), words, style))

    def turn_to(self, act: Act | None) -> None:
        """Show *act*."""
        self._act = act

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The whole screen, as it is now."""
        at = now().timestamp()
        fitting = told(
            self.lines, rows=(options.height or console.height) - FRAME, columns=options.max_width - NARROW
        )
        yield Group(
            Panel(
                self._measures(at),
                title="rollbackd demo",
                subtitle=f"{at - self.started:.0f} s",
                padding=(0, 1),
            ),
            Panel(self._story(fitting), title="what happens", padding=(0, 1)),
        )

    def _measures(self, at: float) -> Table:
        table = Table.grid(padding=(0, 2))
        if self._act:
            self._of_release(table, at, self._act.old, "serves", "white", late=self._act.late)
            self._of_release(table, at, self._act.new, "is new", "red", late=self._act.late)
            self._of_watch(table, at, self._act)
        daemon = self.backstage.daemon()
        table.add_row("daemon", Text(daemon, style="bold red" if daemon == "dead" else "green"), "")
        return table

    def _of_release(self, table: Table, at: float, tag: str, role: str, style: str, *, late: bool) -> None:
        tallies = self.backstage.record.tallies(at - SECONDS - 1, at - 1, 1.0, tag, late=late)
        rates = spark([float(each.total) for each in tallies], TOP_RATE)
        shares = spark([each.share for each in tallies], TOP_ERRORS)
        last = tallies[-1] if tallies else Tally(at, at)
        table.add_row(f"{tag} {role}", Text(rates, style="dim"), f"{last.total} requests/s")
        table.add_row("", Text(shares, style=style), f"{last.share or 0:.1%} {'late' if late else 'failed'}")

    def _of_watch(self, table: Table, at: float, act: Act) -> None:
        where = Text()
        for tag, serves in self.backstage.instances():
            where.append("■ " if serves else "□ ", style="red" if tag == act.new else "white")
        weight = act.trail[-1].log10_e if act.trail else 0.0
        filled = Text(bar(weight, act.threshold, SECONDS), style="red" if weight >= act.threshold else "blue")
        table.add_row("instances", where, "□ is being replaced")
        table.add_row("evidence", filled, f"log₁₀ E {weight:.1f} of {act.threshold:.0f}")
        table.add_row("watch", Text(state(act, at), style="bold"), f"mode {act.mode}")

    def _story(self, lines: Lines) -> Table:
        table = Table.grid(padding=(0, 1))
        for at, words, style in lines:
            clock = Text(f"{at - self.started:5.1f} s", style="dim")
            table.add_row(clock, Text(words, style=STYLES.get(style, "")))
        return table


def told(lines: Lines, rows: int, columns: int) -> Lines:
    """As many of the last lines as fit into *rows*, below the headings of the acts before them: nothing that matters scrolls away."""
    heads = [each for each in lines if each[2] == "head"]
    left = rows - sum(_rows(each, columns) for each in heads)
    kept: list[tuple[float, str, str]] = []
    for each in reversed([each for each in lines if each[2] != "head"]):
        left -= _rows(each, columns)
        if left < 0:
            break
        kept.append(each)
    return sorted([*heads, *kept], key=lambda each: each[0])


def _rows(each: tuple[float, str, str], columns: int) -> int:
    return -(-len(each[1]) // max(columns, 1))


def state(act: Act, at: float) -> str:
    """Where the watch is, in words."""
    now_in = act.states[-1][1].replace("_", " ") if act.states else "not opened yet"
    if now_in == "counting down" and act.countdown:
        return f"{now_in}: {max(0.0, act.countdown - at):.0f} s"
    return f"{now_in}{', would have gone back' if act.would_have else ''}"


@contextlib.asynccontextmanager
async def shown(spectacle: Spectacle) -> AsyncIterator[None]:
    """Show it on the terminal's other screen, for as long as the context lasts."""
    with Live(spectacle, screen=True, auto_refresh=False) as live:

        async def refresh() -> None:
            while True:
                live.refresh()
                await asyncio.sleep(1 / REFRESH)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(refresh())
            try:
                yield
            finally:
                task.cancel()
