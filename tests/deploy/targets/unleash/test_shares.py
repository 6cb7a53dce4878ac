"""A percentage as a share: a release is what the flag gives, each stage one patch that tests what was read, and off takes it back."""

from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Gone,
    Live,
    Moving,
    Refused,
    Release,
    Serving,
    Shift,
    Unfinished,
    Unreadable,
)
from deploy.rollout import Beside, beside
from deploy.target import Staged
from deploy.targets.unleash import KIND, Settings
from tests.deploy.targets.unleash.stage import KEY, URL, Stage
from tests.fakes.launchdarkly.world import Told
from tests.fakes.unleash import ENVIRONMENT, FLAG, WRITER, strategy
from tests.fakes.unleash.world import OTHER, SKIPS

OFF, ON = Release.of_tag("off"), Release.of_tag("on.100")
TESTERS = {"name": "userWithId", "parameters": {"userIds": "ada"}}


class Sharing(Stage):
    """The same stage, with one gradual rollout of 0 %; what looks at the flag takes its percentage for a share, until it starts anew."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rollout = self.world.adds(strategy(0))
        self.starts_anew()

    def starts_anew(self, **settings: Any) -> None:
        self._target = super().target(percentages="shares", **settings)

    def target(self, **settings: Any) -> Any:
        return self._target

    def given(self, percent: int) -> Live:
        """A person gives it to so many."""
        self.clock.go_on(minutes=1)
        self.world.changes_strategy(self.rollout, parameters={"rollout": str(percent)})
        self.world.turns(on=True)
        return self.live()

    def shift(self, share: float, expect: float, before: Release = OFF, after: Release = ON) -> Any:
        self.clock.go_on(minutes=1)
        return self.run(self.target().shift(Shift("service", before, after, share, expect), KEY))

    def shifted(self, share: float, expect: float, before: Release = OFF, after: Release = ON) -> Any:
        return self.run(self.target().shifted(Shift("service", before, after, share, expect), KEY))

    def stands_by(self, **hints: str) -> Any:
        return self.run(self.target().stands_by(hints))

    def tags(self) -> tuple[str | None, str | None]:
        """What serves, and what comes."""
        live = self.live()
        return live.release.tag if live.release else None, live.in_flight.tag if live.in_flight else None

    def percent(self) -> str:
        (found,) = [each for each in self.world.production["strategies"] if each["id"] == self.rollout]
        return str(found["parameters"]["rollout"])


@pytest.fixture
def stage() -> Sharing:
    return Sharing()


def test_only_where_percentages_are_shares_can_it_be_shared_out(stage):
    plain = Settings(url=URL, environment=ENVIRONMENT, flag=FLAG, token=WRITER)  # type: ignore[arg-type]

    words, remedy = KIND.unstaged(plain) or ("", "")

    assert "each percentage" in words
    assert "percentages: shares" in remedy
    assert KIND.unstaged(plain.model_copy(update={"percentages": "shares"})) is None
    assert not isinstance(Stage().target(), Staged)
    assert isinstance(stage.target(), Staged)


def test_what_it_gives_is_one_release_whatever_its_percentage_and_off_is_what_all_others_get(stage):
    few, more = stage.given(5), stage.given(50)
    everybody, nobody = stage.given(100), stage.given(0)

    assert few.in_flight == more.in_flight == everybody.release
    assert few.shares == {few.in_flight.fingerprint: 0.05, few.release.fingerprint: 0.95}
    assert (few.release.tag, everybody.in_flight, everybody.release.tag) == ("off", None, "on.100")
    assert nobody.release == few.release


def test_from_off_the_first_stage_is_set_first_and_then_it_is_turned_on(stage):
    assert isinstance(stage.shift(0.05, 0.0), Begun)
    assert (stage.percent(), stage.world.share()) == ("5", 0)  # between the two nobody gets anything
    assert isinstance(stage.shifted(0.05, 0.0), Unfinished)
    assert isinstance(stage.shift(0.05, 0.0), Begun)

    assert stage.sent() == [f"PATCH {stage.rollout}", "POST on"]
    assert stage.world.share() == 0.05
    assert stage.shifted(0.05, 0.0) == Serving()


@pytest.mark.parametrize("answered", [True, False])
def test_a_daemon_that_was_killed_between_the_two_goes_on_and_neither_is_sent_twice(stage, answered):
    stage.shift(0.05, 0.0)
    stage.starts_anew()

    if answered:  # else it is decided like a new one
        assert isinstance(stage.shifted(0.05, 0.0), Unfinished)
    assert isinstance(stage.shift(0.05, 0.0), Begun)

    assert stage.world.changes == [(False, ["5"]), (True, ["5"])]
    assert stage.shift(0.05, 0.0) == AlreadyThere()


@pytest.mark.parametrize("anew", [True, False])
def test_who_turns_it_off_just_after_it_was_turned_on_is_not_written_over_by_a_daemon_that_was_killed_meanwhile(
    stage, anew
):
    stage.shift(0.05, 0.0)
    stage.shift(0.05, 0.0)
    stage.clock.go_on(minutes=1)
    stage.world.turns(on=False)
    if anew:
        stage.starts_anew()

    found = stage.shifted(0.05, 0.0)

    assert isinstance(found, Drifted if anew else Moving)
    assert not anew or "somebody else has turned it off" in found.words


def test_that_it_was_on_before_its_share_was_set_is_nobody_s_word_against_it(stage):
    stage.given(80)
    stage.world.turns(on=False)
    stage.shift(0.05, 0.0)
    stage.starts_anew()

    assert isinstance(stage.shifted(0.05, 0.0), Unfinished)


def test_what_turned_it_off_cannot_be_told_while_nobody_says_what_happened(stage):
    stage.shift(0.05, 0.0)
    real = stage.send

    async def without_events(method: str, url: str, *asked: Any) -> Any:
        return await real(method, url.replace("search/events", "nothing"), *asked)

    stage.send = without_events
    stage.starts_anew()

    assert isinstance(stage.shifted(0.05, 0.0), Unreadable)


BUSY = Told(429, {"name": "TooManyRequests"}, {"Retry-After": "5"})


def test_a_second_call_that_is_refused_for_now_is_sent_again(stage):
    stage.shift(0.05, 0.0)
    stage.world.befalls("POST", BUSY, times=1)

    refused = stage.shift(0.05, 0.0)

    assert isinstance(refused, Refused)
    assert refused.again_in == timedelta(seconds=5)
    assert isinstance(stage.shifted(0.05, 0.0), Unfinished)
    assert isinstance(stage.shift(0.05, 0.0), Begun)
    assert stage.world.share() == 0.05


def test_the_second_call_of_a_way_back_that_is_refused_for_now_is_sent_again(stage):
    stage.begin(OFF, ON)
    stage.world.befalls("POST", BUSY, times=1)

    assert isinstance(stage.begin(OFF, ON), Refused)
    assert isinstance(stage.progress(OFF, ON), Unfinished)
    assert isinstance(stage.begin(OFF, ON), Begun)
    assert stage.progress(OFF, ON) == Serving()


def test_a_share_of_before_is_given_to_nobody_when_it_is_turned_on(stage):
    stage.given(80)
    stage.world.turns(on=False)

    while not isinstance(stage.shift(0.05, 0.0), AlreadyThere):
        assert stage.world.share() in {0, 0.05}

    assert stage.world.share() == 0.05


def test_a_stage_is_one_patch_of_the_percentage_alone_that_tests_what_was_read(stage):
    stage.world.changes_strategy(
        stage.rollout,
        title="ours",
        parameters={"stickiness": "userId", "groupId": "checkout"},
        constraints=[{"contextName": "country", "operator": "IN", "values": ["DE"]}],
        segments=[1],
        variants=[{"name": "blue", "weight": 1000}],
    )
    new = stage.given(5).in_flight
    before = stage.world.states[-1][1]

    assert isinstance(stage.shift(0.25, 0.05, after=new), Begun)

    (now,), (then,) = stage.world.production["strategies"], before[ENVIRONMENT]["strategies"]
    assert now == then | {"parameters": then["parameters"] | {"rollout": "25"}}
    assert stage.world.states[-1][1][OTHER] == before[OTHER]
    assert stage.sent() == [f"PATCH {stage.rollout}"]
    assert new.tag.startswith("on.100/userId/checkout@")


def test_the_last_stage_gives_it_to_everybody_and_can_be_gone_back_from(stage):
    new = stage.given(5).in_flight

    assert isinstance(stage.shift(1.0, 0.05), Begun)
    assert stage.tags() == ("on.100", None)
    assert isinstance(stage.begin(new, OFF), Begun)

    assert stage.world.production["enabled"] is False
    assert stage.tags() == ("off", None)


@pytest.mark.parametrize("percent", [5, 25, 100])
def test_back_to_nothing_is_one_call_from_whichever_share(stage, percent):
    stage.given(percent)

    assert isinstance(stage.begin(ON, OFF), Begun)

    assert stage.sent() == ["POST off"]
    assert stage.world.share() == 0
    assert stage.progress(ON, OFF) == Serving()
    assert stage.begin(ON, OFF) == AlreadyThere()


def test_a_step_forward_that_comes_after_the_way_back_gives_it_to_nobody(stage):
    stage.given(5)
    stage.begin(ON, OFF)

    late = stage.shift(0.25, 0.05)

    assert isinstance(late, Refused)
    assert late.third_tag == "on.100"
    assert stage.world.share() == 0


def test_who_changes_the_percentage_between_look_and_call_is_not_written_over(stage):
    stage.given(5)
    changing, stage.send = stage.send, Meddling(stage, percent=40)
    stage.starts_anew()

    refused = stage.shift(0.25, 0.05)

    assert isinstance(refused, Refused)
    assert refused.again_in is not None
    assert "changed meanwhile" in refused.words
    assert stage.percent() == "40"
    stage.send = changing
    stage.starts_anew()
    assert stage.shift(0.25, 0.05).third_tag == "on.100"  # another hand, and it is left alone


class Meddling:
    """Unleash, where somebody changes the percentage just before a patch arrives."""

    def __init__(self, stage: Sharing, percent: int) -> None:
        self.stage, self.through, self.percent = stage, stage.send, percent

    async def __call__(self, method: str, *asked: Any) -> Any:
        if method == "PATCH":
            self.stage.world.changes_strategy(self.stage.rollout, parameters={"rollout": str(self.percent)})
        return await self.through(method, *asked)


def test_a_percentage_that_somebody_moved_is_told_with_who_it_was(stage):
    stage.given(5)
    stage.shift(0.25, 0.05)
    stage.clock.go_on(minutes=1)
    stage.world.changes_strategy(stage.rollout, by="eve", parameters={"rollout": "60"})

    found = stage.shifted(0.25, 0.05)

    assert isinstance(found, Drifted)
    assert "on.100 has 60 % of the traffic" in found.words
    assert "eve" in found.words


def test_what_it_gives_changes_in_the_middle_and_is_another_release(stage):
    stage.given(5)
    stage.world.changes_strategy(stage.rollout, parameters={"stickiness": "userId"})

    refused = stage.shift(0.25, 0.05)

    assert stage.tags() == ("off", f"on.100/userId/{FLAG}")
    assert isinstance(refused, Refused)
    assert refused.third_tag == f"on.100/userId/{FLAG}"
    assert isinstance(stage.begin(Release.of_tag(f"on.100/userId/{FLAG}"), OFF), Begun)
    assert stage.world.share() == 0


def test_from_another_stickiness_it_goes_back_to_the_one_that_was_well_by_one_patch(stage):
    well = stage.given(100).release
    stage.world.changes_strategy(stage.rollout, parameters={"stickiness": "userId", "rollout": "25"})
    other = stage.live().in_flight

    assert isinstance(stage.begin(other, well), Begun)

    assert stage.world.production["strategies"][0]["parameters"]["rollout"] == "100"
    assert stage.live().release == well
    assert stage.sent() == [f"PATCH {stage.rollout}"]


def test_a_flag_that_was_turned_off_goes_back_to_all(stage):
    well = stage.given(100).release
    stage.world.changes_strategy(stage.rollout, parameters={"rollout": "5"})
    stage.world.turns(on=False)

    calls = stage.foretell(OFF, well).calls
    stage.begin(OFF, well)
    assert isinstance(stage.progress(OFF, well), Unfinished)
    stage.begin(OFF, well)

    assert [each.partition(" ")[0] for each in calls] == ["PATCH", "POST"]
    assert stage.live().release == well


def test_a_percentage_is_nothing_to_go_back_to(stage):
    """Also where its tag was written while each percentage was a release."""
    new = stage.given(50).in_flight

    refused = stage.begin(new, Release("sha256:old", "on.5"))

    assert isinstance(refused, Refused)
    assert stage.sent() == []


# ----------------------------------------------------------------------------------- which strategy is it that is raised


def test_of_several_gradual_rollouts_one_has_to_be_named_and_till_then_nothing_is_shared_out(stage):
    second = stage.world.adds(strategy(5, parameters={"stickiness": "userId"}))
    stage.world.turns(on=True)

    gone, finding = stage.stands_by(tag="on.100"), stage.findings()[-1]

    assert isinstance(gone, Gone)
    assert (
        f"has 2 gradual rollouts that are active: name the one that is raised, `strategy:` and its id ({stage.rollout}, {second})"
        in gone.words
    )
    assert finding[0] == "fail"
    assert "has 2 gradual rollouts that are active: it cannot be raised in stages" in finding[1]
    assert stage.tags()[1] is None
    assert isinstance(stage.shift(0.25, 0.05), Refused)
    assert stage.sent() == []
    stage.starts_anew(strategy=second)
    assert str(stage.tags()[1]).startswith(f"on.100/userId/{FLAG}@")
    assert [level for level, _ in stage.findings()] == ["ok"]


@pytest.mark.parametrize(
    ("arranged", "words"),
    [
        ({"disabled": True}, "has no gradual rollout that is active: add one, of 0 %"),
        ({"parameters": {"rollout": "2.5"}}, "no share in whole percents: make it a gradual rollout"),
    ],
)
def test_what_cannot_be_shared_out_is_said_before_it_is_needed(stage, arranged, words):
    stage.world.changes_strategy(stage.rollout, **arranged)

    gone, shift = stage.stands_by(tag="on.100"), stage.shift(0.05, 0.0)

    assert isinstance(gone, Gone)
    assert isinstance(shift, Refused)
    assert words in gone.words
    assert words in shift.words
    assert shift.again_in is None
    assert stage.findings()[-1][0] == "fail"
    assert stage.sent() == []


def test_a_strategy_that_is_named_and_is_not_there_is_said(stage):
    stage.starts_anew(strategy="00000000-aaaa")

    gone = stage.stands_by(tag="on.100")

    assert isinstance(gone, Gone)
    assert "has no strategy 00000000-aaaa that is active: look at `strategy`" in gone.words


def test_beside_strategies_of_other_kinds_its_share_goes_forward_and_back_and_these_stay(stage):
    stage.world.adds(TESTERS)
    stage.world.turns(on=True)
    old, new = stage.live().release, stage.stands_by(tag="on")
    assert old.tag.startswith("on.userWithId")

    assert isinstance(stage.shift(0.05, 0.0, old, new), Begun)
    assert stage.tags() == (old.tag, new.tag)
    assert isinstance(stage.begin(new, old), Begun)

    assert stage.world.changes == [(True, ["5"]), (True, ["0"])]
    assert stage.sent() == [f"PATCH {stage.rollout}"] * 2
    assert stage.live().release == old


def test_who_changes_what_others_give_makes_another_release(stage):
    testers = stage.world.adds(TESTERS)
    few = stage.given(5)
    stage.world.changes_strategy(testers, parameters={"userIds": "ada,bob"})

    now = stage.live()

    assert now.in_flight.fingerprint != few.in_flight.fingerprint
    assert now.release.fingerprint != few.release.fingerprint
    assert isinstance(stage.shift(0.25, 0.05, few.release, few.in_flight), Refused)


def test_from_off_others_would_be_given_it_too_so_it_is_not_begun_and_a_person_who_does_is_taken_back_to_off(
    stage,
):
    stage.world.adds(TESTERS)
    off = stage.live().release

    assert "turning it on would give it by its other strategies as well" in stage.stands_by(tag="on").words
    new = stage.given(5).in_flight
    assert isinstance(stage.begin(new, off), Begun)

    assert stage.sent() == ["POST off"]
    assert stage.progress(new, off) == Serving()


# --------------------------------------------------------------------------------------------------------- around it


def test_it_is_known_before_anybody_gets_it_and_can_be_begun(stage):
    found = stage.run(beside(stage.target(), {"tag": "on.100"}))

    assert isinstance(found, Beside)
    assert (found.release.tag, found.live) == ("on.100", stage.live())
    assert isinstance(stage.stands_by(version="on"), Release)
    assert isinstance(stage.stands_by(tag="on.5"), Gone)
    assert stage.run(stage.target().unready(found.release)) == ""
    stage.world.changes_strategy(stage.rollout, segments=[7])
    assert "by now" in stage.run(stage.target().unready(found.release))


def test_of_a_flag_that_was_archived_nothing_is_shared_out(stage):
    stage.given(5)
    stage.world.archived = True

    assert isinstance(stage.shift(0.25, 0.05), Refused)
    assert isinstance(stage.shifted(0.25, 0.05), Drifted)
    assert isinstance(stage.begin(ON, OFF), Refused)
    assert isinstance(stage.progress(ON, OFF), Failed)
    assert isinstance(stage.stands_by(tag="on"), Gone)
    assert stage.tags() == (None, None)


def test_change_requests_are_named_where_a_stage_is_refused(stage):
    stage.given(5)
    stage.world.requests = True

    refused = stage.shift(0.25, 0.05)

    assert isinstance(refused, Refused)
    assert refused.again_in is None
    assert "HTTP 403: PermissionError" in refused.words
    assert f"a person has to request this change, or the token's role needs {SKIPS}" in refused.words


def test_a_stage_of_which_nothing_is_seen_was_lost(stage):
    stage.given(5)
    stage.world.befalls("PATCH", Told(502, {}))
    stage.shift(0.25, 0.05)

    assert isinstance(stage.shifted(0.25, 0.05), Moving)
    stage.clock.go_on(minutes=3)
    assert isinstance(stage.shifted(0.25, 0.05), Failed)


def test_what_was_changed_after_its_rollout_was_ordered_is_not_begun(stage):
    ordered = stage.stands_by(tag="on")
    stage.world.changes_strategy(stage.rollout, segments=[7])

    refused = stage.shift(0.05, 0.0, after=ordered)

    assert isinstance(refused, Refused)
    assert "gives something else than on.100 by now" in refused.words
    assert stage.sent() == []


def test_a_share_that_is_no_whole_percent_is_refused_and_not_rounded(stage):
    stage.given(5)

    refused = stage.shift(0.255, 0.05)

    assert isinstance(refused, Refused)
    assert "whole percents, and 25.50% is none" in refused.words


def test_what_cannot_be_read_is_not_guessed(stage):
    stage.world.befalls("GET", Told(503, {}))
    target = stage.target()

    assert isinstance(stage.shift(0.25, 0.05), Refused)
    assert isinstance(stage.shifted(0.25, 0.05), Unreadable)
    assert isinstance(stage.stands_by(tag="on"), Unreadable)
    assert isinstance(stage.run(target.unready(ON)), Unreadable)
    assert isinstance(stage.run(target.observe()), Unreadable)


def test_what_is_foretold_of_the_way_back_is_what_is_sent(stage):
    stage.given(25)

    told = stage.foretell(ON, OFF)

    assert [each.rpartition("/")[2] for each in told.calls] == ["off"]
    assert told.obstacles == ()
    assert "/environments/production/off" in told.by_hand


def test_since_when_it_is_rolled_out_is_known_and_what_has_a_share_is_no_past(stage):
    stage.clock.go_on(hours=1)
    began = stage.clock.time + timedelta(minutes=1)
    stage.given(5)
    stage.shift(0.25, 0.05)
    stage.starts_anew()

    live, recalled = stage.live(), stage.recalled(timedelta(days=5))

    assert live.since == began
    assert [release.tag for release, _ in recalled.served] == ["off"]


def test_what_served_until_an_hour_ago_is_remembered_while_the_next_is_rolled_out(stage):
    stage.given(100)
    stage.clock.go_on(days=2)
    stage.world.turns(on=False)
    stage.clock.go_on(hours=1)
    stage.world.changes_strategy(stage.rollout, parameters={"stickiness": "userId"})
    stage.given(5)

    recalled = stage.recalled(timedelta(hours=1))

    assert [release.tag for release, _ in recalled.served] == ["off", "on.100", "off"]
