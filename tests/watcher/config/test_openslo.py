"""An OpenSLO document in the place of a rule file, before the providers that there are."""

import pytest

from rules.model import Slo
from tests.docs.pages import PAGES, blocks
from tests.rules.rulefile.test_openslo import BOTH, changed
from watcher.config import InvalidConfiguration, lint_file
from watcher.config.registries import all_kinds


def lint(tmp_path, text):
    path = tmp_path / "slo.yaml"
    path.write_text(text, encoding="utf-8")
    return lint_file(path, all_kinds())


def test_what_it_becomes_is_a_query_that_prometheus_takes(tmp_path):
    assert [rule.id for rule in lint(tmp_path, BOTH).rules.rules] == ["web"]


def test_what_prometheus_does_not_take_is_told_in_the_line_of_openslo(tmp_path):
    with pytest.raises(InvalidConfiguration) as caught:
        lint(tmp_path, changed("query: http_requests_total", "query: 'sum(irate(x_total[${bucket}]))'"))

    assert {(problem.line, problem.path) for problem in caught.value.problems} == {
        (9, "spec.ratioMetric.good.metricSource.spec.query"),
        (11, "spec.ratioMetric.total.metricSource.spec.query"),
    }
    assert caught.value.problems[0].message == "rate() gives a speed; here counts are wanted"


def test_the_one_that_the_documents_show_is_taken(tmp_path):
    page = next(page for page in PAGES if page.name == "prometheus.md")
    (block,) = [block for block in blocks(page) if block.info == "yaml of OpenSLO"]

    (rule,) = lint(tmp_path, block.text).rules.rules
    assert (rule.name, rule.judge) == ("checkout answers", Slo(0.999, 2.0))
