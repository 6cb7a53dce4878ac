"""``rollbackd replay --pass-early``: how much sooner good releases pass when they are proven well, and what that misses."""

import json

import pytest

from tests.watcher.commands.test_replay import folder, recorded, run

__all__ = ["folder"]  # a fixture

DEPLOYED = "at,bad\n2026-11-01T00:30:00Z,{bad}\n"


def replayed(folder, *more, bad="false", fails=lambda _minute: 6, minutes=100):
    """One deployment half an hour after the recording began; of 6,000 requests a minute some fail."""
    file = recorded(folder / "s.csv", minutes, fails, total=6000)
    (folder / "d.csv").write_text(DEPLOYED.format(bad=bad))
    return run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", *more)


def as_json(done):
    found = json.loads(done.stdout)
    return found["deployments"][0], found["summary"]


def test_it_says_how_much_sooner_a_release_that_is_proven_well_passes(folder):
    done = replayed(folder, "--pass-early", "true")
    plain = replayed(folder)

    assert "proven well, 28m sooner than without `pass_early`" in done.stdout
    assert "1 passed early, proven well, 28m sooner in the middle\n" in done.stdout
    assert "passed early" not in plain.stdout


def test_the_same_for_programs(folder):
    deployment, summary = as_json(replayed(folder, "--pass-early", "true", "--json"))

    assert (deployment["ended"], deployment["after_seconds"]) == ("passed", 120)
    assert deployment["otherwise"] == {"ended": "passed", "after_seconds": 1800}
    assert summary["early"] == {"passed": 1, "sooner_seconds": 1680, "too_early": 0}


def test_what_is_to_be_proven_can_be_said(folder):
    """That it is not one and a tenth times as bad takes longer than that it is not twice as bad."""
    strict = "{worse_than: {ratio: 1, plus: 0.2%}, miss_probability: 0.1%}"

    loose, _ = as_json(replayed(folder, "--pass-early", "true", "--json"))
    sure, _ = as_json(replayed(folder, "--pass-early", strict, "--json", fails=lambda _minute: 50))

    assert loose["after_seconds"] < sure["after_seconds"] < 1800


def test_it_says_what_was_found_only_because_one_went_on_looking(folder):
    """A leak that shows after twenty minutes."""
    done = replayed(
        folder, "--pass-early", "true", bad="true", fails=lambda minute: 6 if minute < 50 else 3000
    )
    deployment, summary = as_json(
        replayed(folder, "--pass-early", "true", "--json", bad="true", fails=lambda minute: 6 if minute < 50 else 3000)
    )  # fmt: skip

    assert done.exit_code == 1
    assert "1 passed early, proven well; 1 of them would have been found later\n" in done.stdout
    assert "proven well; without `pass_early` asked after 23m: the-objective-holds: " in deployment["why"]
    assert deployment["missed"]
    assert summary["early"] == {"passed": 1, "sooner_seconds": None, "too_early": 1}


def test_a_recording_that_ends_before_its_bake_does_so_without_it(folder):
    deployment, _ = as_json(replayed(folder, "--pass-early", "true", "--json", minutes=40))

    assert deployment["ended"] == "passed"
    assert deployment["otherwise"] == {"ended": "cut_off", "after_seconds": 600}
    assert deployment["why"] == "proven well; without `pass_early` cut off after 10m"


def test_what_is_not_proven_in_time_passes_as_ever(folder):
    never = "{worse_than: {ratio: 1, plus: 0.01%}, miss_probability: 0.1%}"

    deployment, summary = as_json(replayed(folder, "--pass-early", never, "--json", fails=lambda _minute: 55))

    assert (deployment["after_seconds"], deployment["otherwise"], deployment["why"]) == (1800, None, "")
    assert summary["early"] == {"passed": 0, "sooner_seconds": None, "too_early": 0}


@pytest.mark.parametrize("wrong", ["yes", "{worse_than: {ratio: 0.5}}", "{ratio: 2}"])
def test_what_cannot_be_meant_is_refused_with_its_place(folder, wrong):
    done = replayed(folder, "--pass-early", wrong)

    assert done.exit_code == 2
    assert done.stderr.startswith("--pass-early:1:")
    assert "try: " in done.stderr
