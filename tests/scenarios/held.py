"""A configuration in which stands every secret that one can hold, and the table of them.

Where a secret may stand is told by the models of the settings; so one that is added without a row here fails a test.
"""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from deploy.mirrors.registry import MIRRORS
from watcher.config import Configuration, Configured
from watcher.config.models import HeartbeatModel
from watcher.config.registries import all_kinds
from watcher.config.relaying import RelayModel

# Senders of alerts, by the secret that each shows or signs with, and how it stands in the configuration.
SENDERS = {
    "alertmanager": "pushed",
    "datadog_hook": "monitors",
    "sentry_hook": "issues",
    "newrelic_hook": "workflows",
    "grafana_hook": "contact",
}
MAIN = """\
version: 1
daemon:
  store: {sqlite: {path: ROOT/state.db}}
  http: {listen: "127.0.0.1:0"}
  reach: [127.0.0.0/8]
  tokens:
    - {name: pipeline, sha256: "PIPELINE", may: [announce, read, order]}
    - {name: sidecars, sha256: "SIDECARS", may: [relay]}
  heartbeat: {url: {file: ROOT/secrets/heartbeat}, every: 30s}
accounts:
  main: {region: eu-central-1, read: "arn:aws:iam::123456789012:role/reads", act: "arn:aws:iam::123456789012:role/acts"}
  own: {region: eu-central-1}
connections:
  dog: {datadog: {url: "FAR", api_key: {file: ROOT/secrets/datadog_api}, application_key: {file: ROOT/secrets/datadog_app}, dora: true}}
  errors: {sentry: {url: "FAR", organization: shop, token: {file: ROOT/secrets/sentry}}}
  nr: {newrelic: {account: 1, url: "FAR", key: {file: ROOT/secrets/newrelic}}}
  logs: {loki: {url: "FAR", basic: {user: me, password: {file: ROOT/secrets/loki}}}}
  tenant: {loki: {url: "FAR", bearer: {file: ROOT/secrets/loki_bearer}}}
  prom: {prometheus: {url: "FAR", bearer: {file: ROOT/secrets/prometheus}}}
  mimir: {prometheus: {url: "FAR", basic: {user: me, password: {file: ROOT/secrets/prometheus_basic}}}}
  aps: {prometheus: {url: "FAR", sigv4: {account: main}}}
  smoke: {steps: {secrets: {password: {file: ROOT/secrets/step}}, to: ["FAR"]}}
  chat: {slack: {token: {file: ROOT/secrets/slack}, workspace: T0SHOP000, signing_secret: {file: ROOT/secrets/slack_signing}, channel: C0RELEASES, url: "FAR/api/"}}
  hall: {slack: {token: {file: ROOT/secrets/slack_hall}, workspace: T0SHOP000, app_token: {file: ROOT/secrets/slack_app}, channel: C0RELEASES, url: "FAR/api/"}}
  wall: {slack: {webhook: {file: ROOT/secrets/slack_webhook}}}
  app: {github: {app: {id: 7, installation: 5, private_key: {file: ROOT/secrets/github_app}}, url: "FAR/api/v3"}}
  pager: {pagerduty: {routing_key: {file: ROOT/secrets/pagerduty}, url: "FAR"}}
  charts: {grafana: {url: "FAR", token: {file: ROOT/secrets/grafana}}}
  hub: {github: {token: {file: ROOT/secrets/github}, url: "FAR/api/v3"}}
  ops: {webhook: {url: "FAR/ops", secret: {file: ROOT/secrets/webhook}}}
  topic: {sns: {account: own, topic: "arn:aws:sns:eu-central-1:123456789012:releases"}}
  verdicts: {ssm: {account: main}}
teams:
  shop: {tell: [dog, {errors: "shop shop@${tag}"}, {nr: shop}, chat, hall, wall, pager, charts, {hub: acme/shop}, {app: acme/shop}, ops, topic, verdicts]}
sources:
  github:
    github:
      secret: {file: ROOT/secrets/github_hook}
      previous_secret: {file: ROOT/secrets/previous_github_hook}
      repositories: [acme/shop]
      reads: {token: {file: ROOT/secrets/github_reads}, url: "FAR/api/v3"}
      gate: {app: {id: 7, installation: 5, private_key: {file: ROOT/secrets/github_app}}, url: "FAR/api/v3"}
  launchdarkly: {launchdarkly: {secret: {file: ROOT/secrets/launchdarkly}, previous_secret: {file: ROOT/secrets/previous_launchdarkly}}}
  unleash: {unleash: {secret: {file: ROOT/secrets/unleash}, previous_secret: {file: ROOT/secrets/previous_unleash}}}
  queue: {sqs: {account: main, url: "https://sqs.eu-central-1.amazonaws.com/123456789012/rollbackd"}}
alerts:
  pushed: {alertmanager: {secret: {file: ROOT/secrets/alertmanager}, previous_secret: {file: ROOT/secrets/previous_alertmanager}}}
  monitors: {datadog: {secret: {file: ROOT/secrets/datadog_hook}, previous_secret: {file: ROOT/secrets/previous_datadog_hook}}}
  issues: {sentry: {secret: {file: ROOT/secrets/sentry_hook}, previous_secret: {file: ROOT/secrets/previous_sentry_hook}}}
  workflows: {newrelic: {secret: {file: ROOT/secrets/newrelic_hook}, previous_secret: {file: ROOT/secrets/previous_newrelic_hook}}}
  contact:
    grafana:
      authorization: {secret: {file: ROOT/secrets/grafana_hook}, previous_secret: {file: ROOT/secrets/previous_grafana_hook}}
      hmac: {secret: {file: ROOT/secrets/grafana_hmac}, previous_secret: {file: ROOT/secrets/previous_grafana_hmac}}
services:
  shop:
    production:
      team: shop
      mode: ask
      speak: all
      names: {sentry: "shop@${tag}"}
      account: main
      runs_on:
        - command:
            live: [PROGRAMS/live, "ROOT/shop"]
            move: [PROGRAMS/move, "ROOT/shop", "${tag}", "${expect}", "${key}"]
            environment: {DEPLOY_KEY: {file: ROOT/secrets/target}}
      mirror:
        - {git: {repository: acme/shop, token: {file: ROOT/secrets/git}, url: "FAR/api/v3"}}
        - {git: {repository: acme/shop, app: {id: 7, installation: 5, private_key: {file: ROOT/secrets/github_app}}, url: "FAR/api/v3", tag: known-good/too}}
        - {github_release: {repository: acme/shop, token: {file: ROOT/secrets/github_release}, url: "FAR/api/v3"}}
        - {github_release: {repository: acme/other, app: {id: 7, installation: 5, private_key: {file: ROOT/secrets/github_app}}, url: "FAR/api/v3"}}
        - {ssm: {parameter: "/rollbackd/shop/known-good"}}
      rules: [{file: rules.yaml}]
  flag:
    production:
      runs_on: [{launchdarkly: {project: shop, environment: production, flag: pricing, token: {file: ROOT/secrets/flag}, url: "FAR"}}]
      rules: [{file: quiet.yaml}]
  toggle:
    production:
      runs_on: [{unleash: {project: shop, environment: production, flag: pricing, token: {file: ROOT/secrets/toggle}, url: "FAR"}}]
      rules: [{file: quiet.yaml}]
  actions:
    production:
      runs_on: [{github_actions: {repository: acme/shop, environment: production, workflow: deploy.yml, token: {file: ROOT/secrets/actions}, url: "FAR/api/v3"}}]
      rules: [{file: quiet.yaml}]
  actions-as-app:
    production:
      runs_on:
        - github_actions:
            repository: acme/shop
            environment: production
            workflow: deploy.yml
            app: {id: 7, installation: 5, private_key: {file: ROOT/secrets/github_app}}
            url: "FAR/api/v3"
      rules: [{file: quiet.yaml}]
  cart:
    production:
      account: own
      runs_on: [{ecs: {cluster: prod, service: cart, container: app}}]
      rules: [{file: quiet.yaml}]
"""
RULES = """\
version: 1
indicators:
  dog: {ratio: {datadog: {connection: dog, bad: "sum:bad{version:${arm.version}}.as_count()", total: "sum:all{version:${arm.version}}.as_count()"}}}
  crashes: {ratio: {sentry: {connection: errors, sessions: crashed, project: shop, release: "${arm.sentry}"}}}
  nr: {ratio: {newrelic: {connection: nr, from: Transaction, where: {appName: shop, tags.version: "${arm.version}"}, bad: error IS true}}}
  logs: {ratio: {loki: {connection: logs, stream: {app: shop, version: "${arm.version}"}, parser: json, total: {contains: handled}, bad: {labels: {status: "5.."}}}}}
  tenant: {ratio: {loki: {connection: tenant, stream: {app: shop, version: "${arm.version}"}, parser: json, total: {contains: handled}, bad: {labels: {status: "5.."}}}}}
  prom: {ratio: {prometheus: {connection: prom, counter: c_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  mimir: {ratio: {prometheus: {connection: mimir, counter: c_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  aps: {ratio: {prometheus: {connection: aps, counter: c_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  balancer: {ratio: {cloudwatch: {namespace: AWS/ApplicationELB, dimensions: {LoadBalancer: app/shop/1}, bad: {sum: [HTTPCode_Target_5XX_Count]}, total: {sum: [RequestCount]}}}}
  page: {ratio: {scrape: {url: "FAR/metrics", counter: c_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  buys:
    probe:
      steps:
        url: FAR
        every: 10s
        steps:
          - {name: front, url: /, form: {password: "${secret.password}"}}
          - {name: look, url: /look, headers: {Authorization: "Bearer ${secret.password}"}}
rules:
  - {name: dog, indicator: dog, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: crashes, indicator: crashes, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: nr, indicator: nr, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: logs, indicator: logs, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: tenant, indicator: tenant, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: prom, indicator: prom, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: mimir, indicator: mimir, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: aps, indicator: aps, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: balancer, indicator: balancer, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: page, indicator: page, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: one can buy, indicator: buys, judge: {threshold: {bad: 1, of: 1}}, on_breach: rollback}
"""
# Of services that are only looked at.
QUIET = """\
version: 1
indicators:
  prom: {ratio: {prometheus: {connection: prom, counter: c_total, bad: {code: "5.."}}}}
rules:
  - {name: prom, indicator: prom, judge: {slo: {objective: 99%}}, on_breach: tell}
"""


