"""A configuration in a folder, of the shape that the documentation shows, over kinds of our own."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from deploy.sources.registry import SOURCES
from deploy.targets.registry import TARGETS
from rules.model import Indicator, Kind
from watcher.config import InvalidConfiguration, Kinds, ProviderKind, read_configuration
from watcher.config.configuration import Configuration
from watcher.signals.alert.senders.registry import SENDERS
from watcher.store.registry import STORES


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    bad: str = "5xx"
    every: int = 10


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    token: SecretStr
    headers: dict[str, SecretStr] = {}
    spare: list[Annotated[SecretStr, Field(min_length=1)]] | None = None


class Chat(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = None
    app_token: SecretStr | None = None

    @property
    def hears(self) -> bool:
        return self.app_token is not None


def wrong_port(indicator: Indicator) -> tuple[str, str] | None:
    return ("a wrong port", "write 80") if ":13/" in indicator.query else None


KINDS = Kinds(
    providers={
        "scrape": ProviderKind(Query, frozenset({Kind.RATIO, Kind.REQUESTS}), looks_itself=True),
        "http": ProviderKind(Query, frozenset({Kind.PROBE}), mistake=wrong_port),
        "metrics": ProviderKind(Query, frozenset({Kind.RATIO}), Settings),
    },
    notifiers={"chat": Chat},
    targets=TARGETS,
    stores={name: kind.settings for name, kind in STORES.items()},
    sources=SOURCES,
    senders=SENDERS,
    later_providers=frozenset({"tomorrow"}),
)

MAIN = """\
version: 1
daemon:
  store: {sqlite: {path: state.db}}
  http: {listen: 0.0.0.0:8080, public_url: https://rollbackd.example/}
  tokens:
    - {name: pipeline, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, may: [announce, read], services: ["*"]}
    - {name: on-call, sha256: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752, may: [order, read], services: [checkout]}
  ceilings: {service_per_day: 3}
accounts:
  shop: {region: eu-central-1, read: "arn:aws:iam::123456789012:role/rb-read"}
connections:
  tsdb: {metrics: {url: https://metrics.example, token: {env: METRICS_TOKEN}, headers: {x-key: {file: /run/secrets/key}}}}
  room: {chat: {token: {env: CHAT_TOKEN}}}
teams:
  shop: {tell: [room, {room: releases}], may_order: ["token:on-call"]}
sources:
  http: {http: {}}
defaults:
  mode: shadow
  bake: {at_least: 30m, at_most: 24h}
  team: shop
  heard_from: [http]
environments:
  production:
    bake: {at_least: 1h}
    countdown: 30s
services:
  checkout:
    production:
      account: shop
      runs_on:
        - command: {live: [/usr/bin/live, "${service}"], move: [/usr/bin/move, "${tag}", "${key}"]}
      names: {sentry: "checkout@${tag}"}
      rules:
        - {file: rules/web.yaml, with: {host: "checkout:9100"}}
      mode: auto
      known_good: {may_cross: 1}
    staging:
      runs_on:
        api: {command: {live: [/usr/bin/live], move: [/usr/bin/move, "${tag}"], environment: {TOKEN: {env: DEPLOY_TOKEN}}}}
        worker: {command: {live: [/usr/bin/live], move: [/usr/bin/move, "${tag}"]}}
      rules:
        - {file: rules/web.yaml, with: {host: "staging:9100", objective: 99%}}
"""

RULES = """\
version: 1
parameters:
  host: {}
  objective: {default: 99.9%}
indicators:
  errors: {ratio: {scrape: {url: "http://${host}/metrics?v=${arm.version}"}}}
  stored: {ratio: {metrics: {url: x}}}
  ready: {probe: {http: {url: "http://${host}/ready"}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: "${objective}"}}, on_breach: rollback}
  - {name: ready, indicator: ready, judge: {threshold: {}}, on_breach: rollback}
"""


def folder(tmp_path: Path, main: str = MAIN, rules: str = RULES, **more: str) -> Path:
    """Write the files into *tmp_path*; the main one's path. Each of *more* is a file of services.d."""
    (tmp_path / "rules").mkdir(exist_ok=True)
    (tmp_path / "rules" / "web.yaml").write_text(rules, encoding="utf-8")
    (tmp_path / "rollbackd.yaml").write_text(main, encoding="utf-8", errors="surrogatepass")
    if more:
        (tmp_path / "services.d").mkdir(exist_ok=True)
    for name, text in more.items():
        (tmp_path / "services.d" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "rollbackd.yaml"


def read(tmp_path: Path, main: str = MAIN, rules: str = RULES, **more: str) -> Configuration:
    return read_configuration(folder(tmp_path, main, rules, **more), KINDS)


def problems(tmp_path: Path, main: str = MAIN, rules: str = RULES, **more: str) -> list[str]:
    """All that is wrong, each on one line, with names of files from the folder on."""
    try:
        read(tmp_path, main, rules, **more)
    except InvalidConfiguration as invalid:
        return [
            str(problem).replace(f"{tmp_path}/", "").replace("\n    ", " | ") for problem in invalid.problems
        ]
    return []


def changed(old: str, new: str, text: str = MAIN) -> str:
    """*text* with its one *old* replaced."""
    assert text.count(old) == 1, old
    return text.replace(old, new)
