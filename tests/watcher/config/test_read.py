"""The files as a whole: layers, names, what is built of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.model import Slo
from tests.watcher.config.sample import KINDS, MAIN, RULES, changed, folder, problems, read
from watcher.config import InvalidConfiguration, Listen, read_configuration
from watcher.core.service import Asking, Bake, Ceilings, KnownGood, Mode, Speak, Team, Then

PRODUCTION = ("checkout", "production")
STAGING = ("checkout", "staging")


def test_a_service_is_built_of_defaults_its_environment_and_itself(tmp_path):
    policy = read(tmp_path).services[PRODUCTION].policy

    assert policy.mode is Mode.AUTO
    assert policy.bake == Bake(timedelta(hours=1), timedelta(hours=24))
    assert policy.countdown == timedelta(seconds=30)
    assert policy.known_good == KnownGood(may_cross=1)
    assert policy.ceilings == Ceilings(service_per_day=3)


def test_the_other_environment_has_its_own_layers(tmp_path):
    policy = read(tmp_path).services[STAGING].policy

    assert policy.mode is Mode.SHADOW
    assert policy.bake == Bake(timedelta(minutes=30), timedelta(hours=24))


def test_where_nothing_is_said_a_service_is_in_shadow_and_nobody_is_told(tmp_path):
    service = read(tmp_path, changed("  mode: shadow\n", "", changed("  team: shop\n", ""))).services[STAGING]

    assert service.policy.mode is Mode.SHADOW
    assert service.team == Team("nobody")


def test_every_key_of_a_service_is_in_its_policy(tmp_path):
    text = changed(
        "      mode: auto\n",
        """      mode: ask
      false_rollback_probability: 0.01
      bake: {runs: 2}
      rollout_timeout: 2h
      move_timeout: 5m
      asking: {for: 10m, then: roll_back, stuck: 3d}
      speak: all
      reads_live: 10s
