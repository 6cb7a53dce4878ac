import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from deploy.model import (
    Begun,
    Drifted,
    Failed,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    Serving,
    Unclear,
    Unreadable,
)
from deploy.ports import Ran, World
from deploy.target import Place
from deploy.targets.command import AGAIN_IN, KIND, CommandTarget, Settings
from tests.deploy.targets.programs import a_program, a_target
from tests.deploy.test_model import HOSTILE
from watcher import clock, command

MOVE = Move("web", expect=Release("sha256:two", "v2"), to=Release("sha256:one", "v1"))


class Runner:
    """A command port that answers as it is told, and remembers what it was asked."""

    def __init__(self, ran=None, **printed):
        self.ran = ran or Ran(0, json.dumps(printed).encode(), b"")
        self.asked = []

    async def __call__(self, argv, timeout, environment):
        self.asked.append((tuple(argv), timeout, dict(environment)))
        if isinstance(self.ran, Exception):
            raise self.ran
        return self.ran


def a_command(runner, **settings):
    programs = {"live": ["/bin/live", "${service}"], "move": ["/bin/move", "${tag}", "${expect}", "${key}"]}
    return CommandTarget(
        Settings.model_validate(programs | settings),
        Place("checkout", "production", "web"),
        World(command=runner, now=clock.now),
    )


def mistakes(**settings):
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(settings)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


# ------------------------------------------------------------------------------------------------------------ settings


def test_a_command_that_cannot_tell_what_is_live_is_refused_with_the_reason():
    ((where, words),) = mistakes(move=["/bin/move", "${tag}"])

    assert where == ""
    assert "needs `live:` too" in words
    assert "a newer one could be undone" in words


@pytest.mark.parametrize(
    ("settings", "where", "words"),
    [
        ({"live": []}, "live", "at least 1 item"),
        ({"live": ["live"]}, "live", "absolute path"),
        ({"live": ["$HOME/live"]}, "live", "absolute path"),
        ({"live": ["/bin/${service}"]}, "live", "without templates"),
        ({"live": ["/bin/live", "a\0b"]}, "live", "zero byte"),
        (
            {"live": ["/bin/live", "${tag}"]},
            "live",
            "${tag} is not known here (known: ${service}, ${environment}, ${part}",
        ),
        ({"move": ["/bin/move", "${version}"]}, "move", "${version} is not known here (known: ${service}"),
        ({"move": ["/bin/move", "$tag"]}, "move", "a bare dollar sign at 0"),
        ({"move": "/bin/move ${tag}"}, "move", "valid tuple"),
        ({"timeout": "8s"}, "timeout", "at most 7s"),
        ({"timeout": "0s"}, "timeout", "more than nothing"),
        ({"timeout": "1m"}, "timeout", "a time-out is written 500ms or 7s"),
        ({"timeout": 5}, "timeout", "a time-out is written 500ms or 7s"),
        ({"environment": {"A=B": "x"}}, "environment.A=B.[key]", "should match pattern"),
        ({"shell": True}, "shell", "Extra inputs"),
    ],
)
def test_a_mistake_in_the_settings_is_named(settings, where, words):
    fine = {"live": ["/bin/live"], "move": ["/bin/move", "${tag}"]}

    ((found, message),) = mistakes(**fine | settings)

    assert found == where
    assert words in message


def test_settings_as_they_are_meant_are_taken():
    settings = Settings.model_validate(
        {
            "live": ["/bin/live", "${service}", "$$HOME"],
            "move": ["/bin/move", "--tag=${tag}", "${expect_fingerprint}", "${key}"],
            "plan": ["/bin/plan", "${fingerprint}"],
            "timeout": "1500ms",
            "environment": {"TOKEN": "secret-of-mine"},
        }
    )

    assert settings.timeout == timedelta(seconds=1.5)
    assert "secret-of-mine" not in repr(settings)
    assert KIND.settings is Settings


# ------------------------------------------------------------------------------------------------- what live may print


