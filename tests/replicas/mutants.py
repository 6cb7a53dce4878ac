"""What several replicas stand on, taken out one by one; and the test that misses it: ``python -m tests.replicas.mutants [WORD…]``.

By hand, and one after the other: each starts replicas of its own, and waits for leases. Ten minutes for all. Where a race would
have to be won to see it with whole daemons, the test named is one of the store, that has the race every time.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.crash.mutants import NO_FENCE, NOT_LOOKED, Mutant, Outcome, a_copy, mutated, run, table

NO_QUESTION_BEFORE_THE_CALL = """
-            if mine and not await tenure.assures(action.id, self.timing.call):
+            if False:
"""

NO_LEASE_ENDS = """
-    WHERE a.state IN ('planned', 'begun', 'unknown') AND a.not_before <= :now AND a.lease_until <= :clock
+    WHERE a.state IN ('planned', 'begun', 'unknown') AND a.not_before <= :now AND a.owner IS NULL
"""

NO_GRACE_ENDS = """
-        AND (owner IS NULL OR owner = :owner OR due_at <= :others OR hurried_at <= :others)
+        AND (owner IS NULL OR owner = :owner OR :others < 0)
"""

NOTHING_IS_LEFT = """
-            await self.store.leave(self.owner)
+            pass
"""

NOTHING_IS_EVENED_OUT = """
-            many = await self.store.even_out(self.owner)
+            many = 0
"""

NOBODY_IS_SKIPPED = """
-    ORDER BY due_at, id LIMIT :limit /* postgresql: FOR UPDATE SKIP LOCKED */
+    ORDER BY due_at, id LIMIT :limit
"""

NO_GATE = """
-GATE = "SELECT 1 AS one /* postgresql: FROM gate FOR UPDATE */"
+GATE = "SELECT 1 AS one"
"""

TWO_LIVE = """
-    "CREATE UNIQUE INDEX watches_one_live ON watches (service, environment) WHERE final = 0",
+    "CREATE INDEX watches_one_live ON watches (service, environment) WHERE final = 0",
"""

HERE = "tests/replicas"
KILLED = f"{HERE}/test_killed.py::test_killed_before_the_call_and_after_it_and_the_call_is_made_once"
CONTRACT = "tests/watcher/store/postgresql/test_contract.py::TestPostgresql18"
STORE = "tests/watcher/store/postgresql/test_replicas.py"

# fmt: off
MUTANTS = (
    Mutant("who was frozen does not ask before it calls", f"{HERE}/test_frozen.py::test_frozen_between_its_intent_and_its_call_it_does_nothing_when_it_goes_on", NO_QUESTION_BEFORE_THE_CALL),
    Mutant("nobody looks at what runs before acting", KILLED, NOT_LOOKED),
    Mutant("the lease of an action of a killed one does not end", KILLED, NO_LEASE_ENDS),
    Mutant("what rests with a killed one stays with it", f"{HERE}/test_killed.py::test_an_owner_that_is_killed_in_the_middle_of_a_round_is_followed_by_another", NO_GRACE_ENDS),
    Mutant("who leaves says nothing", f"{HERE}/test_leaving.py::test_what_one_leaves_is_taken_up_at_once_and_nothing_is_late", NOTHING_IS_LEFT),
    Mutant("watches stay with whoever heard of them", f"{HERE}/test_together.py::test_watches_are_spread_over_whoever_lives", NOTHING_IS_EVENED_OUT),
    Mutant("an intent is written under any fence", f"{CONTRACT}::test_an_action_whose_lease_ran_out_is_taken_over_and_the_first_may_not_call", NO_FENCE),
    Mutant("due watches are not locked while they are claimed", f"{STORE}::test_what_is_due_is_shared_out_and_given_to_nobody_twice", NOBODY_IS_SKIPPED),
    Mutant("who checks guards waits for nobody", f"{STORE}::test_a_ceiling_is_not_overrun_by_replicas_that_step_in_the_same_moment", NO_GATE),
    Mutant("a service may have two live watches", f"{STORE}::test_of_two_that_open_a_watch_on_one_service_one_is_stale", TWO_LIVE),
)
# fmt: on


def main(words: Sequence[str]) -> int:
    """Run those mutants whose names contain one of *words*; all without any. Exit status 1 if one survived."""
    chosen = [each for each in MUTANTS if not words or any(word in each.taken_out for word in words)]
    outcomes: dict[Mutant | None, Outcome] = {}
    with tempfile.TemporaryDirectory() as folder:
        clean = a_copy(Path(folder) / "clean")
        for number, mutant in enumerate(chosen):
            outcomes[mutant] = run(mutated(clean, mutant, Path(folder) / str(number)), [mutant.noticed_by])
            print(table({mutant: outcomes[mutant]}), flush=True)  # noqa: T201 - it is run by hand
    return int(not all(outcome.failed for outcome in outcomes.values()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
