"""What the promises stand on, taken out one by one; and the test that misses it: ``python -m tests.crash.mutants [WORD…]``.

A suite that cannot fail proves nothing. Each mutant is a small change to a copy of the tree, and names one test that fails
with it and passes without. What is changed is found by its text, wherever it stands, so that a mechanism may move.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from watcher import clock

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("rules", "deploy", "watcher")
AT_ONCE = 3  # on two processors: where stories are told, they mostly wait
PATIENCE = 180  # seconds for one test; a story that does not end by itself is given up after 30
WIDTH = 150  # of the table
FAILED = 1  # what pytest says when tests failed; anything else is a mistake of ours


@dataclass(frozen=True)
class Mutant:
    """One mechanism less.

    Attributes:
        taken_out: What, in words.
        noticed_by: A test.
        at: Where that kills.
        patch: Lines that go (-), that come (+) and that stay; hunks are parted by an empty line. The lines of each that
            go or stay stand once in the tree, together.
    """

    taken_out: str
    noticed_by: str
    patch: str
    at: str = ""

    def changes(self) -> list[tuple[str, str]]:
        """From, to."""
        hunks = [hunk.splitlines() for hunk in self.patch.strip("\n").split("\n\n")]
        return [(_side(lines, "-"), _side(lines, "+")) for lines in hunks]


def _side(hunk: Iterable[str], sign: str) -> str:
    return "".join(f"{line[1:]}\n" for line in hunk if line[0] in {sign, " "})


# -- nothing is lost

ACKNOWLEDGED_EARLY = """
-    accepted = await accept(deps.store, deps.new_id("a", now), arrival, now)
-    deps.heard(DOOR, result_of(arrival, accepted), deps.monotonic() - began)
+    accepted = await _acknowledged(deps.store, deps.new_id("a", now), arrival, now)
+    deps.heard(DOOR, result_of(arrival, accepted), deps.monotonic() - began)

-async def announcement(call: Call[OneAnnouncement, NoBody]) -> AnnouncementTold:
+async def _acknowledged(store, new, arrival, now):
+    asyncio.get_running_loop().call_later(1, lambda: asyncio.ensure_future(accept(store, new, arrival, now)))
+    return __import__("watcher.store.store").store.store.Accepted(new)
+
+async def announcement(call: Call[OneAnnouncement, NoBody]) -> AnnouncementTold:
"""

FORGOTTEN_EARLY = """
-            written = [parcel.receipt for parcel in parcels if await self._written(source, parcel.received)]
+            await feed.acknowledge([parcel.receipt for parcel in parcels])
+            written = [parcel.receipt for parcel in parcels if await self._written(source, parcel.received)]
"""

EMPTIED_EARLY = """
         known = await self._known(service, min(announcement.at, self.now()))
+        await self._close(Closing(item.id, "recorded", "taken"))
"""

TOLD_EARLY = """
-        message, telling, now = item.message, await self._tell(item), self.now()
+        message, now = item.message, self.now()
+        await self.store.sent(message.id, item.fence, now, ref="told")
+        telling = await self._tell(item)
"""

HELD_FOR_EVER = """
-    writer.play(free_leases())  # the lock says that nobody else lives
"""

NOT_ON_THE_DISK = """
-    "PRAGMA synchronous = FULL",
+    "PRAGMA synchronous = OFF",
"""

# -- nothing is done twice

NOT_LOOKED = """
-    view = standing(live, move)
+    view = _Waits()
"""

NO_INTENT = """
-            mine = await self.store.begin(action.id, item.fence, self.now())
+            mine = True
"""

INTENT_LATE = """
-    if not await intend(move):
-        return Lost()

     answer = await target.begin(move, key)
+    if not await intend(move):
+        return Lost()
"""

ANOTHER_KEY = """
-        return {plan.moves[0].part: key}
+        return {plan.moves[0].part: f"{key}.{__import__('os').getpid()}"}
"""

NO_FENCE = """
-WHERE id = :id AND fence = :fence AND lease_until > :clock AND state IN ('planned', 'begun', 'unknown')
+WHERE id = :id AND state IN ('planned', 'begun', 'unknown')
"""

NOT_VALID_ANY_MORE = """
-    yield from actions.close(watch, step.results, now)
+    yield from actions.close(watch, step.results, now) if step.results else ()

-    AND EXISTS (SELECT 1 FROM watches w WHERE w.id = actions.watch AND w.state = actions.valid_in)

