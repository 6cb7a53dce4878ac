"""``rollbackd doctor`` as its reader sees it: a table a service, what is bad first, what they share once, and never too much."""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner

from deploy.model import About, Finding, Level
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.watcher.commands.test_doctor import CONFIGURATION, READ, Office, a_shop, failures
from tests.watcher.commands.test_doctor_remedies import ROOMS, made
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.cli import main
from watcher.commands import doctor
from watcher.commands._doctor import tables
from watcher.commands._doctor.checks import Found
from watcher.commands._doctor.tables import Wanted
from watcher.commands._sheet import Page

WELL, LATE, BAD = Level.OK, Level.WARN, Level.FAIL
DOG = "connection dog"
REFUSED = "https://api.datadoghq.eu: HTTP 403: is the API key one of this site?"


def found(service: str | None, check: str, level: Level = WELL, words: str = "", **more: Any) -> Found:
    """Of a service, or of what every service needs."""
    subject = more.pop("subject", DOG) if service is None else f"service {service}"
    place = {name: more.pop(name) for name in ("where", "by", "unreachable") if name in more}
    finding = Finding(level, words or f"words of {check}", more.pop("remedy", f"remedy of {check}"), **more)
    return Found(subject, check, finding, **place)


def shown(*every: Found, wanted: Wanted = Wanted(), width: int = 140) -> list[str]:  # noqa: B008 - frozen
    return [click.unstyle(line) for line in tables.tables(every, wanted, Page(width))]


def titles(lines: Sequence[str]) -> list[str]:
    return [line.partition(":")[0] for line in lines if line and not line.startswith(" ")]


# ------------------------------------------------------------------------------------------------------------ one table


def test_each_finding_is_a_row_with_what_where_and_what_to_do_and_the_bad_ones_come_first():
    lines = shown(
        found("web/production", "live", where="ecs"),
        found("web/production", "signal errors", LATE, about=About.LATENESS, where="errors (dog)"),
        found("web/production", "could see", LATE, untold=True, where="its rules"),
        found("web/production", "to act", BAD, where="ecs"),
    )

    assert lines == [
        "web/production: 1 red, 1 could not be told, 1 warning, 1 ok",
        "  FOUND  WHAT          WHERE         WHAT WAS FOUND, AND WHAT TO DO",
        "  RED    role to act   ecs           words of to act",
        "         try: remedy of to act",
        "  ?      what it sees  its rules     words of could see",
        "         try: remedy of could see",
        "  WARN   lateness      errors (dog)  words of signal errors",
        "         try: remedy of signal errors",
        "  ok     what is live  ecs           words of live",
        "",
    ]


def test_all_that_was_found_of_one_check_is_shown():
    lines = shown(*(found("web/production", "to act", BAD, f"may not {number}") for number in range(3)))

    assert [sum(f"may not {number}" in line for line in lines) for number in range(3)] == [1, 1, 1]


def test_what_every_service_needs_is_a_table_of_its_own_once_and_first():
    lines = shown(
        found("web/production", "live"),
        found("api/production", "live"),
        found(None, "answers", where="datadog"),
        found(None, "by AWS", subject="clock"),
    )

    assert titles(lines) == ["every service", "web/production", "api/production"]
    assert "  ok     access  connection dog (datadog)  words of answers" in lines
    assert "  ok     clock   AWS                       words of by AWS" in lines


def test_a_services_table_says_where_a_cause_stands_that_it_shares_and_does_not_repeat_it():
    lines = shown(
        found(None, "answers", BAD, REFUSED),
        found("web/production", "signal errors", BAD, REFUSED, by=DOG, untold=True),
        found("web/production", "signal slow", BAD, f"not read: {REFUSED}; mend it", by=DOG, untold=True),
        found("web/production", "signal other", BAD, "of its own", by=DOG, remedy="remedy of answers"),
        found("web/production", "signal alone", BAD, "by another", by="connection cat"),
    )

    text = "\n".join(lines)
    assert text.count("HTTP 403") == 1
    assert text.count("remedy of answers") == 1
    assert "not read: see connection dog, above" in text
    assert text.count("see connection dog, above") == 3
    assert "try: remedy of signal alone" in text
    assert "remedy of signal errors" not in text


def test_what_is_well_is_no_cause():
    answers = "Datadog (api.datadoghq.eu) answers"
    lines = shown(
        found(None, "answers", words=answers),
        found("web/production", "signal errors", BAD, f"{answers} otherwise than it should", by=DOG),
    )

    assert any(line.endswith("answers otherwise than it should") for line in lines)


def test_what_aws_refuses_is_told_once_whatever_was_called():
    why = "AccessDenied: the role arn:aws:iam::123456789012:role/rb-read cannot be assumed by anybody"
    account = {"subject": "account shop"}
    lines = shown(
        found(None, "to read", BAD, f"get_caller_identity: {why}", **account),
        found("web/production", "live", BAD, f"describe_services: {why}; let it", by="account shop"),
        found("web/production", "signal errors", BAD, f"not allowed: {why[14:80]}", by="account shop"),
    )

    assert sum("cannot be assumed" in line for line in lines) == 1
    assert "describe_services: AccessDenied: see account shop, above" in "\n".join(lines)
    assert "not allowed: see account shop, above" in "\n".join(lines)


