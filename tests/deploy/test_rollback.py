from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
)
from deploy.rollback import (
    AT_ONCE,
    LOOK_AGAIN,
    Broken,
    Done,
    Going,
    Lost,
    Outcome,
    Stopped,
    Unknown,
    foretell,
    keys,
    roll_back,
    standing,
)
from tests.deploy.platform import Platform, release

GOOD, BAD, THIRD = release("v1"), release("v2"), release("v3")
MOVE = Move("service", expect=BAD, to=GOOD)


def a_plan(*parts):
    return RollbackPlan(
        "checkout", "production", tuple(Move(part, BAD, GOOD) for part in parts or ("service",))
    )


class Performer:
    """What the performer does with the outcomes, and no more: writes them down, and calls again."""

    def __init__(self, *platforms: Platform) -> None:
        self.targets = {platform.part: platform for platform in platforms}
        self.plan = a_plan(*self.targets)
        self.sent = 0
        self.intends = 0
        self.leased = True

    async def intend(self, move: Move) -> bool:
        self.intends += 1
        return self.leased

    async def call(self) -> Outcome:
        outcome = await roll_back(self.plan, self.targets, "w_1.3.0", sent=self.sent, intend=self.intend)
        if isinstance(outcome, Going | Unknown):
            self.sent = outcome.sent
        return outcome


# ----------------------------------------------------------------------------------------------- one part, step by step


async def test_a_move_that_needs_another_call_is_begun_again_with_the_same_key():
    platform = Platform(slow=True)
    performer = Performer(platform)
    await performer.call()
    platform.says = Unfinished("the caches are not told yet")

    again = await performer.call()
    platform.says = None
    platform.arrive()

    assert isinstance(again, Going)
    assert platform.sent == ["v1 w_1.3.0", "v1 w_1.3.0"]
    assert performer.intends == 2
    assert await performer.call() == Done()


async def test_a_second_call_that_is_not_taken_now_leaves_the_first_one_answered():
    platform = Platform(slow=True, answers=[Begun(), Refused("not now", again_in=timedelta(seconds=9))])
    performer = Performer(platform)
    await performer.call()
    platform.says = Unfinished("the caches are not told yet")

    again = await performer.call()

    assert again == Going("service: not now", timedelta(seconds=9), sent=1)


async def test_the_bad_tag_is_moved_and_then_the_good_one_is_seen_to_serve():
    platform = Platform(slow=True)
    performer = Performer(platform)

    ordered = await performer.call()
    moving = await performer.call()
    platform.arrive()
    done = await performer.call()

    assert ordered == Going("v1 was ordered", LOOK_AGAIN, sent=1)
    assert moving == Going("service: on its way to v1", LOOK_AGAIN, sent=1)
    assert done == Done()
    assert platform.sent == ["v1 w_1.3.0"]


async def test_what_was_sent_is_never_called_done_before_it_was_seen():
    outcome = await Performer(Platform(slow=False)).call()

    assert isinstance(outcome, Going)


async def test_already_back_is_done_and_nothing_is_sent():
    platform = Platform(live=GOOD)
    performer = Performer(platform)

    assert await performer.call() == Done()
    assert platform.sent == []
    assert performer.intends == 0


async def test_somebody_elses_move_to_the_good_tag_is_waited_for():
    platform = Platform(moving_to=GOOD)

    assert await Performer(platform).call() == Going("service: on its way to v1")
    assert platform.sent == []


async def test_a_third_tag_is_refused():
    platform = Platform(live=THIRD)

    outcome = await Performer(platform).call()

    assert outcome == Stopped("service: v3 serves, not v2: somebody else has moved it", third_tag="v3")
    assert platform.sent == []


async def test_a_third_tag_on_its_way_is_refused_too():
    outcome = await Performer(Platform(moving_to=THIRD)).call()

    assert outcome == Stopped("service: v3 is on its way, not v2: somebody else has moved it", third_tag="v3")