-        AND w.state = a.valid_in
"""

NO_REVISION = """
-BEFORE = "SELECT state FROM watches WHERE id = :id AND revision = :before /* postgresql: FOR UPDATE */"
+BEFORE = "SELECT state FROM watches WHERE id = :id"

-    state = :state, final = :final, revision = :revision, ended_at = :ended_at, due_at = :due_at, document = :document
-WHERE id = :id AND revision = :before RETURNING id
+    state = :state, final = :final, revision = :revision, ended_at = :ended_at, due_at = :due_at, document = :document
+WHERE id = :id RETURNING id
"""

NO_LOCK = """
-        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
+        pass
"""

PING_PONG = """
-    if living.state in GOING_BACK and news.is_way_back_of(living.plan):
+    if False:
"""

ANY_RELEASE = """
-    return Stopped(_third(move, ahead, coming=live.in_flight is not None), third_tag=ahead.tag)
+    return _Waits()
"""

# -- what may not be done

NO_GUARDS = """
-        words = yield from _words(guard, now)
-        if words:
+        words = yield from _words(guard, now)
+        if not guard:
"""

NO_SWITCH_IN_THE_STORE = """
-            return (yield from _disarmed(guard, now))
+            return ""
"""

NO_SWITCH = f"""{NO_SWITCH_IN_THE_STORE}
-            (Doubtful.DISARMED, not facts.armed),
"""

NO_CEILING = """
-    if many < guard.most:
+    if many < 1000:
"""

NO_QUARANTINE = """
-        "quarantines": quarantines(after),
+        "quarantines": (),
"""

SHADOW_ACTS = """
-    return watch.policy.mode is Mode.SHADOW
+    return False

-            (Doubtful.MODE, watch.policy.mode is not Mode.AUTO),
"""

# -- what is not known is not well

NAN_IS_NOTHING_BAD = """
         case Counts(bad, total) if kind not in _NOT_COUNTED:
+            if bad != bad or total != total:
+                return Counts(0.0, 100.0)
"""

SILENCE_IS_HEALTH = """
-        T.BAKED_UNSEEN: S.UNPROVEN,
+        T.BAKED_UNSEEN: S.PASSED,
"""

LATE_REVISION = """
-    behind, fresh = max(since, watermark or since), []
+    behind, fresh = since, []
"""

NO_INFINITY_IN_EVIDENCE = """
-        *(process.log_e, process.information, *memory.guess),
+        *(max(process.log_e, 0.0), process.information, *memory.guess),
"""

NO_INFINITY_IN_JSON = """
-_NUMBERS_AS_WORDS = ConfigDict(ser_json_inf_nan="strings")
+_NUMBERS_AS_WORDS = ConfigDict(ser_json_inf_nan="null")
"""

# -- it can always be stopped, and always answers

WRITES_ITSELF = """
-            self._lines.append(line)
+            os.write(self._fd, line)
"""

WAITS_FOR_ALL = """
-    seconds=8
+    seconds=80
 )  # SIGTERM ends within 10 s; orchestrators wait 30 s, and a rollback is taken up again anyway

-    9.5  # seconds after SIGTERM: a call that hangs in a thread would keep the process (operations.md, trap 2)
+    95

