"""When may a bake end? By what the rules say alone: the daemon, ``rollbackd test`` and ``replay`` ask the same."""

from datetime import datetime, timedelta

from rules.combine import ACTING
from rules.verdict import Judgement, Outcome, Verdict


def may_end(judgement: Judgement, at_least: timedelta, complete_at: datetime, now: datetime) -> bool:
    """Healthy, and seen for long enough: for *at_least* since *complete_at*, or until it was proven well."""
    return passes(judgement) and (now >= complete_at + at_least or is_proven(judgement, complete_at))


def may_go_on(judgement: Judgement, at_least: timedelta, since: datetime) -> bool:
    """Healthy, and *seen* for *at_least* since a stage of a rollout began, not merely waited for: signals come late."""
    if not passes(judgement):
        return False
    seen = [
        each.seen.until is not None and each.seen.until >= since + at_least for each in _blocking(judgement)
    ]
    return all(seen) or is_proven(judgement, since)


def passes(judgement: Judgement) -> bool:
    """Every rule that can act and is not spent is healthy, and there is one: silence is not health."""
    if judgement.outcome is not Outcome.HEALTHY:
        return False
    blocking = _blocking(judgement)
    return bool(blocking) and all(verdict.outcome is Outcome.HEALTHY for verdict in blocking)


def is_proven(judgement: Judgement, complete_at: datetime) -> bool:
    """It need not be seen for longer: proven well, and looked at with all its traffic too."""
    seen = [each.seen.until is not None and each.seen.until > complete_at for each in _blocking(judgement)]
    return judgement.proven and all(seen)


def _blocking(judgement: Judgement) -> list[Verdict]:
    return [each for each in judgement.verdicts if each.consequence in ACTING and not each.spent]
