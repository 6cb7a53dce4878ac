"""What the pages show as YAML can be copied: the readers of the configuration and of rule files take it.

A block that is marked ``yaml`` is a configuration or a rule file, or sections of one; which, is told by its keys. What is
missing to a whole is put around it. A block that is something else says so: ``yaml of Prometheus``. A first line
``# rules/web.yaml`` gives it a name, by which the other blocks of its page may refer to it.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from rules.errors import Problem
from tests.docs.pages import PAGES, Block, blocks, named
from watcher.config import InvalidConfiguration, lint_file, read_configuration
from watcher.config.models import RootModel
from watcher.config.registries import all_kinds

OF_RULES = {"version", "parameters", "indicators", "rules"}
OF_A_CONFIGURATION = set(RootModel.model_fields)
_NAME = re.compile(r"# ([\w./-]+\.yaml)\b")
_WHAT_A_SERVICE_NEEDS = (
    "{runs_on: [{command: {live: [/bin/live], move: [/bin/move]}}], rules: [{file: shown.yaml}]}\n"
)
_AROUND = {  # what a configuration cannot do without, where the block does not say it
    "version": "version: 1\n",
    "accounts": "".join(
        f"  {name}: {{region: eu-central-1, read: 'arn:aws:iam::123456789012:role/read'}}\n"
        for name in ("main", "shop")
    ).join(("accounts:\n", "")),
    "services": "services: {shown: {production: {}}}\n",
    "defaults": f"defaults: {_WHAT_A_SERVICE_NEEDS}",
}
_JUDGES = {
    "ratio": "slo: {objective: 99%}",
    "latency": "slo: {objective: 99%}",
    "probe": "threshold: {}",
    "value": "threshold: {above: 1}",
    "state": "state: {}",
    "events": "canary_vs_baseline: {}",
}
_PROBE = "version: 1\nindicators: {shown: {probe: {http: {url: 'http://127.0.0.1/'}}}}\n"
SHOWN = [
    pytest.param(page, block, id=f"{named(page)}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.info == "yaml"
]


def rule_of(indicators: Mapping[str, Mapping[str, object]]) -> str:
    """A section of rules with one rule, about the first of *indicators* that can be judged."""
    name, kind = next((name, kind) for name, said in indicators.items() for kind in said if kind in _JUDGES)
    return f"rules: [{{name: shown, indicator: {name}, judge: {{{_JUDGES[kind]}}}, on_breach: tell}}]\n"


def whole_rules(block: str) -> str:
    """A rule file that *block* is a part of."""
    shown = yaml.safe_load(block)
    version = "" if "version" in shown else "version: 1\n"
    return block + version + ("" if "rules" in shown else rule_of(shown["indicators"]))


def whole_configuration(block: str) -> str:
    """A configuration that *block* is a part of."""
    shown = yaml.safe_load(block)
    return block + "".join(text for key, text in _AROUND.items() if key not in shown)


def written(folder: Path, name: str, text: str) -> Path:
    """*text* as a file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(page: Path, block: Block, folder: Path) -> tuple[Problem, ...]:
    """What the readers say of a block."""
    shown = yaml.safe_load(block.text)
    assert isinstance(shown, dict)
    try:
        if set(shown) <= OF_RULES:
            lint_file(written(folder, "block.yaml", whole_rules(block.text)), all_kinds())
            return ()
        assert set(shown) <= OF_A_CONFIGURATION, "say what it is: ```yaml of Prometheus"
        for other in blocks(page):
            if other.info == "yaml" and (name := _NAME.match(other.text)):
                written(folder, name[1], other.text)
        written(folder, "shown.yaml", _PROBE + rule_of({"shown": {"probe": {}}}))
        read_configuration(written(folder, "block.yaml", whole_configuration(block.text)), all_kinds())
    except InvalidConfiguration as invalid:
        return invalid.problems
    return ()


@pytest.mark.parametrize(("page", "block"), SHOWN)
def test_each_block_of_yaml_is_taken(page: Path, block: Block, tmp_path: Path):
    found = mistakes(page, block, tmp_path)

    assert not found, "\n".join(map(str, found))


def test_a_mistake_in_a_block_is_found(tmp_path: Path):
    """The reading here can fail: a key that nobody knows, at the place where it stands."""
    block = Block("yaml", "services: {web: {production: {moed: auto}}}\n", 1)

    (problem,) = mistakes(PAGES[0], block, tmp_path)

    assert problem.path == "services.web.production.moed"
