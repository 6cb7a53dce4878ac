"""Rules: what is promised of which indicator, how it is judged, and what a breach leads to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from rules.document import Mistakes, Node, quoted, unknown
from rules.duration import Share, share_text
from rules.errors import Malformed
from rules.model import COMPARES, FITS, PROMISES, Consequence, Indicator, Judge, Rule, Slo, WhenBlind
from rules.rulefile.judges import Positive, Statistics, settings_of
from rules.rulefile.templates import NAME

_SEEN = Rule("", "", Consequence.TELL).must_have_seen  # the default
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_MEASURED = ("indicator", "judge")
_ONLY_OF_MEASURED = ("must_have_seen", "statistics", "when_blind")


def _inside(value: float) -> float:
    if not 0 < value < 1:
        raise Malformed(
            "must be more than 0 % and less than 100 %", remedy="write an effect worth seeing, such as 5%"
        )
    return value


def _several(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < max(2, len(names)):
        raise Malformed("expected at least two rules, each once", remedy="name each rule once, by its id")
    return names


class _Rule(BaseModel):
    """A rule as it is written; its judge is read apart, for it has kinds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\n\r]*$")]
    id: Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")] | None = None
    indicator: str | None = None
    judge: Any = None
    all_of: Annotated[tuple[str, ...], AfterValidator(_several)] | None = None
    on_breach: Consequence
    weight: Positive = 1.0
    must_have_seen: Annotated[Share, AfterValidator(_inside)] | None = None
    when_blind: WhenBlind = WhenBlind.WAIT
    statistics: Statistics = Statistics()


@dataclass(frozen=True, slots=True)
class _Read:
    """A rule, and where it stands."""

    rule: Rule
    node: Node


def read_promises(
    section: Node, indicators: Mapping[str, Indicator | None], mistakes: Mistakes
) -> tuple[tuple[Rule, ...], dict[str, Node]]:
    """The rules that could be read, and where each of them stands, by id.

    Args:
        section: The list at ``rules:``.
        indicators: By id; a rule about one that could not be read is not blamed for it.
        mistakes: Gets what is wrong.
    """
    read = [rule for node in section.items() if (rule := _read_rule(node, indicators, mistakes))]
    _refuse_same_ids(read, mistakes)
    for each in read:
        _check_members(each, {other.rule.id: other.rule for other in read}, mistakes)
    return tuple(each.rule for each in read), {each.rule.id: each.node for each in read}


def slug(name: str) -> str:
    """The id that a rule called *name* has by default; empty if no letter of it can stand in an id."""
    word = _NOT_A_WORD.sub("-", name.lower()).strip("-")
    return (f"r-{word}" if word[:1].isdigit() else word)[:64].rstrip("-")


def _read_rule(node: Node, indicators: Mapping[str, Indicator | None], mistakes: Mistakes) -> _Read | None:
    written = mistakes.read(node, _Rule)
    judge = _read_judge(node, indicators, mistakes)
    if written is None or not _has_one_form(node, mistakes):
        return None
    name = written.id or slug(written.name)
    if not name:
        mistakes.add(node, f"no id can be made of the name {quoted(written.name)}", "add `id: …`")
    rule = Rule(
        id=name,
        name=written.name,
        on_breach=written.on_breach,
        indicator=written.indicator,
        judge=judge,
        all_of=written.all_of or (),
        weight=written.weight,
        must_have_seen=written.must_have_seen or _SEEN,
        when_blind=written.when_blind,
        statistics=written.statistics.value(),
    )
    _refuse_what_cannot_be_seen(rule, node, mistakes)
    _refuse_lonely_rank(rule, node, mistakes)
    return _Read(rule, node)


def _has_one_form(node: Node, mistakes: Mistakes) -> bool:
    """Either an indicator and its judge, or ``all_of``."""
    if node.get("all_of") is None:
        for key in _MEASURED:
            if node.get(key) is None:
                mistakes.add(node, f'"{key}" is missing', f"add `{key}: …`, or `all_of: […]` instead of both")
        return all(node.get(key) is not None for key in _MEASURED)
    extra = [entry for key, entry in node.entries() if key in (*_MEASURED, *_ONLY_OF_MEASURED)]
    for entry in extra:
        mistakes.add(entry.key, "has no meaning beside `all_of`", "remove it; the members have their own")
    return not extra


