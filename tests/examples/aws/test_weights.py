"""The example of what is moved by weights is without a mistake, and each service has the pack of its stack."""

from click.testing import CliRunner

from tests.docs.pages import ROOT
from watcher.commands import check

EXAMPLE = ROOT / "examples" / "aws" / "weights.yaml"


def test_it_can_be_used_as_it_stands():
    checked = CliRunner().invoke(check.command, ["--config", str(EXAMPLE)])

    assert checked.exit_code == 0, checked.stderr
    packs = [
        line.partition("the pack ")[2].partition(" ")[0]
        for line in checked.stdout.splitlines()
        if "the pack " in line
    ]
    assert packs == ["lambda", "lambda", "alb-weighted"]
