"""The story of a watch on the command line."""

from rules.recovery import Level
from rules.verdict import Outcome, Sight
from tests.builders import (
    NOON,
    READY,
    a_breach,
    a_judgement,
    a_policy,
    a_verdict,
    a_watch,
    an_order,
    hours,
    minutes,
    some_facts,
)
from tests.watcher.core.taken import judged, ordered, recovered
from watcher.core.service import Mode
from watcher.core.watch import OrderKind, State
from watcher.core.wording import story


def told(watch, now=NOON):
    return "\n".join(story(watch, now))


def test_a_watch_that_rolled_back_tells_when_and_what_each_rule_says():
    watch = recovered(a_watch(State.RECOVERING), Level(True, "12 of 9,800"), NOON, some_facts()).watch

    assert told(watch) == (
        "checkout · production: v43 is rolled back\n"
        "  11:50:00 UTC  deployed by ada, heard from queue\n"
        "  11:50:00  v43 takes traffic\n"
        "  11:50:00  v43 has all its traffic\n"
        "  11:59:00  breached: v43 fails 5.2 % of requests (usual 0.11 %)\n"
        "  11:59:00  going back to v42\n"
        "  11:59:00  v42 serves again\n"
        "  12:00:00  rolled back: v42 serves again since 11:59:00 UTC, and it is well: 12 of 9,800\n"
        "  healthy   no more errors than the old version: 9 of 7,930 requests failed [log10 E 0.2 of 3.0]"
    )


def test_a_watch_that_asks_tells_what():
    assert "  11:59:00  asked, because the mode of this service is to ask\n  Way back: v42 (proven)" in told(
        a_watch(State.ASKING)
    )


def test_a_watch_that_is_held_tells_by_whom():
    assert "  11:59:00  held by olga until 12:14:00" in told(a_watch(State.HELD))


def test_who_ordered_the_rollback_is_told():
    watch = ordered(a_watch(), an_order(OrderKind.ROLL_BACK), NOON, some_facts()).watch

    assert "  12:00:00  going back to v42, ordered by olga" in told(watch)


def test_in_shadow_it_tells_what_would_have_been():
    shadow = a_watch(policy=a_policy(Mode.SHADOW))

    watch = judged(shadow, a_breach(), "", NOON, some_facts()).watch

    assert (
        "  12:00:00  breached: v43 fails 5.2 % of requests (usual 0.11 %); "
        "would have gone back from v43 to v42 at 12:00:00"
    ) in told(watch)


def test_a_young_watch_has_little_to_tell():
    young = a_watch(judgement=None, traffic_at=None, complete_at=None)

    assert told(young, NOON + hours(30)) == (
        "checkout · production: v43 is watching\n"
        "  24 Nov 11:50:00 UTC  deployed by ada, heard from queue\n"
        "  Way back: v42 (proven)\n"
        "  nothing was judged yet"
    )


def test_a_rule_tells_what_it_can_still_see_and_that_it_is_spent():
    seeing = a_verdict(Outcome.UNDECIDED, can_see=Sight(0.01, minutes(11)))
    spent = a_verdict(rule=READY, spent=True, log10_e=None)

    lines = story(a_watch(judgement=a_judgement(seeing, spent)), NOON)

    assert lines[-2].endswith("[log10 E 0.2 of 3.0, can see 1 % within 11 min]")
    assert lines[-1].endswith("[spent]")
