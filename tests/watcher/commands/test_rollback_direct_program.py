"""``rollback --direct`` as a process of its own: with a team's own programs, and over HTTP; its options and statuses."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules.errors import Problem
from tests.deploy.targets.programs import PROGRAM, a_program
from tests.fakes.aws import serving
from tests.fakes.aws.fixtures import Clock, environment
from tests.watcher.commands.emergency import RULES
from tests.watcher.commands.speaking import ROLLBACKD, Said, run
from tests.watcher.commands.test_doctor import ACT, a_shop
from watcher import clock as real
from watcher.commands._direct.command import _agrees, passed_over, who
from watcher.commands.rollback import command

DIRECT = ("rollback", "web", "production", "--direct", "--reason", "it is down")
PROGRAMS = """\
version: 1
daemon: {store: {memory: {}}}
services:
  web:
    production:
      runs_on: [{command: {live: LIVE, move: MOVE}}]
      rules: [{file: web.yaml}]
"""
ON_ECS = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
accounts:
  shop: {region: eu-central-1, act: "ACT"}
defaults: {account: shop, mode: auto}
services:
  web:
    production:
      runs_on: [{ecs: {cluster: prod, service: web}}]
      rules: [{file: web.yaml}]
"""


class Shop:
    """A service that two programs read and move."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "world.json"
        self.config = folder / "rollbackd.yaml"
        program = a_program(folder / "program.py", PROGRAM)
        live = [*program, "live", str(self.state)]
        move = [*program, "move", str(self.state), "${tag}", "${expect}", "${key}"]
        self.config.write_text(PROGRAMS.replace("LIVE", json.dumps(live)).replace("MOVE", json.dumps(move)))
        (folder / "web.yaml").write_text(RULES)
        self.is_so(tag="v2", changes=[])

    def is_so(self, **facts: object) -> None:
        before = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.state.write_text(json.dumps(before | facts))

    def changes(self) -> list[str]:
        changes: list[str] = json.loads(self.state.read_text())["changes"]
        return changes

    def goes_back(self, *words: str) -> Said:
        return run(*DIRECT, "--config", str(self.config), *words)

    def audit(self) -> list[dict[str, object]]:
        return [
            json.loads(line) for line in (self.folder / "rollbackd-direct.jsonl").read_text().splitlines()
        ]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_service_moved_by_programs_is_put_back_to_the_release_that_is_named(shop):
    said = shop.goes_back("--to", "v1", "--yes", "--json")

    assert said.status == 0, said.err
    assert said.json["words"] == "serves again"
    assert shop.changes() == ["v1"]
    assert [line["event"] for line in shop.audit()] == ["agreed", "begins", "answered", "ended"]
    assert {line["reason"] for line in shop.audit()} == {"it is down"}
    assert "its platform remembers no releases; whether v1 was good nobody can say" in said.err


def test_said_again_it_says_that_it_is_done(shop):
    shop.goes_back("--to", "v1", "--yes")

    said = shop.goes_back("--to", "v1", "--yes")

    assert (said.status, said.err) == (0, "v1 serves already, and nothing is in flight\n")
    assert shop.changes() == ["v1"]


def test_killed_while_a_program_moves_it_is_one_move_with_one_key(shop):
    shop.is_so(loses=True)
    words = [str(ROLLBACKD), *DIRECT, "--config", str(shop.config), "--to", "v1", "--yes"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, env=environment("http://127.0.0.1:1")) as process:
        assert process.stderr is not None
        assert any(b"sent now" in line for line in process.stderr)
        process.kill()
    before = len(shop.audit())
    shop.is_so(loses=False)

    said = shop.goes_back("--to", "v1", "--yes")

    assert said.status == 0, said.err
    assert before == 2
    assert shop.changes() == ["v1"]
    assert len({line["key"] for line in shop.audit()}) == 1


def test_interrupted_it_says_that_what_was_sent_goes_on_and_how_to_follow_it(shop):
    shop.is_so(slow=True)
    words = [str(ROLLBACKD), *DIRECT, "--config", str(shop.config), "--to", "v1", "--yes"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, env=environment("http://127.0.0.1:1")) as process:
        assert process.stderr is not None
        assert any(b"was ordered" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read().decode()

    assert process.returncode == 130
    assert rest.endswith("interrupted: what was sent goes on by itself; the same command again follows it\n")
    assert [line["event"] for line in shop.audit()] == ["agreed", "begins", "answered"]


def test_without_a_name_there_is_nothing_to_choose_from(shop):
    said = shop.goes_back("--yes")

    assert said.status == 2
    assert said.err == (
        "Error: service: its platform remembers no releases\n    try: name the release to go back to: --to TAG\n"
    )


def test_a_program_that_refuses_is_told_in_its_words(shop):
    shop.is_so(refuses="not on a Friday")

    said = shop.goes_back("--to", "v1", "--yes")

    assert said.status == 3
    assert "not on a Friday" in said.err
    assert shop.audit()[-1]["event"] == "ended"


def test_a_platform_that_is_down_is_unavailable(shop):
    shop.is_so(down=True)

    said = shop.goes_back("--to", "v1", "--yes")

    assert said.status == 4
    assert "the platform is down" in said.err


def test_what_is_slow_is_left_after_the_time_out_and_taken_up_again(shop):
    shop.is_so(slow=True)

    left = shop.goes_back("--to", "v1", "--yes", "--timeout", "0s")
    shop.is_so(tag="v1", moving_to=None)
    done = shop.goes_back("--yes")

    assert left.status == 7
    assert done.status == 0
    assert "goes on with what" in done.err
    assert shop.changes() == ["v1"]


def test_the_audit_can_lie_elsewhere(shop, tmp_path):
    shop.goes_back("--to", "v1", "--yes", "--audit", str(tmp_path / "elsewhere"))

    assert (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "rollbackd-direct.jsonl").exists()


def test_an_audit_that_cannot_be_written_stops_it(shop, tmp_path):
    said = shop.goes_back("--to", "v1", "--yes", "--audit", str(tmp_path / "nowhere" / "audit"))

    assert said.status == 4
    assert "--audit PATH" in said.err
    assert shop.changes() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "v1"), "this is no terminal"),
        (("--to", "v1", "--yes", "--reason", " "), "--direct needs --reason"),
        (("--to", "v1", "--yes", "--expect-revision", "3"), "without the daemon there is none"),
        (("--to", "v1", "--yes", "more"), "--direct needs a service and its environment"),
        (("--to", "v1", "--yes", "--timeout", "soon"), "not a duration"),
    ],
)
def test_what_cannot_be_meant_is_usage(shop, words, told):
    said = CliRunner().invoke(command, [*DIRECT[1:], "--config", str(shop.config), *words])

    assert said.exit_code == 2
    assert told in said.stderr
    assert shop.changes() == []


@pytest.mark.parametrize(
    "words",
    [
        ("--yes",),
        ("--even-quarantined",),
        ("--own-credentials",),
        ("--timeout", "5m"),
        ("--audit", "here"),
        ("--to", "v1", "--to", "v2"),
    ],
)
def test_what_goes_with_direct_alone_is_usage_towards_a_daemon(words):
    said = CliRunner(env={"ROLLBACKD_URL": "http://127.0.0.1:1"}).invoke(
        command, ["web", "production", *words]
    )

    assert said.exit_code == 2


def test_mistakes_that_decide_nothing_are_told_and_do_not_keep_it_from_going_back(shop):
    (shop.folder / "web.yaml").write_text("rules: nothing of the kind\n")
    shop.config.write_text(shop.config.read_text() + "  cart: {production: {runs_on: [{esc: {}}]}}\n")

    said = shop.goes_back("--to", "v1", "--yes")

    assert said.status == 0, said.err
    assert shop.changes() == ["v1"]
    assert said.err.startswith("the configuration has mistakes that are passed over now")
    assert 'unknown target "esc"' in said.err
    assert "web.yaml:1:" in said.err


def test_of_many_mistakes_the_first_are_told():
    mistakes = tuple(Problem("rollbackd.yaml", n, 1, "mode", "wrong", "mend it") for n in range(1, 8))

    told = list(passed_over(mistakes))

    assert len(told) == 1 + 5 + 1
    assert told[-1] == "  and 2 more: rollbackd check"
    assert list(passed_over(())) == []


def test_a_mistake_in_where_the_service_runs_is_usage(shop):
    shop.config.write_text(shop.config.read_text().replace("move:", "mvoe:"))

    said = shop.goes_back("--to", "v1", "--yes")

    assert said.status == 2
    assert "mvoe" in said.err
    assert shop.changes() == []


def test_a_configuration_without_the_service_is_usage(shop):
    shop.config.write_text("version: 1\nservces: {}\n")

    said = shop.goes_back("--to", "v1", "--yes")

    assert said.status == 2
    assert "servces" in said.err


@pytest.mark.lasts(10)
def test_it_goes_back_over_http_with_a_role_or_with_ones_own_credentials(tmp_path):
    now = Clock(real.now())  # boto3 signs by the true time
    world = a_shop(now)
    (tmp_path / "web.yaml").write_text(RULES)
    (tmp_path / "rollbackd.yaml").write_text(ON_ECS.replace("ACT", ACT))
    words = (*DIRECT, "--config", str(tmp_path / "rollbackd.yaml"), "--yes")
    with serving(world) as url:
        begun = run(*words, "--timeout", "0s", **environment(url))
        now.go_on(minutes=5)
        done = run(*words, "--own-credentials", **environment(url))

    assert begun.status == 7, begun.err
    assert "role/rb-act" in begun.err or "assumed-role/rb-act" in begun.err
    assert done.status == 0, done.err
    assert [call.operation for call in world.mutating_calls()] == ["TagResource", "UpdateService"]
    assert world.ecs.find("web").task_definition.endswith("web:1")
    assert world.bugs == []


@pytest.mark.parametrize(("stands", "agrees"), [(False, True), (True, False)])
def test_yes_is_no_answer_to_what_stands_in_the_way(stands, agrees):
    told: list[str] = []

    assert _agrees(told.append, stands=stands, yes=True) is agrees
    assert any("--yes does not answer that" in words for words in told) is stands


@pytest.mark.parametrize(("answer", "agrees"), [("y", True), ("n", False), ("", False)])
def test_a_person_is_asked_and_says_nothing_by_silence(answer, agrees):
    with CliRunner().isolation(input=f"{answer}\n") as (_out, err, _both):
        assert _agrees(print, stands=True, yes=False) is agrees

    assert b"something stands in the way. Do it all the same? [y/N]" in err.getvalue()


def test_behind_sudo_it_says_who_that_was(monkeypatch):
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("SUDO_USER", "ada")

    assert who().user == "root (sudo by ada)"
