"""The pack `white-screen`, as its own tests say it."""

from pathlib import Path

from click.testing import CliRunner

from watcher.commands import test

TESTS = Path(__file__).parents[3] / "rules" / "catalog" / "white-screen.test.yaml"


def test_the_pack_says_what_its_tests_expect():
    result = CliRunner().invoke(test.command, [str(TESTS)])

    assert result.exit_code == 0, result.output
    assert "3 of 3" in result.output
