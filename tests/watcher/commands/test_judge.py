import json

import pytest
from click import UsageError
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.commands.judge import answers, command

START = {
    "type": "start",
    "mode": "concurrent",
    "bucket_s": 60,
    "alpha": 0.001,
    "horizon_s": 86400,
    "margin": {"ratio": 1.0, "delta": 0.0},
    "settle_s": 0,
    "counters": False,
    "share": 0.1,
    "objective": None,
    "le": None,
    "tod0": 0.0,
    "history": {"bucket_s": 60, "t0": -24000.0, "total": [6000] * 400, "bad": [6, 7, 8, 7] * 100},
}
END = {"type": "end"}


def a_delivery(t, canary, baseline=None, now=None, rev=0):
    said = {"now": now or t + 2, "t": t, "rev": rev, "canary": canary}
    return said if baseline is None else {**said, "baseline": baseline}


def arm(bad, total):
    return {"total": total, "bad": bad}


def judged(*lines):
    return [json.loads(answer)["verdict"] for answer in answers(json.dumps(line) for line in lines)]


def test_a_bad_canary_is_rolled_back_after_two_buckets():
    bad = [a_delivery(60 * minute, arm(60, 600), arm(6, 5400)) for minute in (1, 2)]

    assert judged(START, *bad) == ["continue", "continue", "rollback"]


def test_each_start_forgets_everything():
    bad = a_delivery(60, arm(60, 600), arm(6, 5400))

    assert judged(START, bad, END, START, bad) == ["continue"] * 4


def test_a_revision_counts_until_the_bucket_is_final():
    start = {**START, "settle_s": 120}
    wrong = [a_delivery(60 * minute, arm(60, 600), arm(6, 5400)) for minute in (1, 2)]
    right = [a_delivery(60 * minute, arm(0, 600), arm(6, 5400), now=170 + minute, rev=1) for minute in (1, 2)]
    late = a_delivery(180, arm(0, 600), arm(6, 5400), now=400)

    assert judged(start, *wrong, *right, late) == ["continue"] * 6


def test_cumulative_counters_begin_with_the_deployment():
    start = {**START, "counters": True}
    bad = [
        a_delivery(60 * minute, arm(60 * minute, 600 * minute), arm(6, 5400 * minute)) for minute in (1, 2)
    ]

    assert judged(start, *bad)[-1] == "rollback"


def test_an_objective_is_judged_by_the_canary_alone():
    start = {**START, "mode": "slo", "objective": 0.001, "history": None, "counters": True}
    bad = [a_delivery(60 * minute, arm(60 * minute, 600 * minute)) for minute in (1, 2)]

    assert judged(start, *bad)[-1] == "rollback"


def test_a_histogram_is_judged_by_its_bounds():
    start = {**START, "le": [100, 1000], "history": None}
    slow = [
        a_delivery(
            60 * minute, {"total": 600, "hist": [100, 200, 600]}, {"total": 5400, "hist": [4000, 5390, 5400]}
        )
        for minute in range(1, 40)
    ]

    assert judged(start, *slow)[-1] == "rollback"


def a_past(days):
    """A flat past: 600 requests a minute, one in a thousand bad."""
    spans = days * 288
    past = {"bucket_s": 300, "t0": -300.0 * spans, "total": [3000] * spans, "bad": [3] * spans}
    return {**START, "mode": "before_after", "margin": {"ratio": 1.5, "delta": 0.0}, "history": past}


def minutes_of(*bad):
    return [a_delivery(60 * minute, arm(each, 600)) for minute, each in enumerate(bad, start=1)]


def test_a_release_that_is_worse_than_the_days_before_is_rolled_back():
    assert judged(a_past(7), *minutes_of(30, 30, 30))[-1] == "rollback"


def test_what_began_long_after_the_deployment_only_asks_and_the_release_stays():
    assert set(judged(a_past(7), *minutes_of(*[1] * 10, *[60] * 30))) == {"continue"}


def test_an_objective_that_is_breached_late_is_breached_all_the_same():
    start = {**START, "mode": "slo", "objective": 0.01}

    assert judged(start, *minutes_of(*[1] * 90, *[60] * 30))[-1] == "rollback"


def test_without_a_past_there_is_nothing_to_compare_with_and_the_release_stays():
    assert set(judged(a_past(0), *minutes_of(*[600] * 9))) == {"continue"}


def test_without_a_start_there_is_nothing_to_judge():
    with pytest.raises(UsageError):
        judged(a_delivery(60, arm(0, 1)))


@pytest.mark.parametrize("line", ["", "[]", "nothing", '{"type": "start"}', '{"type": "start", "le": 3}'])
def test_what_is_not_of_the_protocol_is_said_with_its_line(line):
    with pytest.raises(UsageError, match="line 1"):
        list(answers([line]))


def test_the_command_reads_lines_and_answers_each():
    lines = "\n".join(json.dumps(line) for line in (START, a_delivery(60, arm(0, 600), arm(0, 5400)), END))

    ran = CliRunner().invoke(command, input=lines)

    assert ran.exit_code == 0
    assert [json.loads(line)["verdict"] for line in ran.stdout.splitlines()] == ["continue", "continue"]


@pytest.mark.parametrize(
    ("options", "environment", "verdicts"),
    [
        ([], {}, ["continue", "continue", "rollback"]),
        (["--min-buckets", "1"], {}, ["continue", "rollback", "rollback"]),
        ([], {"MIN_BUCKETS": "1"}, ["continue", "rollback", "rollback"]),
    ],
)
def test_how_many_buckets_a_breach_takes_can_be_said(options, environment, verdicts):
    bad = [a_delivery(60 * minute, arm(60, 600), arm(6, 5400)) for minute in (1, 2)]
    lines = "\n".join(json.dumps(line) for line in (START, *bad))

    found = CliRunner(env=environment).invoke(command, options, input=lines)

    assert [json.loads(answer)["verdict"] for answer in found.stdout.splitlines()] == verdicts


