"""From tasks to buckets."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules.sample import Counts, NoData, Reading
from tests.watcher.signals.ecs_tasks.shop import NEW, OLD, buckets, second
from watcher.signals.ecs_tasks.count import BUCKET, SETTLE, read
from watcher.signals.ecs_tasks.ending import Failure
from watcher.signals.ecs_tasks.query import Query
from watcher.signals.ecs_tasks.reader import KEPT
from watcher.signals.ecs_tasks.services import Tasks
from watcher.signals.ecs_tasks.task import Task

LONG_AGO = second(-86400)


def a_task(
    created: float = -86400,
    ended: float | None = None,
    failure: Failure | None = None,
    of: str = NEW,
    zone: str = "a",
) -> Task:
    return Task(
        f"arn:{created}:{ended}:{of}:{zone}",
        of,
        second(created),
        second(created + 5),
        None if ended is None else second(ended),
        failure,
        zone=zone,
    )


def counted(
    *tasks: Task,
    taken: float = 300,
    after: datetime = LONG_AGO,
    until: datetime | None = None,
    arms: tuple[str | None, str | None] = (NEW, OLD),
    is_whole: bool = True,
    **query: object,
) -> Reading:
    asked = Query.model_validate({"cluster": "prod", "service": "web", **query})
    told = Tasks(second(taken), tasks, is_whole)
    return read("tasks", asked, told, arms, (after, until or second(taken)))


def canary(reading: Reading, *starts: float) -> list[tuple[float, float]]:
    """Bad and total of the release under watch, in the buckets that start then."""
    by_start = {bucket.start: bucket.canary for bucket in buckets(reading)}
    found = [by_start[second(start)] for start in starts]
    return [(each.bad, each.total) for each in found if isinstance(each, Counts)]


def test_a_task_is_one_trial_of_each_bucket_in_which_it_lives_and_bad_in_the_one_in_which_it_fails():
    reading = counted(a_task(20, 50, Failure.CRASHED))

    assert canary(reading, 0, 15, 30, 45, 60) == [(0, 0), (0, 1), (0, 1), (1, 1), (0, 0)]


def test_a_task_that_ends_as_it_should_is_a_trial_and_never_bad():
    assert canary(counted(a_task(20, 50)), 30, 45, 60) == [(0, 1), (0, 1), (0, 0)]


def test_a_bucket_ends_before_its_end():
    reading = counted(a_task(0, 30, Failure.CRASHED), a_task(30, 45, Failure.CRASHED))

    assert canary(reading, 15, 30, 45) == [(0, 1), (1, 2), (1, 1)]


def test_both_releases_are_told_apart_by_their_task_definition():
    reading = counted(a_task(), a_task(of=OLD), a_task(of=OLD, zone="b"), a_task(of="web:0"))

    assert all((each.canary, each.baseline) == (Counts(0, 1), Counts(0, 2)) for each in buckets(reading))


def test_without_a_task_definition_all_tasks_of_the_service_count_and_nothing_is_beside():
    reading = counted(a_task(), a_task(of=OLD), arms=(None, None))

    assert all((each.canary, each.baseline) == (Counts(0, 2), None) for each in buckets(reading))


def test_no_task_is_no_trial_and_not_no_data():
    assert canary(counted(), 0, 15) == [(0, 0), (0, 0)]


def test_only_manners_that_were_asked_for_are_bad():
    tasks = (
        a_task(0, 20, Failure.CRASHED),
        a_task(0, 21, Failure.UNHEALTHY),
        a_task(0, 22, Failure.OUT_OF_MEMORY),
    )

    assert canary(counted(*tasks), 15) == [(3, 3)]
    assert canary(counted(*tasks, bad="crashed"), 15) == [(1, 3)]
    assert canary(counted(*tasks, bad=["out_of_memory", "unhealthy"]), 15) == [(2, 3)]


def test_only_tasks_of_the_zones_that_were_asked_for_count():
    tasks = (a_task(zone="a"), a_task(zone="b"), a_task(zone="c", created=1))

    assert canary(counted(*tasks, zone="a"), 15) == [(0, 1)]
    assert canary(counted(*tasks, zone=["a", "c"]), 15) == [(0, 2)]


def test_no_bucket_is_told_that_is_not_final():
    ends = [bucket.end for bucket in buckets(counted(a_task(), taken=300))]

    assert ends[-1] == second(300) - SETTLE
    assert buckets(counted(a_task(), taken=299))[-1].end == second(270)


def test_no_bucket_is_told_outside_of_what_is_asked():
    ends = [bucket.end for bucket in buckets(counted(a_task(), after=second(31), until=second(99)))]

    assert ends == [second(60), second(75), second(90)]


def test_what_ecs_may_have_forgotten_is_a_hole():
    first = buckets(counted(a_task(), taken=86400))[0]

    assert first.start - (second(86400) - KEPT) < BUCKET
    assert first.start >= second(86400) - KEPT


def test_a_question_about_longer_ago_than_ecs_remembers_is_answered_with_the_reason():
    reading = counted(a_task(), taken=86400, until=second(80000))

    assert isinstance(reading, NoData)
    assert "keeps a task for an hour" in reading.words


def test_a_question_about_now_is_answered_with_nothing_yet():
    reading = counted(a_task(), taken=300, after=second(290))

    assert reading == NoData("nothing is final yet")


def test_where_not_all_tasks_could_be_read_the_counts_say_that_they_are_near():
    assert all(bucket.approximate for bucket in buckets(counted(a_task(), is_whole=False)))


LIVES = st.builds(
    lambda created, lived, failure, of: a_task(
        created, None if lived is None else created + lived, failure if lived is not None else None, of
    ),
    st.floats(-4000, 290),
    st.none() | st.floats(0, 3000),
    st.sampled_from([None, *Failure]),
    st.sampled_from([OLD, NEW]),
)


@given(st.lists(LIVES, max_size=20))
def test_there_is_never_more_bad_than_there_is(tasks):
    for bucket in buckets(counted(*tasks)):
        for arm in (bucket.canary, bucket.baseline):
            assert isinstance(arm, Counts)
            assert 0 <= arm.bad <= arm.total


@given(st.lists(LIVES, max_size=20))
def test_each_failure_is_counted_once(tasks):
    told = buckets(counted(*tasks))
    first, last = told[0].start, told[-1].end
    failed = [task for task in tasks if task.failure and task.ended and first <= task.ended < last]

    counts = [arm for bucket in told for arm in (bucket.canary, bucket.baseline)]

    assert sum(arm.bad for arm in counts if isinstance(arm, Counts)) == len(failed)


@given(st.lists(LIVES, max_size=20), st.integers(0, 60))
def test_a_bucket_says_the_same_whenever_it_is_read(tasks, later):
    """By one who was there all the time, and by one who has just come: nothing is remembered between two readings."""
    soon = {bucket.end: bucket for bucket in buckets(counted(*tasks, taken=300))}
    late = {bucket.end: bucket for bucket in buckets(counted(*tasks, taken=300 + 15 * later))}

    assert all(soon[end] == late[end] for end in soon.keys() & late.keys())
    assert timedelta(0) < max(soon) - min(soon)