""",
    )
    service = read(tmp_path, text).services[PRODUCTION]

    assert service.policy.mode is Mode.ASK
    assert service.policy.false_rollback_probability == 0.01
    assert service.policy.bake.runs == 2
    assert service.policy.rollout_timeout == timedelta(hours=2)
    assert service.policy.move_timeout == timedelta(minutes=5)
    assert service.policy.asking == Asking(timedelta(minutes=10), Then.ROLL_BACK, timedelta(days=3))
    assert service.policy.speak is Speak.ALL
    assert service.reads_live == timedelta(seconds=10)


def test_names_teams_and_sources_are_followed(tmp_path):
    service = read(tmp_path).services[PRODUCTION]

    assert service.team == Team("shop", ("room", "room:releases"), ("token:on-call",))
    assert service.heard_from == ("http",)
    assert service.names == {"sentry": "checkout@${tag}"}


def test_a_service_hears_of_deployments_from_every_source_unless_it_says_from_which(tmp_path):
    text = changed("  heard_from: [http]\n", "", changed("sources:\n  http: {http: {}}\n", ""))

    assert read(tmp_path, text).services[PRODUCTION].heard_from == ("http",)


def test_the_machine_itself_may_be_let_order(tmp_path):
    assert read(tmp_path, changed('"token:on-call"', "local")).teams["shop"].may_order == ("local",)


def test_one_target_is_the_service_and_several_are_parts_in_their_order(tmp_path):
    configuration = read(tmp_path)

    assert configuration.services[PRODUCTION].parts == ("service",)
    assert configuration.services[STAGING].parts == ("api", "worker")
    assert configuration.targets[STAGING]["worker"].kind == "command"


def test_parts_in_a_list_are_called_by_their_kinds(tmp_path):
    kinds = replace(KINDS, targets={**KINDS.targets, "script": KINDS.targets["command"]})
    text = changed(
        "        - command: {live: [/usr/bin/live, ",
        "        - script: {live: [/usr/bin/live], move: [/usr/bin/move]}\n        - command: {live: [/usr/bin/live, ",
    )

    assert read_configuration(folder(tmp_path, text), kinds).services[PRODUCTION].parts == (
        "script",
        "command",
    )


def test_a_rule_file_is_read_with_the_parameters_of_each_service(tmp_path):
    services = read(tmp_path).services

    assert services[PRODUCTION].policy.rules.rules[0].judge == Slo(0.999)
    assert services[STAGING].policy.rules.rules[0].judge == Slo(0.99)
    assert "staging:9100" in services[STAGING].policy.rules.indicator("errors").query


def test_an_indicator_is_bound_to_the_only_connection_of_its_kind(tmp_path):
    rules = read(tmp_path).services[PRODUCTION].policy.rules

    assert rules.indicator("stored").connection == "tsdb"
    assert rules.indicator("errors").connection is None


def test_an_indicator_says_which_of_several_connections_it_means(tmp_path):
    text = changed("  room: {chat", "  other: {metrics: {url: y, token: {env: X}}}\n  room: {chat")
    rules = changed("metrics: {url: x}", "metrics: {url: x, connection: other}", RULES)

    assert (
        read(tmp_path, text, rules).services[PRODUCTION].policy.rules.indicator("stored").connection
        == "other"
    )


def test_the_daemon_itself_is_read(tmp_path):
    daemon = read(tmp_path).daemon

    assert daemon.store.kind == "sqlite"
    assert daemon.listen == Listen("0.0.0.0", 8080)
    assert daemon.public_url == "https://rollbackd.example"
    assert [(token.name, sorted(token.may), list(token.services)) for token in daemon.tokens] == [
        ("pipeline", ["announce", "read"], ["*"]),
        ("on-call", ["order", "read"], ["checkout"]),
    ]


def test_a_daemon_of_which_nothing_is_said_listens_to_this_machine_alone_and_remembers_on_disk(tmp_path):
    daemon = read(tmp_path, "version: 1\n").daemon

    assert daemon.listen == Listen("127.0.0.1", 8080)
    assert daemon.store.settings.model_dump(mode="json") == {"path": "/var/lib/rollbackd/state.db"}


@pytest.mark.parametrize(
    ("listen", "expected"), [("'[::1]:80'", Listen("::1", 80)), ("localhost:0", Listen("localhost", 0))]
)
def test_an_address_is_a_host_and_a_port(tmp_path, listen, expected):
    assert read(tmp_path, f"version: 1\ndaemon: {{http: {{listen: {listen}}}}}\n").daemon.listen == expected


def test_private_networks_are_reached_where_they_are_named(tmp_path):
    daemon = read(tmp_path, "version: 1\ndaemon: {reach: [10.0.0.0/8, '::1']}\n").daemon

    assert [str(network) for network in daemon.reach] == ["10.0.0.0/8", "::1/128"]


def test_two_readings_differ_only_if_what_they_say_differs(tmp_path):
    before = read(tmp_path)

    assert read(tmp_path, "# one line more\n" + MAIN).connections == before.connections
    assert read(tmp_path, changed("path: state.db", "path: other.db")).daemon.store != before.daemon.store


def test_tls_is_two_files(tmp_path):
    tls = read(tmp_path, "version: 1\ndaemon: {http: {tls: {certificate: c.pem, key: k.pem}}}\n").daemon.tls

    assert tls is not None
    assert (tls.certificate, tls.key) == ("c.pem", "k.pem")


@pytest.mark.parametrize(
    ("daemon", "acts"),
    [("{store: {memory: {}}}", False), ("{store: {memory: {}}, alone: true}", True), ("{}", True)],
)
def test_a_daemon_that_remembers_nothing_acts_only_if_it_is_told_that_it_is_alone(tmp_path, daemon, acts):
    head, services = MAIN.split("services:\n  checkout:")
    text = f"version: 1\ndaemon: {daemon}\nconnections: {{tsdb: {{metrics: {{url: x, token: {{env: A}}}}}}}}\naccounts: {{shop: {{region: eu-central-1, read: 'arn:aws:iam::123456789012:role/r'}}}}\nservices:\n  checkout:{services}"

    assert head
    assert read(tmp_path, text).services[PRODUCTION].alone is acts


def test_an_account_is_a_region_and_roles_and_the_role_to_act_is_not_needed(tmp_path):
    account = read(tmp_path).accounts["shop"]

    assert (account.region, account.act) == ("eu-central-1", None)


def test_services_may_stand_in_a_folder_of_their_own(tmp_path):
    _, staging = MAIN.split("    staging:\n")
    main = MAIN.replace(f"    staging:\n{staging}", "")

    configuration = read(tmp_path, main, RULES, shop=f"services:\n  checkout:\n    staging:\n{staging}")

    assert configuration.services[STAGING].policy == read(tmp_path / "..", MAIN).services[STAGING].policy


def test_reading_the_same_files_again_gives_the_same_value(tmp_path):
    assert read(tmp_path) == read(tmp_path)


def test_the_hash_is_of_what_is_in_force(tmp_path):
    before = read(tmp_path).digest

    assert read(tmp_path, MAIN + "# a comment\n").digest == before
    assert read(tmp_path, changed("mode: auto", "mode: ask")).digest != before
    assert read(tmp_path, MAIN, changed("default: 99.9%", "default: 99%", RULES)).digest != before


def test_a_configuration_that_is_not_there_is_told_with_the_one_that_is(tmp_path):
    folder(tmp_path)

    with pytest.raises(InvalidConfiguration) as invalid:
        read_configuration(tmp_path / "rolbackd.yaml", KINDS)

    assert str(invalid.value) == (
        f"{tmp_path}/rolbackd.yaml:1:1: the file cannot be read: No such file or directory\n    try: did you mean {tmp_path}/rollbackd.yaml?"
    )


def test_a_configuration_in_an_empty_folder_has_to_be_named(tmp_path):
    with pytest.raises(InvalidConfiguration, match="name it: --config FILE"):
        read_configuration(tmp_path / "rollbackd.yaml", KINDS)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = folder(tmp_path)
    path.write_bytes(b"version: 1\n# \xff")

    with pytest.raises(InvalidConfiguration) as invalid:
        read_configuration(path, KINDS)

    assert str(invalid.value) == (
        f"{path}:1:1: the file is not UTF-8, at byte 13\n    try: save it as text in UTF-8"
    )


def test_an_endless_file_is_read_no_further_than_a_file_may_be_long(tmp_path):
    path = folder(tmp_path)
    path.write_text("a: " + "x" * (2 << 20), encoding="utf-8")

    with pytest.raises(InvalidConfiguration, match="larger than 1 MiB"):
        read_configuration(path, KINDS)


def test_a_broken_file_of_the_folder_does_not_hide_what_else_is_wrong(tmp_path):
    found = problems(
        tmp_path, changed("mode: auto", "mode: atuo"), RULES, a="services: [", b="version: 3\nservices: {}"
    )
    (tmp_path / "services.d" / "c.yaml").write_bytes(b"\xff")

    assert [problem.split(": ")[0] for problem in found] == [
        "rollbackd.yaml:36:13",
        "services.d/a.yaml:2:1",
        "services.d/b.yaml:1:10",
    ]
    assert len(problems(tmp_path, MAIN)) == 3
