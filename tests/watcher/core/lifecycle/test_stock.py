"""The known-good release of a watch was looked for: what is gone is told at once, and the way back goes past it."""

import pytest

from tests.builders import NOON, a_back, a_release, a_watch, some_facts
from watcher.core.lifecycle import looked_for
from watcher.core.watch import Doubtful, Missing, State, Tone
from watcher.core.wording import question_words
from watcher.core.wording.evidence import way

FACTS = some_facts()
GONE = Missing("service", a_release("v42"), "ECR has no image shop:42 any more")
OLDER = Missing("service", a_release("v41"), "web:41 is INACTIVE")
NEXT = {"service": a_back("v41")}


def looked(missing=(GONE,), ways=NEXT, state=State.WATCHING, before=()):
    return looked_for(a_watch(state, missing=before), missing, ways, NOON, FACTS)


def test_people_are_told_what_is_gone_and_what_is_next():
    step = looked()

    assert step is not None
    assert (step.watch.state, step.watch.missing) == (State.WATCHING, (GONE,))
    assert step.watch.goes_to == "v41"
    notice = step.messages[0].notice
    assert {message.kind for message in step.messages} == {"show", "append"}
    assert notice.event == "watch.way_lost"
    assert "no way back from v43 to v42: ECR has no image shop:42 any more" in notice.headline
    assert notice.lines[0] == "It would go to v41"


def test_where_nothing_else_is_left_somebody_is_needed():
    step = looked((GONE, OLDER), {})

    assert step is not None
    assert step.watch.way_back is None
    notice = step.messages[0].notice
    assert notice.tone is Tone.ALARM
    assert "A rollback is impossible until that is mended" in notice.lines
    assert "Nor to v42: ECR has no image shop:42 any more" in notice.lines


def test_what_is_there_again_is_the_way_back_again_and_nobody_is_told_one_by_one():
    step = looked((), {"service": a_back("v42")}, before=(GONE,))

    assert step is not None
    assert (step.watch.missing, step.watch.goes_to, step.messages) == ((), "v42", ())


@pytest.mark.parametrize("state", [State.ROLLING_BACK, State.RECOVERING, State.PASSED])
def test_who_goes_back_already_or_is_over_is_told_nothing(state):
    assert looked(state=state) is None


def test_what_is_known_is_no_news():
    assert looked((Missing("service", a_release("v42"), "in other words"),), before=(GONE,)) is None


def test_where_what_was_good_is_gone_that_is_why_there_is_no_way_back():
    watch = a_watch(way_back=None, missing=(GONE,))

    assert way(watch) == (
        "There is no way back: what is known to be good is not there any more (v42: ECR has no image shop:42 any more)"
    )
    assert question_words(watch, (Doubtful.NO_WAY_BACK,)) == (
        "there is no known-good release to go back to (ECR has no image shop:42 any more)"
    )