NAN = float("nan")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"alpha": NAN}, "line 1: alpha: Input should be a finite number"),
        ({"alpha": 2}, "line 1: alpha: Input should be less than 1"),
        ({"margin": {"ratio": 0.5, "delta": 0}}, "margin.ratio: Input should be greater than or equal to 1"),
        ({"margin": {"ratio": 1, "delta": -1}}, "margin.delta: Input should be greater than or equal to 0"),
        ({"mode": "slo", "objective": NAN}, "objective: Input should be a finite number"),
        ({"mode": "slo"}, "`objective` is missing: the share that may fail, such as 0.001"),
        ({"mode": "magic"}, "mode: Input should be 'concurrent', 'before_after' or 'slo'"),
        ({"bucket_s": -60}, "bucket_s: Input should be greater than or equal to 0.001"),
        ({"bucket_s": 1e-9}, "bucket_s: Input should be greater than or equal to 0.001"),
        ({"le": [100, 100]}, "`le` is not ascending"),
        (
            {"history": {"bucket_s": 60, "t0": -120, "total": [1, 2], "bad": [1]}},
            "2 buckets of `total`, and 1",
        ),
    ],
)
def test_a_start_that_cannot_be_meant_is_refused_and_judges_nothing(wrong, words):
    """Else a level of NaN rolled everything back, and an unknown mode was another one."""
    with pytest.raises(UsageError) as refused:
        judged({**START, **wrong})

    assert words in refused.value.message
    assert "bench/referee/README.md" in refused.value.message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ([], "expected one JSON object a line"),
        (a_delivery(NAN, arm(0, 1)), "t: Input should be a finite number"),
        (a_delivery(60, {"total": 600}), "canary: Value error, expected `bad`, or `hist`"),
        (a_delivery(60, {"total": "600", "bad": 0}), "canary.total: Input should be a valid number"),
        (a_delivery(60, {"total": 600, "hist": [1, 2]}), "expected `bad`: the start has no `le`"),
    ],
)
def test_a_delivery_that_is_not_of_the_protocol_is_refused_with_its_line(line, words):
    with pytest.raises(UsageError) as refused:
        judged(START, line)

    assert refused.value.message.startswith("line 2")
    assert words in refused.value.message


def test_a_count_without_its_histogram_is_refused_where_there_are_bounds():
    with pytest.raises(UsageError, match="line 2: expected `hist`: the start has `le`"):
        judged({**START, "le": [100, 200]}, a_delivery(60, arm(0, 600)))


@pytest.mark.parametrize(("bad", "total"), [(-1, 600), (1, -600), (1e300, 1e300), (float("inf"), 600)])
def test_what_cannot_be_counts_is_no_evidence_and_the_answer_says_so(bad, total):
    lines = [START, a_delivery(60, arm(bad, total), arm(5, 5400))]

    answer = json.loads(list(answers(json.dumps(line) for line in lines))[-1])

    assert (answer["verdict"], answer["log10_e"]) == ("continue", 0.0)
    assert "which cannot be counts" in answer["blind"]


def test_a_histogram_has_the_bounds_that_its_start_foretold():
    start = {**START, "le": [100, 300]}

    with pytest.raises(UsageError, match="line 2: `hist` has 1 counts, and `le` 2 bounds"):
        judged(start, a_delivery(60, {"total": 9, "hist": [3]}, {"total": 9, "hist": [3, 9, 9]}))


def test_a_mistake_of_ours_is_not_blamed_on_whoever_speaks_the_protocol():
    with pytest.raises(TypeError):
        list(answers([json.dumps(START)], min_buckets=None))  # type: ignore[arg-type]


numbers: st.SearchStrategy[object] = st.sampled_from(
    [0, 1, -1, 600, 0.5, 1e9, 1e308, 10**400, NAN, float("inf"), None, "600", True, []]
)
odd = st.recursive(
    numbers, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["total", "bad", "hist"]), inner), max_leaves=5
)  # fmt: skip
starts = st.fixed_dictionaries(
    {},
    optional={
        **{key: odd for key in START if key != "type"},
        "mode": st.sampled_from(["slo", "concurrent", "before_after", "magic"]),
        "objective": numbers,
        "le": st.lists(numbers, max_size=3),
        "counters": st.booleans(),
        "horizon_s": st.sampled_from([1e-9, 59, 60, 86400]),
        "alpha": st.sampled_from([1e-300, 0.001, 0.5, 0.999999]),
        "min_buckets": numbers,
    },
).map(lambda told: {**START, **told})
arms = st.fixed_dictionaries(
    {}, optional={"total": numbers, "bad": numbers, "hist": st.lists(numbers, max_size=4)}
)
deliveries = st.builds(a_delivery, st.sampled_from([60, 120, 180.5, 0, -60, NAN]), arms, arms | st.none())


@settings(max_examples=300)
@given(starts, st.lists(deliveries | odd, max_size=4))
def test_whatever_is_said_it_is_judged_or_refused_with_its_line(start, said):
    lines = [json.dumps(each) for each in (start, *said)]

    found: list[str] = []
    try:
        found += answers(lines)
    except UsageError as refused:
        found.append(refused.message)

    assert found[-1].startswith("line ") or len(found) == len(lines)
