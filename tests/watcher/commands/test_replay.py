"""``rollbackd replay``: recorded samples in, the truth about rules out."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nextafter
from random import Random

import pytest
from click.testing import CliRunner

from rules.document import read_document
from rules.evaluate import Timing, evaluate, prepare, start
from rules.evidence import encode_brief, encode_evidence
from rules.model import CanaryVsBaseline, Consequence, Kind, RuleSet, Slo
from rules.replay import asks
from rules.sample import Counts, Reading, Series, State, Value
from rules.verdict import Because, Judgement, Onset, Outcome, Verdict
from tests.rules.building import a_brief, a_bucket, a_rule, a_setting, an_indicator, noon
from tests.watcher.api.daemon import a_watch, an_api
from tests.watcher.commands.speaking import speak
from watcher.api.handlers.watches import record_of
from watcher.commands._replay.deployments import made_up, read_deployments
from watcher.commands._replay.playing import _spoilt
from watcher.commands._replay.samples import Samples, UnreadableSamples, read_samples
from watcher.commands._replay.stored import judged_again
from watcher.commands._replay.summary import highest_share
from watcher.commands._rules import rules_at
from watcher.commands.replay import command
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import doubts as daemon_doubts
from watcher.core.lifecycle.making import renewed
from watcher.core.watch import Doubtful, Step

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = """\
version: 1
parameters: {metrics: {}, objective: {default: 99%}}
indicators:
  errors: {ratio: {scrape: {urls: "${metrics}", counter: requests_total, bad: {code: "5.."}}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: "${objective}"}}, on_breach: rollback}
