"""The report: one page that needs nothing else, with the plots, the message, the figures and the claims. Pure but for `write`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from watcher.demo.figures import Figures, failed_by, figures
from watcher.demo.peers import POINT
from watcher.demo.picture import words
from watcher.demo.picture.chart import Chart, draw
from watcher.demo.picture.plots import errors, evidence
from watcher.demo.record import Record
from watcher.demo.story import Act, Claim, Said, Story

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, large."""

    value: str
    words: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a timeline."""

    clock: str
    since: str
    words: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, as Slack would show it."""

    clock: str
    headline: str
    lines: Sequence[str]
    buttons: Sequence[str]
    loud: bool


@dataclass(frozen=True, slots=True)
class PeerRow:
    """One line of the peers' table."""

    name: str
    says: str
    here: str
    minutes: str
    failed: str
    style: str


@dataclass(frozen=True, slots=True)
class Section:
    """All that is shown of one act."""

    id: str
    tone: str
    badge: str
    title: str
    lead: str
    errors: Chart
    evidence: Chart | None
    timeline: Sequence[Row]
    said: Sequence[Message]
    peers: Sequence[PeerRow]
    peers_note: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that is shown."""

    title: str
    lead: str
    when: str
    seed: int
    tiles: Sequence[Tile]
    acts: Sequence[Section]
    claims: Sequence[Claim]
    requests: str
    limits: Sequence[str]
    configuration: str
    rules: str


def write(path: Path, story: Story, record: Record, claims: Sequence[Claim]) -> None:
    """Write the page."""
    path.write_text(render(page(story, record, claims)))


def render(shown: Page) -> str:
    """The page as HTML; whatever stands in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(page=shown)


def page(story: Story, record: Record, claims: Sequence[Claim]) -> Page:
    """What is shown of *story*."""
    main = next((act for act in reversed(story.acts) if act.mode == "auto"), story.acts[-1])
    found = figures(main, record)
    return Page(
        title=words.title(main),
        lead=words.page_lead(story),
        when=datetime.fromtimestamp(story.started, UTC).strftime("%-d %B %Y, %H:%M UTC"),
        seed=story.seed,
        tiles=_tiles(main, found),
        acts=[section(act, record) for act in reversed(story.acts)],
        claims=claims,
        requests=f"{len(record):,}",
        limits=words.limits(story, found.usual),
        configuration=story.configuration,
        rules=story.rules,
    )


def section(act: Act, record: Record) -> Section:
    """What is shown of *act*."""
    found = figures(act, record)
    return Section(
        id=act.new.replace(".", "-"),
        tone=words.tone(act),
        badge=words.badge(act),
        title=words.title(act),
        lead=words.lead(act, found),
        errors=draw(errors(act, record, found)),
        evidence=draw(evidence(act)) if act.trail else None,
        timeline=[_row(act, event) for event in words.timeline(act)],
        said=[_message(said) for said in _told(act)],
        peers=[*_peer_rows(act, found)],
        peers_note=words.peers_note(act),
    )


def _tiles(act: Act, found: Figures) -> list[Tile]:
    if not act.is_bad:
        return [
            Tile(words.ended(act), "how the watch ended", "good" if act.state == "passed" else "bad"),
            Tile(f"{found.new.total:,}", f"requests of {act.new} were judged"),
            Tile(str(act.asked), "moves made"),
            Tile(
                str(sum(alarm.at is not None for alarm in found.alarms)),
                "fixed thresholds would have rolled it back",
            ),
        ]
    return [
        Tile(words.seconds(found.detected), "from its first request until there was evidence enough"),
        Tile(words.seconds(found.back), "until no request reached the bad release"),
        Tile(f"{found.harm.bad:,}", f"requests {act.wrong}, of {found.harm.total:,}", "bad"),
        Tile(
            str(act.asked), "move made" if act.asked == 1 else "moves made", "good" if act.asked == 1 else ""
        ),
        Tile(words.counterfactual(found), "would have, until a CloudWatch alarm of one-minute points"),
    ]


def _row(act: Act, event: words.Event) -> Row:
    clock = datetime.fromtimestamp(event.at, UTC).strftime("%H:%M:%S")
    return Row(clock, f"{event.at - act.deployed:+.1f} s", event.words, event.style)


def _told(act: Act) -> list[Said]:
    """The loud one and the last: what a person would have seen of it."""
    if act.mode == "shadow":
        return [said for said in act.said if said.event == "watch.would_have"][:1]
    loud = [said for said in act.said if said.loud]
    return [*loud[:1], *[said for said in act.said[-1:] if said not in loud[:1]]]


def _message(said: Said) -> Message:
    clock = datetime.fromtimestamp(said.at, UTC).strftime("%H:%M")
    return Message(clock, said.headline, said.lines, said.buttons, said.loud)


def _peer_rows(act: Act, found: Figures) -> list[PeerRow]:
    rows = []
    for alarm in found.alarms if act.mode != "shadow" else ():  # which is over before they have their points
        failed = failed_by(alarm, found.speed)
        wrong = alarm.at is not None and not act.is_bad
        rows.append(
            PeerRow(
                alarm.peer.name,
                alarm.peer.says,
                "no"
                if alarm.at is None
                else f"after {alarm.at - act.deployed:.0f} s{', wrongly' if wrong else ''}",
                "–"
                if alarm.in_its_time is None
                else f"{alarm.in_its_time / 60 / POINT * POINT.total_seconds():.0f} min",
                "–" if failed is None or not act.is_bad else f"{failed:,.0f}",
                "wrong" if wrong else "",
            )
        )
    return rows
