"""``rollbackd replay``: rules over recorded samples: which deployments would have been rolled back, when, and how wrongly."""

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from rules.document import Node, read_document
from rules.document.early import read_early
from rules.duration import duration_text, parse_share
from rules.errors import InvalidRules, Malformed
from rules.model import BeforeAfter, PercentileRank, RuleSet
from watcher.commands._client import at, client
from watcher.commands._duration import SECONDS, seconds
from watcher.commands._replay.deployments import Deployment, made_up, read_deployments
from watcher.commands._replay.page import NoPictures, ended, page, picture, release
from watcher.commands._replay.playing import Replayed, Terms, replay
from watcher.commands._replay.samples import Samples, UnreadableSamples, read_samples
from watcher.commands._replay.stored import judged_again
from watcher.commands._replay.summary import as_data, summed_up, words
from watcher.commands._rules import rules_at
from watcher.commands._screen import as_json, data, line, say, table
from watcher.core.service import Bake
from watcher.runtime.case import HISTORY

_USUAL = Bake()
_WIDE = 72  # characters of a reason in the table


class _Each(click.ParamType[tuple[str, timedelta]]):
    """``1m``, or ``NAME=1m`` for one indicator."""

    name = "[indicator=]duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, timedelta]:
        name, _, text = str(value).rpartition("=")
        try:
            return name, timedelta(seconds=seconds(text))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Share(click.ParamType[float]):
    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return parse_share(str(value))
        except Malformed as malformed:
            self.fail(f"{malformed}: {malformed.remedy}", param, ctx)