"""
EVERYTHING = """\
version: 1
parameters: {any: {}}
indicators:
  errors: {ratio: {scrape: {urls: "${any}", counter: requests_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  slow: {latency: {scrape: {urls: "${any}", histogram: seconds, over: [300ms, 1s]}}}
  slower: {latency: {scrape: {urls: "${any}", histogram: seconds, over: [1s]}}}
  cpu: {value: {prometheus: {expr: cpu}}}
  alarm: {state: {cloudwatch: {alarms: [db], bad: [ALARM]}}}
rules:
  - {name: like the old one, indicator: errors, judge: {canary_vs_baseline: {ratio: 1.5, plus: 0.05%}}, on_breach: rollback}
  - {name: fast, indicator: slow, judge: {slo: {objective: 90%}}, must_have_seen: 20%, on_breach: rollback}
  - {name: faster, indicator: slower, judge: {slo: {objective: 90%}}, must_have_seen: 20%, on_breach: rollback}
  - {name: idle, indicator: cpu, judge: {threshold: {above: 90}}, on_breach: tell}
  - {name: the database is well, indicator: alarm, judge: {state: {for: 1m}}, on_breach: doubt}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "web.yaml").write_text(RULES)
    (tmp_path / "all.yaml").write_text(EVERYTHING)
    return tmp_path


def end(minute):
    return (BEGAN + minute * MINUTE).isoformat()


def recorded(path, minutes, bad=lambda _minute: 0, total=600, release=None):
    """A line a minute."""
    head = ["end,indicator,total,bad" + (",release" if release else "")]
    lines = [
        f"{end(minute + 1)},errors,{total},{bad(minute)}" + (f",{release(minute)}" if release else "")
        for minute in range(minutes)
    ]
    path.write_text("\n".join([*head, *lines]) + "\n")
    return path


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def rules(folder, name="all.yaml"):
    return rules_at(folder / name, read_document("{}", "with"))


# ------------------------------------------------------------------------------------------------------------- samples


def test_samples_of_every_kind(folder):
    file = folder / "all.jsonl"
    rows = [
        {"end": end(1), "indicator": "errors", "release": "v2", "total": 60, "bad": 1},
        {"end": "2026-11-01T01:01:00+01:00", "indicator": "errors", "release": "v1", "total": 540, "bad": 0},
        {"end": 1793491260, "indicator": "slow", "total": 60, "bad": 9, "bound": 0.3},
        {"end": end(1), "indicator": "slow", "total": 60, "bad": 2, "bound": 1},
        {"end": end(1), "indicator": "slower", "total": 60, "bad": 2},
        {"end": end(1), "indicator": "cpu", "value": -1.5},
        {"end": end(1), "indicator": "alarm", "state": "ALARM", "is_bad": True},
        {"end": end(1), "indicator": "another", "total": 1, "bad": 0},
    ]
    file.write_text("\n\n".join(json.dumps(row) for row in rows))

    found = read_samples([file], rules(folder), {"errors": 2 * MINUTE}, MINUTE)

    assert {key: list(ends.items()) for key, ends in found.measures.items()} == {
        ("errors", None, "v2"): [(BEGAN + MINUTE, Counts(1, 60))],
        ("errors", None, "v1"): [(BEGAN + MINUTE, Counts(0, 540))],
        ("slow", 0.3, ""): [(BEGAN + MINUTE, Counts(9, 60))],
        ("slow", 1.0, ""): [(BEGAN + MINUTE, Counts(2, 60))],
        ("slower", 1.0, ""): [(BEGAN + MINUTE, Counts(2, 60))],
        ("cpu", None, ""): [(BEGAN + MINUTE, Value(-1.5))],
        ("alarm", None, ""): [(BEGAN + MINUTE, State("ALARM", None, bad=True))],
    }
    assert (found.buckets["errors"], found.buckets["slow"]) == (2 * MINUTE, MINUTE)
    assert found.releases("errors") == {"v1", "v2"}
    assert (found.first, found.last) == (BEGAN - MINUTE, BEGAN + MINUTE)


def test_a_later_line_of_the_same_bucket_is_a_revision_and_the_length_is_seen(folder):
    file = folder / "s.csv"
    file.write_text(
        f"end,indicator,total,bad\n{end(5)},errors,9,1\n{end(10)},errors,9,0\n{end(5)},errors,9,2\n"
    )

    found = read_samples([file], rules(folder), {}, None)

    assert found.measures["errors", None, ""][BEGAN + 5 * MINUTE] == Counts(2, 9)
    assert found.buckets == {"errors": 5 * MINUTE}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x,errors,1,0", "s.csv:2: end 'x' is no time"),
        ("2026-11-01T00:00:00,errors,1,0", "has no offset: write Z for UTC"),
        ("99999999999999999,errors,1,0", "is no time"),
        ("0001-01-01T00:00:00+10:00,errors,1,0", "is in no year from 1970 to 2199"),
        ("9999-12-31T23:59:59Z,errors,1,0", "is in no year from 1970 to 2199"),
        (f"{end(1)},errors,1", "s.csv:2: 4 columns were expected"),
        (f"{end(1)},errors,1,0,5", "4 columns were expected"),
        (f"{end(1)},errors,,0", "total is missing"),
        (f"{end(1)},errors,one,0", "total 'one' is no number"),
        (f"{end(1)},errors,nan,0", "total nan is no measurement"),
        (f"{end(1)},errors,1e16,0", "is no measurement"),
        (f"{end(1)},errors,-1,0", "total is -1: a count is 0 or more"),
        (f"{end(1)},errors,1,2", "2 bad of 1: no more can be bad than there were"),
        (f"{end(1)},other,1,0", "no line is of an indicator of these rules"),
        (f"{end(1)},errors,1,0", "how long is a bucket of errors?"),
    ],
)
def test_a_line_of_csv_that_is_wrong(folder, line, words):
    (folder / "s.csv").write_text(f"end,indicator,total,bad\n{line}\n")

    with pytest.raises(UnreadableSamples) as caught:
        read_samples([folder / "s.csv"], rules(folder), {}, None)

    assert words in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1]", "s.jsonl:1: not a JSON object"),
        ("{", "s.jsonl:1: "),
        ("[" * 4000, "not a JSON object"),
        ('{"a": "%s"}' % ("x" * 5000), "a line of more than 4,096 characters"),
        ('{"end": {}}', "not a JSON object"),
        ('{"end": "x", "wrong": 1}', "unknown column 'wrong'"),
        ('{"end": 60, "indicator": "slow", "total": 1, "bad": 0}', "bound is missing"),
        ('{"end": 60, "indicator": "slow", "total": 1, "bad": 0, "bound": 2}', "bound 2 is none of slow: 0.3, 1 (seconds)"),
        ('{"end": 60, "indicator": "alarm"}', "state is missing"),
        ('{"end": 60, "indicator": "alarm", "state": "OK", "is_bad": "no"}', "is_bad is neither true nor false"),
        ('{"end": 60, "indicator": "cpu"}', "value is missing"),
    ],
)  # fmt: skip
def test_a_line_of_json_that_is_wrong(folder, line, words):
    (folder / "s.jsonl").write_text(line)

    with pytest.raises(UnreadableSamples, match=r"s\.jsonl:1") as caught:
        read_samples([folder / "s.jsonl"], rules(folder), {}, MINUTE)

    assert words in str(caught.value)


