"""How many judgements a second one core makes, and what a bucket costs by the form of its rule. See ``bench.judgement``."""

from collections.abc import Callable
from time import process_time

from bench.figure import Figure
from bench.judgement import (
    BUCKETS,
    FORMS,
    Form,
    a_brief,
    four_rules,
    judged,
    reference_judge,
    rounds,
    stepped,
    traffic,
)

RUNS = 5
RULES = 4  # of the watch in `four_rules`


def figures() -> list[Figure]:
    """Judgements with evidence read and written; and for each form the judge alone, beside the reference's."""
    watch = [RULES / seconds(four_rules) for _ in range(RUNS)]
    return [
        Figure("judgements of a watch of four rules, evidence read and written", "/s", watch),
        *(figure for form in FORMS for figure in _of_form(form)),
    ]


def _of_form(form: Form) -> list[Figure]:
    brief, buckets = a_brief(form), traffic(form)
    reference = reference_judge() if form.counterpart is not None else None
    whole, alone, ratios = [], [], []
    for _ in range(RUNS):
        whole.append(seconds(lambda: rounds(brief, buckets)) * 1e6)
        alone.append(seconds(lambda: judged(brief, buckets)) * 1e6)
        if reference is not None:
            ratios.append(alone[-1] / (seconds(lambda: stepped(reference, form, buckets)) * 1e6))
    found = [
        Figure(f"a bucket and rule, {form.name}: a whole round", "µs", whole),
        Figure(f"a bucket and rule, {form.name}: the judge", "µs", alone),
    ]
    return (
        [*found, Figure(f"{form.name}: the judge over the reference judge", "×", ratios)] if ratios else found
    )


def seconds(run: Callable[[], None]) -> float:
    """CPU seconds of *run*, a bucket."""
    begun = process_time()
    run()
    return (process_time() - begun) / BUCKETS
