"""The alert rules and the dashboard: they name what is counted, use it rightly, and each alert has its page."""

import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from tests.examples.operations.expressions import ALERTS, DASHBOARD, OPERATIONS, PANELS, SELECTOR, targets
from watcher.core.watch import ActionState, Guard, State
from watcher.notify.notifier import Telling
from watcher.telemetry import metrics
from watcher.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
RUNBOOK = ROOT / "docs" / "runbook"
UNPACKED = ROOT / ".tools" / "prometheus" / "usr" / "bin" / "promtool"
GIVEN = {"job", "instance", "le"}  # by Prometheus, and by the exposition


def promtool() -> str:
    """Where it is: `scripts/get_prometheus.sh` fetches it."""
    found = shutil.which("promtool") or (str(UNPACKED) if UNPACKED.exists() else None)
    if found is None:
        pytest.skip("promtool is not here: scripts/get_prometheus.sh fetches it")
    return found


def checked(*words: object, fed: bytes | None = None) -> str:
    ran = subprocess.run(
        [promtool(), *map(str, words)], input=fed, capture_output=True, check=False, cwd=OPERATIONS
    )
    said = (ran.stdout + ran.stderr).decode()
    assert ran.returncode == 0, said
    return said


def expressions() -> list[str]:
    return [rule["expr"] for rule in ALERTS] + targets()


def series() -> dict[str, tuple[str, frozenset[str]]]:
    """What the page may hold: each name with its type and its labels."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for name, collector in Metrics().registry._names_to_collectors.items():
        kind, labels = getattr(collector, "_type", "gauge"), frozenset(getattr(collector, "_labelnames", ()))
        found[name] = (kind, labels)
    return found


# ------------------------------------------------------------------------------------------------------------------- promtool


def test_the_rules_are_without_a_mistake():
    assert f"{len(ALERTS)} rules found" in checked("check", "rules", OPERATIONS / "alerts.yaml")


def test_each_alert_fires_where_it_should_and_all_are_silent_where_all_is_well():
    assert "SUCCESS" in checked("test", "rules", OPERATIONS / "alerts.test.yaml")


def test_every_alert_is_tested():
    tested = {
        each["alertname"]
        for group in yaml.safe_load((OPERATIONS / "alerts.test.yaml").read_text())["tests"]
        for each in group.get("alert_rule_test", ())
    }

    assert tested == {rule["alert"] for rule in ALERTS}


def test_every_expression_of_the_dashboard_is_one_of_prometheus(tmp_path):
    rules = [{"record": f"x:{n}", "expr": expression} for n, expression in enumerate(targets())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))

    assert f"{len(rules)} rules found" in checked("check", "rules", tmp_path / "rules.yaml")


def test_the_page_is_as_prometheus_wants_it():
    page = Metrics().render().splitlines(keepends=True)

    assert checked("check", "metrics", fed=b"".join(line for line in page if b"rollbackd_" in line)) == ""


# ------------------------------------------------------------------------------------------------------------ names and labels


@pytest.mark.parametrize("expression", expressions())
def test_what_is_named_is_counted_with_these_labels(expression):
    known = series()
    for name, matchers in SELECTOR.findall(expression):
        assert name in known, name
        used = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", matchers))
        assert used <= known[name][1] | GIVEN, (name, used)
    grouped = {
        label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(",")
    }
    named = {label for name, _ in SELECTOR.findall(expression) for label in known[name][1]}
    assert grouped <= named | GIVEN


@pytest.mark.parametrize("expression", expressions())
def test_each_type_is_used_rightly(expression):
    known = series()
    for name in re.findall(r"\b(?:rate|increase)\(([a-z_]+)", expression):
        assert known[name][0] in {"counter", "histogram"}, f"{name} does not only grow"
        assert name.endswith(("_total", "_bucket", "_count", "_sum")), name
    for name, _ in SELECTOR.findall(expression):
        if known[name][0] == "counter":
            assert re.search(rf"\b(?:rate|increase)\({name}\b", expression), f"{name}: a counter as it is"
        if name.endswith("_bucket"):
            assert "histogram_quantile(" in expression
            assert "le)" in expression


def test_what_alerts_look_at_is_there_from_the_start_so_that_its_first_increase_is_seen():
    page = Metrics()
    page.will_tell(["slack"])
    text = page.render().decode()

    assert set(metrics.RESULTS) <= {state.value for state in ActionState}
    assert set(metrics.GUARDS) == {guard.__name__.lower() for guard in get_args(Guard)}
    assert set(metrics.TELLINGS) == {telling.__name__.lower() for telling in get_args(Telling)}
    for line in (
        'rollbackd_rollbacks_total{result="failed",trigger="auto"} 0.0',
        'rollbackd_actions_refused_total{reason="below"} 0.0',
        'rollbackd_messages_total{notifier="slack",result="never"} 0.0',
    ):
        assert line in text


def test_the_states_that_are_named_are_states():
    named = {state for each in expressions() for state in re.findall(r'state="([a-z_]+)"', each)}

    assert named <= {state.value for state in State}


# --------------------------------------------------------------------------------------------------------------- pages, panels


def test_each_alert_has_a_page_and_each_page_an_alert():
    pages = {page.stem for page in RUNBOOK.glob("*.md")} - {"README"}

    assert pages == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_leads_to_its_page(rule):
    said = rule["annotations"]

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert said["runbook_url"].endswith(f"/docs/runbook/{rule['alert']}.md")
    assert said["summary"].startswith("rollbackd")
    assert len(said["description"]) > 40


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_a_page_answers_the_five_questions(rule):
    page = (RUNBOOK / f"{rule['alert']}.md").read_text()

    for question in (
        "What it means.",
        "Is anybody hurt?",
        "First look.",
        "Mend it.",
        "When it is false.",
    ):
        assert f"**{question}** " in page or f"**{question}**\n" in page
    assert f"`{rule['labels']['severity']}`" in page


def test_panels_have_an_id_a_description_and_a_unit_and_do_not_overlap():
    ids = [panel["id"] for panel in PANELS]
    shown = [panel for panel in PANELS if panel["type"] != "row"]

    assert DASHBOARD["schemaVersion"] >= 36
    assert len(ids) == len(set(ids))
    assert all(panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in shown)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in shown)
    assert [(a["title"], b["title"]) for a, b in combinations(PANELS, 2) if _overlap(a, b)] == []
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not (beside or above)


def test_no_panel_asks_by_service():
    assert not [each for each in targets() if re.search(r"\b(watch|environment|url)\b\s*=", each)]
