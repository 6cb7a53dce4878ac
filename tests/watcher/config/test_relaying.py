"""A sidecar's section: what it needs, what contradicts it, and that its token is no value."""

from pathlib import Path

import pytest

from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.relaying import FromEnvironment, RelayModel

SIDECAR = """\
version: 1
daemon:
  store: {memory: {}}
  relay: {to: "https://rollbackd.example/", token: {env: TOKEN}, ecs: {container: app}}
services:
  checkout:
    production: {rules: [{file: rules.yaml}]}
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      relay:
        scrape: {url: "http://127.0.0.1:9102/metrics", counter: c, bad: {code: "5.."}}
        where: {version: "${arm.version}"}
rules:
  - {name: no more errors, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


def read(folder: Path, old: str = "", new: str = "", rules: str = RULES) -> Configuration:
    assert old in SIDECAR
    (folder / "rules.yaml").write_text(rules)
    file = folder / "rollbackd.yaml"
    file.write_text(SIDECAR.replace(old, new, 1) if old else SIDECAR)
    return read_configuration(file, all_kinds())


def problems(folder: Path, old: str, new: str, rules: str = RULES) -> str:
    with pytest.raises(InvalidConfiguration) as invalid:
        read(folder, old, new, rules)
    return "\n".join(str(problem).replace(f"{folder}/", "") for problem in invalid.value.problems)


def settings(configuration: Configuration) -> RelayModel:
    relay = configuration.daemon.relay
    assert relay is not None
    assert isinstance(relay.settings, RelayModel)
    return relay.settings


def test_a_sidecar_needs_to_say_neither_what_its_service_runs_on_nor_who_orders(tmp_path):
    relay = settings(read(tmp_path))

    assert relay.to == "https://rollbackd.example"
    assert relay.ecs is not None
    assert relay.ecs.container == "app"


def test_where_there_is_no_ecs_it_is_said_who_it_is(tmp_path):
    said = "instance: {env: HOSTNAME}, names: {version: {env: RELEASE}, fleet: blue}"
    relay = settings(read(tmp_path, "ecs: {container: app}", said))

    assert relay.instance == FromEnvironment(env="HOSTNAME")
    assert relay.names == {"version": FromEnvironment(env="RELEASE"), "fleet": "blue"}


def test_its_token_is_a_reference_and_shows_no_value(tmp_path):
    configuration = with_secrets(read(tmp_path), lambda _reference: "a-token-of-many-signs")

    assert settings(configuration).token.get_secret_value() == "a-token-of-many-signs"
    assert "a-token" not in repr(configuration)
    assert "a secret stands here in the open" in problems(tmp_path, "{env: TOKEN}", "rbd_abc")


def test_another_token_or_another_daemon_needs_a_restart(tmp_path):
    before = read(tmp_path).daemon.relay

    assert read(tmp_path).daemon.relay == before
    assert read(tmp_path, "example/", "example.com/").daemon.relay != before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{memory: {}}", "{sqlite: {path: state.db}}", "a sidecar that relays keeps nothing itself"),
        ("  relay:", "  alone: true\n  relay:", "it either relays, or decides alone: many sidecars would be many judges"),
        (", ecs: {container: app}", "", "which instance is this?"),
        ("{container: app}", "{}", '"container" is missing'),
        ("container: app", "container: a/b", "must be of the form"),
        ("https://rollbackd.example/", "rollbackd.example", "expected an http(s) URL"),
        ("https://rollbackd.example/", "https://me:pw@rollbackd.example", "a URL with a user"),
        ("ecs: {container: app}", "instance: 'a b'", "daemon.relay.instance"),
        ("ecs: {container: app}", "instance: a, names: {Version: v}", "daemon.relay.names"),
        ("ecs: {container: app}", "instance: a, names: {" + ", ".join(f"n{n}: v" for n in range(9)) + "}", "daemon.relay.names"),
        ("ecs:", "esc:", 'unknown key "esc"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_told_at_its_place(tmp_path, old, new, told):
    found = problems(tmp_path, old, new)

    assert told in found
    assert "rollbackd.yaml:" in found


def test_a_sidecar_without_anything_to_read_is_a_mistake(tmp_path):
    rules = RULES.replace("relay:\n        scrape: {", "scrape: {").replace("        where", "        #")
    found = problems(tmp_path, "relay", "relay", rules)

    assert "no rule asks for anything that a sidecar could read" in found


def test_who_does_not_relay_says_what_its_services_run_on(tmp_path):
    found = problems(
        tmp_path,
        '  relay: {to: "https://rollbackd.example/", token: {env: TOKEN}, ecs: {container: app}}\n',
        "",
    )

    assert '"runs_on" is missing' in found


def test_a_comparison_with_the_past_has_none_where_sidecars_tell(tmp_path):
    rules = RULES.replace("slo: {objective: 99%}", "before_after: {history: 7d}")

    assert "before_after needs a history, and relay remembers minutes" in problems(
        tmp_path, "relay", "relay", rules
    )