def test_what_follows_from_a_red_row_says_so():
    gone = "the cluster prod has no service web: it was deleted"
    lines = shown(
        found("web/production", "live", BAD, gone),
        found("web/production", "kept", LATE, f"how it is deployed cannot be seen: {gone}", untold=True),
        found("web/production", "live", LATE, f"{gone}, and more"),
    )

    assert any(
        line.endswith("how it is deployed cannot be seen: see “what is live”, above") for line in lines
    )
    assert any(line.endswith("it was deleted, and more") for line in lines)  # of the same check


# --------------------------------------------------------------------------------------------------------------- of many

MANY = [
    found(f"s{number}/production", "live", BAD if number == 299 else LATE if number > 200 else WELL)
    for number in range(300)
]


def test_of_many_services_only_those_have_a_table_of_which_there_is_something_to_say_and_so_many_of_them():
    lines = shown(*MANY)

    assert titles(lines)[:2] == ["s299/production", "s201/production"]
    *of_services, more, well = titles(lines)
    assert len(of_services) == tables.MOST
    assert more.startswith("Not shown, for there are many")
    assert well.startswith("Not shown, for all is well")
    text = " ".join(lines)
    assert "79 services (79 warnings): s220/production" in text
    assert "201 services (201 ok): s0/production" in text
    assert "`rollbackd doctor SERVICE ENVIRONMENT` or `--all` shows them" in text
    assert len(lines) < 120


def test_of_few_services_each_has_its_table():
    assert titles(shown(*MANY[: tables.FEW])) == [f"s{number}/production" for number in range(tables.FEW)]


def test_all_shows_each_and_a_name_that_one():
    assert len(titles(shown(*MANY, wanted=Wanted(every=True)))) == 300
    assert titles(shown(*MANY, wanted=Wanted("s7/production"))) == ["s7/production"]


def test_a_table_of_many_rows_shows_the_worst_and_counts_the_others():
    rows = [found("web/production", f"signal s{number}", WELL) for number in range(500)]
    rows += [found("web/production", "signal bad", BAD)]

    lines = shown(*rows)

    assert "signal bad" in lines[2]
    assert len(lines) < tables.MOST_LINES + 6
    assert f"  ... and {501 - tables.MOST_LINES} lines: 441 ok. `--all` shows them" in lines
    assert len(shown(*rows, wanted=Wanted(every=True))) > 500


# ------------------------------------------------------------------------------------------------------------ the last line


@pytest.mark.parametrize(
    ("every", "status", "last"),
    [
        ([found("a/b", "live")], 0, "0 red, 0 could not be told, 0 warnings, 1 ok. Exit status 0: nothing is red"),
        (
            [found("a/b", "live", BAD), found("a/b", "kept", LATE, untold=True), found("a/b", "waits", LATE)],
            1,
            "1 red, 1 could not be told, 1 warning, 0 ok. Exit status 1: something is red",
        ),
        (
            [found("a/b", "live", BAD, unreachable=True)],
            1,
            "0 red, 1 could not be told, 0 warnings, 0 ok. Exit status 1: something that is needed did not answer",
        ),
        (
            [found(None, "to read", BAD, subject="account shop", unreachable=True)],
            4,
            "0 red, 1 could not be told, 0 warnings, 0 ok. Exit status 4: no account of AWS could be reached",
        ),
    ],
)  # fmt: skip
def test_the_last_line_counts_and_says_what_the_exit_status_means(every, status, last):
    assert doctor.status(every) == status
    assert tables.summary(every, status) == last


def test_programs_get_every_row_with_its_service(capsys):
    doctor.show([found(None, "answers"), found("a/b", "live", BAD, where="ecs")], as_json=True)

    assert '"service": null' in (told := capsys.readouterr().out)
    for pair in (
        '"service": "a/b"',
        '"what": "what is live"',
        '"where": "ecs"',
        '"found": "red"',
        '"check": "live"',
    ):
        assert pair in told  # fmt: skip


# ------------------------------------------------------------------------------------------------- which question it answers


OWN_WORDS = re.compile(r"(?<![.\w])words\b")
UNSEEN = re.compile(r"cannot be (seen|known|looked at)")