def test_the_mark_that_spreadsheets_write_first_is_no_part_of_a_name(folder):
    for name, lines in (("s.csv", f"end,indicator,total,bad\n{end(1)},errors,9,1\n"), ("d.csv", "at\n60\n")):
        (folder / name).write_text(lines, encoding="utf-8-sig")

    assert read_samples([folder / "s.csv"], rules(folder), {}, MINUTE).first == BEGAN
    assert len(read_deployments(folder / "d.csv")) == 1


def test_many_mistakes_are_told_and_counted(folder):
    (folder / "s.csv").write_text("end,indicator,total,bad\n" + "x,errors,1,0\n" * 30)

    with pytest.raises(UnreadableSamples) as caught:
        read_samples([folder / "s.csv"], rules(folder), {}, None)

    assert str(caught.value).splitlines()[-1] == "… and 10 more"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(folder, content):
    if content is not None:
        (folder / "s.csv").write_bytes(content)

    with pytest.raises(UnreadableSamples, match="cannot be read"):
        read_samples([folder / "s.csv"], rules(folder), {}, None)


# --------------------------------------------------------------------------------------------------------- deployments


def test_deployments_that_there_were(folder):
    file = folder / "d.csv"
    file.write_text(f"at,from,to,bad\n{end(5)},v1,v2,false\n{end(9)},v2,v3,true\n{end(12)},,,\n")

    found = read_deployments(file)

    assert [(each.at, each.before, each.to, each.bad, each.made_up) for each in found] == [
        (BEGAN + 5 * MINUTE, "v1", "v2", False, False),
        (BEGAN + 9 * MINUTE, "v2", "v3", True, False),
        (BEGAN + 12 * MINUTE, "", "", None, False),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at\n", "has no deployment"),
        ("when\n1\n", "unknown column 'when'"),
        ("at,bad\nx,true\n", "d.csv:2: at 'x' is no time"),
        ("at,bad\n60,maybe\n", "`bad` is neither true nor false"),
        ("to\nv1\n", "`at` is missing"),
        ("at,bad\n60,,true\n", "d.csv:2: 2 columns were expected"),
    ],
)
def test_deployments_that_are_wrong(folder, text, words):
    (folder / "d.csv").write_text(text)

    with pytest.raises(UnreadableSamples) as caught:
        read_deployments(folder / "d.csv")

    assert words in str(caught.value)


def samples(minutes):
    ends = {BEGAN + (minute + 1) * MINUTE: Counts(0, 600) for minute in range(minutes)}
    return Samples({("errors", None, ""): ends}, {"errors": MINUTE})