@pytest.mark.parametrize(
    ("printed", "live"),
    [
        ({"tag": "v1"}, Live(Release("tag:v1", "v1"))),
        ({"tag": None}, Live(None)),
        ({"tag": "v1", "fingerprint": "sha256:one"}, Live(Release("sha256:one", "v1"))),
        ({"tag": "v1", "moving_to": "v2"}, Live(Release("tag:v1", "v1"), Release("tag:v2", "v2"))),
        ({"tag": None, "moving_to": "v2"}, Live(None, Release("tag:v2", "v2"))),
        (
            {"tag": "v1", "fingerprint": "f:1", "moving_to": {"tag": "v2", "fingerprint": "f:2"}},
            Live(Release("f:1", "v1"), Release("f:2", "v2")),
        ),
        (
            {"tag": "v1", "fingerprint": "f:1", "moving_to": "v1"},
            Live(Release("f:1", "v1"), Release("f:1", "v1")),
        ),
        ({"tag": "v1", "key": "w_1.3.0"}, Live(Release("tag:v1", "v1"), key="w_1.3.0")),
        (
            {"tag": "v1", "names": {"sentry": "shop@1"}, "reversible": False},
            Live(Release("tag:v1", "v1", {"sentry": "shop@1"}, reversible=False)),
        ),
        (
            {"tag": "v1", "fingerprint": "f:1", "shares": {"v1": 0.9, "v7": 0.1}},
            Live(Release("f:1", "v1"), shares={"f:1": 0.9, "tag:v7": 0.1}),
        ),
    ],
)
async def test_what_live_prints_is_what_runs(printed, live):
    assert await a_command(Runner(**printed)).observe() == live


UNREADABLE = {
    "nothing": (b"", "Invalid JSON"),
    "no JSON": (b"v1\n", "Invalid JSON"),
    "half of it": (b'{"tag": "v1"', "Invalid JSON"),
    "two of it": (b'{"tag": "v1"} {"tag": "v2"}', "Invalid JSON"),
    "no object": (b'["v1"]', "should be an object"),
    "not UTF-8": (b'{"tag": "\xff"}', "Invalid JSON"),
    "too deep": (b"[" * 10_000, "recursion limit"),
    "no tag": (b"{}", "tag: Field required"),
    "a number for a tag": (b'{"tag": 1.10}', "tag: Input should be a valid string"),
    "an empty tag": (b'{"tag": ""}', "tag: String should match"),
    "an option for a tag": (b'{"tag": "--help"}', "tag: String should match"),
    "a line too much in a tag": (b'{"tag": "v1\\n"}', "tag: String should match"),
    "an unknown field": (b'{"tag": "v1", "version": "1"}', "version: Extra inputs"),
    "NaN": (b'{"tag": "v1", "shares": {"v1": NaN}}', "shares.v1: Input should be a finite number"),
    "infinity": (b'{"tag": "v1", "shares": {"v1": Infinity}}', "shares.v1: Input should be a finite number"),
    "a share of two": (
        b'{"tag": "v1", "shares": {"v1": 2}}',
        "shares.v1: Input should be less than or equal to 1",
    ),
    "a word for a bool": (
        b'{"tag": "v1", "reversible": "no"}',
        "reversible: Input should be a valid boolean",
    ),
    "a name with a blank": (
        b'{"tag": "v1", "names": {"sentry": "a b"}}',
        "names.sentry: String should match",
    ),
    "content of nothing": (b'{"tag": null, "fingerprint": "f"}', "nothing serves"),
    "failed without a key": (b'{"tag": "v1", "failed": "x"}', "`failed` needs `key`"),
    "content of one of two": (
        b'{"tag": "v1", "fingerprint": "f", "moving_to": "v2"}',
        "print it as {tag, fingerprint}",
    ),
}


