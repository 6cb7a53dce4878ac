"""Percentages as shares: a release is a variation, and each stage is one patch that tests the version."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Gone,
    Level,
    Live,
    Move,
    Refused,
    Release,
    Serving,
    Shift,
    Unreadable,
)
from deploy.ports import Got, Send
from deploy.rollout import Beside, beside, standing
from deploy.target import Staged
from deploy.targets.launchdarkly import KIND, Settings
from tests.deploy.targets.launchdarkly.stage import KEY, Stage
from tests.fakes.launchdarkly import ENVIRONMENT, FLAG, PROJECT, WRITER, weighted
from tests.fakes.launchdarkly.world import Told

RULES = {"contextTargets": [{"variation": 0, "values": ["ada"], "contextKind": "user"}]}


class Sharing(Stage):
    """The same stage; what looks at the flag takes percentages for shares, and stays until a test has it start anew."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.starts_anew()

    def starts_anew(self) -> None:
        self._target = super().target(percentages="shares")

    def target(self, **settings: Any) -> Any:
        return self._target

    def given(self, **fallthrough: float) -> Live:
        """A person turns it on for so many percent."""
        self.clock.go_on(minutes=1)
        self.world.sets(on=True, fallthrough=weighted(**fallthrough))
        return self.live()

    def shift(self, before: Release, after: Release, share: float, expect: float, key: str = KEY) -> Any:
        self.clock.go_on(minutes=1)
        return self.run(self.target().shift(Shift("service", before, after, share, expect), key))

    def tags(self) -> tuple[str | None, str | None]:
        """What serves, and what comes."""
        live = self.live()
        return (
            live.release.tag if live.release else None,
            live.in_flight.tag if live.in_flight else None,
        )


@pytest.fixture
def stage() -> Sharing:
    return Sharing()


def both(live: Live) -> tuple[Release, Release]:
    """What serves, and what comes."""
    assert live.release is not None
    assert live.in_flight is not None
    return live.release, live.in_flight


def test_only_where_percentages_are_shares_can_it_be_shared_out():
    plain = Settings(project=PROJECT, environment=ENVIRONMENT, flag=FLAG, token=WRITER)  # type: ignore[arg-type]
    shares = plain.model_copy(update={"percentages": "shares"})

    words, remedy = KIND.unstaged(plain) or ("", "")
    assert "each percentage" in words
    assert "percentages: shares" in remedy
    assert KIND.unstaged(shares) is None
    assert not isinstance(Stage().target(), Staged)
    assert isinstance(Sharing().target(), Staged)


def test_one_variation_is_one_release_whatever_its_percentage(stage):
    few, more = stage.given(v0=5, v1=95), stage.given(v0=50, v1=50)
    everybody = stage.sets(on=True, fallthrough={"variation": 0})

    assert few.in_flight == more.in_flight == everybody
    assert few.shares[everybody.fingerprint] == 0.05
    assert everybody.names["variation"] == "true"


def test_a_rollout_that_turns_the_flag_on_is_one_beside_what_off_gives(stage):
    off = stage.live().release
    _, new = both(stage.given(v0=5, v1=95))

    assert off.is_same_as(stage.live().release)
    assert (off.tag, new.tag) == ("off", "on.true")
    assert off.names["variation"] == "false"


def test_a_stage_is_one_patch_with_the_version_first_and_keeps_the_order_and_how_people_are_told_apart(stage):
    rollout = weighted(v1=95, v0=5)["rollout"] | {"contextKind": "device", "seed": 7}
    stage.world.sets(on=True, fallthrough={"rollout": rollout})
    old, new = both(stage.live())

    assert isinstance(stage.shift(old, new, 0.255, 0.05), Begun)

    told = stage.world.production["fallthrough"]["rollout"]
    assert [(each["variation"], each["weight"]) for each in told["variations"]] == [
        (1, 74_500),
        (0, 25_500),
        (2, 0),
    ]
    assert (told["contextKind"], told["seed"]) == ("device", 7)
    assert stage.sent() == 1


def test_the_last_stage_names_the_variation_alone_and_can_be_gone_back_from(stage):
    old, new = both(stage.given(v0=5, v1=95))

    assert isinstance(stage.shift(old, new, 1.0, 0.05), Begun)
    assert stage.world.production["fallthrough"] == {"variation": 0}
    assert stage.tags() == ("on.true", None)
    assert isinstance(stage.begin(new, Release(old.fingerprint, "off")), Begun)
    assert stage.world.shares() == {1: 1.0}
    assert stage.world.production["on"] is False


