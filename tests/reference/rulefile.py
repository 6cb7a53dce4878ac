"""What may stand in a rule file, and what each key means."""

from collections.abc import Iterator
from itertools import takewhile

from rules.model import FITS, PROMISES
from rules.rulefile.judges import Statistics, settings_of
from rules.rulefile.promises import _Rule
from rules.rulefile.reading import _File
from watcher.config.promises import packs as catalogued

RULES = {
    "version": "of the format",
    "parameters": "`NAME: {default: VALUE}`, or `{}` where `with:` has to give it; `{optional: true}`: where it does not, the entry that is `${NAME}` is left out; written `${NAME}` in the file",
    "indicators": "`NAME: {kind: {provider: query}}`; see [queries](settings.md#queries)",
    "rules": "what is promised: indicator + judge + consequence",
    "rules[].name": "free words: what people are told",
    "rules[].id": "what `all_of` calls it; by default made of the name",
    "rules[].indicator": "which one is judged",
    "rules[].judge": "`{judge: settings}`; see below",
    "rules[].all_of": "ids of rules that speak only through this one: breached when all of them are",
    "rules[].on_breach": "rollback | ask | doubt (a control: a rollback becomes a question) | tell. The mode can only soften it",
    "rules[].weight": "its part of `false_rollback_probability`, beside the others with a promise that roll back",
    "rules[].must_have_seen": "healthy only if this share of bad would have been found by now; 5 %, or twice the acceptable",
    "rules[].when_blind": "wait | ask. Blind never rolls back by itself",
    "rules[].statistics": "the judges' own knobs",
    "rules[].statistics.correlation": "how errors clump: auto | independent | robust | the most errors of one cause in a bucket",
    "rules[].statistics.unit": "what is counted: requests | users (behind a sticky router) | tasks",
    "rules[].statistics.routing": "random | sticky",
    "rules[].statistics.min_buckets": "one bucket never decides alone",
    "rules[].statistics.warmup": "buckets that begin within this time after the traffic came are not judged",
}
JUDGES = {
    "canary_vs_baseline.ratio": "fine while the new release's share of bad <= ratio × the old one's + plus",
    "canary_vs_baseline.plus": "see `ratio`; a share",
    "slo.objective": "fine while the share of bad <= burn_rate × (1 - objective)",
    "slo.burn_rate": "see `objective`",
    "threshold.above": "a data point beyond it is bad: a share for a ratio or a probe, a number for a value",
    "threshold.below": "the same, on the other side; one of both. A probe needs neither: any failed probe is bad",
    "threshold.bad": "breached when this many of the last `of` are bad",
    "threshold.of": "see `bad`",
    "state.for": "breached when a bad state has lasted this long, and was not bad before the release",
    "before_after.history": "how much is looked back on, 1d to 7d",
    "before_after.ratio": "as for canary_vs_baseline, against the history",
    "before_after.plus": "as for canary_vs_baseline",
    "traffic_drop.drop": "how much of its due traffic the new release may lack",
    "burn_rate.objective": "as for slo",
    "burn_rate.windows": "`[{long, short, burn}]`, up to 4, as in the SRE Workbook: breached while the share of bad is more than burn × (1 - objective) in both. No window is longer than `bake.at_most`",
    "percentile_rank.history": "how much is looked back on, up to 7d; breached when values rank too high among those of it. Asks, tells or doubts; rolls back in an `all_of` alone",
}


def entries() -> Iterator[tuple[str, object]]:
    """Every key of a rule file but the judges', with its default."""
    for prefix, model in (("", _File), ("rules[].", _Rule), ("rules[].statistics.", Statistics)):
        for name, field in model.model_fields.items():
            yield f"{prefix}{field.alias or name}", field.get_default(call_default_factory=True)


def judges() -> Iterator[tuple[str, object]]:
    """Every setting of every judge, with its default."""
    for judge in FITS:
        for name, field in settings_of(judge, None).model_fields.items():
            yield f"{judge}.{field.alias or name}", field.get_default(call_default_factory=True)


def fits() -> Iterator[tuple[str, str, str]]:
    """Each judge, what it may judge, and what it promises."""
    for judge, kinds in FITS.items():
        promise = "`false_rollback_probability`" if judge in PROMISES else "nothing, and it says so"
        yield f"`{judge}`", ", ".join(sorted(kinds)), promise


def packs() -> Iterator[tuple[str, str]]:
    """Each rule pack, and the first sentence that it says of itself."""
    for name, path in catalogued().items():
        comment = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
        words = " ".join(line.removeprefix("#").strip() for line in comment)
        yield f"`{name}`", words.partition(". ")[0]