class By(StrEnum):
    """How a secret is pushed through the daemon."""

    SENT = "sent"  # in a header, a body or an address, to a far end that repeats it in each way that it has
    SIGNS = "signs"  # it signs what is sent, and is never sent itself
    SHOWN = "shown"  # it is compared with what others show or sign with, who say it in what they send, too
    GIVEN = "given"  # to a program of ours, by its environment


@dataclass(frozen=True, slots=True)
class Held:
    """A secret of the configuration: where it may stand, and how it is pushed. *at*: dots for keys, a star for any name."""

    by: By
    at: tuple[str, ...]


def _held(by: By, *at: str) -> Held:
    return Held(by, at)


# By the name of the file that it is read from. Beside them, and in no file: see `OUTSIDE`.
HELD: Mapping[str, Held] = {
    "datadog_api": _held(By.SENT, "connections.datadog.api_key"),
    "datadog_app": _held(By.SENT, "connections.datadog.application_key"),
    "sentry": _held(By.SENT, "connections.sentry.token"),
    "newrelic": _held(By.SENT, "connections.newrelic.key"),
    "loki": _held(By.SENT, "connections.loki.basic.password"),
    "loki_bearer": _held(By.SENT, "connections.loki.bearer"),
    "prometheus": _held(By.SENT, "connections.prometheus.bearer"),
    "prometheus_basic": _held(By.SENT, "connections.prometheus.basic.password"),
    "step": _held(By.SENT, "connections.steps.secrets.*"),
    "slack": _held(By.SENT, "connections.slack.token"),
    "slack_hall": _held(By.SENT, "connections.slack.token"),
    "slack_app": _held(By.SENT, "connections.slack.app_token"),
    "slack_webhook": _held(By.SENT, "connections.slack.webhook"),
    "slack_signing": _held(By.SHOWN, "connections.slack.signing_secret"),
    "pagerduty": _held(By.SENT, "connections.pagerduty.routing_key"),
    "grafana": _held(By.SENT, "connections.grafana.token"),
    "github": _held(By.SENT, "connections.github.token"),
    "github_app": _held(
        By.SIGNS,
        "connections.github.app.private_key",
        "sources.github.gate.app.private_key",
        "mirror.git.app.private_key",
        "mirror.github_release.app.private_key",
        "runs_on.github_actions.app.private_key",
    ),
    "webhook": _held(By.SIGNS, "connections.webhook.secret"),
    "github_hook": _held(By.SHOWN, "sources.github.secret"),
    "previous_github_hook": _held(By.SHOWN, "sources.github.previous_secret"),
    "github_reads": _held(By.SENT, "sources.github.reads.token"),
    "launchdarkly": _held(By.SHOWN, "sources.launchdarkly.secret"),
    "previous_launchdarkly": _held(By.SHOWN, "sources.launchdarkly.previous_secret"),
    "unleash": _held(By.SHOWN, "sources.unleash.secret"),
    "previous_unleash": _held(By.SHOWN, "sources.unleash.previous_secret"),
    "alertmanager": _held(By.SHOWN, "alerts.alertmanager.secret"),
    "previous_alertmanager": _held(By.SHOWN, "alerts.alertmanager.previous_secret"),
    "datadog_hook": _held(By.SHOWN, "alerts.datadog.secret"),
    "previous_datadog_hook": _held(By.SHOWN, "alerts.datadog.previous_secret"),
    "sentry_hook": _held(By.SHOWN, "alerts.sentry.secret"),
    "previous_sentry_hook": _held(By.SHOWN, "alerts.sentry.previous_secret"),
    "newrelic_hook": _held(By.SHOWN, "alerts.newrelic.secret"),
    "previous_newrelic_hook": _held(By.SHOWN, "alerts.newrelic.previous_secret"),
    "grafana_hook": _held(By.SHOWN, "alerts.grafana.authorization.secret"),
    "previous_grafana_hook": _held(By.SHOWN, "alerts.grafana.authorization.previous_secret"),
    "grafana_hmac": _held(By.SHOWN, "alerts.grafana.hmac.secret"),
    "previous_grafana_hmac": _held(By.SHOWN, "alerts.grafana.hmac.previous_secret"),
    "git": _held(By.SENT, "mirror.git.token"),
    "github_release": _held(By.SENT, "mirror.github_release.token"),
    "target": _held(By.GIVEN, "runs_on.command.environment.*"),
    "flag": _held(By.SENT, "runs_on.launchdarkly.token"),
    "toggle": _held(By.SENT, "runs_on.unleash.token"),
    "actions": _held(By.SENT, "runs_on.github_actions.token"),
    "heartbeat": _held(By.SENT, "daemon.heartbeat.url"),
}
# What one daemon cannot hold beside the others, by the test that pushes it.
ELSEWHERE: Mapping[str, str] = {
    "daemon.relay.token": "test_the_token_of_a_sidecar_comes_out_nowhere",
    "store.postgresql.dsn": "test_the_address_of_a_database_with_its_password_comes_out_nowhere",
}
# What is in no setting of its own: in the daemon's environment, or in a file that is only named. By the test that pushes it.
OUTSIDE: Mapping[str, tuple[str, str]] = {
    "SENTRY_DSN": (
        "tests/watcher/app/test_run.py",
        "test_a_bug_is_reported_to_sentry_without_the_secret_that_it_knew",
    ),
    "AWS_SECRET_ACCESS_KEY": (
        "tests/scenarios/test_secrets.py",
        "test_no_secret_of_any_connection_comes_out_anywhere",
    ),
    "AWS_SESSION_TOKEN": (
        "tests/scenarios/test_secrets.py",
        "test_no_secret_of_any_connection_comes_out_anywhere",
    ),
    "daemon.http.tls.key": (
        "tests/watcher/app/test_build.py",
        "test_a_key_that_cannot_be_used_is_told_with_its_file",
    ),
}
SENT = tuple(name for name, held in HELD.items() if held.by is By.SENT)