def test_made_up_deployments_are_the_same_for_the_same_seed_and_have_time_before_and_after():
    found = made_up(samples(600), 50, 30 * MINUTE, 120 * MINUTE, seed=7)

    assert found == made_up(samples(600), 50, 30 * MINUTE, 120 * MINUTE, seed=7)
    assert found != made_up(samples(600), 50, 30 * MINUTE, 120 * MINUTE, seed=8)
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert all(BEGAN + 120 * MINUTE <= each.at <= BEGAN + 570 * MINUTE for each in found)
    assert all(each.made_up and each.bad is False for each in found)
    assert len({each.at for each in found}) > 30


def test_a_recording_that_is_too_short_is_refused():
    with pytest.raises(UnreadableSamples, match="1h was recorded, and a deployment needs 1h30m"):
        made_up(samples(60), 1, 30 * MINUTE, 60 * MINUTE, seed=1)


# ------------------------------------------------------------------------------------------------------------ the whole


def test_good_releases_pass_and_the_same_comes_out_twice(folder):
    chance = Random(1)
    file = recorded(folder / "s.csv", 600, lambda _minute: int(chance.random() < 0.3))
    arguments = (folder / "web.yaml", "--samples", file, "--made-up", 8, "--history", "2h", "--json")

    first, second = run(*arguments), run(*arguments)

    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    summary = json.loads(first.stdout)["summary"]
    assert (summary["ends"], summary["good"], summary["wrong"], summary["bad"]) == ({"passed": 8}, 8, 0, 0)
    assert summary["wrong_share_at_most"] == pytest.approx(1 - 0.05 ** (1 / 8))


def test_what_is_spoilt_is_found_and_how_soon_is_told(folder):
    file = recorded(folder / "s.csv", 600)

    done = run(folder / "web.yaml", "--samples", file, "--made-up", 5, "--history", "2h", "--spoil", "20%")

    assert done.exit_code == 0
    assert "5 deployments: 5 rolled back" in done.stdout
    assert "0 of 5 bad ones would have gone unnoticed" in done.stdout
    assert "Found after 2m in the middle (2m to 2m)" in done.stdout


def test_real_deployments_with_both_releases_told_apart(folder):
    lines = ["end,indicator,release,total,bad"]
    for minute in range(400):
        lines.append(f"{end(minute + 1)},errors,v1,5400,2")
        if minute >= 200:
            lines.append(f"{end(minute + 1)},errors,v2,600,120")
    (folder / "s.csv").write_text("\n".join(lines))
    (folder / "d.csv").write_text(f"at,from,to,bad\n{end(200)},v1,v2,true\n{end(100)},v0,v1,false\n")

    done = run(
        folder / "all.yaml", "--samples", folder / "s.csv", "--deployments", folder / "d.csv",
        "--bucket", "1m", "--history", "3h", "--at-most", "1h", "--json",
    )  # fmt: skip

    early, late = json.loads(done.stdout)["deployments"]
    assert (late["to"], late["ended"], late["blamed"]) == ("v2", "rolled_back", ["like-the-old-one"])
    assert late["after_seconds"] <= 300
    # Nothing was recorded beside v1, and of three rules nothing at all.
    assert (early["ended"], early["held_up"]) == ("unproven", ["like-the-old-one", "fast", "faster"])
    assert done.exit_code == 0


def test_a_wrong_rollback_is_counted_and_is_the_exit_status(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 60 if minute >= 200 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},false\n{end(20)},true\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv")

    assert done.exit_code == 1
    assert "rolled back, wrongly" in done.stdout
    assert "passed, unnoticed" in done.stdout
    assert "1 of 1 good ones would have been rolled back" in done.stdout
    assert done.stdout.splitlines()[5].split() == ["the", "objective", "holds", "1", "1", "0"]


def test_what_begins_late_asks(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 300 if minute >= 220 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},false\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", "--json")

    (only,) = json.loads(done.stdout)["deployments"]
    assert (done.exit_code, only["ended"], only["wrong"]) == (0, "asked", False)
    assert "nothing was compared at the same time" in only["why"]


