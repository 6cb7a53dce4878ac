"""An expression that shows that it gives several series is refused when its file is checked, and not once it is read."""

from pathlib import Path

import pytest

from rules.errors import Malformed
from watcher.config import InvalidConfiguration, lint_file
from watcher.config.registries import all_kinds
from watcher.signals.prometheus.expressions import check

LINES = '(count_over_time({app="shop"%s} |= "by (x)" [${bucket}]))'
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      KIND:
        total_expr: 'TOTAL'
        bad_expr: 'BAD'
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


@pytest.mark.parametrize(
    "text",
    [
        "sum by (version)" + LINES % "",
        "sum by (version)" + LINES % ',version=~"v1|${arm.version}"',
        "sum" + LINES % "" + " by (version, level)",
        'sum(increase(x_total{code="500"}[${bucket}])) by(code, pod) + sum(y)',
    ],
)
def test_a_label_that_nothing_holds_gives_a_series_for_each_value(text):
    with pytest.raises(Malformed, match="it gives several series, and one is needed") as told:
        check(text)

    assert "out, or select one value of it" in told.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "sum" + LINES % "",
        "sum by (version)" + LINES % ',version="${arm.version}"',
        "sum(sum by (version)" + LINES % "" + ")",
        "sum by ()" + LINES % "",
        "sum by (app) (a) / on () sum(b)",
    ],
)
def test_one_that_may_give_one_is_the_servers_to_answer(text):
    assert check(text) == text


@pytest.mark.parametrize(
    ("kind", "count"),
    [("loki", LINES % ""), ("prometheus", '(increase(x_total{app="shop"}[${bucket}]))')],
)
def test_it_is_told_at_its_place(tmp_path: Path, kind: str, count: str):
    path = tmp_path / "shop.yaml"
    text = RULES.replace("KIND", kind).replace("TOTAL", f"sum{count}")
    path.write_text(text.replace("BAD", f"sum by (level){count}"))

    with pytest.raises(InvalidConfiguration) as told:
        lint_file(path, all_kinds())

    (problem,) = told.value.problems
    assert (problem.line, problem.column) == (7, 19)
    assert problem.path.endswith("bad_expr")
    assert "grouped by level" in problem.message