def spoken() -> Iterator[tuple[str, ast.Call, str]]:
    """Where findings are made: the place, the call, and its words as they are written, in the call or in ``words`` before it."""
    for path in (path for room in ROOMS for path in room.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "Finding(" in text and UNSEEN.search(text):
            written = ""
            for node in _in_order(ast.parse(text)):
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "words":
                    written = ast.unparse(node.value)
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                    inline = ast.unparse(node.args[1])
                    yield f"{path.name}:{node.lineno}", node, written if OWN_WORDS.search(inline) else inline


def _in_order(tree: ast.AST) -> list[ast.AST]:
    return sorted(
        ast.walk(tree), key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
    )


def test_what_cannot_be_known_says_that_it_could_not_be_told():
    unseen = [(place, call) for place, call, words in spoken() if UNSEEN.search(words)]

    assert len(unseen) > 15
    told = [
        place
        for place, call in unseen
        if ("untold", "True") in [(each.arg, ast.unparse(each.value)) for each in call.keywords]
    ]
    assert [place for place, _ in unseen if place not in told] == []


def about_of(call: ast.Call) -> ast.expr | None:
    """What a finding says that it is about: as a keyword, or as the fourth."""
    named = [each.value for each in call.keywords if each.arg == "about"]
    return (*named, *call.args[3:4], None)[0]


# Whatever is thrown in a check says nothing of what it is about: that is known by the check alone.
THROWN = "_doctor/checks.py"


def test_each_finding_says_itself_what_it_is_about():
    every = {place: about_of(call) for place, call in made()}

    assert len(every) > 180
    assert [place for place, about in every.items() if about is None and not place.startswith(THROWN)] == []
    constants = [each for each in every.values() if isinstance(each, ast.Constant)]
    assert constants == []  # a word of one's own is no question that others ask, too


def test_each_question_that_a_finding_may_answer_is_asked_somewhere():
    code = "".join(path.read_text(encoding="utf-8") for room in ROOMS for path in room.rglob("*.py"))

    assert [each.name for each in About if f"About.{each.name}" not in code] == []
    assert len({each.value for each in About}) == len(About)


def test_what_a_check_that_failed_is_about_is_known_by_its_name():
    for check, what in {
        "answers": "access",
        "live of api": "what is live",
        "mirror github": "mirror",
    }.items():
        assert tables.what(Found("service a/b", check, Finding(BAD, "thrown"))) == what


def test_what_a_finding_is_about_goes_before_the_name_of_its_check():
    assert tables.what(found("a/b", "kept", about=About.DEPLOYING)) == "how it is deployed"


# ------------------------------------------------------------------------------------------------------ a service by its name

TWO = CONFIGURATION.replace(
    "services:\n",
    "services:\n  gone:\n    production:\n      runs_on: [{ecs: {cluster: prod, service: gone}}]\n"
    "      rules: [{file: web.yaml}]\n",
)


@pytest.fixture
def office(tmp_path):
    now = Clock(NOON)
    return Office(now, a_shop(now), tmp_path)


async def examined(office: Office, key: tuple[str, str] | None) -> list[Found]:
    aws = Direct(office.world, {"shop": Scope("eu-central-1", read=READ, act=office.act)})
    path = office.writes(configuration=TWO)
    return await doctor.examined(load(path), Ports(now=office.now, aws=aws), key=key)


async def test_of_one_service_no_other_is_asked_about_and_what_all_need_is_looked_at_as_ever(office):
    alone = await examined(office, ("web", "production"))
    told = [each for each in alone if each.service is None]
    asked = [str(call.parameters) for call in office.world.calls if call.service == "ecs"]
    both = await examined(office, None)

    assert {each.service for each in alone} == {None, "web/production"}
    assert told == [each for each in both if each.service is None]
    assert failures(alone) == []
    assert not any("gone" in each for each in asked)


async def test_what_asks_by_the_names_of_what_is_live_is_not_left_out_where_that_is_not_known(office):
    (tasks,) = [
        each for each in await examined(office, None) if (each.service, each.check) == ("gone/production", "signal tasks")
    ]  # fmt: skip

    assert (tasks.mark, tasks.where) == ("untold", "tasks (ecs_tasks@shop)")
    assert tasks.finding.words.startswith("not asked: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["web"], "name a service and its environment"), (["api", "production"], "known: web/production")],
)
def test_a_name_that_is_none_is_told_with_those_that_there_are(tmp_path, arguments, words):
    path = Office(Clock(), AwsWorld(Clock()), tmp_path).writes()

    ran = CliRunner().invoke(doctor.command, ["--config", str(path), *arguments])

    assert ran.exit_code == 2
    assert words in ran.output


# ----------------------------------------------------------------------------------------------------------------- colours

ALONE = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
services:
  web:
    production:
      mode: shadow
      runs_on: [{command: {live: [ROOT/nowhere], move: [ROOT/nowhere]}}]
      rules: [{file: web.yaml}]
      changes: {told_by: [http]}
"""
MOVES = """\
version: 1
indicators: {moves: {state: {changes: {kinds: [flag]}}}}
rules: [{name: nothing moves, indicator: moves, judge: {state: {}}, on_breach: tell}]
"""


@pytest.mark.parametrize(("environment", "coloured"), [({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_its_owner_wants_none(tmp_path, environment, coloured):
    (tmp_path / "web.yaml").write_text(MOVES)
    path = tmp_path / "rollbackd.yaml"
    path.write_text(ALONE.replace("ROOT", str(tmp_path)))

    ran = CliRunner().invoke(main, ["doctor", "--config", str(path)], env=environment, color=True)

    assert ran.exit_code == 1
    assert "  RED  " in click.unstyle(ran.output)
    assert ("\x1b[31m" in ran.output, "\x1b" in ran.output) == (coloured, coloured)
