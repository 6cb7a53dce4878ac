"""Messages from the decision on: each function is one, and a reader sees it as people do."""

from datetime import datetime

from rules.objectives.wording import count_words
from rules.verdict import Outcome
from watcher.core.facts import Facts
from watcher.core.service import Mode
from watcher.core.watch import Button, OrderKind, Tone, Watch
from watcher.core.wording.evidence import blamed, evidence, fault, way, way_stays
from watcher.core.wording.figures import moment
from watcher.core.wording.moved import besides, suspects
from watcher.core.wording.text import RIGHT_CALL, WRONG_CALL, Text, escalation, reason

# -------------------------------------------------------------------------------------------------------- the way back


def rolling_back(watch: Watch, now: datetime, facts: Facts) -> Text:
    """The rollback is started, by the machine or by a person."""
    by = watch.ordered_by
    what = f"{fault(watch)}. Going" if watch.breach else f"going from {watch.tag}"
    ordered = f", ordered by {by}" if by else ""
    return Text(
        f"{what} back to {watch.goes_to} now{ordered}",
        [
            _warning(watch, facts),
            *evidence(watch, now),
            way(watch),
            *besides(watch, facts.beside, now),
            _latest(watch, now),
        ],
        tone=Tone.ALARM if _is_first_news(watch) else Tone.NOTE,
    )


def _is_first_news(watch: Watch) -> bool:
    return watch.ordered_by is None and watch.breach is not None and watch.breach.at == watch.decided_at


def _warning(watch: Watch, facts: Facts) -> str:
    if facts.armed or watch.ordered_by is None:
        return ""
    disarmed = facts.disarmed or "disarmed"
    return (
        f"Although rollbackd is {disarmed}: it starts nothing by itself, but {watch.ordered_by} ordered this"
    )


def _latest(watch: Watch, now: datetime) -> str:
    latest = moment((watch.decided_at or now) + watch.policy.move_timeout, now)
    return f"If {watch.goes_to} does not serve by {latest}, a person is asked"


def stuck(watch: Watch, now: datetime, facts: Facts) -> Text:
    """It did not finish."""
    return Text(
        f"the rollback to {watch.goes_to} did not finish. A person is needed",
        [*watch.stuck_words.split("\n"), "Nothing more is sent by itself", escalation(watch, now)],
        (
            Button(f"Retry {watch.goes_to}", OrderKind.ROLL_BACK, to=_single(watch)),
            *_try(watch, facts),
            Button(f"Keep {watch.tag}: I take over", OrderKind.KEEP),
        ),
        Tone.ALARM,
    )


def _single(watch: Watch) -> str | None:
    return watch.goes_to if watch.plan and len(watch.plan.moves) == 1 else None


def _forward(watch: Watch) -> tuple[Button, ...]:
    """To the release that was suspected in vain; several parts are no one release that a button could name."""
    if _single(watch) is None:
        return ()
    return (Button(f"Roll forward to {watch.tag}", OrderKind.ROLL_BACK, to=watch.tag),)


def _try(watch: Watch, facts: Facts) -> tuple[Button, ...]:
    """Another way back, where there is one by now."""
    ways = facts.backs(watch.deployment) or {}
    return tuple(
        Button(f"Try {back.release.tag} ({back.grade.value})", OrderKind.ROLL_BACK, to=back.release.tag)
        for back in ways.values()
        if _single(watch) and back.release.tag != watch.goes_to
    )