@pytest.mark.parametrize(("printed", "words"), UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_believed_is_unreadable_and_says_why(printed, words):
    found = await a_command(Runner(Ran(0, printed, b""))).observe()

    assert isinstance(found, Unreadable)
    assert found.words.startswith("`live` printed what cannot be read: ")
    assert words in found.words
    assert "\n" not in found.words


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        (
            Ran(3, b'{"tag": "v1"}', b"no such host\nat line 7"),
            "`live` failed with exit status 3: no such host",
        ),
        (Ran(3, b'{"tag": "v1"}', b""), "`live` failed with exit status 3: it said nothing"),
        (Ran(-9, b'{"tag": "v1"}', b"", timed_out=True), "`live` did not return in time and was killed"),
        (Ran(0, b'{"tag": "v1"}', b"", truncated=True), "`live` printed more than 64 KiB"),
        (
            FileNotFoundError(2, "No such file or directory"),
            "/bin/live could not be started: No such file or directory",
        ),
        (
            Ran(1, b"", b"\x1b[31mred\x07 \xe2\x80\xaealert" + b"x" * 999),
            "`live` failed with exit status 1: [31mred",
        ),
    ],
)
async def test_a_live_that_fails_is_unreadable_in_its_own_words(ran, words):
    found = await a_command(Runner(ran)).observe()

    assert isinstance(found, Unreadable)
    assert words in found.words.replace("  ", " ")
    assert found.words.isprintable()
    assert len(found.words) < 400


async def test_live_is_asked_with_its_place_its_environment_and_its_time():
    runner = Runner(tag="v1")

    await a_command(runner, timeout="3s", environment={"TOKEN": "s"}).observe()

    assert runner.asked == [(("/bin/live", "checkout"), timedelta(seconds=3), {"TOKEN": "s"})]


# --------------------------------------------------------------------------------------------------- what a hint means


ONE, TWO = {"tag": "v1"}, {"tag": "v1", "fingerprint": "f:1"}
COMING = {"tag": "v1", "fingerprint": "f:1", "moving_to": {"tag": "v2", "fingerprint": "f:2"}}


@pytest.mark.parametrize(
    ("printed", "hints", "found"),
    [
        (ONE, {}, Release("tag:v1", "v1")),
        (ONE, {"tag": "v1"}, Release("tag:v1", "v1")),
        (
            ONE,
            {"tag": "v2"},
            Release("tag:v2", "v2"),
        ),  # announced before it runs; the tag is all there is to know
        (
            ONE,
            {"tag": "v1", "fingerprint": "f:1"},
            Release("tag:v1", "v1"),
        ),  # or the two readings would never agree
        (TWO, {"tag": "v1", "fingerprint": "f:1"}, Release("f:1", "v1")),
        (COMING, {}, Release("f:2", "v2")),
        (COMING, {"tag": "v1"}, Release("f:1", "v1")),
        (COMING, {"fingerprint": "f:1"}, Release("f:1", "v1")),
        (COMING, {"tag": "v2", "version": "2", "author": "ada"}, Release("f:2", "v2", {"version": "2"})),
        ({**ONE, "names": {"sentry": "a"}}, {"sentry": "b"}, Release("tag:v1", "v1", {"sentry": "a"})),
        (ONE, {"reversible": "false"}, Release("tag:v1", "v1", reversible=False)),
        ({**ONE, "reversible": False}, {"reversible": "true"}, Release("tag:v1", "v1", reversible=False)),
    ],
)
async def test_a_hint_chooses_among_what_the_platform_shows(printed, hints, found):
    assert await a_command(Runner(**printed)).resolve(hints) == found


@pytest.mark.parametrize(
    ("printed", "hints", "words"),
    [
        (TWO, {"tag": "v2"}, "v2 does not run yet, and its fingerprint is known only then"),
        (TWO, {"tag": "v1", "fingerprint": "f:other"}, "v1 does not run yet"),
        (TWO, {"fingerprint": "f:other"}, "what was announced does not run yet"),
        ({"tag": None}, {}, "nothing runs, and nothing is on its way"),
        (ONE, {"tag": "--help"}, "--help does not run yet"),
    ],
)
async def test_what_the_platform_does_not_show_yet_is_asked_for_again_later(printed, hints, words):
    found = await a_command(Runner(**printed)).resolve(hints)

    assert isinstance(found, Unreadable)
    assert words in found.words


# ------------------------------------------------------------------------------------------------------------- moving


async def test_a_move_is_told_the_tag_what_is_expected_and_the_key():
    runner = Runner(Ran(0, b"taken\n", b""))

    assert await a_command(runner).begin(MOVE, "w_1.3.0") == Begun(words="taken")
    assert [argv for argv, _, _ in runner.asked] == [("/bin/move", "v1", "v2", "w_1.3.0")]


