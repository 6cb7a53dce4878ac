"""Which test plays what is asked of providers and of their fakes, for each kind: a table. ``test_clauses.py`` looks all of it up.

A clause is shown by a test of the contract that a member inherits (`Here`), by one that all on AWS are played over sockets
(`Wired`), by a test beside (`There`), or cannot be shown, and why (`Cannot`). What a contract leaves `OPEN` each kind says itself.

`REPLAYED` plays the buckets that were recorded, as `rollbackd replay` does, and not what a provider said on the wire: that is kept
nowhere. So it shows that the verdict follows from the buckets; that these follow from the answers, `COUNTS` shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tests.contract.aws_provider_contract import AwsProviderContract
from tests.contract.provider_contract import ProviderContract
from tests.contract.test_changes import MovedContract
from tests.contract.test_pushed import PushedContract

SIGNALS = "tests/watcher/signals"


class Clause(StrEnum):
    """The twelve points of the contract of providers, and what each fake plays besides."""

    COUNTS = "counts are those of the log of events"
    SETTLED = "nothing is final before it is settled"
    LATE = "what comes late changes nothing that is final"
    SILENCE = "silence, no data and a wrong name are different answers"
    STORM = "a storm of 429 is not answered by a stampede, and ends"
    APART = "a failure touches only its own indicators"
    SECRETS = "no words tell a secret"
    TYPE = "a wrong content type is no answer"
    CLOCK = "a clock ten minutes off invents nothing"
    CLOCK_TOLD = "a clock ten minutes off is called so, with what to do"
    CALLS = "few calls for many questions"
    CANCELLED = "a cancellation leaves nothing behind"
    REPLAYED = "the verdict is the same when it is read again"
    HTML = "500 as HTML"
    CUT = "a body that is cut short"
    HUGE = "a body of 50 MB"
    HALF = "half an answer, and the connection breaks"
    EXPIRED = "a token that expires"
    SLOW = "a first byte that does not come"


@dataclass(frozen=True)
class Here:
    """A test of the contract, parametrised by *cases* among others."""

    test: str
    cases: tuple[object, ...] = ()


@dataclass(frozen=True)
class Wired:
    """A test of ``test_aws_over_sockets``, which is given the member; *spoilt*: the ways in which it spoils answers."""

    test: str
    spoilt: tuple[str, ...] = ()


@dataclass(frozen=True)
class There:
    """A test in a *file* beside the contracts."""

    file: str
    test: str


@dataclass(frozen=True)
class Cannot:
    """Why there is nothing to be played."""

    why: str


OPEN: tuple[()] = ()  # each kind says it itself
Shown: TypeAlias = "tuple[Here | Wired | There, ...] | Cannot"
Row: TypeAlias = Mapping[Clause, Shown]
C = Clause

FAULT = "test_a_fault_is_blindness_and_never_good_counts"
REFUSED = "test_what_is_refused_for_a_while_is_blindness_is_not_hammered_and_counts_again_afterwards"
SAID = "test_what_was_said_once_is_never_taken_back"
SILENT = "test_silence_wrong_names_and_an_end_that_is_down_are_different_answers"
ALIKE = "test_what_was_read_is_judged_alike_when_it_is_read_again"
CLOCK = "test_a_clock_that_is_ten_minutes_off_invents_nothing"
WAY = "test_what_the_way_does_to_an_answer_is_blindness_without_a_secret_and_never_other_counts"
AT_ONCE = Cannot("it is measured by us when it happens: nothing of it comes later")
OURS = Cannot("it is told by our clock alone: the buckets are ours, whatever the far end calls the time")
ASKS_NOBODY = Cannot("nobody is asked: what was told lies in the store")

LOOKED: Row = {
    C.COUNTS: (Here("test_counts_are_what_happened"),),
    C.SETTLED: (Here(SAID), Here("test_no_bucket_ends_after_the_window_or_before_what_is_known")),
    C.LATE: OPEN,
    C.SILENCE: (Here(SILENT), Here("test_the_first_question_is_answered_with_no_data_and_not_with_zero")),
    C.STORM: (Here(REFUSED, ("a storm of 429",)),),
    C.APART: (Here("test_a_fault_touches_only_its_own_indicators"),),
    C.SECRETS: (Here("test_words_name_no_secret_of_the_address"),),
    C.TYPE: (Here(FAULT, ("html", "html as text", "bytes", "json")),),
    C.CLOCK: (Here(CLOCK, (10, -10)),),
    C.CLOCK_TOLD: OPEN,
    C.CALLS: (Here("test_one_call_serves_all_questions_of_all_watches"),),
    C.CANCELLED: (Here("test_closing_leaves_no_task_also_in_the_middle_of_a_call"),),
    C.REPLAYED: (Here(ALIKE),),
    C.HTML: (Here(FAULT, ("500 as html",)),),
    C.CUT: (Here(FAULT, ("cut short", "cut chunk", "cut line")), Here(REFUSED, ("half as if it were all",))),
    C.HUGE: (Here(FAULT, ("50 MB", "gzip bomb")), Here("test_an_end_that_sends_50_mb_costs_no_memory")),
    C.HALF: (Here(REFUSED, ("half an answer",)), Here(FAULT, ("hangs up",))),
    C.EXPIRED: (Here(REFUSED, ("a token that expired",)),),
    C.SLOW: (Here(FAULT, ("no answer", "slow headers", "trickling body")),),
}
ON_AWS: Row = {
    C.COUNTS: OPEN,
    C.SETTLED: (Here(SAID), Here("test_no_bucket_ends_after_the_window_or_before_what_is_known")),
    C.LATE: OPEN,
    C.SILENCE: (Here(SILENT),),
    C.STORM: (Here("test_in_a_storm_of_throttling_one_call_goes_first_and_afterwards_it_counts_again"),),
    C.APART: (Here("test_a_wrong_question_is_nobody_elses_trouble"),),
    C.SECRETS: (Wired(WAY),),
    C.TYPE: (Wired(WAY, ("a page", "a page as answer", "another type")),),
    C.CLOCK: (Here(CLOCK, (10, -10)),),
    C.CLOCK_TOLD: (
        Wired("test_a_clock_that_is_ten_minutes_off_is_called_so_by_whoever_reads_and_by_doctor"),
    ),
    C.CALLS: (Here("test_all_questions_of_all_watches_are_asked_together"),),
    C.CANCELLED: (Wired("test_a_call_that_is_broken_off_leaves_no_task_and_nobody_waits_for_its_thread"),),
    C.REPLAYED: (Here(ALIKE), Here("test_one_that_has_just_come_says_what_one_says_that_was_always_there")),
    C.HTML: (Wired(WAY, ("500 as html",)),),
    C.CUT: (Wired(WAY, ("half an answer",)),),
    C.HUGE: (Wired("test_an_answer_of_50_mb_costs_no_memory_and_is_none", ("50 MB",)),),
    C.HALF: (Wired(WAY, ("cut off", "no answer at all")),),
    C.EXPIRED: (Here(FAULT, ("ExpiredTokenException",)),),
    C.SLOW: (Wired(WAY, ("a late first byte",)), Here(FAULT, ("slow",))),
}
SENDERS, DOOR = "tests/contract/test_alerts.py", "tests/watcher/api/test_limits.py"
PUSHED: Row = {
    C.COUNTS: (
        Here("test_what_was_told_is_read_since_its_own_time"),
        There(SENDERS, "test_one_log_ends_in_the_same_moods_through_every_sender"),
    ),
    C.SETTLED: (Here("test_what_was_said_once_is_never_taken_back_and_no_bucket_reaches_into_another"),),
    C.LATE: (There(SENDERS, "test_one_log_ends_in_the_same_moods_through_every_sender"),),
    C.SILENCE: (Here(SILENT),),
    C.STORM: (There(SENDERS, "test_a_thousand_at_once_are_all_understood"),),
    C.APART: (
        Here(
            "test_a_release_without_the_name_that_is_asked_for_is_the_authors_to_mend_and_nobody_elses_trouble"
        ),
    ),
    C.SECRETS: (
        There(f"{SIGNALS}/alert/senders/test_clean.py", "test_no_secret_that_stands_in_a_body_is_repeated"),
    ),
    C.TYPE: (There("tests/watcher/api/test_alerts.py", "test_sns_calls_its_json_text"),),
    C.CLOCK: (There("tests/watcher/core/test_alerts.py", "test_nothing_begins_in_the_future"),),
    C.CLOCK_TOLD: (There(SENDERS, "test_an_old_message_is_not_believed_where_its_time_is_signed"),),
    C.CALLS: (
        There(f"{SIGNALS}/alert/test_reading.py", "test_a_sender_is_looked_up_once_for_all_questions"),
    ),
    C.CANCELLED: ASKS_NOBODY,
    C.REPLAYED: (Here("test_what_was_told_is_judged_alike_when_it_is_read_again"),),
    C.HTML: ASKS_NOBODY,
    C.CUT: (There(SENDERS, "test_what_is_cut_off_or_too_large_changes_nothing"),),
    C.HUGE: (There(SENDERS, "test_what_is_cut_off_or_too_large_changes_nothing"),),
    C.HALF: (There(SENDERS, "test_what_is_cut_off_or_too_large_changes_nothing"),),
    C.EXPIRED: (There(SENDERS, "test_nothing_counts_that_does_not_prove_whose_it_is"),),
    C.SLOW: (There(DOOR, "test_five_hundred_slow_senders_do_not_keep_anybody_waiting"),),
}
NO_ANSWER = Cannot("it asks the store alone: there is no answer of a far end that could be ill")
MOVED: Row = {
    **dict.fromkeys(
        (C.STORM, C.TYPE, C.HTML, C.CUT, C.HUGE, C.HALF, C.EXPIRED, C.SLOW, C.SECRETS, C.CANCELLED), NO_ANSWER
    ),
    C.COUNTS: (Here("test_what_moved_is_bad_from_when_it_moved_on_for_as_long_as_it_counts"),),
    C.SETTLED: (
        Here("test_buckets_are_on_the_grid_and_none_is_told_twice"),
        Here("test_what_moves_at_the_very_end_of_a_bucket_is_of_the_next"),
    ),
    C.LATE: (Here("test_what_is_told_late_moves_from_then_on_and_since_when_it_did"),),
    C.SILENCE: (Here("test_where_nobody_tells_and_where_the_store_is_away_are_different_answers"),),
    C.APART: (Here("test_what_concerns_another_service_does_not_count"),),
    C.CLOCK: OURS,
    C.CLOCK_TOLD: OURS,
    C.CALLS: (Here("test_all_questions_of_one_service_are_one_look"),),
    C.REPLAYED: (Here(ALIKE),),
}
CONTRACTS: Mapping[type, Row] = {
    ProviderContract: LOOKED,
    AwsProviderContract: ON_AWS,
    PushedContract: PUSHED,
    MovedContract: MOVED,
}


def _beside(folder: str, file: str, test: str) -> tuple[There]:
    return (There(f"{SIGNALS}/{folder}/{file}.py", test),)


_SKEWED = "test_clocks_that_differ_by_minutes_are_no_ground_to_count_on"
SAMPLED: Row = {C.LATE: AT_ONCE, C.CLOCK_TOLD: OURS}
OWN: Mapping[str, Row] = {
    "application_signals": {
        C.COUNTS: (Here("test_both_releases_are_counted_and_the_worse_one_is_seen"),),
        C.LATE: Cannot("a report is of one moment, and is asked for once"),
    },
    "cloudwatch": {
        C.COUNTS: _beside(
            "cloudwatch", "test_over_http", "test_counts_latencies_and_alarms_come_through_boto3"
        ),
        C.LATE: _beside(
            "cloudwatch",
            "test_reading",
            "test_values_that_grow_until_they_are_settled_never_change_what_was_judged",
        ),
    },
    "cloudwatch_logs": {
        C.COUNTS: _beside(
            "cloudwatch_logs",
            "test_reading",
            "test_each_minute_counts_what_was_written_in_it_by_each_release",
        ),
        C.LATE: _beside("cloudwatch_logs", "test_reading", "test_what_may_still_come_is_marked"),
    },
    "ecs_tasks": {
        C.COUNTS: _beside("ecs_tasks", "test_count", "test_each_failure_is_counted_once"),
        C.LATE: _beside("ecs_tasks", "test_count", "test_a_bucket_says_the_same_whenever_it_is_read"),
    },
    "datadog": {
        C.LATE: _beside(
            "datadog",
            "test_counting",
            "test_a_bucket_that_may_still_grow_is_not_final_and_then_never_changes",
        ),
        C.CLOCK_TOLD: _beside(
            "datadog", "test_failures", "test_a_clock_that_is_wrong_is_told_and_nothing_is_counted_by_it"
        ),
    },
    "loki": {
        C.LATE: _beside(
            "loki", "test_counting", "test_what_may_still_come_is_marked_and_what_is_final_is_whole"
        ),
        C.CLOCK_TOLD: _beside("loki", "test_failures", "test_doctor_tells_that_clocks_do_not_agree"),
    },
    "newrelic": {
        C.LATE: _beside(
            "newrelic", "test_counting", "test_events_that_come_late_change_only_what_was_not_final"
        ),
        C.CLOCK_TOLD: _beside("newrelic", "test_refusals", _SKEWED),
    },
    "prometheus": {
        C.LATE: (Here(SAID),),
        C.CLOCK_TOLD: _beside("prometheus", "test_failures", "test_clocks_that_do_not_agree_are_told"),
    },
    "sentry": {
        C.LATE: _beside("sentry", "test_events", "test_what_sentry_calls_incomplete_is_shown_and_not_judged"),
        C.CLOCK_TOLD: _beside("sentry", "test_refusals", _SKEWED),
    },
    "relay": {
        C.LATE: AT_ONCE,
        C.CLOCK_TOLD: (
            There(
                "tests/scenarios/test_sidecars.py",
                "test_one_whose_clock_is_ten_minutes_ahead_is_not_counted_and_is_missed",
            ),
        ),
    },
    "http": SAMPLED,
    "page": SAMPLED,
    "scrape": SAMPLED,
    "steps": SAMPLED,
}


def shown(kind: str, clause: Clause, member: type) -> Shown:
    """What shows *clause* of this *member* of a *kind*; its own word counts before that of its contract."""
    of_all = next(row for contract, row in CONTRACTS.items() if issubclass(member, contract))
    return OWN.get(kind, {}).get(clause, of_all[clause])
