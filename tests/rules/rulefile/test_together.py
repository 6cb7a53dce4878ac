"""Several files of one service, and the canonical form of what they promise."""

from pathlib import Path

import pytest

from rules.canonical import canonical, digest
from rules.document import Place
from rules.errors import InvalidRules
from rules.model import RuleSet
from rules.rulefile import combined, lint_rules
from tests.rules.rulefile.sample import EVERYTHING, WITH, a_rule, read


def test_all_files_of_a_service_promise_together():
    one, other = (
        read(a_rule("{slo: {objective: 99%}}")),
        read(
            WITH.replace("errors", "e").replace("health", "h").replace("name: it", "name: that"), "{host: a}"
        ),
    )
    place = Place("rollbackd.yaml", 1, 1)

    whole = combined([(place, one), (place, other)])

    assert [rule.id for rule in whole.rules] == ["it", "that"]
    assert len(whole.indicators) == 10


def test_two_files_of_a_service_do_not_share_names():
    file = read(a_rule("{slo: {objective: 99%}}"))
    place = Place("rollbackd.yaml", 7, 11)

    with pytest.raises(InvalidRules) as refused:
        combined([(Place("rollbackd.yaml", 6, 11), file), (place, file)])

    assert str(refused.value.problems[-1]) == (
        'rollbackd.yaml:7:11: the rule "it" is in another file of this service too\n    try: rename one rule'
    )


def test_the_canonical_form_does_not_depend_on_how_a_file_is_written():
    one = read(a_rule("{state: {for: 1m30s}}", "alarm")).rules
    other = read(a_rule("{state: {for: 90s}}   ", "alarm").replace("url: x, over", "url:   'x', over")).rules

    assert canonical(one) == canonical(other)
    assert digest(one) == digest(other)
    assert '"lasting":"1m30s"' in canonical(one)


def test_another_promise_has_another_hash():
    assert digest(read(a_rule("{slo: {objective: 99%}}")).rules) != digest(
        read(a_rule("{slo: {objective: 98%}}")).rules
    )


def test_the_files_that_the_documentation_shows_are_clean():
    for path in (Path(__file__).parents[2] / "examples" / "rules").glob("*.yaml"):
        lint_rules(path.read_text(encoding="utf-8"), path.name, EVERYTHING)


def test_an_indicator_that_a_rule_set_does_not_have_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        RuleSet((), ()).indicator("errors")