def test_from_off_a_stage_turns_the_flag_on(stage):
    off = stage.live().release
    new = stage.run(stage.target().stands_by({"tag": "on.true"}))

    assert isinstance(stage.shift(off, new, 0.05, 0.0), Begun)

    assert stage.world.production["on"] is True
    assert stage.world.shares() == {0: 0.05, 1: 0.95}
    assert stage.tags() == ("on.false", "on.true")


def test_who_changes_the_flag_between_look_and_call_is_not_written_over(stage):
    old, new = both(stage.given(v0=5, v1=95))
    stage.world.befalls("PATCH", Told(409, {"code": "conflict", "message": "version"}), times=1)

    refused = stage.shift(old, new, 0.25, 0.05)

    assert isinstance(refused, Refused)
    assert refused.again_in is not None
    assert stage.world.shares() == {0: 0.05, 1: 0.95}


def test_a_step_forward_that_comes_after_the_way_back_changes_nothing(stage):
    old, new = both(stage.given(v0=5, v1=95))
    stage.begin(new, old)

    late = stage.shift(old, new, 0.25, 0.05)

    assert isinstance(late, Refused)
    assert late.third_tag == "on.true"
    assert stage.world.shares() == {1: 1.0}


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_after_a_restart_the_newer_is_what_our_own_last_step_says(stage, share):
    """Also where what is turned off by percentages is the old one."""
    stage.sets(on=True, fallthrough={"variation": 0})
    old, new = both(stage.given(v1=5, v0=95))
    assert (old.tag, new.tag) == ("on.true", "on.false")
    stage.shift(old, new, share, 0.05)
    stage.world.sets(comment="tidied up", trackEvents=True)

    stage.starts_anew()

    assert stage.tags() == ("on.true", "on.false")


def test_after_a_restart_the_audit_log_is_waited_for_and_nothing_is_guessed(stage):
    stage.sets(on=True, fallthrough={"variation": 0})
    old, new = both(stage.given(v1=5, v0=95))
    stage.shift(old, new, 0.75, 0.05)
    stage.world.logged_after = timedelta(seconds=30)
    stage.starts_anew()

    waits = stage.run(stage.target().observe())
    assert isinstance(waits, Unreadable)
    assert waits == Unreadable(waits.words, awaited=True)
    stage.clock.go_on(seconds=30)
    assert stage.tags() == ("on.true", "on.false")


def test_after_a_restart_a_rollout_that_rollbackd_began_from_off_goes_on(stage):
    """Without rules `off` and the variation that is given when off are one release, by two names."""
    off, new = stage.live().release, stage.run(stage.target().stands_by({"tag": "on.true"}))
    stage.shift(off, new, 0.05, 0.0)
    stage.shift(off, new, 0.75, 0.05)

    stage.starts_anew()

    assert stage.tags() == ("on.false", "on.true")


def test_after_a_restart_what_our_last_step_gave_everything_is_the_older_of_a_rollout_the_other_way(stage):
    """Taken for the older one, the bad variation would be gone back to."""
    old, new = both(stage.given(v0=5, v1=95))
    stage.shift(old, new, 1.0, 0.05)
    stage.world.sets(fallthrough=weighted(v0=95, v1=5))

    stage.starts_anew()

    assert stage.tags() == ("on.true", "on.false")


def test_after_a_restart_what_our_rollback_gave_everything_is_the_older(stage):
    stage.sets(on=True, fallthrough={"variation": 0})
    old, new = both(stage.given(v1=5, v0=95))
    stage.begin(new, old)
    stage.world.sets(fallthrough=weighted(v0=40, v1=60))

    stage.starts_anew()

    assert stage.tags() == ("on.true", "on.false")


@pytest.mark.parametrize("rest", [5, 75])
def test_what_two_other_hands_have_made_of_our_step_is_not_guessed(stage, rest):
    """The first may have given `true` everything, and the second have begun to take it back."""
    stage.sets(on=True, fallthrough={"variation": 0})
    old, new = both(stage.given(v1=5, v0=95))
    stage.shift(old, new, 0.25, 0.05)
    stage.world.sets(fallthrough={"variation": 1}, comment="rollbackd x: 1.2.3 % to on.true, the rest to off")
    stage.world.sets(fallthrough=weighted(v0=100 - rest, v1=rest))

    stage.starts_anew()

    found = stage.run(stage.target().observe())
    assert isinstance(found, Unreadable)
    assert "which of them is the newer is not known" in found.words