def _read_judge(node: Node, indicators: Mapping[str, Indicator | None], mistakes: Mistakes) -> Judge | None:
    indicator = _indicator_of(node, indicators, mistakes)
    where = node.get("judge")
    chosen = where and mistakes.kind(where, "judge", FITS)
    if not chosen:
        return None
    if indicator and indicator.kind not in FITS[chosen.kind]:
        fitting = sorted(judge for judge, kinds in FITS.items() if indicator.kind in kinds)
        message = f"{chosen.kind} does not fit {quoted(indicator.id)}, which is of the kind {indicator.kind}"
        mistakes.add(chosen.at, message, f"what fits: {', '.join(fitting)}")
        return None
    if indicator and chosen.kind in COMPARES and not indicator.compares_arms:
        message = f"{chosen.kind} compares two arms, and the query of {quoted(indicator.id)} does not tell them apart"
        mistakes.add(chosen.at, message, "name the arm in the query, such as ${arm.version}")
    settings = mistakes.read(chosen.settings, settings_of(chosen.kind, indicator.kind if indicator else None))
    return settings.judge() if settings else None


def _indicator_of(
    node: Node, indicators: Mapping[str, Indicator | None], mistakes: Mistakes
) -> Indicator | None:
    where = node.get("indicator")
    if where is None or not isinstance(where.content, str):
        return None
    if where.content not in indicators:
        mistakes.add(where, *unknown("indicator", where.content, indicators))
    return indicators.get(where.content)


def _refuse_what_cannot_be_seen(rule: Rule, node: Node, mistakes: Mistakes) -> None:
    """``must_have_seen`` is an effect beyond the margin; one inside of it is never found, and the rule never healthy."""
    written, where = node.get("must_have_seen"), node.get("judge")
    if rule.judge is None or where is None:
        return
    if rule.judge.kind not in PROMISES:
        if written:
            mistakes.add(
                written, f"has no meaning with {rule.judge.kind}, which promises nothing", "remove it"
            )
        return
    acceptable = _acceptable(rule.judge)
    if rule.must_have_seen <= acceptable:
        mistakes.add(
            written or where,
            f"an effect of {share_text(rule.must_have_seen)} is acceptable here, up to {share_text(acceptable)}, and would never be seen",
            f"write `must_have_seen: {share_text(min(2 * acceptable, (1 + acceptable) / 2))}`, or promise more",
        )


def _acceptable(judge: Judge) -> float:
    """The share of bad that is fine whatever the other arm or the past did."""
    if isinstance(judge, Slo):
        return round(judge.burn_rate * (1 - judge.objective), 12)
    return getattr(judge, "plus", 0.0)


def _refuse_lonely_rank(rule: Rule, node: Node, mistakes: Mistakes) -> None:
    if (
        rule.judge is not None
        and rule.judge.kind == "percentile_rank"
        and rule.on_breach is Consequence.ROLLBACK
    ):
        mistakes.add(
            node.get("on_breach") or node,
            "percentile_rank promises nothing, and does not roll back alone",
            "write `on_breach: ask`, or name it in an `all_of`",
        )


def _refuse_same_ids(read: list[_Read], mistakes: Mistakes) -> None:
    lines: dict[str, int] = {}
    for each in read:
        first = lines.setdefault(each.rule.id, each.node.at.line)
        if first != each.node.at.line:
            where = each.node.get("id") or each.node.get("name") or each.node
            mistakes.add(
                where,
                f"the id {quoted(each.rule.id)} is taken by the rule in line {first}",
                "add an `id:` of its own",
            )


def _check_members(each: _Read, rules: Mapping[str, Rule], mistakes: Mistakes) -> None:
    """``all_of`` names rules that measure, each once, and one of them does more than rank."""
    where = each.node.get("all_of")
    if where is None:
        return
    for member in where.items():
        name = str(member.content)
        if name not in rules:
            mistakes.add(member, *unknown("rule", name, set(rules) - {each.rule.id}))
        elif rules[name].all_of:
            mistakes.add(member, f"{quoted(name)} is itself an `all_of`", "name rules that have an indicator")
    judges = [rules[name].judge for name in each.rule.all_of if name in rules]
    if (
        each.rule.on_breach is Consequence.ROLLBACK
        and judges
        and all(judge and judge.kind == "percentile_rank" for judge in judges)
    ):
        mistakes.add(
            where,
            "ranks alone promise nothing, and do not roll back",
            "add a rule of another judge, or `on_breach: ask`",
        )
