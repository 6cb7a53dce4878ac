"""Whatever a provider answers and a rule says, evidence stays a number, and no judge fails."""

from math import isfinite

from hypothesis import example, given
from hypothesis import strategies as st

from rules.model import CanaryVsBaseline, Judge, Kind, Slo, Statistics
from rules.objectives.registry import judge_of
from rules.sample import Counts
from tests.rules.building import a_bucket, a_case

# What `assemble` lets through: from less than nothing (an extrapolation's crumbs) to more than any service answers.
numbers = st.sampled_from([0.0, 5e-324, 1e-300, 1e-12, 0.3, 1.0, 2.0, 17.0, 1e3, 1e9, 1e15])
counts = st.builds(Counts, numbers, numbers)
judges = st.one_of(
    st.builds(CanaryVsBaseline, st.sampled_from([1.0, 1.5, 1e6]), st.sampled_from([0.0, 0.0005, 0.999999])),
    st.builds(Slo, st.sampled_from([0.0, 0.5, 0.999, 1 - 1e-12]), st.sampled_from([1e-300, 0.9, 1.0])),
)
knobs = st.builds(
    Statistics,
    correlation=st.sampled_from(["auto", "independent", "robust", 1.0, 7.3, 1e9, 1e300]),
    min_buckets=st.sampled_from([1, 2, 3, 50]),
)
CRUMBS = [Counts(17.0, 1e-300), Counts(17.0, 1e-12)] * 8


@given(
    st.sampled_from([Kind.RATIO, Kind.LATENCY, Kind.PROBE]),
    judges,
    knobs,
    st.lists(counts, max_size=40),
    st.lists(st.tuples(counts, st.none() | counts), min_size=1, max_size=16),
    st.sampled_from([0.3, 0.001, 1e-12]),
)
@example(
    Kind.RATIO, CanaryVsBaseline(), Statistics(), CRUMBS * 3, [(Counts(1.0, 9.0), Counts(1.0, 9.0))], 0.001
)
@example(Kind.RATIO, CanaryVsBaseline(), Statistics(), [], [(each, each) for each in CRUMBS], 0.001)
def test_evidence_is_finite_after_any_buckets(
    kind: Kind,
    judge: Judge,
    knobs: Statistics,
    history: list[Counts],
    buckets: list[tuple[Counts, Counts | None]],
    alpha: float,
):
    case = a_case(
        judge,
        kind,
        bound=0.3 if kind is Kind.LATENCY else None,
        statistics=knobs,
        history=[(each.total, each.bad) for each in history],
        alpha=alpha,
    )
    memory = judge_of(case).start(case)
    for minute, (canary, baseline) in enumerate(buckets):
        memory = judge_of(case).advance(case, memory, a_bucket(minute, canary, baseline))

        process = memory.process
        assert isfinite(case.cap)
        assert all(isfinite(each) for each in (process.log_e, process.information, *process.weights))