ASKS_FIRST = """\
version: 1
parameters: {any: {}}
indicators:
  errors: {ratio: {scrape: {urls: "${any}", counter: requests_total, bad: {code: "5.."}}}}
  issues: {state: {cloudwatch: {alarms: [issues], bad: [ALARM]}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: nothing is new, indicator: issues, judge: {state: {for: 1m}}, on_breach: ask}
"""


@pytest.mark.parametrize(
    ("bad_from", "ended", "after"), [(201, "rolled_back", 420), (205, "asked", 720), (290, "asked", 180)]
)
def test_a_question_of_a_rule_that_asks_is_outgrown_by_one_that_rolls_back(folder, bad_from, ended, after):
    """The issue is told after 180 s. What begins minutes later asks for itself, and after an hour nobody is asked any more."""
    (folder / "issues.yaml").write_text(ASKS_FIRST)
    file = recorded(folder / "s.csv", 400, lambda minute: 12 if minute >= bad_from else 0)
    states = [
        {"end": end(minute + 1), "indicator": "issues", "state": "ALARM" if minute > 200 else "OK", "is_bad": minute > 200}
        for minute in range(400)
    ]  # fmt: skip
    (folder / "i.jsonl").write_text("\n".join(map(json.dumps, states)))
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},true\n")

    done = run(folder / "issues.yaml", "--samples", file, "--samples", folder / "i.jsonl", "--deployments", folder / "d.csv", "--json")  # fmt: skip

    (only,) = json.loads(done.stdout)["deployments"]
    assert (only["ended"], only["after_seconds"]) == (ended, after)


BEGAN_LATE, BEGAN_SOON = noon(20), noon(4)


@pytest.mark.parametrize("doubts", [(), ("the database is well",)])
@pytest.mark.parametrize("controls", [(), ("the network is well",)])
@pytest.mark.parametrize("began", [noon(), BEGAN_SOON, BEGAN_LATE])
@pytest.mark.parametrize("says", [{}, {"alike": True}, {"asks": True}, {"compared": True}], ids=str)
def test_it_asks_where_the_daemon_asks(doubts, controls, began, says):
    verdict = Verdict(
        "errors", "errors", Consequence.ROLLBACK, Outcome.BREACHED, Because.EVIDENCE, "bad",
        onset=Onset(began, began, began, grain=MINUTE),
    )  # fmt: skip
    judgement = Judgement(
        noon(30),
        Outcome.BREACHED,
        (verdict,),
        breached_by=("errors",),
        doubts=doubts,
        controls=controls,
        **says,
    )
    watch = a_watch(judgement=judgement, opened_at=noon(), traffic_at=noon(), complete_at=noon())

    of_the_daemon = set(daemon_doubts(watch, Facts())) - {Doubtful.NO_WAY_BACK}

    assert bool(asks(judgement, noon())) is bool(of_the_daemon)


def test_the_next_deployment_ends_a_watch_and_is_blamed_for_itself(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 300 if minute >= 202 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},false\n{end(202)},true\n{end(190)},true\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", "--json", "--html", folder / "r.html")  # fmt: skip

    missed, good, bad = json.loads(done.stdout)["deployments"]
    assert (good["ended"], good["wrong"], good["after_seconds"]) == ("superseded", False, 120)
    assert (bad["ended"], bad["after_seconds"]) == ("rolled_back", 120)
    assert (missed["ended"], missed["missed"], done.exit_code) == ("superseded", True, 1)


def test_a_moment_that_was_made_up_ends_where_a_deployment_really_came(folder):
    file = recorded(folder / "s.csv", 300, lambda minute: 300 if minute >= 200 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},true\n")

    done = run(
        folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", "--made-up", 40,
        "--history", "3h15m", "--at-least", "30m", "--json",
    )  # fmt: skip

    told = [
        each for each in json.loads(done.stdout)["deployments"] if each["made_up"] and each["at"] < end(200)
    ]
    assert {each["ended"] for each in told} == {"superseded"}


