"""What a watch asks of the systems that may limit how often: calls, as they are compiled, of what each of them allows."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deploy.model import About, Finding, Level
from rules.duration import duration_text
from watcher.core.service import Bake
from watcher.runtime.inquiry import PATIENCE, Inquiry, connection_of
from watcher.signals.provider import Metered, Question, Spending, Window

_EPOCH = datetime.fromtimestamp(0, UTC)
DAY = timedelta(days=1)
MUCH = 0.5  # of what is allowed to all: what is left is for the other watches, and for people
_REMEDY = (
    "a longer `bucket`, fewer rules of this system, or a higher limit: other watches and people ask it too"
)


def findings(bake: Bake, inquiry: Inquiry, questions: Sequence[Question], now: datetime) -> Sequence[Finding]:
    """A finding for each connection, length of a bucket and limit that the questions of one service touch.

    A watch asks once a bucket, however often it is looked at. Watches that share a call make it less.

    Args:
        bake: How long its watches last.
        inquiry: How indicators are sampled.
        questions: Of one service, by what is live.
        now: When, UTC.
    """
    together: dict[tuple[str, timedelta, timedelta], list[Question]] = defaultdict(list)
    for question in questions:  # what is final at another time is asked for by a call of its own
        together[connection_of(question.indicator), *inquiry.beat(question.indicator)].append(
            _beside(question)
        )
    calls: Counter[tuple[str, timedelta, Spending]] = Counter()
    for (connection, bucket, _), asked in together.items():
        for spending in _spends(inquiry, connection, asked, _last(bucket, now)):
            calls[connection, bucket, replace(spending, calls=0)] += spending.calls
    return [
        _finding(connection, bucket, replace(limit, calls=many), bake)
        for (connection, bucket, limit), many in calls.items()
    ]


def _spends(
    inquiry: Inquiry, connection: str, asked: Sequence[Question], window: Window
) -> Iterator[Spending]:
    connected = inquiry.providers.get(connection)
    if connected is not None and isinstance(connected.provider, Metered):
        yield from connected.provider.spends(asked, window)


def _last(bucket: timedelta, now: datetime) -> Window:
    """The last bucket that is over."""
    end = now - (now - _EPOCH) % bucket
    return Window(end - bucket, end, now + PATIENCE)


def _beside(question: Question) -> Question:
    """As a watch asks: of two releases. What the other is called makes no difference, and is asked of nobody."""
    other: Mapping[str, str] = {name: f"{value}0" for name, value in question.canary.items()}
    return Question(question.id, question.indicator, question.canary, other)


def _finding(connection: str, bucket: timedelta, spending: Spending, bake: Bake) -> Finding:
    many = "1 call" if spending.calls == 1 else f"{spending.calls} calls"
    words = (
        f"{connection}: {many} each {duration_text(bucket)}: {_times(spending, bucket, DAY)} for a day of a watch, "
        f"{_times(spending, bucket, bake.at_least)} for the shortest bake ({duration_text(bake.at_least)})"
    )
    if spending.allowed is None:
        return Finding(Level.OK, words, about=About.COST)
    allowed = f"{spending.allowed:,} calls of {spending.of}"
    if spending.each is None:
        words += f"; {allowed} are allowed at once, and how soon again is not told"
        share = spending.calls / spending.allowed
    else:
        # What is asked at once is of one window, however short that is.
        rounds = max(spending.each / bucket, 1.0)
        share = spending.calls / spending.allowed * rounds
        words += f"; {share:.1%} of the {allowed} that are allowed each {duration_text(spending.each)}"
    return (
        Finding(Level.WARN, words, _REMEDY, about=About.COST)
        if share > MUCH
        else Finding(Level.OK, words, about=About.COST)
    )


def _times(spending: Spending, bucket: timedelta, span: timedelta) -> str:
    return f"{spending.calls * -(-span // bucket):,}"