def went_back(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """The known-good release serves; whether that helped is not known yet."""
    return Text(
        f"{watch.goes_to} serves again since {moment(watch.back_at or now, now)}",
        ["Whether that helped is watched for at most 10 min", *_times(watch, now)],
    )


def rolled_back(watch: Watch, now: datetime, facts: Facts) -> Text:
    """And whether that helped."""
    back = f"{watch.goes_to} serves again since {moment(watch.back_at or now, now)}"
    words = watch.level.words if watch.level else ""
    if watch.ending is not None and watch.ending.recovered is False:
        return Text(
            f"{watch.goes_to} serves again, but it is not better{reason(words)}. It was probably not {watch.tag}",
            [
                f"{watch.tag} is no longer blocked. Nothing more happens by itself",
                *suspects(watch, facts.beside, now),
                *_times(watch, now),
            ],
            (
                *_forward(watch),
                Button(f"Stay on {watch.goes_to}"),  # orders nothing: it is noted that somebody has decided
            ),
            Tone.ALARM,
        )
    return Text(
        f"{back}{_helped(watch, words)}",
        [
            *_times(watch, now),
            f"{watch.tag} may not come back unnoticed, nor the same content by another name",
        ],
        (
            Button(f"Allow {watch.tag} again", OrderKind.ALLOW),
            *(() if watch.ordered_by else (WRONG_CALL,)),  # nobody but the machine can have been wrong
        ),
    )


def _helped(watch: Watch, words: str) -> str:
    if watch.ending is not None and watch.ending.recovered:
        return f", and it is well{reason(words)}"
    if watch.superseded_by is not None:
        return ". A newer deployment came before it was seen whether that helped"
    return f". Whether that helped could not be seen{reason(words)}"


def _times(watch: Watch, now: datetime) -> list[str]:
    """Deployed → decided → back, and what it cost."""
    times = [
        ("deployed", watch.traffic_at or watch.opened_at),
        ("decided", watch.decided_at),
        ("back", watch.back_at),
    ]
    told = " → ".join(f"{what} {moment(at, now)}" for what, at in times if at is not None)
    judgement = watch.breaching
    verdicts = blamed(judgement) if judgement else []
    failed = (
        f" · {count_words(verdicts[0].seen.bad)} requests failed" if verdicts and verdicts[0].seen.bad else ""
    )
    return [f"{told}{failed}"]


# ------------------------------------------------------------------------------------------------------------- the end


def passed(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """The release is good."""
    words = watch.ending.words if watch.ending else ""
    grade = "served" if watch.ending and watch.ending.by else "proven"
    return Text(f"{watch.tag} {words}", [f"It may be gone back to from now on ({grade})"], tone=Tone.QUIET)


_UNTOLD_APART = "What was seen may be the old release: on how much of the fleet the new one is, nobody knows"


def unproven(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """Nobody knows."""
    words = watch.ending.words if watch.ending else ""
    unsure = [
        f"{verdict.name}: {verdict.words}"
        for verdict in (watch.judgement.verdicts if watch.judgement else ())
        if verdict.outcome in {Outcome.UNDECIDED, Outcome.BLIND}
    ]
    return Text(
        f"{watch.tag} was {words}. {way_stays(watch)}",
        unsure or [_UNTOLD_APART if watch.incomplete and watch.judgement else "Nothing was judged"],
        (Button(f"Accept {watch.tag} as good", OrderKind.ALLOW),),
    )


def kept(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """It breached, and it stays."""
    words = watch.ending.words if watch.ending else ""
    shadow = watch.policy.mode is Mode.SHADOW and watch.action is None
    calls = (RIGHT_CALL, WRONG_CALL) if shadow else ()
    return Text(words if shadow else f"{words}. {fault(watch)}", [way(watch)], calls)


def superseded(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """A newer deployment took over."""
    breached = f". It was breached: {fault(watch)}" if watch.breach else ""
    words = watch.ending.words if watch.ending else ""
    return Text(f"{watch.tag} is no longer watched: {words}{breached}", tone=Tone.QUIET)


def taken_back(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """Its platform, or a person past us, has taken its rollout back: nothing of ours was moved."""
    words = watch.ending.words if watch.ending else ""
    watched = "What serves again is watched" if watch.superseded_by else "It never took traffic"
    return Text(
        f"{watch.tag} is out: {words}",
        [
            f"It was breached: {fault(watch)}" if watch.breach else "",
            f"{watched}. {watch.tag} is not quarantined: deployed again, it is watched like any release",
        ],
    )