def test_a_change_that_the_audit_log_never_tells_is_one_by_another_hand(stage):
    stage.sets(on=True, fallthrough={"variation": 0})
    old, new = both(stage.given(v1=5, v0=95))
    stage.shift(old, new, 0.25, 0.05)
    stage.world.sets(fallthrough={"variation": 1})
    stage.clock.go_on(hours=1)
    stage.world.logged_after = timedelta(minutes=30)
    stage.world.sets(fallthrough=weighted(v0=95, v1=5))
    stage.clock.go_on(minutes=3)

    stage.starts_anew()

    found = stage.run(stage.target().observe())
    assert found == Unreadable(found.words, awaited=False)
    assert "which of them is the newer is not known" in found.words


class Unlogged:
    """The API, whose audit log answers so."""

    def __init__(self, send: Send, status: int, body: bytes) -> None:
        self._send, self._status, self._body = send, status, body

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        secrets: Mapping[str, str],
        body: bytes | None = None,
    ) -> Got:
        if "/auditlog" in url:
            return Got(self._status, {}, self._body)
        return await self._send(method, url, headers, secrets, body)


@pytest.mark.parametrize(("status", "body"), [(503, b""), (429, b"{}"), (200, b"<html>")])
def test_an_audit_log_that_fails_for_a_moment_is_not_one_that_says_nothing(stage, status, body):
    """By what is given when off the old one would be taken for the new one."""
    stage.sets(on=True, fallthrough={"variation": 0})
    old, new = both(stage.given(v1=5, v0=95))
    stage.shift(old, new, 0.75, 0.05)
    logs, stage.send = stage.send, Unlogged(stage.send, status, body)
    stage.starts_anew()

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "audit log" in found.words
    stage.send = logs
    stage.starts_anew()
    assert stage.tags() == ("on.true", "on.false")


def test_without_the_right_to_read_the_audit_log_it_is_said_before_it_is_needed(stage):
    assert [each.level for each in stage.run(stage.target().examine())] == [Level.OK]
    stage.send = Unlogged(stage.send, 403, b"{}")
    stage.starts_anew()

    *_, warned = stage.run(stage.target().examine())

    assert warned.level is Level.WARN
    assert "the audit log may not be read" in warned.words
    assert stage.given(v0=5, v1=95).in_flight.tag == "on.true"


def test_where_nothing_tells_which_is_the_newer_it_says_what_to_do(stage):
    stage.world.sets(on=True, fallthrough=weighted(v0=95, v1=5))

    unknown = stage.run(stage.target().observe())

    assert isinstance(unknown, Unreadable)
    assert "which of them is the newer is not known" in unknown.words
    assert "give everybody the older one" in unknown.words


def test_whom_nobody_knows_the_order_of_is_taken_back_all_the_same(stage):
    stage.world.sets(on=True, fallthrough=weighted(v0=95, v1=5))
    new, old = Release.of_tag("on.true"), Release.of_tag("on.false")

    assert isinstance(stage.begin(new, old), Begun)

    assert stage.world.shares() == {1: 1.0}
    assert stage.progress(new, old) == Serving()


def test_rules_make_other_releases_and_turning_it_off_takes_back_a_rollout_that_began_with_them(stage):
    off = stage.live().release
    stage.world.sets(on=True, **RULES, fallthrough=weighted(v0=5, v1=95))
    old, new = both(stage.live())
    assert old.is_same_as(off)
    assert new.tag.startswith("on.true@")

    assert isinstance(stage.begin(new, off), Begun)

    assert stage.world.production["on"] is False
    assert stage.progress(new, off) == Serving()


def test_a_rollout_of_a_flag_with_rules_goes_forward_and_back_to_what_everybody_else_had(stage):
    before = stage.sets(on=True, **RULES, fallthrough={"variation": 1})
    assert before.tag.startswith("on.false@")
    old, new = both(stage.given(v0=5, v1=95))

    assert isinstance(stage.shift(old, new, 0.25, 0.05), Begun)
    stage.starts_anew()
    assert both(stage.live()) == (old, new)
    assert isinstance(stage.begin(new, before), Begun)

    assert stage.world.production["on"] is True
    assert stage.world.production["fallthrough"] == {"variation": 1}
    assert stage.progress(new, before) == Serving()


def test_a_rollout_that_rollbackd_begins_by_turning_rules_on_goes_on_by_what_it_began_with(stage):
    stage.world.sets(**RULES)
    off, new = stage.live().release, stage.run(stage.target().stands_by({"tag": "on.true"}))
    stage.shift(off, new, 0.05, 0.0)
    stage.starts_anew()
    step = Shift("service", off, new, 0.25, 0.05)

    assert standing(stage.live(), step) is None
    assert isinstance(stage.shift(off, new, 0.25, 0.05), Begun)
    assert stage.run(stage.target().shifted(step, KEY)) == Serving()


