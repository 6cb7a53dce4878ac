"""The list of mutants is run: each is noticed by the test that it names. See `mutants`."""

from collections.abc import Mapping

import pytest

from tests.crash.mutants import MUTANTS, Mutant, Outcome, run_all, table

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> Mapping[Mutant | None, Outcome]:
    return run_all(MUTANTS, tmp_path_factory.mktemp("mutants"))


def test_without_a_mutant_the_tests_that_they_name_pass(outcomes, capsys):
    with capsys.disabled():
        print(f"\n{table(outcomes)}")  # noqa: T201 - a table for people, and not only when it fails

    assert not outcomes[None].failed, outcomes[None].words


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.taken_out)
def test_what_a_promise_stands_on_is_missed_when_it_is_taken_out(mutant, outcomes):
    assert outcomes[mutant].failed, f"{mutant.noticed_by} passes without it"
