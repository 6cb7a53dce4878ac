"""What an alarm, a monitor or a budget says of itself: breached when it is bad *because of this release*, and stays so.

What was bad before the release took traffic says nothing of it, as long as it was not well in between; only what gets
worse afterwards counts. How long something has been bad is counted from the vendor's own time of the transition, so that
it does not matter how often one looked. An alarm without data says nothing here: that is the provider's `NoData`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from rules.brief import Case
from rules.duration import duration_text
from rules.evidence import Memory, Process, Stood, Tally
from rules.model import InState, WhenBlind
from rules.objectives.coverage import Moment, Standing, blindness, marked
from rules.objectives.dispersion import Block
from rules.objectives.wording import moment_words
from rules.sample import Bucket, State
from rules.verdict import Because, Outcome, Seen, Verdict

_PROMISE = "the vendor's: how often it is wrong is not known here"


def prepare(case: Case, history: Sequence[Block]) -> Case:  # noqa: ARG001  (a judge is given the history)
    """Nothing to fix: a state knows itself since when it is so."""
    return case


def start(case: Case) -> Memory:  # noqa: ARG001  (a judge's start is given its case)
    """Nothing read, and so nothing against the release."""
    return Memory(process=Process(log_e=-inf))


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Take in one reading, which is of the end of its bucket.

    The evidence is all or nothing: infinite while what is bad because of this release has lasted, so that a state can be a
    member of ``all_of``.
    """
    state = bucket.canary
    if not isinstance(state, State):
        return memory
    newest, came = marked(case, memory, bucket)
    stood = _stood(memory.stood, state, bucket)
    lasted = stood.bad and not stood.before and bucket.end - stood.since >= _judge(case).lasting
    return Memory(
        origin=memory.origin or bucket.start,
        newest=newest,
        came=came,
        tally=Tally(buckets=memory.tally.buckets + 1),
        process=Process(memory.process.placed + 1, log_e=inf if lasted else -inf),
        stood=stood,
    )


def _judge(case: Case) -> InState:
    judge = case.rule.judge
    return judge if isinstance(judge, InState) else InState()


def _stood(last: Stood | None, state: State, bucket: Bucket) -> Stood:
    """How it stands now, given how it was last read.

    What was bad before stays so until it is read well: a transition that nobody saw may have led through "no data". Where
    the vendor does not tell since when, a state began with its first reading; the very first began nobody knows when.
    """
    goes_on = last is not None and (last.of, last.bad) == (state.of, state.bad)
    if last is not None and goes_on and (last.before or state.since is None):
        return replace(last, name=state.name)
    before = state.before or (last is None and state.since is None)
    return Stood(state.name, state.of, state.bad, state.since or bucket.end, before=state.bad and before)


def folded(case: Case, buckets: Iterable[Bucket]) -> Memory:
    """What is remembered of all *buckets*, oldest first."""
    memory = start(case)
    for bucket in buckets:
        memory = advance(case, memory, bucket)
    return memory


def first_spell(case: Case, buckets: Iterable[Bucket]) -> Bucket | None:
    """From the transition to the reading that made it a breach, for the first that was one."""
    memory = start(case)
    for bucket in buckets:
        memory = advance(case, memory, bucket)
        if memory.process.log_e == inf and memory.stood is not None:
            return Bucket(memory.stood.since, bucket.end)
    return None


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now."""
    standing = _standing(case, memory, moment)
    return Verdict(
        rule=case.rule.id,
        name=case.rule.name,
        consequence=case.rule.on_breach,
        outcome=standing.outcome,
        because=standing.because,
        words=standing.words,
        seen=Seen(memory.tally.buckets, until=memory.newest),
        promise=_PROMISE,
        asks_when_blind=case.rule.when_blind is WhenBlind.ASK,
    )


def _standing(case: Case, memory: Memory, moment: Moment) -> Standing:
    words = _words(memory.stood, moment)
    if moment.breached is not None:
        return Standing(Outcome.BREACHED, Because.STATE, _breached(memory.stood, words, moment))
    blind = blindness(case, memory, moment)
    if blind is not None:
        return blind
    if memory.stood is not None and memory.stood.bad:
        return _bad(case, memory.stood, words)
    if moment.complete_at is None or memory.newest is None or memory.newest < moment.complete_at:
        words = f"{words}; not read yet since the new release has all its traffic"
        return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, words)
    return Standing(Outcome.HEALTHY, Because.WITHIN, words)


def _bad(case: Case, stood: Stood, words: str) -> Standing:
    """Bad, and no breach: because it was so before, or because it may pass."""
    if stood.before:
        words = f"{words}, before the deployment: says nothing of this release"
        return Standing(Outcome.UNDECIDED, Because.BAD_BEFORE, words)
    lasting = duration_text(_judge(case).lasting)
    return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, f"{words}; it counts once it lasts {lasting}")


def _breached(stood: Stood | None, words: str, moment: Moment) -> str:
    if stood is not None and stood.bad:
        return words
    return f"it was bad at {moment_words(moment.breached or moment.now, moment.now)}; now {words}"


def _words(stood: Stood | None, moment: Moment) -> str:
    """How it stands: ``payments-db-connections in ALARM since 13:40 UTC``."""
    if stood is None:
        return "never read"
    of = f"{stood.of} " if stood.of else ""
    return f"{of}in {stood.name} since {moment_words(stood.since, moment.now)}"