async def test_a_third_tag_that_came_after_the_move_is_not_undone():
    platform = Platform(slow=True)
    performer = Performer(platform)
    await performer.call()
    platform.deployed("v3")

    assert await performer.call() == Stopped("service: another", third_tag="v3")
    assert platform.effects == ["v1"]


async def test_where_nothing_runs_nothing_is_moved():
    outcome = await Performer(Platform(live=None)).call()

    assert outcome == Stopped("service: nothing runs, neither v2 nor anything else")


async def test_what_cannot_be_read_is_not_moved():
    platform = Platform(unreadable="503 Slow Down")

    assert await Performer(platform).call() == Unknown("service: 503 Slow Down")
    assert platform.sent == []


async def test_what_cannot_be_read_after_the_move_is_read_again():
    platform = Platform(slow=True)
    performer = Performer(platform)
    await performer.call()
    platform.unreadable = "503 Slow Down"

    assert await performer.call() == Unknown("service: 503 Slow Down", sent=1)


async def test_without_a_lease_nothing_is_sent():
    platform = Platform()
    performer = Performer(platform)
    performer.leased = False

    assert await performer.call() == Lost()
    assert platform.sent == []


async def test_a_part_that_left_the_configuration_is_for_a_person():
    outcome = await roll_back(a_plan(), {}, "k", sent=0, intend=Performer().intend)

    assert outcome == Broken("service: the configuration has no such part any more", "put v1 back by hand")


async def test_a_plan_without_moves_is_done():
    outcome = await roll_back(
        RollbackPlan("checkout", "production", ()), {}, "k", sent=0, intend=Performer().intend
    )

    assert outcome == Done()


# ------------------------------------------------------------------------------------------- what the platform may answer


async def test_a_lost_answer_is_read_and_never_sent_again():
    platform = Platform(answers=[Unclear("timed out")], keeps_keys=False)
    performer = Performer(platform)

    first = await performer.call()
    later = [await performer.call() for _ in range(20)]

    assert first == Unknown("service: timed out; sent once, and read from now on", LOOK_AGAIN, sent=1)
    assert set(later) == {Going("service: on its way to v1", LOOK_AGAIN, sent=1)}
    assert len(platform.sent) == 1


async def test_a_lost_answer_to_a_move_that_happened_ends_well():
    platform = Platform(lose_answer=True, keeps_keys=False)
    performer = Performer(platform)

    assert isinstance(await performer.call(), Unknown)
    assert await performer.call() == Done()


async def test_a_platform_that_was_there_already_is_looked_at_again_at_once():
    outcome = await Performer(Platform(answers=[AlreadyThere()])).call()

    assert outcome == Going("service: v1 is there already", AT_ONCE, sent=1)


async def test_a_refusal_is_for_a_person_with_the_way_to_do_it_by_hand():
    outcome = await Performer(Platform(answers=[Refused("AccessDenied")])).call()

    assert outcome == Broken("service: AccessDenied", by_hand="by hand: v1")


async def test_a_refusal_for_a_third_release_stops():
    outcome = await Performer(Platform(answers=[Refused("v3 serves", third_tag="v3")])).call()

    assert outcome == Stopped("service: v3 serves", third_tag="v3")


async def test_not_now_is_asked_again_later_with_the_same_key():
    platform = Platform(answers=[Refused("Throttling", again_in=timedelta(seconds=30))])
    performer = Performer(platform)

    first = await performer.call()
    await performer.call()

    assert first == Going("service: Throttling", timedelta(seconds=30), sent=0)
    assert platform.sent == ["v1 w_1.3.0", "v1 w_1.3.0"]
    assert await performer.call() == Done()


@pytest.mark.parametrize(
    ("progress", "outcome"),
    [
        (Serving(), Done()),
        (Moving("7 of 12"), Going("service: 7 of 12", sent=1)),
        (Moving(), Going("service: on its way to v1", sent=1)),
        (Failed("no capacity", "run this"), Broken("service: no capacity", "run this")),
        (Failed("no capacity"), Broken("service: no capacity", "by hand: v1")),
        (Drifted("v3 serves", "v3"), Stopped("service: v3 serves", "v3")),
    ],
)
async def test_what_was_sent_is_judged_by_its_progress(progress, outcome):
    performer = Performer(Platform(says=progress))
    performer.sent = 1

    assert await performer.call() == outcome