@pytest.mark.parametrize(
    ("ran", "answer"),
    [
        (
            Ran(1, b"", b"\n\nno such release\n"),
            Refused("`move` refused with exit status 1: no such release"),
        ),
        (Ran(1, b"on stdout", b""), Refused("`move` refused with exit status 1: on stdout")),
        (Ran(1, b"", b""), Refused("`move` refused with exit status 1: it said nothing")),
        (Ran(75, b"", b"locked"), Refused("`move` refused with exit status 75: locked", again_in=AGAIN_IN)),
        (Ran(-9, b"", b"", timed_out=True), Unclear("`move` did not return in time and was killed")),
        (Ran(0, b"", b"", timed_out=True), Unclear("`move` did not return in time and was killed")),
        (Ran(-11, b"", b""), Unclear("`move` was ended by signal 11: it said nothing")),
        (
            PermissionError(13, "Permission denied"),
            Refused("/bin/move could not be started: Permission denied"),
        ),
    ],
)
async def test_how_a_move_ends_is_what_is_known_of_it(ran, answer):
    assert await a_command(Runner(ran)).begin(MOVE, "w_1.3.0") == answer


@pytest.mark.parametrize("tag", HOSTILE)
async def test_a_hostile_tag_starts_no_program(tag):
    runner = Runner()
    move = Move("web", expect=MOVE.expect, to=Release("sha256:x", tag))

    answer = await a_command(runner).begin(move, "w_1.3.0")

    assert isinstance(answer, Refused)
    assert "may not stand in an argument" in answer.words
    assert runner.asked == []


# ----------------------------------------------------------------------------------------------------------- progress


@pytest.mark.parametrize(
    ("printed", "progress"),
    [
        ({"tag": "v1"}, Serving()),
        ({"tag": "v2", "moving_to": "v1"}, Moving("on its way to v1")),
        ({"tag": "v1", "moving_to": "v1"}, Moving("on its way to v1")),
        ({"tag": "v2"}, Moving("v2 still serves; v1 was ordered")),
        ({"tag": "v1", "moving_to": "v2"}, Moving("v2 is on its way; v1 was ordered")),
        ({"tag": None}, Moving("nothing serves; v1 was ordered")),
        ({"tag": "v3"}, Drifted("v3 serves, not v1", "v3")),
        ({"tag": "v2", "moving_to": "v3"}, Drifted("v3 is on its way, not v1", "v3")),
        ({"tag": "v1", "moving_to": "v3"}, Drifted("v3 is on its way, not v1", "v3")),
        ({"tag": "v2", "key": "other", "failed": "disk full"}, Moving("v2 still serves; v1 was ordered")),
    ],
)
async def test_progress_is_read_from_what_runs(printed, progress):
    assert await a_command(Runner(**printed)).progress(MOVE, "w_1.3.0") == progress


async def test_a_move_that_says_that_it_failed_has_failed():
    target = a_command(Runner(tag="v2", key="w_1.3.0", failed="disk full\nat 12"))

    assert await target.progress(MOVE, "w_1.3.0") == Failed(
        "disk full", '/bin/move v1 v2 by-hand-"$(date +%s)"'
    )


async def test_what_is_compared_is_the_content_where_it_is_known():
    same_tag = a_command(Runner(tag="v1", fingerprint="sha256:rebuilt"))

    assert await same_tag.progress(MOVE, "k") == Drifted("v1 serves, not v1", "v1")


# --------------------------------------------------------------------------------------------------------- foretelling


async def test_without_a_plan_the_call_itself_is_foretold_and_not_made():
    runner = Runner()

    foretold = await a_command(runner).foretell(MOVE)

    assert foretold.calls == ('/bin/move v1 v2 by-hand-"$(date +%s)"',)
    assert runner.asked == []


async def test_a_plan_is_run_and_each_of_its_lines_is_a_call():
    runner = Runner(Ran(0, b"stop v2\n\nstart v1\n", b""))

    foretold = await a_command(runner, plan=["/bin/plan", "${tag}"]).foretell(MOVE)

    assert foretold.calls == ("stop v2", "start v1")
    assert runner.asked[0][0] == ("/bin/plan", "v1")