def test_a_deployment_between_two_buckets_is_judged_when_a_bucket_is_final(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 300 if minute >= 200 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(199.5)},true\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", "--json")

    assert json.loads(done.stdout)["deployments"][0]["after_seconds"] == 150


def test_a_release_is_not_compared_with_itself(folder):
    lines = [f"{end(minute + 1)},errors,v1,600,0" for minute in range(200)]
    (folder / "s.csv").write_text("\n".join(["end,indicator,release,total,bad", *lines]))
    (folder / "d.csv").write_text(f"at,from,to\n{end(100)},v1,v1\n")

    done = run(folder / "all.yaml", "--samples", folder / "s.csv", "--deployments", folder / "d.csv", "--at-most", "1h", "--json")  # fmt: skip

    assert "like-the-old-one" in json.loads(done.stdout)["deployments"][0]["held_up"]


def test_as_much_is_looked_at_as_the_daemon_looks_at(folder):
    judge = "before_after: {ratio: 2, history: 7d}"
    (folder / "before.yaml").write_text(
        RULES.replace('slo: {objective: "${objective}"}', judge).replace(", objective: {default: 99%}", "")
    )
    file = recorded(folder / "s.csv", 2 * 1440)

    of_a_day = run(folder / "web.yaml", "--samples", file, "--made-up", 1)
    of_a_week = run(folder / "before.yaml", "--samples", file, "--made-up", 1)

    assert of_a_day.exit_code == 0
    assert "7d before it" in of_a_week.stderr


def test_of_events_what_is_worse_than_all_is_made_no_better():
    bucket = a_bucket(0, Counts(90, 60))

    (spoilt,) = _spoilt((Series("errors", (bucket,)),), 0.5)

    assert spoilt.buckets[0].canary == Counts(90, 60)


@pytest.mark.parametrize(("minute", "seconds"), [(90, 600), (100, 0)])
def test_a_recording_that_ends_cuts_the_watch_off(folder, minute, seconds):
    file = recorded(folder / "s.csv", 100)
    (folder / "d.csv").write_text(f"at\n{end(minute)}\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", "--json")

    assert [(each["ended"], each["after_seconds"]) for each in json.loads(done.stdout)["deployments"]] == [
        ("cut_off", seconds)
    ]


def test_the_report_needs_nothing_else_and_the_picture_is_one(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 60 if minute >= 200 else 0)
    (folder / "d.csv").write_text(f"at,to,bad\n{end(200)},v<b>2,true\n{end(100)},v1,false\n")

    done = run(
        folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv",
        "--html", folder / "r.html", "--png", folder / "r.png",
    )  # fmt: skip

    page = (folder / "r.html").read_text()
    assert done.exit_code == 0
    assert "v&lt;b&gt;2" in page
    assert "<b>2" not in page
    assert page.count("<circle") == 3  # two, and a ring
    assert "http" not in page.replace("http-equiv", "")
    assert (folder / "r.png").read_bytes().startswith(b"\x89PNG")


def test_settling_delays(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 300 if minute >= 200 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},true\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv", "--settle", "errors=3m", "--json")  # fmt: skip

    assert json.loads(done.stdout)["deployments"][0]["after_seconds"] == 300


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say which deployments"),
        (("--made-up", 1, "--with", "objective"), "write NAME=VALUE"),
        (("--made-up", 1, "--with", "objective=101%"), "objective"),
        (("--made-up", 1, "--bucket", "error=1m"), "there is no indicator 'error'"),
        (("--made-up", 1, "--bucket", "1"), "not a duration"),
        (("--made-up", 1, "--bucket", "errors=0s"), "a bucket lasts longer than 0s"),
        (
            ("--made-up", 1, "--bucket", "5m"),
            "windows of errors overlap: two end 0:01:00 apart, and each lasts 0:05:00",
        ),
        (("--made-up", 1, "--spoil", "200"), "200 is not a share"),
        (("--made-up", 1, "--spoil", "100%"), "shares below 1"),
        (("--made-up", 1, "--at-least", "2d"), "no longer than --at-most"),
        (("--made-up", 1), "was recorded, and a deployment needs"),
        (("--deployments", "none.csv"), "cannot be read"),
        (("--made-up", 1, "--history", "1m", "--html", "/nowhere/r.html"), "cannot be written"),
    ],
)
def test_what_is_refused(folder, arguments, words):
    file = recorded(folder / "s.csv", 100)

    done = run(folder / "web.yaml", "--samples", file, *arguments)

    assert done.exit_code == 2
    assert words in done.stderr