_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("rules", type=_PATH, required=False)
@click.option(
    "--watch", "watch", help="Judge a watch of the running daemon once more: the numbers must be the same."
)
@click.option("--samples", "files", multiple=True, type=_PATH, help="What was recorded: .csv, or JSON lines. Several are one.")  # fmt: skip
@click.option("--with", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the rule file.")
@click.option(
    "--deployments", type=_PATH, help="The deployments that there were: CSV with at, from, to, bad."
)
@click.option("--made-up", "many", type=click.IntRange(1, 10_000), help="So many moments at random, at which nothing was deployed: every rollback there is a wrong one.")  # fmt: skip
@click.option("--seed", default=1, show_default=True, help="Of the random moments.")
@click.option("--spoil", type=_Share(), default=0.0, help="From each deployment on this share of what went well fails: how soon is it found?")  # fmt: skip
@click.option("--bucket", "buckets", multiple=True, type=_Each(), help="How long a bucket is; else what the recording shows.")  # fmt: skip
@click.option("--settle", "settles", multiple=True, type=_Each(), help="How long after its end a bucket was final (0s).")  # fmt: skip
@click.option("--history", type=SECONDS, help="So much before each deployment is looked at; else as in the daemon: 1d, or what a rule says.")  # fmt: skip
@click.option("--at-least", type=SECONDS, default=duration_text(_USUAL.at_least), show_default=True, help="As `bake`.")  # fmt: skip
@click.option("--at-most", type=SECONDS, default=duration_text(_USUAL.at_most), show_default=True, help="As `bake`.")  # fmt: skip
@click.option("--false-rollback-probability", "alpha", type=_Share(), default=0.001, show_default=True, help="As in the configuration.")  # fmt: skip
@click.option("--pass-early", "early", default="off", show_default=True, metavar="true|{...}", help="As `bake`: `true`, or what has to be proven, such as '{worse_than: {ratio: 2}, miss_probability: 1%}'.")  # fmt: skip
@click.option("--html", type=_PATH, help="Write the report there: one page that needs nothing else.")
@click.option("--png", type=_PATH, help="Write the picture there (extra `plot`).")
@as_json
def command(  # noqa: PLR0917 - options
    rules: Path | None,
    watch: str | None,
    files: tuple[Path, ...],
    given: tuple[str, ...],
    deployments: Path | None,
    many: int | None,
    seed: int,
    spoil: float,
    buckets: tuple[tuple[str, timedelta], ...],
    settles: tuple[tuple[str, timedelta], ...],
    history: float | None,
    at_least: float,
    at_most: float,
    alpha: float,
    early: str,
    html: Path | None,
    png: Path | None,
    as_json: bool,
) -> None:
    """Judge recorded SAMPLES by RULES, as the daemon would have: the same judges, the same defaults.

    A sample is a line with `end` (ISO 8601, or seconds since 1970), `indicator`, and `total` and `bad` (or `value`, or
    `state` and `is_bad`); `release` where releases are told apart, `bound` in seconds for a latency.

    Exit status 1 if a good release would have been rolled back, or a bad one gone unnoticed, or if
    the watch comes out differently; 2 if a file has a mistake.
    """
    if watch is not None:
        raise SystemExit(_again(watch, as_json=as_json))
    if rules is None or not files:
        raise click.UsageError("say which RULES, and what was recorded: --samples FILE; or --watch ID")
    if not 0 < alpha < 1 or not 0 <= spoil < 1 or at_least > at_most:
        raise click.UsageError(
            "--false-rollback-probability and --spoil are shares below 1, --at-least is no longer than --at-most"
        )
    try:
        promised = rules_at(rules, _given(given))
        lengths = _lengths(buckets, promised)
        if not all(lengths.values()):
            raise click.UsageError("--bucket: a bucket lasts longer than 0s")
        samples = read_samples(files, promised, lengths, lengths.get(""))
        final = _lengths(settles, promised)
        terms = Terms(
            rules=promised,
            bake=Bake(
                timedelta(seconds=at_least),
                timedelta(seconds=at_most),
                pass_early=read_early(early, "--pass-early"),
            ),
            false_rollback_probability=alpha,
            settles={
                each.id: final.get(each.id, final.get("", timedelta(0))) for each in promised.indicators
            },
            histories={each.id: _history(each.id, history, promised) for each in promised.indicators},
            spoilt=spoil,
        )
        played = tuple(_replayed(_chosen(deployments, many, seed, samples, terms), samples, terms))
        title = f"{rules.name} over {_span(samples)}"
        if html is not None:
            html.write_text(page(title, played, summed_up(played, promised)), encoding="utf-8")
        if png is not None:
            png.write_bytes(picture(title, played))
    except InvalidRules as invalid:
        say(str(invalid))
        raise SystemExit(2) from None
    except (UnreadableSamples, NoPictures) as refused:
        say(f"{refused}\n    try: {refused.remedy}")
        raise SystemExit(2) from None
    except OSError as error:
        say(f"the report cannot be written: {error}\n    try: name a file in a folder that is there")
        raise SystemExit(2) from None
    _told(played, promised, as_json=as_json)
    raise SystemExit(1 if any(each.is_wrong or each.is_missed for each in played) else 0)


def _again(watch: str, *, as_json: bool) -> int:
    """Judge a stored watch again, and say whether anything differs; the exit status."""
    try:
        again = judged_again(client().get(at("v1", "watches", watch, "record")))
    except UnreadableSamples as refused:
        say(f"{refused}\n    try: {refused.remedy}")
        return 2
    if as_json:
        data({"same": again.is_same, **asdict(again)})
    else:
        table(
            ("rule", "buckets", "evidence"),
            [(rule.key, str(rule.buckets), "the same" if rule.same else "differs") for rule in again.rules],
        )
        line("the same, bit for bit" if again.is_same else "not the same: this version judges differently")
    return 0 if again.is_same else 1


def _given(pairs: Sequence[str]) -> Node:
    """``with:``, of the command line."""
    wrong = [pair for pair in pairs if not pair.partition("=")[1]]
    if wrong:
        raise click.UsageError(f"--with {wrong[0]}: write NAME=VALUE")
    text = "\n".join(f"{pair.partition('=')[0]}: {pair.partition('=')[2]}" for pair in pairs)
    return read_document(text or "{}", "--with")


def _lengths(pairs: Sequence[tuple[str, timedelta]], rules: RuleSet) -> dict[str, timedelta]:
    known = {indicator.id for indicator in rules.indicators}
    for name, _ in pairs:
        if name and name not in known:
            raise click.UsageError(
                f"there is no indicator {name!r}; the rules measure {', '.join(sorted(known))}"
            )
    return dict(pairs)


def _history(indicator: str, said: float | None, rules: RuleSet) -> timedelta:
    if said is not None:
        return timedelta(seconds=said)
    judges = [rule.judge for rule in rules.rules if rule.indicator == indicator]
    return max(
        [HISTORY, *(judge.history for judge in judges if isinstance(judge, (BeforeAfter, PercentileRank)))]
    )


def _chosen(
    path: Path | None, many: int | None, seed: int, samples: Samples, terms: Terms
) -> tuple[Deployment, ...]:
    if path is None and many is None:
        raise click.UsageError("say which deployments: --deployments FILE, or --made-up N")
    real = read_deployments(path) if path is not None else ()
    first, last = samples.first, samples.last
    outside = [each for each in real if not first <= each.at <= last]
    if outside:
        raise UnreadableSamples(
            f"{len(outside)} deployments are outside of what was recorded, the first at {outside[0].at:%Y-%m-%d %H:%M} UTC",
            remedy=f"recorded was {_span(samples)}",
        )
    # Half an hour of its watch has to be there; what is cut off later says so.
    more = (
        made_up(samples, many, terms.bake.at_least, max(terms.histories.values()), seed)
        if many is not None
        else ()
    )
    spoilt = terms.spoilt > 0
    return tuple(
        Deployment(each.at, each.to, each.before, True if spoilt else each.bad, each.made_up)
        for each in sorted((*real, *more), key=lambda each: each.at)
    )


def _replayed(deployments: Sequence[Deployment], samples: Samples, terms: Terms) -> Iterator[Replayed]:
    """Each in turn; how far it is is told on a terminal."""
    shown, real = sys.stderr.isatty(), sorted(each.at for each in deployments if not each.made_up)
    for number, deployment in enumerate(deployments, start=1):
        following = bisect_right(real, deployment.at)
        yield replay(deployment, samples, terms, real[following] if following < len(real) else None)
        if shown:
            click.echo(f"\r{number} of {len(deployments)}", err=True, nl=number == len(deployments))


def _span(samples: Samples) -> str:
    return f"{samples.first:%Y-%m-%d %H:%M} to {samples.last:%Y-%m-%d %H:%M} UTC"


def _told(played: Sequence[Replayed], rules: RuleSet, *, as_json: bool) -> None:
    summary = summed_up(played, rules)
    if as_json:
        data(as_data(played, summary))
        return
    table(
        ("time (UTC)", "release", "ended", "after", "why"),
        [
            (
                f"{each.deployment.at:%Y-%m-%d %H:%M}",
                release(each),
                ended(each),
                duration_text(each.after),
                each.why if len(each.why) <= _WIDE else f"{each.why[: _WIDE - 1]}…",
            )
            for each in played
        ],
        [each.ended.value for each in played],
    )
    line("")
    table(
        ("rule", "breached", "wrongly", "kept from passing"),
        [(each.name, str(each.breached), str(each.wrong), str(each.held_up)) for each in summary.rules],
    )
    line("")
    for sentence in words(summary):
        line(sentence)
