"""What each state of a watch means."""

from watcher.core.watch import State

STATES = {
    State.WATCHING: "observing; every rule is being judged",
    State.COUNTING_DOWN: "breached; the rollback starts in N seconds unless somebody holds it",
    State.ASKING: "breached (or blind, where a rule asks then), and a person must order the rollback; or a stage of a rollout is not left without one",
    State.HELD: "a person paused it, for at most 24 h",
    State.ROLLING_BACK: "the target is being moved",
    State.STUCK: "the rollback failed or did not finish; a person is needed",
    State.RECOVERING: "the known-good release serves again; the same indicators are watched until they are well, or not",
    State.PASSED: "final: observed for its bake, every rule healthy; or passed by a person's word",
    State.UNPROVEN: "final: the bake ended while a rule was blind or undecided, or the rollout was broken off. Silence is not health",
    State.ROLLED_BACK: "final: and it says whether the signals recovered",
    State.KEPT: "final: breached, and it stayed: by order, unanswered, or because the mode is shadow",
    State.SUPERSEDED: "final: a newer deployment took over",
}