# --------------------------------------------------------------------------------------- killed between send and record


@pytest.mark.parametrize("keeps_keys", [True, False])
@pytest.mark.parametrize("slow", [True, False])
async def test_killed_after_sending_the_effect_is_found_and_not_made_again(keeps_keys, slow):
    platform = Platform(keeps_keys=keeps_keys, slow=slow)
    performer = Performer(platform)
    await performer.call()
    performer.sent = 0  # the record of the answer was lost with the process

    await performer.call()
    platform.arrive()

    assert await performer.call() == Done()
    assert platform.sent == ["v1 w_1.3.0"]


async def test_killed_after_sending_an_invisible_move_is_known_by_its_key():
    platform = Platform(shows_moves=False, slow=True)
    performer = Performer(platform)
    await performer.call()
    performer.sent = 0

    assert await performer.call() == Going("service: on its way to v1")
    assert len(platform.sent) == 1


async def test_killed_before_sending_it_is_sent_after_all():
    platform = Platform()
    performer = Performer(platform)
    performer.intends = 1  # the intent was written, and then came the end

    await performer.call()

    assert platform.effects == ["v1"]
    assert await performer.call() == Done()


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.lists(st.sampled_from(["call", "killed", "arrive"]), max_size=12),
    st.integers(1, 3),
)
async def test_however_often_it_is_killed_each_part_is_moved_once(keeps, shows, slow, loses, story, parts):
    platforms = [
        Platform(f"part{n}", slow=slow, shows_moves=shows, keeps_keys=keeps, lose_answer=loses)
        for n in range(parts)
    ]
    performer = Performer(*platforms)
    for event in [*story, *["call", "arrive", "call"] * parts, "call"]:
        before = performer.sent
        if event == "arrive":
            for platform in platforms:
                platform.arrive()
        else:
            await performer.call()
        if event == "killed":
            performer.sent = before

    assert await performer.call() == Done()
    assert [platform.effects for platform in platforms] == [["v1"]] * parts


@given(
    st.lists(st.sampled_from(["call", "killed", "arrive", "deployed"]), min_size=1, max_size=12),
    st.booleans(),
)
async def test_what_somebody_else_deployed_is_never_undone(story, slow):
    platform = Platform(slow=slow)
    performer = Performer(platform)
    for event in story:
        before, foreign = performer.sent, platform.live
        if event == "arrive":
            platform.arrive()
        elif event == "deployed":
            platform.deployed("v3")
        else:
            await performer.call()
            assert platform.live == foreign or foreign != THIRD
        if event == "killed":
            performer.sent = before

    assert platform.effects in ([], ["v1"])


# ------------------------------------------------------------------------------------------------------ several parts


async def test_parts_are_moved_in_the_order_of_the_plan_one_after_the_other_serves():
    web, worker = Platform("web", slow=True), Platform("worker", slow=True)
    performer = Performer(web, worker)

    await performer.call()
    await performer.call()
    assert (web.effects, worker.effects) == (["v1"], [])

    web.arrive()
    await performer.call()
    assert (web.effects, worker.effects) == (["v1"], ["v1"])

    worker.arrive()
    assert await performer.call() == Done()


async def test_each_part_has_a_key_of_its_own():
    web, worker = Platform("web"), Platform("worker")
    performer = Performer(web, worker)

    await performer.call()
    await performer.call()

    assert (web.sent, worker.sent) == (["v1 w_1.3.0.0"], ["v1 w_1.3.0.1"])


def test_a_plan_of_one_part_uses_the_actions_id_as_it_is():
    assert keys(a_plan(), "w_1.3.0") == {"service": "w_1.3.0"}
    assert keys(a_plan("web", "worker"), "w_1.3.0") == {"web": "w_1.3.0.0", "worker": "w_1.3.0.1"}


