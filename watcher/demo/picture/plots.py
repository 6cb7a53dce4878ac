"""The plots of one act, as what is to be drawn. Pure."""

from watcher.demo.figures import Figures
from watcher.demo.picture.chart import Incident, Level, Line, Moment, Span
from watcher.demo.record import Record
from watcher.demo.story import Act

STEP = 1.0  # seconds a point of the error curves
AFTER = 4.0  # seconds that are drawn after the last event


def errors(act: Act, record: Record, found: Figures) -> Incident:
    """The share of bad requests of both releases, second by second, with all that happened."""
    start, end = _window(act)
    lines = []
    for name, style in ((act.old, "old"), (act.new, "new")):
        tallies = record.tallies(act.deployed + start, act.deployed + end, STEP, name, late=act.late)
        points = [((t.start + t.end) / 2 - act.deployed, t.share) for t in tallies if t.share is not None]
        line = f"{name}, {'the new release' if style == 'new' else 'the old one'}"
        lines.append(Line(line, style, points, filled=style == "new"))
    return Incident(
        title=f"Requests that {act.wrong}, by second and release",
        unit="share of requests",
        start=start,
        end=end,
        lines=lines,
        moments=[*_moments(act), *_alarm_moments(act, found)],
        spans=[*_spans(act), *_counterfactual(act, found, end)],
        percent=True,
    )


def evidence(act: Act) -> Incident:
    """The evidence against the release, and the line at which it is enough."""
    start, end = _window(act)
    highest = max(weighed.log10_e for weighed in act.trail)
    return Incident(
        title=f"Evidence against {act.new}: at the line a good release arrives less than once in {10**act.threshold:,.0f} deployments",
        unit="log₁₀ E",
        start=start,
        end=end,
        lines=[Line("evidence", "evidence", [(w.at - act.deployed, w.log10_e) for w in act.trail])],
        moments=[moment for moment in _moments(act) if moment.style == "decided"],
        spans=[span for span in _spans(act) if span.style != "began"],
        levels=[Level(act.threshold, f"1/α = {10**act.threshold:,.0f}")],
        low=-1.0,
        high=min(max(highest, act.threshold) * 1.15, 2.5 * act.threshold),
        height=150.0,
    )


def _window(act: Act) -> tuple[float, float]:
    """What is drawn, in seconds since the deployment."""
    last = max(at for at in (act.served, act.ended, act.end, act.restarted, act.deployed) if at is not None)
    return max(act.start - act.deployed, -6.0), last - act.deployed + (0 if last == act.end else AFTER)


def _moments(act: Act) -> list[Moment]:
    at = {
        "deployed": (act.deployed, "moment"),
        "found out" if act.mode != "shadow" else "would have gone back": (act.breached, "decided"),
        "passed": (act.ended if act.state == "passed" else None, "back"),
        "moved": (act.calls[0] if act.calls else None, "moment"),
        "kill -9": (act.killed, "kill"),
        "daemon back": (act.restarted, "kill"),
        f"{act.old} alone again": (act.served, "back"),
    }
    return [
        Moment(when - act.deployed, name, style) for name, (when, style) in at.items() if when is not None
    ]


def _alarm_moments(act: Act, found: Figures) -> list[Moment]:
    return [
        Moment(alarm.at - act.deployed, f"{alarm.peer.name} would act", "alarm")
        for alarm in found.alarms
        if alarm.at is not None
    ]


def _spans(act: Act) -> list[Span]:
    spans = []
    if act.began is not None:
        low, high = act.began.low - act.deployed, act.began.high - act.deployed
        spans.append(Span(low, high, "when it began, as the daemon reckons (95 %)", "began"))
    if act.hiccup is not None:
        spans.append(
            Span(
                act.hiccup[0] - act.deployed,
                act.hiccup[1] - act.deployed,
                "a dependency of both fails",
                "hiccup",
            )
        )
    if act.killed is not None and act.restarted is not None:
        spans.append(Span(act.killed - act.deployed, act.restarted - act.deployed, "no daemon", "down"))
    return spans


def _counterfactual(act: Act, found: Figures, end: float) -> list[Span]:
    first = min((alarm.at for alarm in found.alarms if alarm.at is not None), default=None)
    if first is None:
        return []
    what = (
        "a fixed threshold would have undone a good release"
        if not act.is_bad
        else "a fixed threshold would have begun to act"
    )
    return [Span(first - act.deployed, end, what, "counterfactual")]
