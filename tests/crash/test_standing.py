"""What the mutants take out is still there: they are run in ``make long`` alone, and would rot unseen."""

from tests.crash.mutants import MUTANTS, PACKAGES, ROOT


def test_what_each_mutant_takes_out_stands_once():
    texts = [path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    stands = {
        (mutant.taken_out, old): sum(text.count(old) for text in texts)
        for mutant in MUTANTS
        for old, _ in mutant.changes()
    }

    assert {each: times for each, times in stands.items() if times != 1} == {}
