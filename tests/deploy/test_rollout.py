"""`move_on`: what it sends, what it does not, and what it makes of what runs and of what it is answered."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from deploy.model import (
    AlreadyThere,
    Answer,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Gone,
    Live,
    Moving,
    Pause,
    Refused,
    Release,
    Serving,
    Shift,
    Unclear,
    Unfinished,
    Unreadable,
)
from deploy.rollback import Broken, Done, Going, Lost, Stopped, Unknown
from deploy.rollout import Beside, beside, move_on

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
V1, V2, V3 = (Release(f"sha256:{tag}", tag) for tag in ("v1", "v2", "v3"))
SHIFT = Shift("service", V1, V2, 0.25, expect=0.05)
PAUSE = Pause("hook-1", "AFTER_A_TENTH")
ANSWER = Answer("service", V2, PAUSE)


class Target:
    """It runs *live*, takes what it is told as *answer*, and then is as far as *progress*."""

    part = "service"

    def __init__(self, live, answer=None, progress=None):
        self.live, self.answers, self.progress = live, answer or Begun("1"), progress
        self.sent = []

    async def observe(self):
        return self.live


class Sharing(Target):
    async def shift(self, shift, key):
        self.sent.append(key)
        return self.answers

    async def shifted(self, shift, key):
        return self.progress


class Hooking(Target):
    async def answer(self, pause, word, key):
        self.sent.append((pause.hook, word.value, key))
        return self.answers


def shared(share, other=V2):
    return Live(V1, other, {"sha256:v1": 1 - share, other.fingerprint: share})


def waiting(pause=PAUSE, release=V2):
    return Live(V1, release, {release.fingerprint: 0.1}, pause=pause)


def moved(step, target, sent=0, *, mine=True):
    async def intend(_):
        return mine

    targets = {"service": target} if target else {}
    return asyncio.run(move_on(step, targets, "k", sent=sent, intend=intend))


# ------------------------------------------------------------------------------------------------------------- shares


def test_from_the_share_of_its_stage_it_is_moved_on():
    target = Sharing(shared(0.05))

    assert isinstance(moved(SHIFT, target), Going)
    assert target.sent == ["k"]


def test_one_that_has_its_share_is_done_and_nothing_is_sent():
    target = Sharing(shared(0.25))

    assert moved(SHIFT, target) == Done()
    assert target.sent == []


@pytest.mark.parametrize(
    ("live", "third"),
    [
        (shared(0.1), "v2"),
        (shared(0.05, V3), "v3"),
        (Live(V1), "v2"),
        (Live(V1, None, {"sha256:v1": 0.7, "sha256:v2": 0.05, "sha256:x": 0.25}), "sha256:x"),
    ],
)
def test_what_another_hand_has_moved_is_left_alone(live, third):
    target = Sharing(live)

    outcome = moved(SHIFT, target)

    assert isinstance(outcome, Stopped)
    assert outcome.third_tag == third
    assert target.sent == []


def test_a_release_that_has_nothing_yet_is_given_its_first_share():
    target = Sharing(Live(V1))

    assert isinstance(moved(Shift("service", V1, V2, 0.05), target), Going)


def test_the_last_stage_is_done_once_it_serves_alone():
    assert moved(Shift("service", V1, V2, 1.0, 0.25), Sharing(Live(V2))) == Done()


@pytest.mark.parametrize(
    ("progress", "outcome"),
    [
        (Serving(), Done),
        (Moving("later"), Going),
        (Failed("it was lost"), Broken),
        (Drifted("somebody else", "v3"), Stopped),
        (Unreadable("HTTP 503"), Unknown),
    ],
)
def test_one_that_was_answered_is_only_read_from_then_on(progress, outcome):
    target = Sharing(shared(0.05), progress=progress)

    assert isinstance(moved(SHIFT, target, sent=1), outcome)
    assert target.sent == []


def test_one_that_needs_another_call_is_sent_again_with_the_same_key():
    target = Sharing(Live(V1), progress=Unfinished("it is to be turned on"))

    outcome = moved(SHIFT, target, sent=1)

    assert isinstance(outcome, Going)
    assert outcome.sent == 1
    assert target.sent == ["k"]
    assert moved(SHIFT, target, sent=1, mine=False) == Lost()


def test_a_shift_whose_answer_was_lost_counts_as_sent():
    outcome = moved(SHIFT, Sharing(shared(0.05), Unclear("reset")))

    assert isinstance(outcome, Unknown)
    assert outcome.sent == 1


@pytest.mark.parametrize("step", [SHIFT, ANSWER])
def test_what_it_runs_on_must_be_able_to(step):
    assert isinstance(moved(step, Target(shared(0.05))), Broken)
    assert isinstance(moved(step, None), Broken)


@pytest.mark.parametrize(("step", "make"), [(SHIFT, Sharing), (ANSWER, Hooking)])
class TestBoth:
    @staticmethod
    def live(step):
        return shared(0.05) if step is SHIFT else waiting()

    def test_without_the_intent_nothing_is_sent(self, step, make):
        target = make(self.live(step))

        assert moved(step, target, mine=False) == Lost()
        assert target.sent == []

    def test_what_cannot_be_read_is_not_moved(self, step, make):
        target = make(Unreadable("HTTP 503"))

        assert isinstance(moved(step, target), Unknown)
        assert target.sent == []

    @pytest.mark.parametrize(
        ("answer", "outcome", "sent"),
        [
            (AlreadyThere(), Going, 1),
            (Refused("throttled", again_in=timedelta(seconds=15)), Going, 0),
            (Refused("denied"), Broken, None),
            (Refused("v3 runs", third_tag="v3"), Stopped, None),
        ],
    )
    def test_what_it_makes_of_an_answer(self, step, make, answer, outcome, sent):
        came = moved(step, make(self.live(step), answer))

        assert isinstance(came, outcome)
        assert getattr(came, "sent", None) == sent


# -------------------------------------------------------------------------------------------------------------- hooks


def test_a_hook_that_waits_is_answered():
    target = Hooking(waiting())

    assert isinstance(moved(ANSWER, target), Going)
    assert target.sent == [("hook-1", "go on", "k")]


@pytest.mark.parametrize("live", [waiting(None), waiting(Pause("hook-2", "AFTER_HALF")), Live(V2)])
def test_one_that_waits_no_longer_is_done(live):
    target = Hooking(live)

    assert moved(ANSWER, target) == Done()
    assert target.sent == []


@pytest.mark.parametrize("live", [waiting(release=V3), Live(V1), Live(None)])
def test_another_rollout_is_not_answered(live):
    target = Hooking(live)

    assert isinstance(moved(ANSWER, target), Stopped)
    assert target.sent == []


def test_an_answer_that_the_platform_has_not_heard_yet_is_not_repeated():
    target = Hooking(waiting())

    assert isinstance(moved(ANSWER, target, sent=1), Going)
    assert target.sent == []


def test_an_answer_that_was_lost_is_given_again_a_while_later_if_it_still_waits():
    outcome = moved(ANSWER, Hooking(waiting(), Unclear("reset")))

    assert isinstance(outcome, Unknown)
    assert (outcome.sent, outcome.look_again_in) == (0, timedelta(seconds=30))


# ---------------------------------------------------------------------------------------------------------- beginning


class Standing(Sharing):
    """Beside what runs, *found* stands ready; to move to it would go as *foretold*."""

    def __init__(self, live, found, foretold=Foretold(())):  # noqa: B008  (a value, never changed)
        super().__init__(live)
        self.found, self.foretold = found, foretold
        self.moves = []

    async def stands_by(self, hints):
        return self.found

    async def unready(self, release):
        return ""

    async def resolve(self, hints):
        return Unreadable("it has no traffic yet")

    async def foretell(self, move):
        self.moves.append((move.expect.tag, move.to.tag))
        return self.foretold


class Resolving(Sharing):
    """One that names by `resolve` what has no traffic, too."""

    async def resolve(self, hints):
        return V2

    async def foretell(self, move):
        return Foretold(())


def found(target):
    return asyncio.run(beside(target, {"tag": "v2"}))


def test_a_release_that_stands_beside_what_serves_is_found_and_looked_at():
    target = Standing(Live(V1), V2)

    assert found(target) == Beside(V2, Live(V1))
    assert target.moves == [("v1", "v2")]
    assert target.sent == []


def test_a_target_that_names_it_by_itself_is_asked_so():
    assert found(Resolving(Live(V1))) == Beside(V2, Live(V1))


def test_what_serves_already_is_told_as_such():
    target = Standing(Live(V1), V1)

    assert found(target) == Beside(V1, Live(V1))
    assert target.moves == []


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        (Target(Live(V1)), Gone("service: what it runs on shares no traffic out at our word")),
        (Standing(Unreadable("HTTP 503"), V2), Unreadable("HTTP 503")),
        (Standing(Live(V1), Gone("there is no v2")), Gone("there is no v2")),
        (Standing(Live(V1), Unreadable("throttled")), Unreadable("throttled")),
        (Standing(Live(V1), V2, Foretold((), gone=("its image is gone",))), Gone("its image is gone")),
        (Standing(Live(V1), V2, Foretold((), obstacles=("no",), unread=True)), Unreadable("no")),
        (Standing(Live(V1), V2, Foretold((), obstacles=("cold",))), Beside(V2, Live(V1))),
    ],
)
def test_what_is_not_there_or_cannot_be_read_is_not_begun_with(target, outcome):
    assert found(target) == outcome


# --------------------------------------------------------------------------------------------------------- warming up

FIRST = Shift("service", V1, V2, 0.05, ready_by=NOON)


class Warming(Standing):
    """What its platform says of the release: why it is not ready, or nothing."""

    def __init__(self, *words, live=None):
        super().__init__(live or Live(V1), V2)
        self.words = list(words)

    async def unready(self, release):
        assert release == V2
        return self.words.pop(0)


def test_a_release_is_given_nothing_until_its_platform_says_that_it_is_ready():
    target = Warming("1 of 2 targets are healthy", Unreadable("HTTP 503"), "")

    first, second, third = (moved(FIRST, target) for _ in range(3))

    assert first == Going("service: 1 of 2 targets are healthy", timedelta(seconds=5))
    assert second == Going("service: HTTP 503", timedelta(seconds=5))
    assert (isinstance(third, Going), target.sent) == (True, ["k"])


def test_what_another_hand_has_moved_meanwhile_is_left_alone_though_it_is_not_ready():
    assert isinstance(moved(FIRST, Warming("cold", live=shared(0.4))), Stopped)
    assert moved(FIRST, Warming("cold", live=shared(0.05))) == Done()


def test_where_nobody_asks_or_nobody_knows_it_is_sent_at_once():
    unasked, knows_nothing = Warming("cold"), Sharing(Live(V1))

    moved(Shift("service", V1, V2, 0.05), unasked)
    moved(FIRST, knows_nothing)

    assert (unasked.sent, knows_nothing.sent) == (["k"], ["k"])
