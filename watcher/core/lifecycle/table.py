"""The table is the machine: which trigger leads from which state to which. Final states are written out.

What the table does not list changes nothing for news, and is refused for people.
"""

from collections.abc import Mapping
from enum import StrEnum

from watcher.core.watch import OrderKind, State


class Trigger(StrEnum):
    """What moves a watch, by who causes it."""

    # the evidence
    BREACHED = "breached"
    BREACHED_AT_ONCE = "breached, no countdown"
    DOUBTED = "breached, a person is needed"
    BLIND = "blind"
    SIGHT_RETURNED = "sees again"
    STAGE_HEALTHY = "stage healthy"
    BAKED_HEALTHY = "baked, healthy"
    BAKED_UNSEEN = "longest bake over, not healthy"
    WOULD_HAVE = "baked in shadow, breached"
    RECOVERED = "well again, or nobody can see"
    NOT_RECOVERED = "not well after 10 min"
    # time
    COUNTED_DOWN = "counted down"
    NOBODY_ANSWERED = "nobody answered"
    NOBODY_ANSWERED_GO = "nobody answered, then roll back"
    NOBODY_ANSWERED_BLIND = "nobody answered, blind"
    ASKED_AGAIN = "asked again"
    HOLD_ENDED = "hold ended"
    MOVE_TIMED_OUT = "not serving in time"
    STUCK_TOO_LONG = "nobody answered, stuck"
    # the world
    GUARD_REFUSED = "a guard does not hold"
    STAGE_ASKS = "a stage asks"
    STAGE_WENT_ON = "another hand moved it on"
    ROLLBACK_DONE = "serves"
    ROLLBACK_FAILED = "failed"
    THIRD_TAG = "something else runs"
    KNOWN_GOOD_SEEN = "known-good seen live"
    NEWER_DEPLOYMENT = "newer deployment"
    TAKEN_BACK = "taken back by another hand"
    # people
    HOLD = "order: hold"
    RESUME = "order: resume"
    PASS = "order: pass"
    KEEP = "order: keep"
    KEEP_UNSEEN = "order: keep, blind"
    ROLL_BACK = "order: roll back"
    ASK_AGAIN = "order: ask again"
    ADVANCE = "order: advance"
    START = "order: start"


S, T = State, Trigger

TABLE: Mapping[State, Mapping[Trigger, State]] = {
    S.WATCHING: {
        T.BREACHED: S.COUNTING_DOWN,
        T.BREACHED_AT_ONCE: S.ROLLING_BACK,
        T.DOUBTED: S.ASKING,
        T.BLIND: S.ASKING,
        T.GUARD_REFUSED: S.ASKING,
        T.STAGE_ASKS: S.ASKING,
        T.STAGE_HEALTHY: S.WATCHING,
        T.BAKED_HEALTHY: S.PASSED,
        T.BAKED_UNSEEN: S.UNPROVEN,
        T.WOULD_HAVE: S.KEPT,
        T.NEWER_DEPLOYMENT: S.SUPERSEDED,
        T.TAKEN_BACK: S.SUPERSEDED,
        T.HOLD: S.HELD,
        T.PASS: S.PASSED,
        T.KEEP: S.KEPT,
        T.ROLL_BACK: S.ROLLING_BACK,
        T.ADVANCE: S.WATCHING,
        T.START: S.WATCHING,
    },
    S.COUNTING_DOWN: {
        T.COUNTED_DOWN: S.ROLLING_BACK,
        T.DOUBTED: S.ASKING,
        T.GUARD_REFUSED: S.ASKING,
        T.NEWER_DEPLOYMENT: S.SUPERSEDED,
        T.TAKEN_BACK: S.SUPERSEDED,
        T.HOLD: S.HELD,
        T.PASS: S.PASSED,
        T.KEEP: S.KEPT,
        T.ROLL_BACK: S.ROLLING_BACK,
    },
    S.ASKING: {
        T.BREACHED: S.COUNTING_DOWN,
        T.BREACHED_AT_ONCE: S.ROLLING_BACK,
        T.DOUBTED: S.ASKING,
        T.GUARD_REFUSED: S.ASKING,
        T.SIGHT_RETURNED: S.WATCHING,
        T.STAGE_WENT_ON: S.WATCHING,
        T.NOBODY_ANSWERED: S.KEPT,
        T.NOBODY_ANSWERED_GO: S.ROLLING_BACK,
        T.NOBODY_ANSWERED_BLIND: S.UNPROVEN,
        T.ASKED_AGAIN: S.ASKING,
        T.NEWER_DEPLOYMENT: S.SUPERSEDED,
        T.TAKEN_BACK: S.SUPERSEDED,
        T.HOLD: S.HELD,
        T.PASS: S.PASSED,
        T.KEEP: S.KEPT,
        T.KEEP_UNSEEN: S.UNPROVEN,
        T.ROLL_BACK: S.ROLLING_BACK,
        T.ASK_AGAIN: S.ASKING,
        T.ADVANCE: S.WATCHING,
    },
    S.HELD: {
        T.HOLD_ENDED: S.WATCHING,
        T.NEWER_DEPLOYMENT: S.SUPERSEDED,
        T.TAKEN_BACK: S.SUPERSEDED,
        T.HOLD: S.HELD,
        T.RESUME: S.WATCHING,
        T.PASS: S.PASSED,
        T.KEEP: S.KEPT,
        T.ROLL_BACK: S.ROLLING_BACK,
        T.ADVANCE: S.WATCHING,
    },
    S.ROLLING_BACK: {
        T.ROLLBACK_DONE: S.RECOVERING,
        T.ROLLBACK_FAILED: S.STUCK,
        T.MOVE_TIMED_OUT: S.STUCK,
        T.THIRD_TAG: S.STUCK,
        T.NEWER_DEPLOYMENT: S.SUPERSEDED,
    },
    S.STUCK: {
        T.ROLLBACK_DONE: S.RECOVERING,
        T.KNOWN_GOOD_SEEN: S.RECOVERING,
        T.STUCK_TOO_LONG: S.KEPT,
        T.NEWER_DEPLOYMENT: S.SUPERSEDED,
        T.KEEP: S.KEPT,
        T.ROLL_BACK: S.ROLLING_BACK,
    },
    S.RECOVERING: {
        T.RECOVERED: S.ROLLED_BACK,
        T.NOT_RECOVERED: S.ROLLED_BACK,
        T.NEWER_DEPLOYMENT: S.ROLLED_BACK,  # it did go back; only whether that helped is not known
    },
    S.PASSED: {},
    S.UNPROVEN: {},
    S.ROLLED_BACK: {},
    S.KEPT: {},
    S.SUPERSEDED: {},
}

ORDERED: Mapping[OrderKind, Trigger] = {
    OrderKind.HOLD: T.HOLD,
    OrderKind.RESUME: T.RESUME,
    OrderKind.PASS: T.PASS,
    OrderKind.KEEP: T.KEEP,
    OrderKind.ROLL_BACK: T.ROLL_BACK,
    OrderKind.ASK_AGAIN: T.ASK_AGAIN,
    OrderKind.ADVANCE: T.ADVANCE,
}
