"""What disarms the daemon from outside, as it is written."""

import pytest

from tests.watcher.config.sample import changed, problems, read
from watcher.config.configuration import Lever

BOTH = "  disarmed_by: [{file: /etc/rollbackd/disarmed}, {ssm: {account: shop, parameter: /rollbackd/off}}]\n  ceilings: {"


def test_files_and_parameters_are_read(tmp_path):
    configuration = read(tmp_path, changed("  ceilings: {", BOTH))

    assert configuration.daemon.levers == (Lever("/etc/rollbackd/disarmed"), Lever("/rollbackd/off", "shop"))


@pytest.mark.parametrize(
    ("lever", "says"),
    [
        ("{file: disarmed}", '"disarmed" is not the path of a file | try: write it from the root'),
        ("{}", "exactly one thing holds off | try: write {file: /etc/rollbackd/disarmed}"),
        ("{file: /a, ssm: {account: shop, parameter: /b}}", "exactly one thing holds off"),
        (
            "{ssm: {account: shop, parameter: 'a b'}}",
            "daemon.disarmed_by[0].ssm.parameter: must be of the form",
        ),
        ("{ssm: {account: shpo, parameter: /b}}", 'unknown account "shpo" | try: did you mean "shop"?'),
        ("{fiel: /a}", 'unknown key "fiel" | try: did you mean "file"?'),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path, lever, says):
    found = problems(tmp_path, changed("  ceilings: {", f"  disarmed_by: [{lever}]\n  ceilings: {{"))

    assert len(found) == 1
    assert found[0].startswith("rollbackd.yaml:8:")
    assert says in found[0]
