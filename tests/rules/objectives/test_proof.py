from itertools import product
from math import exp, log

import pytest

from rules.brief import Margin, PassEarly
from rules.evidence import decode_brief, decode_evidence, encode_brief, encode_evidence
from rules.model import (
    BeforeAfter,
    CanaryVsBaseline,
    Consequence,
    Kind,
    Slo,
    Statistics,
    Threshold,
    TrafficDrop,
)
from rules.objectives import proof
from rules.objectives.eprocess import log_mean
from rules.objectives.factors import Pair, of_an_error
from rules.objectives.proof import below, compared, is_provable
from rules.sample import Bucket, Value
from tests.rules.building import (
    INDEPENDENT,
    NOON,
    a_bucket,
    a_history,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)

TWICE = PassEarly(Margin(2.0, 0.001), 0.05)
INDEPENDENTLY = Statistics(correlation="independent")


def binomial(chances):
    """The distribution of the number of bad among requests of these chances."""
    found = [1.0]
    for chance in chances:
        found = [
            (found[bad] if bad < len(found) else 0.0) * (1 - chance)
            + (found[bad - 1] * chance if bad else 0.0)
            for bad in range(len(found) + 1)
        ]
    return found


def mean(mine, beside, factors):
    """Of the factor of each effect, over all outcomes of both arms."""
    sums = [0.0] * len(proof.BETTER)
    for (bad, p1), (beside_bad, p0) in product(enumerate(binomial(mine)), enumerate(binomial(beside))):
        for place, by in enumerate(factors(bad, beside_bad)):
            sums[place] += p1 * p0 * exp(by)
    return max(sums)


# ------------------------------------------------------------------------------------------------ what is exact


@pytest.mark.parametrize("worst", [Margin(1.0, 0.1), Margin(2.0, 0.0), Margin(2.0, 0.01), Margin(1.5, 0.2)])
@pytest.mark.parametrize("p0", [0.0, 0.02, 0.3])
@pytest.mark.parametrize(("n1", "n0"), [(6, 2), (1, 9), (5, 5)])
def test_a_comparison_proves_nothing_on_average_where_the_release_is_as_bad_as_that(worst, p0, n1, n0):
    p1 = worst.allows(p0)

    def factors(bad, beside_bad):
        return compared(Pair(n1, bad, n0, beside_bad), worst, 1.0)

    assert mean([p1] * n1, [p0] * n0, factors) <= 1 + 1e-12
    assert mean([min(1.0, 1.3 * p1)] * n1, [p0] * n0, factors) <= 1 + 1e-12


def test_requests_that_differ_prove_no_more():
    worst = Margin(2.0, 0.01)

    def factors(bad, beside_bad):
        return compared(Pair(6, bad, 4, beside_bad), worst, 1.0)

    assert mean([0.0, 0.0, 0.0, 0.21, 0.21, 0.84], [0.0, 0.0, 0.1, 0.3], factors) <= 1 + 1e-12


@pytest.mark.parametrize("worst", [0.003, 0.05, 0.4])
def test_an_objective_proves_nothing_on_average_at_its_worst(worst):
    def factors(bad, _):
        return below(8, bad, worst, 1.0)

    assert mean([worst] * 8, [], factors) <= 1 + 1e-12
    assert mean([0.0] * 4 + [2 * worst] * 4, [], factors) <= 1 + 1e-12


@pytest.mark.parametrize("due", [0.04, 0.5, 0.9])
def test_traffic_proves_nothing_on_average_where_as_much_is_missing_as_may(due):
    """A quarter of what is due, of eight requests."""
    rule = a_rule(TrafficDrop(0.25), statistics=Statistics(min_buckets=1))
    watch = a_watch(rule, indicators=[an_indicator(kind=Kind.REQUESTS)])
    case, nothing = watch.brief.cases["errors"], watch.evidence.memories["errors"]
    sums = [0.0] * len(proof.BETTER)
    for here, chance in enumerate(binomial([0.75 * due] * 8)):
        bucket = Bucket(NOON, noon(1), counts(0, here), counts(0, 8 - here), share=due)
        for place, by in enumerate(proof.grown(TWICE, case, nothing, bucket)):
            sums[place] += chance * exp(by)

    assert max(sums) <= 1 + 1e-12
    assert min(sums) >= 1 - 1e-12  # it is as bad as that, and not worse