def test_deployments_outside_of_the_recording_are_refused(folder):
    file = recorded(folder / "s.csv", 100)
    (folder / "d.csv").write_text("at\n2020-01-01T00:00:00Z\n")

    done = run(folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv")

    assert done.exit_code == 2
    assert "1 deployments are outside of what was recorded, the first at 2020-01-01 00:00 UTC" in done.stderr


def test_the_rules_are_given_their_parameters(folder):
    file = recorded(folder / "s.csv", 400, lambda minute: 30 if minute >= 200 else 0)
    (folder / "d.csv").write_text(f"at,bad\n{end(200)},true\n")
    arguments = (folder / "web.yaml", "--samples", file, "--deployments", folder / "d.csv")

    assert run(*arguments).exit_code == 0
    assert run(*arguments, "--with", "objective=90%", "--with", "metrics=http://x").exit_code == 2


@pytest.mark.parametrize(
    ("found", "of", "most"),
    [(0, 300, 0.00994), (1, 100, 0.0466), (5, 5, 1.0), (3, 10, 0.6066), (300, 10_000, 0.03297)],
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(found, of, most):
    assert highest_share(found, of) == pytest.approx(most, rel=0.002)


# -------------------------------------------------------------------------------------------------------- stored watches


async def a_judged_watch(api, change=lambda evidence: evidence):
    """A watch whose five bad minutes are in the store; *change* is what became of its evidence."""
    rule = a_rule(CanaryVsBaseline())
    brief = a_brief(rule)
    evidence, rounds = start(brief), []
    for minute in range(1, 6):
        bucket = a_bucket(minute - 1, Counts(30, 600), Counts(0, 5400))
        reading = {"errors": (Series("errors", (bucket,)),)}
        found = evaluate(brief, evidence, reading, Timing(noon(minute), noon(), noon()))
        evidence = found.evidence
        rounds.append(replace(found, evidence=change(evidence)))
    return await rounds_of(await api.daemon.has(a_watch()), api, brief, rounds)


async def rounds_of(watch, api, brief, rounds):
    """*watch*, after each of *rounds* was saved."""
    for found in rounds:
        written = renewed(watch, brief=encode_brief(brief), evidence=encode_evidence(found.evidence))
        step = Step(watch=written, before=watch.revision)
        watch = (await api.daemon.store.save(step, api.daemon.now, found.buckets)).watch
    return watch


async def test_a_stored_watch_comes_out_the_same():
    async with an_api() as api:
        await a_judged_watch(api)
        said = await speak(api, "replay", "--watch", "w_1")
        for_programs = await speak(api, "replay", "--watch", "w_1", "--json")

    assert said.out == "rule    buckets  evidence\nerrors  5        the same\nthe same, bit for bit\n"
    assert (said.status, said.err) == (0, "")
    assert for_programs.json == {
        "same": True,
        "watch": "w_1",
        "rules": [{"key": "errors", "same": True, "buckets": 5}],
        "breached": True,
    }


async def test_one_bit_of_difference_is_told():
    def nudged(evidence):
        memory = evidence.memories["errors"]
        process = memory.process._replace(log_e=nextafter(memory.process.log_e, inf))
        return replace(evidence, memories={"errors": memory._replace(process=process)})

    async with an_api() as api:
        await a_judged_watch(api, nudged)
        said = await speak(api, "replay", "--watch", "w_1")

    assert said.status == 1
    assert said.out.endswith("errors  5        differs\nnot the same: this version judges differently\n")


LATER = timedelta(minutes=7)  # after its end a bucket of the second signal is final


def of_two_signals():
    """A watch whose second signal comes minutes later, as the daemon judges it round by round: its brief, and each round."""
    rules = RuleSet(
        (an_indicator(), an_indicator("slow", Kind.LATENCY, bounds=(0.3, 1.0))),
        (a_rule(Slo(0.99)), a_rule(Slo(0.99), "slow")),
    )
    setting = replace(a_setting(rules), settles={"errors": timedelta(0), "slow": LATER})
    brief = prepare(rules, setting, {})
    evidence, rounds = start(brief), []
    for minute in range(1, 31):
        readings: dict[str, Reading] = {
            "errors": (Series("errors", (a_bucket(minute - 1, Counts(300 if minute > 13 else 0, 600)),)),)
        }
        if (then := noon(minute) - LATER) > noon():
            bucket = a_bucket(minute - 8, Counts(300 if minute - 7 > 10 else 0, 600))
            assert bucket.end == then
            readings["slow"] = tuple(Series("slow", (bucket,), bound) for bound in (0.3, 1.0))
        found = evaluate(brief, evidence, readings, Timing(noon(minute), noon(), noon()))
        evidence = found.evidence
        rounds.append(found)
    assert evidence.blamed[0] == "errors"  # which began later, and was seen earlier
    return brief, rounds


async def test_what_came_late_is_judged_when_it_came():
    brief, rounds = of_two_signals()
    async with an_api() as api:
        await rounds_of(await api.daemon.has(a_watch()), api, brief, rounds)
        said = await speak(api, "replay", "--watch", "w_1", "--json")

    assert said.status == 0
    assert said.json["same"]
    assert {rule["key"]: rule["buckets"] for rule in said.json["rules"]} == {
        "errors": 30,
        "slow@0.3": 23,
        "slow@1": 23,
    }


def test_what_the_daemon_judged_after_it_told_the_evidence_is_left_out():
    brief, rounds = of_two_signals()
    saved = [(revision, each) for revision, found in enumerate(rounds) for each in found.buckets]
    newer = (len(rounds), Series("errors", (a_bucket(30, Counts(0, 600)),)))
    evidence = encode_evidence(rounds[-1].evidence)
    told = record_of(a_watch(brief=encode_brief(brief), evidence=evidence), [*saved, newer])

    assert judged_again(told.model_dump(mode="json")).is_same


async def test_a_watch_that_was_not_judged_and_one_that_is_not_known():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        early = await speak(api, "replay", "--watch", "w_1")
        unknown = await speak(api, "replay", "--watch", "w_9")

    assert (early.status, unknown.status) == (3, 2)
    assert "w_1 has not been judged yet" in early.err
    assert "there is no watch 'w_9'" in unknown.err


def test_what_another_version_wrote_is_refused():
    told = {"watch": "w_1", "brief": '{"v":99}', "evidence": "{}", "series": []}

    with pytest.raises(UnreadableSamples, match="w_1 cannot be read"):
        judged_again(told)


@pytest.mark.parametrize("saved", [None, [], [(0, 4)]])
def test_a_record_that_does_not_say_what_was_judged_together_is_refused(saved):
    """As a daemon tells it that is older than the command; judged as if all had come at once it would say "not the same"."""
    brief, rounds = of_two_signals()
    each = [(revision, series) for revision, found in enumerate(rounds) for series in found.buckets]
    watch = a_watch(brief=encode_brief(brief), evidence=encode_evidence(rounds[-1].evidence))
    told = record_of(watch, each).model_dump(mode="json")
    if saved is None:
        del told["series"][0]["saved"]
    else:
        told["series"][0]["saved"] = saved

    with pytest.raises(UnreadableSamples, match=r"w_1 cannot be read.*saved together") as refused:
        judged_again(told)

    assert "version" in refused.value.remedy