-    timeout: Duration = timedelta(seconds=10)
+    timeout: Duration = timedelta(seconds=60)
"""


CRASH = "tests/crash"
KILLED = f"{CRASH}/test_kill.py::test_killed_once_between_any_two_effects"
FAULTS = f"{CRASH}/test_faults.py"
SIGTERM = f"{CRASH}/test_ending.py::test_sigterm_ends_it_within_ten_seconds_with_a_long_poll_open_and_calls_that_hang"
STORE = "tests/watcher/store/test_contract.py::TestMemory"
SQLITE = "tests/watcher/store/test_sqlite.py"
ROLLBACK = "tests/deploy/test_rollback.py"
INTAKE = "tests/watcher/core/test_intake.py"
JUDGED = "tests/watcher/core/lifecycle/test_judged.py"
RULES = "tests/rules"
FEEDER = "tests/watcher/runtime/test_feeder.py"

# fmt: off
MUTANTS = (
    Mutant("an announcement is acknowledged before it is written down", KILLED, ACKNOWLEDGED_EARLY, at="before accept #1"),
    Mutant("a queue forgets a message before it is written down", f"{FEEDER}::test_it_is_written_down_before_the_queue_forgets_it", FORGOTTEN_EARLY),
    Mutant("the inbox is emptied before the step is saved", KILLED, EMPTIED_EARLY, at="close_inbox #1"),
    Mutant("a message counts as told before it is told", KILLED, TOLD_EARLY, at="sent #5, sent #7, sent #9"),
    Mutant("what a killed process held stays held", f"{SQLITE}::test_what_a_killed_process_held_is_free_at_once_under_a_higher_fence", HELD_FOR_EVER),
    Mutant("what was acknowledged is not on the disk", f"{SQLITE}::test_what_was_acknowledged_is_on_the_disk_and_not_only_in_a_cache", NOT_ON_THE_DISK),

    Mutant("nobody looks at what runs before acting", KILLED, NOT_LOOKED, at="move #1"),
    Mutant("the intent is not written down", KILLED, NO_INTENT, at="move #1"),
    Mutant("the intent is written down after the call", KILLED, INTENT_LATE, at="move #1"),
    Mutant("a second try has another key", KILLED, ANOTHER_KEY, at="in move, before it was taken"),
    Mutant("a call is made under a lease that was lost", f"{STORE}::test_an_action_whose_lease_ran_out_is_taken_over_and_the_first_may_not_call", NO_FENCE),
    Mutant("a call is made though the watch has gone on", f"{STORE}::test_an_action_is_refused_as_soon_as_its_watch_is_in_another_state", NOT_VALID_ANY_MORE),
    Mutant("the revision is not compared", f"{STORE}::test_a_step_from_an_older_revision_changes_nothing", NO_REVISION),
    Mutant("two processes share a store", f"{FAULTS}::test_a_second_daemon_on_one_store_is_turned_away_and_the_first_goes_on", NO_LOCK),
    Mutant("our own rollback is not recognised", f"{INTAKE}::test_our_own_rollback_arriving_is_never_a_new_watch", PING_PONG),
    Mutant("a third release is taken for the bad one", f"{ROLLBACK}::test_a_third_tag_is_refused", ANY_RELEASE),

    Mutant("guards are not asked", f"{STORE}::test_nothing_goes_back_to_a_release_that_is_quarantined_or_distrusted", NO_GUARDS),
    Mutant("the switch is not asked in the transaction", f"{STORE}::test_nothing_starts_by_itself_once_it_is_disarmed", NO_SWITCH_IN_THE_STORE),
    Mutant("the switch is not asked at all", f"{FAULTS}::test_disarmed_while_it_counts_down_it_asks_and_does_not_start", NO_SWITCH),
    Mutant("ceilings are not asked", f"{STORE}::test_no_more_rollbacks_of_a_deployment_start_than_its_ceiling", NO_CEILING),
    Mutant("the release is not quarantined", KILLED, NO_QUARANTINE, at="save rolling_back #1"),
    Mutant("shadow acts", f"{JUDGED}::test_in_shadow_a_breach_is_a_fact_and_a_message_and_nothing_is_done", SHADOW_ACTS),

    Mutant("NaN is a count of nothing bad", f"{RULES}/test_evaluate.py::test_nan_is_never_healthy", NAN_IS_NOTHING_BAD),
    Mutant("silence is health", f"{JUDGED}::test_silence_to_the_end_of_the_bake_is_not_success", SILENCE_IS_HEALTH),
    Mutant("a late revision is taken in", f"{RULES}/test_assemble.py::test_a_late_revision_is_ignored", LATE_REVISION),
    Mutant("minus infinity is written down as 0", f"{RULES}/test_evidence.py::test_minus_infinity_survives_being_written_down", NO_INFINITY_IN_EVIDENCE),
    Mutant("minus infinity is null in the store", f"{STORE}::test_a_number_is_read_bit_for_bit_also_where_json_has_none", NO_INFINITY_IN_JSON),

    Mutant("log lines are written by whoever logs", f"{FAULTS}::test_a_log_reader_that_stalls_delays_nothing", WRITES_ITSELF),
    Mutant("at the end everything is waited for", SIGTERM, WAITS_FOR_ALL),
)
# fmt: on


@dataclass(frozen=True)
class Outcome:
    """What a test said, in how many seconds. *words*: the end of its output."""

    failed: bool
    seconds: float
    words: str

    @property
    def why(self) -> str:
        """What it failed for, on one line."""
        lines = [line.removeprefix("E").strip() for line in self.words.splitlines() if line.startswith("E ")]
        return re.sub(r"\s+", " ", lines[0].replace("\\n", " "))[:WIDTH] if lines else ""


def a_copy(to: Path) -> Path:
    """The tree as it is, without its past; compiled, so that not every mutant has to be."""
    for package in (*PACKAGES, "tests"):
        shutil.copytree(ROOT / package, to / package)
    shutil.copy(ROOT / "pyproject.toml", to)
    compiling = [sys.executable, "-m", "compileall", "-q", *PACKAGES, "tests"]
    subprocess.run(compiling, cwd=to, check=True, timeout=PATIENCE)
    return to


def mutated(tree: Path, mutant: Mutant, to: Path) -> Path:
    """A copy of *tree* with the changes of *mutant*; what is not changed is the same file.

    Raises:
        ValueError: What is to be changed is not there, or not once: the mechanism looks otherwise now.
    """
    shutil.copytree(tree, to, copy_function=os.link)
    for old, new in mutant.changes():
        path, text = _the_one_with(old, to)
        path.unlink()  # and not only written: the clean tree has the same file
        path.write_text(text.replace(old, new))
    return to


def _the_one_with(words: str, tree: Path) -> tuple[Path, str]:
    files = [path for package in PACKAGES for path in (tree / package).rglob("*.py")]
    found = [(path, text) for path in files if words in (text := path.read_text())]
    if len(found) != 1 or found[0][1].count(words) != 1:
        raise ValueError(f"stands in {len(found)} files, and should stand once: {words!r}")
    return found[0]


def run(tree: Path, tests: Iterable[str], at: str = "") -> Outcome:
    """Run *tests* of *tree*.

    Raises:
        ValueError: They could not be run.
    """
    began = clock.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "pytest_asyncio.plugin",
            "-p",
            "no:cacheprovider",
            *tests,
        ],
        cwd=tree,
        env={**_alone(tree), "SEAMS": at},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    words = done.stdout[-3000:] + done.stderr[-2000:]
    if done.returncode not in {0, FAILED}:
        raise ValueError(f"pytest ended with {done.returncode}:\n{words}")
    return Outcome(done.returncode == FAILED, clock.monotonic() - began, words)


def _alone(tree: Path) -> dict[str, str]:
    """Without plugins that these tests do not need, and without measuring what is run in a copy."""
    usual = {
        name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTEST_"))
    }
    return usual | {"PYTHONPATH": str(tree), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATIENCE": "30"}


def run_all(mutants: Sequence[Mutant], folder: Path) -> dict[Mutant | None, Outcome]:
    """What the named test says of each mutant; and, under ``None``, what all of them say without any."""
    clean = a_copy(folder / "clean")
    named = {mutant.noticed_by for mutant in mutants}
    seams = ", ".join(
        sorted({mutant.at for mutant in mutants if mutant.at and "close_inbox" not in mutant.at})
    )
    trees = {mutant: mutated(clean, mutant, folder / str(number)) for number, mutant in enumerate(mutants)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        without = pool.submit(run, clean, sorted(named), seams)
        running = {
            mutant: pool.submit(run, tree, [mutant.noticed_by], mutant.at) for mutant, tree in trees.items()
        }
        return {None: without.result()} | {mutant: each.result() for mutant, each in running.items()}


def table(outcomes: dict[Mutant | None, Outcome]) -> str:
    """For people."""
    lines = [
        f"{'noticed' if outcome.failed else 'SURVIVED':9} {outcome.seconds:5.1f} s  {mutant.taken_out}\n"
        f"{'':19}{_short(mutant)}\n"
        f"{'':19}{outcome.why}"
        for mutant, outcome in outcomes.items()
        if mutant is not None
    ]
    return "\n".join(lines)


def _short(mutant: Mutant) -> str:
    file, _, test = mutant.noticed_by.partition("::")
    return f"{re.sub('^.*::', '', test)}{f' (at {mutant.at})' if mutant.at else ''}, {file}"


def main(words: Sequence[str]) -> int:
    """Run those mutants whose names contain one of *words*; all without any. Exit status 1 if one survived."""
    chosen = [each for each in MUTANTS if not words or any(word in each.taken_out for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run_all(chosen, Path(folder))
    print(table(outcomes))  # noqa: T201 - it is run by hand
    if outcomes[None].failed:
        print(outcomes[None].words)  # noqa: T201 - the same
    return int(any(outcome.failed is (mutant is None) for mutant, outcome in outcomes.items()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