@pytest.mark.parametrize("phi", [1.0, 2.0, 5.0, 20.0, 100.0])
def test_clumps_of_any_size_that_phi_stands_for_prove_nothing(phi):
    """Clumps come as a Poisson process; what one may weigh follows from the mean of exp(b C), and of C alone."""
    for size in (0.01, 0.15, 0.5, 0.85, 0.99, 1.01, 1.2, 3.0, 10.0):
        b = log(size) / phi if size < 1 else of_an_error(size, log(size), phi)
        mean_size = (phi + 1) / 2
        largest = (exp(b * phi) - 1) / phi  # each of phi errors
        geometric = (exp(b) - 1) / (1 - (1 - 1 / mean_size) * exp(b)) / mean_size

        assert largest <= (size - 1) / phi + 1e-12
        assert geometric <= (size - 1) / phi + 1e-12


# ------------------------------------------------------------------------------------------------ in a watch

GOOD = (counts(6, 6000), counts(54, 54000))


def compared_to(early=TWICE, *more, **setting):
    rules = (a_rule(CanaryVsBaseline(), statistics=INDEPENDENTLY), *more)
    return a_watch(*rules, early=early, **setting)


def test_a_release_that_is_well_is_proven_so_and_it_is_said():
    """At 10 requests a second of its own, and 0.1 % that fail anyway."""
    watch = compared_to()
    pairs = [(counts(minute % 2, 600), counts(5, 5400)) for minute in range(10)]
    judgements = [watch.sees([pair], first=minute) for minute, pair in enumerate(pairs)]

    assert [each.proven for each in judgements].index(True) == 6
    assert watch.verdict().proven
    assert watch.verdict().words.endswith("; proven less than 2 times the old version's and 0.1 %")


def test_where_it_is_not_asked_for_nothing_is_proven_and_nothing_remembered():
    watch = compared_to(None)

    assert watch.sees([GOOD] * 30).proven is False
    assert watch.evidence.memories["errors"].proof == ()


def test_one_bucket_never_proves_anything_alone():
    watch = compared_to()
    huge = (counts(6000, 6e6), counts(54000, 54e6))

    assert watch.sees([huge]).proven is False
    assert watch.sees([huge], first=1).proven is True


def test_a_release_that_is_twice_as_bad_is_not_proven():
    watch = compared_to()
    twice = (
        counts(18, 6000),
        counts(54, 54000),
    )  # acceptable is 1.5 times and 0.05 %; it is not found at once

    assert watch.sees([twice] * 3).proven is False
    assert log_mean(watch.evidence.memories["errors"].proof) < 0


def test_what_gets_worse_takes_its_proof_back():
    watch = compared_to()
    watch.sees([GOOD] * 4)

    assert watch.verdict().proven
    assert watch.sees([(counts(30, 6000), counts(54, 54000))], first=4).proven is False


def test_a_comparison_that_is_over_stays_proven_and_says_that_it_is_over():
    watch = compared_to()
    watch.sees([GOOD] * 4)
    watch.sees([(counts(60, 60000), None)] * 7, first=4)

    assert (watch.verdict().spent, watch.verdict().proven) == (True, True)
    assert watch.verdict().words == "nothing serves beside the new release any more: the comparison is over"


def test_every_rule_that_acts_has_to_be_proven():
    slow = a_rule(CanaryVsBaseline(), "slow", statistics=INDEPENDENTLY)
    ready = a_rule(Threshold(above=0.5), "ready", "slow")
    told = a_rule(Threshold(above=0.5), "told", "slow", Consequence.TELL)

    def proven(*rules):
        watch = compared_to(TWICE, *rules)
        for minute in range(10):
            readings = {
                name: (series(a_bucket(minute, *GOOD), name=name),)
                for name in ("errors", "slow")
                if name in watch.brief.beats
            }
            watch.reads(noon(minute + 1), **readings)
        return watch.last.judgement.proven

    assert proven(slow) is True
    assert proven(slow, told) is True
    assert proven(slow, ready) is False


def test_of_all_of_every_member_has_to_be_proven():
    both = a_rule(None, "both", all_of=("errors", "points"))
    with_promise = a_rule(Slo(0.99), "points", "errors", statistics=INDEPENDENTLY)
    without = a_rule(Threshold(above=0.5), "points", "errors")

    assert compared_to(TWICE, with_promise, both).sees([GOOD] * 10).proven is True
    assert compared_to(TWICE, without, both).sees([GOOD] * 10).proven is False