def test_rules_that_give_everybody_else_the_old_one_are_not_what_off_is(stage):
    off = stage.live().release
    new = stage.sets(on=True, **RULES, fallthrough={"variation": 0})
    stage.sets(fallthrough={"variation": 1})

    refused = stage.begin(new, off)

    assert isinstance(refused, Refused)
    assert (refused.third_tag or "").startswith("on.false@")


def test_what_cannot_be_set_again_is_refused_and_said(stage):
    stage.sets(on=True, fallthrough={"variation": 2})
    old, new = both(stage.given(v0=5, v2=95))
    stage.world.sets(**RULES)
    _, now = both(stage.live())

    back = stage.begin(now, old)
    forth = stage.shift(old, new, 0.25, 0.05)

    assert isinstance(back, Refused)
    assert isinstance(forth, Refused)
    assert stage.sent() == 0


def test_where_rules_came_in_the_middle_what_off_gives_is_gone_back_to_by_turning_it_off(stage):
    stage.sets(on=True, fallthrough={"variation": 1})
    old, _ = both(stage.given(v0=5, v1=95))
    stage.world.sets(**RULES)
    _, now = both(stage.live())

    assert isinstance(stage.begin(now, old), Begun)

    assert stage.world.production["on"] is False


def test_a_share_is_nothing_to_go_back_to(stage):
    """Also where its tag was written while each percentage was a release."""
    old, new = both(stage.given(v0=5, v1=95))

    refused = stage.begin(old, Release(new.fingerprint, "on.true:5+false:95"))

    assert isinstance(refused, Refused)
    assert stage.sent() == 0


def test_an_experiment_is_not_moved_forward(stage):
    old, new = both(stage.given(v0=5, v1=95))
    told = stage.world.production["fallthrough"]["rollout"] | {"experimentAllocation": {"type": "experiment"}}
    stage.world.sets(fallthrough={"rollout": told})

    refused = stage.shift(old, new, 0.25, 0.05)

    assert isinstance(refused, Refused)
    assert "an experiment decides who gets what" in refused.words


def test_of_a_flag_that_was_archived_nothing_is_shared_out(stage):
    old, new = both(stage.given(v0=5, v1=95))
    stage.world.archived = True

    assert isinstance(stage.shift(old, new, 0.25, 0.05), Refused)
    assert isinstance(stage.begin(new, old), Refused)
    assert stage.tags() == (None, None)


def test_three_that_share_are_not_moved(stage):
    stage.sets(on=True, fallthrough={"variation": 1})
    stage.given(v0=5, v1=90, v2=5)
    new, old = Release.of_tag("on.true"), Release.of_tag("on.false")

    refused = stage.shift(old, new, 0.25, 0.05)

    assert isinstance(refused, Refused)
    assert refused.third_tag == "on.2"


def test_a_variation_is_known_before_anybody_gets_it(stage):
    stage.world.sets(on=True, **RULES, fallthrough={"variation": 1})

    found = [stage.run(stage.target().stands_by(each)) for each in ({"tag": "on.true"}, {"version": "true"})]
    missing = stage.run(stage.target().stands_by({"tag": "on.9"}))

    assert {each.names["variation"] for each in found} == {"true"}
    assert isinstance(missing, Gone)
    assert stage.shift(stage.live().release, found[0], 0.0, 0.0) == AlreadyThere()


def test_a_rollout_can_be_begun_with_a_variation_that_nobody_gets(stage):
    found = stage.run(beside(stage.target(), {"tag": "on.true"}))

    assert isinstance(found, Beside)
    assert found.live.release is not None
    assert isinstance(stage.shift(found.live.release, found.release, 0.05, 0.0), Begun)
    assert stage.world.shares() == {0: 0.05, 1: 0.95}


def test_a_variation_is_ready_as_long_as_it_is_one(stage):
    target = stage.target()
    release = stage.run(target.stands_by({"tag": "on.true"}))
    assert stage.run(target.unready(release)) == ""
    stage.world.variations[0] = "another"

    assert "no variation of shop/new-checkout" in stage.run(target.unready(release))
    stage.world.befalls("GET", Told(503, {}))
    assert isinstance(stage.run(target.unready(release)), Unreadable)


def test_a_shift_that_is_so_already_is_not_sent_and_what_was_foretold_is_what_is_sent(stage):
    old, new = both(stage.given(v0=5, v1=95))

    assert stage.shift(old, new, 0.05, 0.0) == AlreadyThere()
    (call,) = stage.run(stage.target().foretell(Move("service", new, old))).calls
    stage.begin(new, old)
    assert '"variation": 1' in call
    assert stage.world.production["fallthrough"] == {"variation": 1}
