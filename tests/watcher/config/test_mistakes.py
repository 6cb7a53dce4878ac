"""Every kind of mistake is told at its place, in plain words, with a remedy; and all of them at once."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.watcher.config.sample import MAIN, RULES, changed, problems, read
from tests.yaml import as_yaml
from watcher.config import InvalidConfiguration

DIGEST = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1\ndaemon", "daemon", 'rollbackd.yaml:1:1: version: "version" is missing | try: add `version: …`'),
        ("accounts:", "acounts:", 'rollbackd.yaml:9:1: acounts: unknown key "acounts" | try: did you mean "accounts"?'),
        ("mode: auto", "mode: atuo", 'rollbackd.yaml:36:13: services.checkout.production.mode: "atuo" is not one of shadow, ask, auto | try: did you mean "auto"?'),
        ("mode: auto", "mdoe: auto", 'rollbackd.yaml:36:7: services.checkout.production.mdoe: unknown key "mdoe" | try: did you mean "mode"?'),
        ("  mode: shadow", "  mdoe: shadow", 'rollbackd.yaml:19:3: defaults.mdoe: unknown key "mdoe" | try: did you mean "mode"?'),
        ("countdown: 30s", "countdown: 30", "rollbackd.yaml:26:16: environments.production.countdown: a duration needs its unit | try: write 30s, or 30m"),
        ("countdown: 30s", "countdown: 2h", "rollbackd.yaml:26:16: environments.production.countdown: longer than 1h | try: write at most 1h"),
        ("at_least: 1h", "at_least: 0s", "rollbackd.yaml:25:22: environments.production.bake.at_least: must last longer than 0 s | try: write a duration, such as 30m"),
        ("bake: {at_least: 1h}", "bake: {at_least: 2d, at_most: 1d}", "rollbackd.yaml:25:11: environments.production.bake: at_least is longer than at_most | try: write at_most: 24h, or a shorter at_least"),
        ("bake: {at_least: 1h}", "bake: {pass_early: {worse_than: {ratio: 1, plus: 0%}}}", "rollbackd.yaml:25:37: environments.production.bake.pass_early.worse_than: no evidence shows that a release is not a little worse | try: write what would be too bad, such as {ratio: 2, plus: 0.1%}"),
        ("bake: {at_least: 1h}", "bake: {pass_early: {miss_probability: 60%}}", "rollbackd.yaml:25:43: environments.production.bake.pass_early.miss_probability: expected a probability above 0% and up to 50% | try: write 5%"),
        ("bake: {at_least: 1h}", "bake: {runs: 2, pass_early: {}}", "rollbackd.yaml:25:11: environments.production.bake: a bake of runs has no shortest time to pass before | try: remove `runs`, or `pass_early`"),
        ("bake: {at_least: 1h}", "bake: {at_least: 5s, at_most: 15s}", "rules/web.yaml:10:5: rules[0]: a breach takes 2 buckets of 60 s, and the watch ends after 15 s | try: use shorter buckets, or a longer bake.at_most"),
        ("mode: auto", "false_rollback_probability: 50%", "rollbackd.yaml:36:35: services.checkout.production.false_rollback_probability: must lie between 0.0001% and 10% | try: 0.1% is usual: one good release in a thousand"),
        ("may_cross: 1", "may_cross: -1", "rollbackd.yaml:37:31: services.checkout.production.known_good.may_cross: must be at least 0 | try: write a number that is at least 0"),
        ("mode: auto", "asking: {then: wait}", 'rollbackd.yaml:36:22: services.checkout.production.asking.then: "wait" is not one of keep, roll_back | try: write one of keep, roll_back'),
        ("store: {sqlite:", "store: {sqlit:", 'rollbackd.yaml:3:11: daemon.store.sqlit: unknown store "sqlit" | try: did you mean "sqlite"?'),
        ("store: {sqlite: {path: state.db}}", "store: {postgresql: {}}", 'rollbackd.yaml:3:23: daemon.store.postgresql.dsn: "dsn" is missing | try: add `dsn: …`'),
        ("0.0.0.0:8080", "0.0.0.0", "rollbackd.yaml:4:18: daemon.http.listen: expected an address and a port | try: write 127.0.0.1:8080, or 0.0.0.0:8080 for all"),
        ("https://rollbackd.example/", "rollbackd.example", "rollbackd.yaml:4:44: daemon.http.public_url: expected an http(s) URL | try: write https://rollbackd.example.com"),
        ("https://rollbackd.example/", "'http://[x'", "rollbackd.yaml:4:44: daemon.http.public_url: expected an http(s) URL | try: write https://rollbackd.example.com"),
        ("https://rollbackd.example/", "'https://me:secret@rollbackd.example'", "rollbackd.yaml:4:44: daemon.http.public_url: a URL with a user, a password or a query | try: write the address alone"),
        ("may: [announce, read]", "may: [anounce, read]", 'rollbackd.yaml:6:104: daemon.tokens[0].may[0]: "anounce" is not one of announce, read, order, relay | try: did you mean "announce"?'),
        ("may: [announce, read]", "may: []", "rollbackd.yaml:6:103: daemon.tokens[0].may: expected at least 1, found 0 | try: add one, or remove the key"),
        (DIGEST, "rbd_secret", "rollbackd.yaml:7:31: daemon.tokens[1].sha256: must be of the form [0-9a-f]{64} | try: write it with these characters alone"),
        ("[checkout]", "[chekout]", 'rollbackd.yaml:7:128: daemon.tokens[1].services[0]: no service is called "chekout" | try: did you mean "checkout"?'),
        ("[checkout]", "[qqq]", 'rollbackd.yaml:7:128: daemon.tokens[1].services[0]: no service is called "qqq" | try: write "*" for all, a service, or service/environment'),
        ("service_per_day: 3", "per_day: 3", 'rollbackd.yaml:8:14: daemon.ceilings.per_day: unknown key "per_day" | try: did you mean "service_per_day"?'),
        ("  ceilings: {", "  reach: [10.0.0.1/8, 5]\n  ceilings: {", "rollbackd.yaml:8:11: daemon.reach[0]: not a network | try: write 10.0.0.0/8, or one address such as 10.0.0.11"),
        ("  ceilings: {", "  reach: [5]\n  ceilings: {", "rollbackd.yaml:8:11: daemon.reach[0]: not a network | try: write 10.0.0.0/8, or one address such as 10.0.0.11"),
        ("eu-central-1", "Frankfurt", 'rollbackd.yaml:10:18: accounts.shop.region: "Frankfurt" is no region of AWS | try: write its short name, such as eu-central-1'),
        ("room: {chat:", "room: {caht:", 'rollbackd.yaml:13:10: connections.room.caht: unknown connection "caht" | try: did you mean "chat"?'),
        ("tsdb: {metrics: {url: https://metrics.example, ", "tsdb: {metrics: {", 'rollbackd.yaml:12:19: connections.tsdb.metrics.url: "url" is missing | try: add `url: …`'),
        ("[room, {room: releases}]", "[rom]", 'rollbackd.yaml:15:17: teams.shop.tell[0]: unknown connection that tells people "rom" | try: did you mean "room"?'),
        ("[room, {room: releases}]", "[tsdb]", 'rollbackd.yaml:15:17: teams.shop.tell[0]: unknown connection that tells people "tsdb" | try: known: room'),
        ("{room: releases}]", "{room: [a]}]", "rollbackd.yaml:15:30: teams.shop.tell[1].room: expected what narrows the connection, as text | try: write {name: CHANNEL}"),
        ("{room: releases}]", "5]", "rollbackd.yaml:15:23: teams.shop.tell[1]: expected the name of a connection that tells people | try: write the name, or {name: narrowing}"),
        ('"token:on-call"', '"token:oncall"', 'rollbackd.yaml:15:54: teams.shop.may_order[0]: unknown token "oncall" | try: did you mean "on-call"?'),
        ('"token:on-call"', '"slack:U0ADA"', 'rollbackd.yaml:15:54: teams.shop.may_order[0]: "slack" is no connection that hears people | try: write token:NAME, or give a connection to Slack an `app_token` or a `signing_secret`'),
        ('"token:on-call"', '"room:U0ADA"', 'rollbackd.yaml:15:54: teams.shop.may_order[0]: "room" is no connection that hears people | try: write token:NAME, or give a connection to Slack an `app_token` or a `signing_secret`'),
        ("services: [checkout]", "services: [{a: b}]", "rollbackd.yaml:7:128: daemon.tokens[1].services[0]: expected text, found a mapping"),
        ("name: pipeline", "name: [pipeline]", "rollbackd.yaml:6:14: daemon.tokens[0].name: expected text, found a list"),
        ('"token:on-call"', "everybody", "rollbackd.yaml:15:54: teams.shop.may_order[0]: expected who may order | try: write token:NAME"),
        ("  http: {http: {}}", "  pipeline: {http: {}}", "rollbackd.yaml:17:3: sources.pipeline: deployments that are told over HTTP come from a source called http | try: write http: {http: {}}"),
        ("{http: {}}", "{sns: {}}", 'rollbackd.yaml:17:10: sources.http.sns: the source "sns" is not in this version | try: in this version: github, http, launchdarkly, sqs, unleash'),
        ("{http: {}}", "{htp: {}}", 'rollbackd.yaml:17:10: sources.http.htp: unknown source "htp" | try: did you mean "http"?'),
        ("heard_from: [http]", "heard_from: [htp]", 'rollbackd.yaml:22:16: defaults.heard_from[0]: unknown source "htp" | try: did you mean "http"?'),
        ("heard_from: [http]", "heard_from: [{http: {a: b}}]", 'rollbackd.yaml:22:23: defaults.heard_from[0].http: the source "http" cannot be narrowed | try: write http'),
        ("team: shop", "team: shoop", 'rollbackd.yaml:21:9: defaults.team: unknown team "shoop" | try: did you mean "shop"?'),
        ("account: shop", "account: shpo", 'rollbackd.yaml:30:16: services.checkout.production.account: unknown account "shpo" | try: did you mean "shop"?'),
        ("account: shop", "account: [shop]", "rollbackd.yaml:30:16: services.checkout.production.account: expected text, found a list | try: write text"),
        ("names: {sentry:", "names: {Sentry:", 'rollbackd.yaml:33:15: services.checkout.production.names.Sentry: "Sentry" cannot name a signal system | try: write a name such as sentry'),
        ("names: {sentry:", "names: {tag:", 'rollbackd.yaml:33:15: services.checkout.production.names.tag: "tag" cannot name a signal system | try: write a name such as sentry'),
        ('"checkout@${tag}"', '"checkout@$tag"', "rollbackd.yaml:33:23: services.checkout.production.names.sentry: not a template | try: write text with ${name} in it, such as checkout@${tag}"),
        ("- command: {live: [/usr/bin/live, ", "- ssm: {live: [/usr/bin/live, ", 'rollbackd.yaml:32:11: services.checkout.production.runs_on[0].ssm: the target "ssm" is not in this version | try: in this version: '),
        ("- command: {live: [/usr/bin/live, ", "- comand: {live: [/usr/bin/live, ", 'rollbackd.yaml:32:11: services.checkout.production.runs_on[0].comand: unknown target "comand" | try: did you mean "command"?'),
        ("- command: {live: [/usr/bin/live, ", "- kubernetes: {live: [/usr/bin/live, ", "rollbackd.yaml:32:11: services.checkout.production.runs_on[0].kubernetes: rollbackd has no target for kubernetes | try: there use Argo Rollouts (https://argoproj.github.io/rollouts) or Flagger (https://flagger.app)"),
        ('{live: [/usr/bin/live, "${service}"], ', "{", "rollbackd.yaml:32:20: services.checkout.production.runs_on[0].command: a command that moves needs `live:` too"),
        ('"${tag}", "${key}"', '"${tga}", "${key}"', "rollbackd.yaml:32:64: services.checkout.production.runs_on[0].command.move: '${tga}': ${tga} is not known here"),
        ("        worker: {", "        Worker: {", 'rollbackd.yaml:41:9: services.checkout.staging.runs_on.Worker: "Worker" cannot name a part | try: begin with a small letter'),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', '{file: rules/wbe.yaml, with: {host: "checkout:9100"}}', "rollbackd.yaml:35:18: services.checkout.production.rules[0].file: the rule file cannot be read: No such file or directory | try: did you mean web.yaml?"),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{file: wbe/a.yaml}", "rollbackd.yaml:35:18: services.checkout.production.rules[0].file: the rule file cannot be read: No such file or directory | try: it is looked for at wbe/a.yaml"),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', '{file: "a\\0b/c.yaml"}', "rollbackd.yaml:35:18: services.checkout.production.rules[0].file: the rule file cannot be read: embedded null byte | try: it is looked for at"),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{file: " + "a" * 300 + "/b.yaml}", "rollbackd.yaml:35:18: services.checkout.production.rules[0].file: the rule file cannot be read: File name too long | try: it is looked for at"),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{pack: no-such-pack}", 'rollbackd.yaml:35:18: services.checkout.production.rules[0].pack: unknown pack "no-such-pack"'),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{with: {}}", "rollbackd.yaml:35:11: services.checkout.production.rules[0]: expected one of `file` and `pack` | try: write {file: rules/NAME.yaml}"),
        ('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{file: rules/web.yaml}", 'rollbackd.yaml:35:11: services.checkout.production.rules[0]: the parameter "host" has no value | try: add `with: {host: …}`'),
        ('{host: "checkout:9100"}', '{hots: "checkout:9100", host: a}', 'rollbackd.yaml:35:41: services.checkout.production.rules[0].with.hots: unknown parameter "hots" | try: did you mean "host"?'),
        ("  checkout:\n", "  Checkout:\n", 'rollbackd.yaml:28:3: services.Checkout: "Checkout" cannot name a service | try: begin with a small letter'),
        ("    staging:\n", "    Staging:\n", 'rollbackd.yaml:38:5: services.checkout.Staging: "Staging" cannot name an environment | try: begin with a small letter'),
        ("  shop: {region", "  Shop: {region", 'rollbackd.yaml:10:3: accounts.Shop: "Shop" cannot name an account'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place_with_a_remedy(tmp_path, old, new, expected):
    found = problems(tmp_path, changed(old, new))

    assert any(problem.startswith(expected) for problem in found), "\n".join(found)


def test_a_window_that_is_longer_than_the_watch_is_told_before_there_is_one(tmp_path):
    burn = "judge: {burn_rate: {objective: 99.9%, windows: [{long: 3d, short: 6h, burn: 1}]}}"
    rules = changed("judge: {threshold: {}}", burn, RULES)

    told = "a window of 72 h is longer than the watch, which ends after 24 h | try: remove the pair, or write `bake: {at_most: 3d}`"
    assert any(problem.endswith(told) for problem in problems(tmp_path, rules=rules))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\nservices: {a: {b: {runs_on: [{command: {live: [/l], move: [/m]}}]}}}", 'rollbackd.yaml:2:19: services.a.b.rules: "rules" is missing | try: add `rules: [{file: …}]`'),
        ("version: 1\nservices: {a: {b: {rules: [{file: rules/web.yaml, with: {host: x}}]}}}", 'rollbackd.yaml:2:19: services.a.b.runs_on: "runs_on" is missing | try: add `runs_on: [{command: …}]`'),
        ("version: 1\nservices: {a: {b: {runs_on: x, rules: []}}}", "rollbackd.yaml:2:29: services.a.b.runs_on: expected a list of targets | try: write [{command: …}]"),
        ("version: 1\nservices: {a: {b: {runs_on: {command: {live: [/l], move: [/m]}}, rules: []}}}", "rollbackd.yaml:2:29: services.a.b.runs_on: expected a list of targets | try: write [{command: …}]"),
        ("version: 1\nservices: {a: {b: {runs_on: [{command: {}}, {command: {}}], rules: []}}}", "rollbackd.yaml:2:29: services.a.b.runs_on: two parts of one kind need names | try: write runs_on: {api: {command: …}, worker: {command: …}}"),
        ("version: 1\nservices: {a: {b: [x]}}", "rollbackd.yaml:2:19: services.a.b: expected a mapping, found a list"),
        ("version: 1\nservices: [a]", "rollbackd.yaml:2:11: services: expected a mapping, found a list"),
        ("version: 1\ndaemon: []", "rollbackd.yaml:2:9: daemon: expected a mapping, found a list"),
        ("version: 1\ndefaults: 5", "rollbackd.yaml:2:11: defaults: expected a mapping, found a number"),
        ("[]", "rollbackd.yaml:1:1: expected a mapping, found a list"),
        ("version: [", "rollbackd.yaml:2:1: not YAML"),
    ],
)  # fmt: skip
def test_a_file_of_another_shape_is_refused(tmp_path, text, expected):
    found = problems(tmp_path, text)

    assert any(problem.startswith(expected) for problem in found), "\n".join(found)


HEARING = changed("{chat: {token: {env: CHAT_TOKEN}}}", "{chat: {app_token: {env: CHAT_APP_TOKEN}}}")


@pytest.mark.parametrize("id", ["ada", "u0ada", "C0ROOM", "U0ADA (ada)", "U0ADA\n", "@ada", "", "U0"])
def test_a_person_is_named_by_an_id_that_nobody_can_change(tmp_path, id):
    found = problems(tmp_path, changed('"token:on-call"', json.dumps(f"room:{id}"), HEARING))

    (told,) = found
    assert (
        f"{json.dumps(id)} is not the id of a person (U…, W…) or of a user group (S…) | try: write room:U…"
        in told
    )


@pytest.mark.parametrize("id", ["U0ADA", "W012A3CDE", "S0ONCALL"])
def test_people_and_groups_of_a_connection_that_hears_may_order(tmp_path, id):
    configuration = read(tmp_path, changed('"token:on-call"', f'"room:{id}"', HEARING))

    assert configuration.teams["shop"].may_order == (f"room:{id}",)


def test_a_connection_that_cannot_be_read_is_told_once(tmp_path):
    broken = changed("{chat: {token: {env: CHAT_TOKEN}}}", "{chat: {tokn: {env: CHAT_TOKEN}}}")

    found = problems(tmp_path, changed('"token:on-call"', '"room:U0ADA"', broken))

    assert len(found) == 1
    assert "tokn" in found[0]


def test_where_people_are_heard_is_said_to_whoever_names_another_place(tmp_path):
    found = problems(tmp_path, changed('"token:on-call"', '"slack:U0ADA"', HEARING))

    assert "no connection that hears people; those that do: room" in found[0]


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path):
    text = changed(
        "mode: auto", "mode: atuo", changed("team: shop", "team: shoop", changed("{http: {}}", "{sns: {}}"))
    )

    found = problems(
        tmp_path, text, changed("objective: {default: 99.9%}", "objective: {default: 99.9}", RULES)
    )

    assert [problem.split(": ")[0] for problem in found] == [
        "rollbackd.yaml:17:10",
        "rollbackd.yaml:21:9",
        "rollbackd.yaml:36:13",
        "rules/web.yaml:4:24",
    ]


def test_a_query_that_its_provider_does_not_understand_is_told_in_the_rule_file_and_once(tmp_path):
    found = problems(tmp_path, MAIN, changed("{metrics: {url: x}}", "{metrics: {ulr: x, url: x}}", RULES))

    assert found == [
        'rules/web.yaml:7:30: indicators.stored.ratio.metrics.ulr: unknown key "ulr" | try: did you mean "url"?'
    ]


def test_a_rule_that_is_wrong_hides_no_query_that_is_wrong_too(tmp_path):
    rules = changed("{metrics: {url: x}}", "{metrics: {ulr: x, url: x}}", RULES)

    found = problems(tmp_path, MAIN, changed("{slo: {objective:", "{slo: {objectiv:", rules))

    assert any("indicators.stored.ratio.metrics.ulr" in problem for problem in found)
    assert any("judge.slo.objectiv" in problem for problem in found)


def test_nobody_beyond_this_machine_is_listened_to_without_tokens(tmp_path):
    text = "version: 1\ndaemon:\n  http: {listen: 0.0.0.0:8080}\n"

    assert problems(tmp_path, text) == [
        "rollbackd.yaml:3:18: daemon.http.listen: listens on 0.0.0.0, beyond this machine, and no token says who may call | try: add `tokens:` (`rollbackd token` prints a line), or listen on 127.0.0.1"
    ]


def test_a_wrong_store_does_not_hide_that_there_are_no_tokens(tmp_path):
    text = "version: 1\ndaemon:\n  http: {listen: 0.0.0.0:8080}\n  store: {sqlit: {}}\n"

    assert [problem.split(": ")[0] for problem in problems(tmp_path, text)] == [
        "rollbackd.yaml:3:18",
        "rollbackd.yaml:4:11",
    ]


def test_each_token_has_its_own_name_and_secret(tmp_path):
    text = changed(
        "  ceilings:",
        f"    - {{name: on-call, sha256: {DIGEST}, may: [read]}}\n  ceilings:",
    )

    assert problems(tmp_path, text) == [
        "rollbackd.yaml:8:14: daemon.tokens[2].name: the name of the token in line 7 | try: each token has its own",
        "rollbackd.yaml:8:31: daemon.tokens[2].sha256: the sha256 of the token in line 7 | try: each token has its own",
    ]


@pytest.mark.parametrize(
    ("connections", "query", "expected"),
    [
        ("", "{url: x}", "rules/web.yaml:7:29: indicators.stored.ratio.metrics: there is no connection of the kind metrics | try: add `connections: {NAME: {metrics: …}}`"),
        ("  other: {metrics: {url: y, token: {env: X}}}\n  tsdb", "{url: x}", 'rules/web.yaml:7:29: indicators.stored.ratio.metrics: there are several connections of the kind metrics | try: add `connection: NAME` to the query, of a pack to its `with:`: "other", "tsdb"'),
        ("  tsdb", "{url: x, connection: tsbd}", 'rules/web.yaml:7:50: indicators.stored.ratio.metrics.connection: unknown connection of the kind metrics "tsbd" | try: did you mean "tsdb"?'),
    ],
)  # fmt: skip
def test_a_query_needs_one_connection_of_its_kind(tmp_path, connections, query, expected):
    line = next(line for line in MAIN.splitlines(keepends=True) if line.startswith("  tsdb"))
    text = changed(line, line.replace("  tsdb", connections) if connections else "")

    assert problems(tmp_path, text, changed("{metrics: {url: x}}", f"{{metrics: {query}}}", RULES)) == [
        expected
    ]


def test_a_provider_that_needs_no_connection_is_given_none(tmp_path):
    rules = changed("{http: {url", "{http: {connection: tsdb, url", RULES)

    assert problems(tmp_path, MAIN, rules) == [
        "rules/web.yaml:8:38: indicators.ready.probe.http.connection: http needs no connection | try: remove it"
    ]


def test_one_environment_of_a_service_stands_once(tmp_path):
    found = problems(tmp_path, MAIN, RULES, more="services: {checkout: {staging: {}}}")

    assert found == [
        f'services.d/more.yaml:1:23: services.checkout.staging: checkout stands in "staging" twice; first at {tmp_path}/rollbackd.yaml:38 | try: keep one of them'.replace(
            f"{tmp_path}/", ""
        )
    ]


def test_two_rule_files_of_a_service_do_not_share_names(tmp_path):
    line = next(line for line in MAIN.splitlines(keepends=True) if "checkout:9100" in line)

    found = problems(tmp_path, changed(line, line + line))

    assert found[0].startswith(
        'rollbackd.yaml:36:11: services.checkout.production.rules[1]: the indicator "errors" is in another file of this service too'
    )


# ------------------------------------------------------------------------------------------------------------------- fuzz

PIECES = st.sampled_from(
    [
        *MAIN.replace("\n", " ").split(" "),
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "${",
        "~",
        "99.9",
        "!!x ",
        "&a ",
        "*a",
        "\x00",
        "\ud800",
    ]
)
CUTS = st.lists(st.tuples(st.integers(0, len(MAIN)), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CUTS)
def test_a_configuration_that_was_tampered_with_is_read_or_refused_and_nothing_else(tmp_path, cuts):
    text = MAIN
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]

    assert is_read_or_refused(tmp_path, text)


KEYS = [
    "version",
    "daemon",
    "store",
    "http",
    "tokens",
    "ceilings",
    "accounts",
    "connections",
    "teams",
    "tell",
    "may_order",
    "sources",
    "defaults",
    "environments",
    "services",
    "checkout",
    "production",
    "runs_on",
    "command",
    "live",
    "rules",
    "file",
    "with",
    "names",
    "bake",
    "mode",
    "heard_from",
]
SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.sampled_from(["a", "99%", "1s", "shop", "room", "rules/web.yaml", "/bin/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KEYS), SHAPES)
def test_any_value_of_any_key_is_read_or_refused_and_nothing_else(tmp_path, key, value):
    lines = [
        f"{line.split(key + ':')[0]}{key}: {as_yaml(value)}" if f" {key}:" in f" {line}" else line
        for line in MAIN.splitlines()
    ]

    assert is_read_or_refused(tmp_path, "\n".join(lines))
    assert is_read_or_refused(tmp_path, f"version: 1\n{key}: {as_yaml(value)}\n")
    assert is_read_or_refused(tmp_path, f"version: 1\nservices: {{a: {{b: {{{key}: {as_yaml(value)}}}}}}}\n")


def is_read_or_refused(tmp_path, text):
    try:
        return read(tmp_path, text) is not None
    except InvalidConfiguration as invalid:
        return all(
            problem.line >= 1 and problem.column >= 1 and problem.remedy for problem in invalid.problems
        )


def test_the_sample_itself_is_clean(tmp_path):
    assert problems(tmp_path) == []