def test_an_objective_is_proven_in_its_own_terms():
    watch = a_watch(a_rule(Slo(0.999), statistics=INDEPENDENTLY), early=TWICE)

    assert watch.sees([(counts(3, 6000), None)]).proven is False
    assert watch.sees([(counts(3, 6000), None)], first=1).proven is True
    assert watch.verdict().words.endswith("; proven below 0.3 %")


def test_the_bounds_of_a_latency_are_proven_each():
    watch = a_watch(
        a_rule(Slo(0.9), statistics=INDEPENDENTLY),
        indicators=[an_indicator(kind=Kind.LATENCY, bounds=(0.3, 1.0))],
        early=PassEarly(Margin(1.0, 0.01), 0.05),
    )

    def seen(minute, slow, slower):
        one = series(a_bucket(minute, counts(slow, 600)), bound=0.3)
        return watch.reads(
            noon(minute + 1), errors=(one, series(a_bucket(minute, counts(slower, 600)), bound=1.0))
        )

    assert [seen(minute, 58, 1).proven for minute in range(5)] == [False] * 5
    assert [seen(minute, 10, 1).proven for minute in range(5, 9)][-1] is True


def test_a_release_that_gets_its_share_of_the_traffic_is_proven():
    rule = a_rule(TrafficDrop(), "traffic")
    watch = a_watch(rule, indicators=[an_indicator("traffic", Kind.REQUESTS)], early=TWICE)
    for minute in range(4):
        bucket = Bucket(noon(minute), noon(minute + 1), counts(0, 60), counts(0, 540), share=0.1)
        watch.reads(noon(minute + 1), traffic=(series(bucket, name="traffic"),))

    assert watch.last.judgement.proven
    assert watch.verdict("traffic").words.endswith("; proven more than 50 % of its share")


def test_errors_that_may_clump_at_will_prove_nothing_until_it_is_known_how_they_do():
    robust = a_watch(a_rule(CanaryVsBaseline(), statistics=Statistics(correlation="robust")), early=TWICE)
    known = a_watch(a_rule(CanaryVsBaseline()), early=TWICE, histories={"errors": (a_history(INDEPENDENT),)})
    learning = a_watch(a_rule(CanaryVsBaseline()), early=TWICE)

    assert robust.sees([GOOD] * 30).proven is False
    assert not is_provable(robust.brief.cases["errors"].rule, ())
    assert known.sees([GOOD] * 10).proven is True
    assert [learning.sees([GOOD] * 10, first=first).proven for first in (0, 10)] == [False, True]


def test_where_more_was_slow_than_there_was_all_was():
    kind = an_indicator(kind=Kind.LATENCY, bounds=(0.3,))
    watch = a_watch(a_rule(Slo(0.9), statistics=INDEPENDENTLY), indicators=[kind], early=TWICE)
    ((key, case),), memories = watch.brief.cases.items(), watch.evidence.memories
    more, all_of_it = (
        proof.grown(TWICE, case, memories[key], a_bucket(0, counts(bad, 600))) for bad in (900, 600)
    )

    assert more == all_of_it


def test_buckets_of_one_arm_or_without_a_share_prove_nothing():
    case = compared_to().brief.cases["errors"]
    traffic = a_watch(a_rule(TrafficDrop()), indicators=[an_indicator(kind=Kind.REQUESTS)])
    nothing = compared_to().evidence.memories["errors"]

    for bucket in (
        a_bucket(0, counts(0, 9)),
        a_bucket(0, counts(0, 0), counts(0, 9)),
        a_bucket(0, Value(1.0)),
    ):
        assert set(proof.grown(TWICE, case, nothing, bucket)) == {0.0}
    unshared = a_bucket(0, counts(0, 9), counts(0, 9))
    assert set(proof.grown(TWICE, traffic.brief.cases["errors"], nothing, unshared)) == {0.0}


def test_what_is_proven_survives_being_written_down():
    watch = compared_to()
    watch.sees([GOOD] * 3)

    assert decode_brief(encode_brief(watch.brief)).early == TWICE
    assert decode_evidence(encode_evidence(watch.evidence)) == watch.evidence


@pytest.mark.parametrize(
    ("judge", "provable"),
    [
        (CanaryVsBaseline(), True),
        (Slo(0.99), True),
        (TrafficDrop(), True),
        (BeforeAfter(), False),
        (Threshold(), False),
    ],
)
def test_some_judges_can_prove_that_a_release_is_well(judge, provable):
    rule = a_rule(judge)
    both = a_rule(None, "both", all_of=("errors", "other"))

    assert is_provable(rule, ()) is provable
    assert is_provable(both, (rule, a_rule(Slo(0.99), "other"))) is provable
