"""A flag that was flipped, in words: whose share gets what, before and after, and never what a variation is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from deploy.source import Aside, Event, Opening, Received
from deploy.sources.registry import SOURCES
from tests.deploy.sources.sqs.test_parser import JSON
from tests.fakes.flags import HIDDEN, NOON, SECRET, LaunchDarkly, Unleash
from watcher.changes import Hearing, read
from watcher.core.change import MOST_WORDS, Change, ChangeKind


def heard(kind, delivery):
    known = SOURCES[kind]
    source = known.open(known.settings.model_validate({"secret": SecretStr(SECRET)}), Opening("flags"))
    said = source.read(Received(delivery.body, {}, delivery.at, "hook:flags"))
    assert isinstance(said, Aside), said
    return said


def words(kind, delivery):
    told = read(heard(kind, delivery).event)
    return told and told.what


def ld(*variations):
    system = LaunchDarkly()
    system.has("new-pricing", *([variations] if variations else []))
    return system


def test_a_flag_that_is_turned_on_for_half_of_the_users():
    system = ld()

    assert (
        words("launchdarkly", system.rolls("new-pricing", v0=50, v1=50))
        == "flag `new-pricing` 0 → 50 %, turned on"
    )
    assert (
        words("launchdarkly", system.rolls("new-pricing", v0=75.5, v1=24.5))
        == "flag `new-pricing` 50 → 75.5 %"
    )


def test_a_flag_that_is_turned_off():
    system = ld()
    system.rolls("new-pricing", v0=50, v1=50)

    assert (
        words("launchdarkly", system.does("new-pricing", "updateOn", on=False))
        == "flag `new-pricing` 50 → 0 %, turned off"
    )


def test_of_a_flag_that_is_not_true_or_false_the_variations_are_named_and_not_what_they_are():
    system = ld(("control", HIDDEN), ("", {"key": HIDDEN}), ("fast", HIDDEN))
    said = words("launchdarkly", system.rolls("new-pricing", v0=60, v1=40))

    assert said == "flag `new-pricing`: control 0 → 60 %, variation 2 0 → 40 %, fast 100 → 0 %, turned on"


def test_a_flag_whose_off_is_the_default_of_the_code_is_turned_on_and_nobody_says_from_what():
    system = ld()
    system.flags["new-pricing"]["environments"]["production"]["offVariation"] = None

    assert (
        words("launchdarkly", system.does("new-pricing", "updateOn", on=True))
        == "flag `new-pricing`, turned on"
    )


@pytest.mark.parametrize(
    ("action", "done"),
    [
        ("updateRules", "targeting rules changed"),
        ("updateTargets", "targets changed"),
        ("deleteFlag", "deleted"),
    ],
)
def test_what_else_is_done_to_a_flag_is_told_by_what_was_done(action, done):
    assert words("launchdarkly", ld().does("new-pricing", action)) == f"flag `new-pricing`, {done}"


@pytest.mark.parametrize(
    "action", ["createFlag", "updateName", "updateTags", "createApprovalRequest", "updateScheduledChanges"]
)
def test_what_changes_nothing_that_is_served_is_no_change(action):
    assert words("launchdarkly", ld().does("new-pricing", action)) is None


def test_a_segment_is_told_too():
    delivery = ld().tells("proj/shop:env/production:segment/beta", "updateIncluded", kind="segment")

    assert words("launchdarkly", delivery) == "segment `beta`, members changed"


def test_what_does_not_tell_how_it_was_is_told_by_what_was_done():
    delivery = ld().tells("proj/shop:env/production:flag/new-pricing", "updateOn", kind="flag")

    assert words("launchdarkly", delivery) == "flag `new-pricing`, turned on or off"


# ----------------------------------------------------------------------------------------------------------------- Unleash


def test_a_rollout_of_unleash_that_is_widened():
    system = Unleash()

    assert words("unleash", system.rolls("new-pricing", 10)) == "flag `new-pricing`, a strategy added (10 %)"
    assert words("unleash", system.rolls("new-pricing", 50)) == "flag `new-pricing` 10 → 50 %"
    assert words("unleash", system.rolls("new-pricing", 50)) == "flag `new-pricing`, a strategy changed"


def test_a_flag_of_unleash_that_is_switched():
    system = Unleash()

    assert words("unleash", system.switches("new-pricing", on=True)) == "flag `new-pricing`, turned on"
    assert words("unleash", system.switches("new-pricing", on=False)) == "flag `new-pricing`, turned off"


def test_a_strategy_that_is_switched_off_and_one_that_is_removed():
    system = Unleash()
    on, off = ({"disabled": each, "parameters": {"rollout": "50"}} for each in (False, True))

    switched = system.tells("feature-strategy-update", featureName="x", preData=on, data=off)
    removed = system.tells("feature-strategy-remove", featureName="x", preData=on)

    assert words("unleash", switched) == "flag `x`, a strategy switched off"
    assert words("unleash", removed) == "flag `x`, a strategy removed (50 %)"


@pytest.mark.parametrize(
    "happened", ["feature-created", "feature-tagged", "feature-stale-on", "change-request-created"]
)
def test_what_changes_nothing_that_unleash_serves_is_no_change(happened):
    assert words("unleash", Unleash().tells(happened, featureName="new-pricing")) is None


def test_a_segment_of_unleash_is_told_by_its_name():
    delivery = Unleash().tells("segment-updated", environment=None, data={"id": 1, "name": "beta"})

    assert words("unleash", delivery) == "segment `beta`, changed"


# ----------------------------------------------------------------------------------------------------------- as it is kept


async def test_it_is_kept_as_a_flag_of_its_environment_known_again_by_its_entry():
    kept = []

    async def keep(change, _now):
        kept.append(change)
        return True

    said = await Hearing(lambda: (), keep)(
        heard("launchdarkly", ld().rolls("new-pricing", v0=50, v1=50)), NOON
    )

    assert said == "flag of launchdarkly: kept as a change (flag)"
    assert kept == [
        Change(
            NOON,
            "flag `new-pricing` 0 → 50 %, turned on",
            None,
            "production",
            ChangeKind.FLAG,
            "new-pricing",
            key=f":launchdarkly:flags:{1:024x}",
        )
    ]


def test_nothing_that_a_variation_is_or_that_somebody_wrote_is_repeated():
    system = ld(("control", HIDDEN), ("treatment", {"token": HIDDEN}))
    said = words("launchdarkly", system.rolls("new-pricing", v0=50, v1=50))

    assert HIDDEN not in said
    assert "Ada" not in said


@given(JSON, JSON, JSON, st.sampled_from(["launchdarkly", "unleash"]))
def test_whatever_stands_in_a_delivery_raises_nothing_and_is_bounded(before, after, setting, source):
    version = {"environments": {"production": setting}, "variations": after}
    detail = {
        "accesses": [{"action": "updateFallthrough"}, before],
        "type": "feature-strategy-update",
        "featureName": "x",
        "previousVersion": version,
        "currentVersion": {
            "environments": {"production": {"on": True, "fallthrough": setting}},
            "variations": after,
        },
        "data": before,
        "preData": after,
    }
    event = Event(
        "1", "flag", source, "", "", None, ("proj/p:env/production:flag/x",), json.loads(json.dumps(detail))
    )
    told = read(event)

    assert told is None or len(told.what) <= 2 * MOST_WORDS