async def test_a_third_tag_on_the_last_part_stops_before_the_first_is_moved():
    web, worker = Platform("web"), Platform("worker", live=THIRD)

    outcome = await Performer(web, worker).call()

    assert isinstance(outcome, Stopped)
    assert web.sent == []


async def test_nothing_is_moved_before_every_part_could_be_read():
    web, worker = Platform("web"), Platform("worker", unreadable="down")
    performer = Performer(web, worker)

    assert await performer.call() == Unknown("worker: down")
    assert web.sent == []


async def test_what_was_begun_goes_on_while_a_later_part_cannot_be_read():
    web, worker, jobs = Platform("web", live=GOOD), Platform("worker"), Platform("jobs", unreadable="down")
    performer = Performer(web, worker, jobs)
    performer.sent = 1

    await performer.call()

    assert worker.effects == ["v1"]


async def test_a_part_that_is_back_already_is_passed_over():
    web, worker = Platform("web", live=GOOD), Platform("worker")
    performer = Performer(web, worker)

    await performer.call()

    assert (web.sent, len(worker.sent)) == ([], 1)
    assert await performer.call() == Done()


async def test_a_lost_answer_on_one_part_does_not_keep_the_next_from_being_moved():
    web, worker = Platform("web", lose_answer=True), Platform("worker")
    performer = Performer(web, worker)

    assert [type(await performer.call()) for _ in range(3)] == [Unknown, Going, Done]
    assert (len(web.sent), len(worker.sent)) == (1, 1)


# ------------------------------------------------------------------------------------------------------- the table


SERVES = {"good": GOOD, "bad": BAD, "third": THIRD, "nothing": None}
FLIES = {"nothing": None, "good": GOOD, "bad": BAD, "third": THIRD}
TABLE = {
    "good": ["Done", "Going", "_Waits", "Stopped"],
    "bad": ["_Waits", "Going", "_Waits", "Stopped"],
    "third": ["Stopped", "Going", "_Waits", "Stopped"],
    "nothing": ["Stopped", "Going", "_Waits", "Stopped"],
}


@pytest.mark.parametrize(("serves", "flies"), list(product(SERVES, FLIES)))
def test_the_table_of_the_docstring_is_the_one_that_decides(serves, flies):
    found = standing(Live(SERVES[serves], FLIES[flies]), MOVE)

    assert type(found).__name__ == TABLE[serves][list(FLIES).index(flies)]


def test_a_platform_that_knows_only_tags_is_compared_by_tag():
    assert standing(Live(Release.of_tag("v1")), MOVE) == Done()
    assert isinstance(standing(Live(Release.of_tag("v9")), MOVE), Stopped)


def test_the_same_tag_with_other_content_is_a_third_release():
    assert isinstance(standing(Live(Release("sha256:other", "v2")), MOVE), Stopped)


# ------------------------------------------------------------------------------------------------------- foretelling


async def test_foretelling_sends_nothing_and_names_the_calls():
    platform = Platform()

    foretold = await foretell(a_plan(), {"service": platform})

    assert foretold == {"service": Foretold(calls=("set v1",), by_hand="by hand: v1")}
    assert platform.sent == []


@pytest.mark.parametrize(
    ("platform", "obstacles"),
    [
        (Platform(live=THIRD), ("service: v3 serves, not v2: somebody else has moved it",)),
        (Platform(unreadable="down"), ("down",)),
        (Platform(moving_to=GOOD), ("service: on its way to v1",)),
    ],
)
async def test_foretelling_says_what_stands_in_the_way(platform, obstacles):
    foretold = await foretell(a_plan(), {"service": platform})

    assert foretold["service"].obstacles == obstacles


async def test_foretelling_says_when_there_is_nothing_to_do():
    foretold = await foretell(a_plan(), {"service": Platform(live=GOOD)})

    assert foretold["service"].calls == ()
    assert foretold["service"].takes == "nothing to do: v1 serves already"


async def test_foretelling_a_part_that_is_not_configured_says_so():
    foretold = await foretell(a_plan(), {})

    assert foretold["service"].obstacles == ("the configuration has no part service",)