@pytest.mark.parametrize(
    ("ran", "obstacle"),
    [
        (Ran(2, b"", b"no"), "`plan` failed with exit status 2: no"),
        (Ran(0, b"x", b"", truncated=True), "`plan` printed more than 64 KiB"),
        (FileNotFoundError(2, "No such file"), "`plan` could not be run: [Errno 2] No such file"),
    ],
)
async def test_a_plan_that_fails_is_an_obstacle(ran, obstacle):
    foretold = await a_command(Runner(ran), plan=["/bin/plan"]).foretell(MOVE)

    assert foretold.obstacles == (obstacle,)


async def test_a_tag_that_may_not_be_an_argument_is_no_command_for_a_person():
    foretold = await a_command(Runner()).foretell(
        Move("web", expect=MOVE.expect, to=Release("x", "$(reboot)"))
    )

    assert foretold.by_hand.startswith("not by this program")


async def test_what_is_printed_for_a_person_is_one_command_of_their_shell(tmp_path):
    """Each argument arrives as it was written, though blanks, quotes and dollars are in it."""
    echo = a_program(tmp_path / "echo.py", "import json, sys; print(json.dumps(sys.argv[1:]))")
    arguments = ["a b", "it's", '"', "$$HOME", "${tag}", "--key=${key}"]
    foretold = await a_target(live=[*echo], move=[*echo, *arguments]).foretell(MOVE)

    shell = await command.run(["/bin/sh", "-c", foretold.by_hand], timedelta(seconds=7), {})

    *given, key = json.loads(shell.stdout)
    assert given == ["a b", "it's", '"', "$HOME", "v1"]
    assert key.startswith("--key=by-hand-1")


def test_foretelling_shows_no_secret():
    target = a_command(Runner(), environment={"TOKEN": "secret-of-mine"})

    assert "secret-of-mine" not in repr(vars(target))


# ------------------------------------------------------------------------------------------------- real programs


async def test_arguments_arrive_letter_for_letter(tmp_path):
    echo = a_program(
        tmp_path / "echo.py",
        f"import json, sys; json.dump(sys.argv[1:], open({str(tmp_path / 'argv')!r}, 'w'))",
    )
    arguments = [
        "--tag=${tag}",
        "a b",
        "$$(x)",
        "`x`",
        "*",
        "ü",
        "",
        "a\nb",
        "${fingerprint}",
        "${service}.${environment}.${part}",
    ]

    await a_target(live=[*echo], move=[*echo, *arguments]).begin(MOVE, "k")

    assert json.loads((tmp_path / "argv").read_text()) == [
        *("--tag=v1", "a b", "$(x)", "`x`", "*", "ü", "", "a\nb", "sha256:one", "checkout.production.service")
    ]


async def test_a_live_that_prints_without_end_is_unreadable_and_takes_no_memory(tmp_path):
    flood = a_program(tmp_path / "flood.py", "import os\nfor _ in range(800): os.write(1, b'x' * 65536)")

    assert await a_target(live=[*flood], move=[*flood]).observe() == Unreadable(
        "`live` printed more than 64 KiB"
    )


async def test_a_move_that_hangs_is_unclear(tmp_path):
    hang = a_program(tmp_path / "hang.py", "import time; time.sleep(60)")

    answer = await a_target(live=[*hang], move=[*hang], timeout="200ms").begin(MOVE, "k")

    assert answer == Unclear("`move` did not return in time and was killed")


async def test_a_program_that_is_not_there_is_unreadable_and_refused(tmp_path):
    target = a_target(live=[str(tmp_path / "none")], move=[str(tmp_path / "none")])

    assert isinstance(await target.observe(), Unreadable)
    assert isinstance(await target.begin(MOVE, "k"), Refused)


async def test_the_environment_is_what_was_given_and_nothing_of_the_daemons(tmp_path):
    source = "import json, os; print(json.dumps({'tag': 'v1', 'names': {'e': '.'.join(sorted(os.environ))}}))"
    show = a_program(tmp_path / "show.py", source)

    live = await a_target(live=[*show], move=[*show], environment={"TOKEN": "s"}).observe()

    assert isinstance(live, Live)
    assert live.release is not None
    assert set(live.release.names["e"].split(".")) - {"LC_CTYPE"} == {"PATH", "TOKEN"}
