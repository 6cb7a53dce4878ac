"""The expressions of the dashboard and of the alerts, and the series that they name."""

import json
import re
from pathlib import Path

import yaml

OPERATIONS = Path(__file__).parents[3] / "examples" / "operations"
ALERTS = [
    rule
    for group in yaml.safe_load((OPERATIONS / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((OPERATIONS / "dashboard.json").read_text())
PANELS = DASHBOARD["panels"]
SELECTOR = re.compile(r"\b((?:rollbackd|process)_[a-z_]+)(?:\{([^}]*)\})?")


def targets() -> list[str]:
    """Every expression of the dashboard, as Grafana would send it."""
    written = [target["expr"] for panel in PANELS for target in panel.get("targets", ())]
    written += [each["expr"] for each in DASHBOARD["annotations"]["list"]]
    return [each.replace("$__rate_interval", "5m").replace("$job", "rollbackd") for each in written]
