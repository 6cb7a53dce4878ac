"""The table of the runbook says of each alert what its page says: whether it wakes somebody."""

import re

from tests.docs.pages import ROOT

RUNBOOK = ROOT / "docs" / "runbook"
_ROW = re.compile(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", re.MULTILINE)
_SEVERITY = re.compile(r"\(`(page|ticket)`\)\.$", re.MULTILINE)


def test_the_table_says_of_each_alert_what_its_page_says():
    table = dict(_ROW.findall((RUNBOOK / "README.md").read_text(encoding="utf-8")))
    pages = {
        path.stem: _SEVERITY.findall(path.read_text(encoding="utf-8"))
        for path in RUNBOOK.glob("Rollbackd*.md")
    }

    assert {alert: [severity] for alert, severity in table.items()} == pages