# ------------------------------------------------------------------------------------------------------- where they may stand


def places() -> set[str]:
    """Every place at which a secret may stand, by the models of the settings."""
    kinds = all_kinds()
    models = {
        "daemon.heartbeat": HeartbeatModel,
        "daemon.relay": RelayModel,
        **{f"connections.{name}": kind.settings for name, kind in kinds.providers.items() if kind.settings},
        **{f"connections.{name}": model for name, model in kinds.notifiers.items()},
        **{f"sources.{name}": kind.settings for name, kind in kinds.sources.items()},
        **{f"heard_from.{name}": kind.narrowing for name, kind in kinds.sources.items() if kind.narrowing},
        **{f"alerts.{name}": kind.settings for name, kind in kinds.senders.items()},
        **{f"runs_on.{name}": kind.settings for name, kind in kinds.targets.items()},
        **{f"mirror.{name}": kind.settings for name, kind in MIRRORS.items()},
        **{f"store.{name}": model for name, model in kinds.stores.items()},
        **{f"indicators.{name}": kind.query for name, kind in kinds.providers.items()},
    }
    return {place for at, model in models.items() for place in _below(model, at, frozenset())}


def _below(annotation: Any, at: str, seen: frozenset[Any]) -> Iterator[str]:
    if annotation in {SecretStr, SecretBytes}:
        yield at
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            for name, field in annotation.model_fields.items():
                yield from _below(field.annotation, f"{at}.{field.alias or name}", seen | {annotation})
    else:
        origin = typing.get_origin(annotation)
        is_named = isinstance(origin, type) and issubclass(origin, Mapping)
        for each in typing.get_args(annotation):
            yield from _below(each, f"{at}.*" if is_named else at, seen)


def standing(configuration: Configuration) -> set[tuple[str, str]]:
    """Each secret that stands in *configuration*, read with its secrets: the place, and the value."""
    roots: list[tuple[str, Configured]] = [
        *(("connections", each) for each in configuration.connections.values()),
        *(("sources", each) for each in configuration.sources.values()),
        *(("alerts", each) for each in configuration.alerts.values()),
        *(("runs_on", each) for parts in configuration.targets.values() for each in parts.values()),
        *(("mirror", each) for mirrors in configuration.mirrors.values() for each in mirrors),
        *(("daemon", each) for each in (configuration.daemon.heartbeat,) if each is not None),
    ]
    return {found for section, each in roots for found in _values(each.settings, f"{section}.{each.kind}")}


def _values(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, SecretStr):
        yield at, value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _values(getattr(value, name), f"{at}.{field.alias or name}")
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _values(each, f"{at}.*")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each, at)
