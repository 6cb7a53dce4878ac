"""What the demo says of an act, in words: the same on the screen and in the report. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from watcher.demo.figures import Figures, failed_by
from watcher.demo.peers import MINUTE, POINT
from watcher.demo.story import Act, Story

BADGES = {
    "passed": "passed",
    "rolled_back": "rolled back",
    "kept": "kept",
    "superseded": "superseded",
    "unproven": "unproven",
}
IS = {
    "good": "{} is as good as {}.",
    "errors": "{} fails 6 % of its requests.",
    "slow": "{} answers 15 % of its requests too late.",
    "dead": "{} answers nothing but 503.",
    "flaky": "{} fails five times as often as {}, which is within the declared margin.",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline."""

    at: float
    words: str
    style: str = ""


def seconds(value: float | None) -> str:
    """``12.3 s``."""
    return "–" if value is None else f"{value:.1f} s"


def ended(act: Act) -> str:
    """How it ended."""
    if act.mode == "shadow" and act.would_have is not None:
        return "would have gone back"
    return BADGES.get(act.state, act.state.replace("_", " ") or "not ended")


def badge(act: Act) -> str:
    """In the fewest words: mode and end."""
    return f"{act.mode}: {ended(act)}"


def tone(act: Act) -> str:
    """The colour of its badge."""
    if act.mode == "shadow":
        return "shadow"
    return "good" if act.state == "passed" else "bad"


def title(act: Act) -> str:
    """One line for the whole act."""
    if act.mode == "shadow":
        return f"{act.new} would have been taken back, in shadow"
    if act.state == "rolled_back":
        return f"{act.new} was bad, and {act.old} is back"
    if act.state == "passed" and act.hiccup is not None:
        return f"{act.new} was good, and the trouble was not its own"
    return f"{act.new} {ended(act)}"


def page_lead(story: Story) -> str:
    """What the whole page is."""
    lasted = max(0.0, story.ended - story.started)
    return (
        "A small web service on loopback, users that send it real HTTP, and the real daemon in a process of its own. "
        f"All that stands here was measured while it ran, in {lasted:.0f} seconds."
    )


def lead(act: Act, found: Figures) -> str:
    """Two or three sentences for the whole act."""
    is_ = IS[act.kind].format(act.new, act.old)
    if act.mode == "shadow":
        return (
            f"{is_} In shadow the daemon goes the whole way up to the last call and says what it would have done, "
            f"{seconds(found.detected)} after the deployment. Nothing was touched; a person took {act.new} back."
        )
    if act.is_bad:
        killed = (
            " The daemon was killed in the middle of it, and finished after its restart."
            if act.killed
            else ""
        )
        return (
            f"{is_} It was found out {seconds(found.detected)} after its first request, and {seconds(found.back)} after it "
            f"no request reached it any more: {found.harm.bad:,} of {found.harm.total:,} requests {act.wrong} "
            f"(about {found.usual * found.harm.total:.0f} would have anyway).{killed}"
        )
    hiccup = (
        " Meanwhile a dependency of both releases failed for some seconds: both suffered alike, so it was not the release."
        if act.hiccup
        else ""
    )
    return f"{is_} {found.new.total:,} of its requests were compared with {found.old.total:,} of {act.old}’s.{hiccup}"


def timeline(act: Act) -> list[Event]:
    """What happened, in order."""
    return sorted(_events(act), key=lambda event: event.at)


def _events(act: Act) -> Iterator[Event]:
    yield Event(act.deployed, f"{act.new} serves on 2 of 6 instances, {act.old} on the others")
    if act.began is not None:
        yield Event(
            act.began.at,
            f"it began, by the daemon’s reckoning, {_signed(act.began.low - act.deployed)} to {_signed(act.began.high - act.deployed)} s",
        )
    if act.hiccup is not None:
        yield Event(act.hiccup[0], "a dependency of both releases begins to fail")
        yield Event(act.hiccup[1], "the dependency is well again")
    if act.breached is not None:
        estimate = "" if act.estimate is None else f": {act.estimate:.1%}, {act.old} {act.baseline or 0:.1%}"
        what = "would have gone back" if act.mode == "shadow" else "evidence enough, the countdown begins"
        yield Event(act.breached, f"{what}{estimate}", "decided")
    for call in act.calls:
        yield Event(call, f"the platform is asked once to serve {act.old}")
    if act.killed is not None:
        yield Event(act.killed, "kill -9: no daemon any more, the rollback half done")
    if act.restarted is not None:
        yield Event(act.restarted, "the daemon is there again, and looks before it acts")
    if act.served is not None:
        yield Event(act.served, f"no request reaches {act.new} any more", "back")
    if act.ended is not None and act.state:
        yield Event(act.ended, f"the watch ends: {ended(act)}", "back")


def peers_note(act: Act) -> str:
    """How the table is to be read."""
    scale = f"One of their minutes is {POINT.total_seconds():.0f} s here ({MINUTE / POINT:.0f} times faster than life)"
    if act.is_bad:
        return (
            f"{scale}. In their own time: the points that they need, and for CloudWatch the two minutes until a minute’s data is there. "
            "On CloudWatch alone this takes about five minutes, whatever reads it; so it would with rollbackd."
        )
    return f"{scale}. They look at {act.new} alone, and cannot tell its failures from those that {act.old} has at the same time."


def counterfactual(found: Figures) -> str:
    """How many requests would have failed until the CloudWatch alarm, at this rate."""
    alarm = next((alarm for alarm in found.alarms if alarm.peer.name.startswith("CloudWatch")), None)
    failed = None if alarm is None else failed_by(alarm, found.speed)
    return "–" if failed is None else f"≈ {failed:,.0f}"


def limits(story: Story, usual: float) -> list[str]:
    """What the demo does not show, honestly."""
    world = (
        f"A world on loopback: six instances behind a round-robin balancer, a client with {story.rate:.0f} requests a second at "
        f"random moments, of which {usual:.2%} went wrong when nothing was. The daemon is a process of its own, with SQLite; it "
        "scrapes the instances every second."
    )
    floor = (
        "The signal is seconds old because it is scraped from the service. On CloudWatch alone a data point is a minute long and "
        "two or three minutes late: the same rollback takes about five minutes, and no mathematics moves that floor."
    )
    peers = (
        "The other tools were not run: each is its documented rule with its documented numbers, on the requests that the client "
        f"recorded, with {POINT.total_seconds():.0f} s for one of their minutes."
    )
    return [world, floor, peers, "What failed is counted by the client, not by the daemon."]


def _signed(value: float) -> str:
    return f"{value:+.1f}"
