"""What may stand in ``rollbackd.yaml``, and what each key means."""

from collections.abc import Iterator

from pydantic import BaseModel

from watcher.config import models

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", models.RootModel),
    ("daemon.", models.DaemonModel),
    ("daemon.http.", models.HttpModel),
    ("daemon.http.tls.", models.TlsModel),
    ("daemon.tokens[].", models.TokenModel),
    ("daemon.ceilings.", models.CeilingsModel),
    ("daemon.heartbeat.", models.HeartbeatModel),
    ("accounts.NAME.", models.AccountModel),
    ("teams.NAME.", models.TeamModel),
    ("teams.NAME.escalate.", models.EscalateModel),
    ("services.NAME.ENVIRONMENT.", models.Layer),
    ("services.NAME.ENVIRONMENT.bake.", models.BakeModel),
    ("services.NAME.ENVIRONMENT.asking.", models.AskingModel),
    ("services.NAME.ENVIRONMENT.known_good.", models.KnownGoodModel),
    ("services.NAME.ENVIRONMENT.rules[].", models.RulesModel),
)
SETTINGS = {
    "version": "of the format; grows only when an old file would mean something else",
    "daemon": "how this daemon runs",
    "accounts": "AWS accounts: a role to read, one to act",
    "connections": "other outside systems, `NAME: {kind: settings}`; secrets are references (`{env: NAME}`, `{file: PATH}`)",
    "teams": "who is told, and who may order",
    "sources": "where deploy events come from, `NAME: {kind: settings}`; `http` is always there",
    "defaults": "any key of a service, once for all",
    "environments": "any key of a service, by environment: over the defaults, under the service",
    "services": "service → environment → its keys; also in `services.d/*.yaml`",
    "daemon.store": "`{sqlite: {path}}` on a local disk, `{postgresql: {dsn}}` for several replicas, or `{memory: {}}`",
    "daemon.http": "where it listens",
    "daemon.tokens": "who may call; `rollbackd token` prints a line",
    "daemon.reach": "private networks that may be measured and told; public addresses may anyway",
    "daemon.ceilings": "rollbacks that may start by themselves; beyond, a person is asked",
    "daemon.alone": "with `memory`: act all the same, although a restart forgets",
    "daemon.heartbeat": "a monitor outside that is told while all is well, and calls when it hears nothing",
    "daemon.heartbeat.url": "of the monitor; a secret, so a reference",
    "daemon.heartbeat.every": "how often; at most 1h",
    "daemon.http.listen": "address and port; beyond loopback only with tokens",
    "daemon.http.public_url": "how people reach it, for links",
    "daemon.http.tls": "certificate and key",
    "daemon.http.tls.certificate": "PEM file, with its chain",
    "daemon.http.tls.key": "PEM file",
    "daemon.tokens[].name": "the principal is `token:NAME`",
    "daemon.tokens[].sha256": "of the whole secret, 64 hexadecimal digits",
    "daemon.tokens[].may": "any of announce, read, order",
    "daemon.tokens[].services": "globs over the service, or over service/environment",
    "daemon.ceilings.service_per_day": "of one service",
    "daemon.ceilings.fleet_per_hour": "of all services: ten that breach at once share a cause",
    "accounts.NAME.region": "its region",
    "accounts.NAME.read": "the role that reads",
    "accounts.NAME.act": "the role that acts, assumed only to act; shadow never needs it",
    "teams.NAME.tell": "connections that tell people, `NAME` or `{NAME: CHANNEL}`",
    "teams.NAME.escalate": "`{after, to}`: who is called besides, where a question or a rollback that is stuck is not answered",
    "teams.NAME.escalate.after": "how long nobody has answered; shorter than `asking: {for}`",
    "teams.NAME.escalate.to": "as `tell`; none that is told anyway",
    "teams.NAME.may_order": "principals: `token:NAME`, `CONNECTION:U…` and `CONNECTION:S…` of Slack, `local`; empty: whoever has a token that may order",
    "services.NAME.ENVIRONMENT.account": "for its target and its indicators in AWS",
    "services.NAME.ENVIRONMENT.runs_on": "its parts, each `{kind: settings}`; on the way back they move in this order",
    "services.NAME.ENVIRONMENT.heard_from": "sources that are believed; what is live is read anyway",
    "services.NAME.ENVIRONMENT.names": 'what signal systems call a release, by template: `{sentry: "checkout@${tag}"}`',
    "services.NAME.ENVIRONMENT.rules": "rule files and packs, with their parameters",
    "services.NAME.ENVIRONMENT.mode": "shadow (says what it would do) | ask | auto",
    "services.NAME.ENVIRONMENT.false_rollback_probability": "of one good deployment, all its rules together",
    "services.NAME.ENVIRONMENT.bake": "how long a watch observes, from when all the traffic is there",
    "services.NAME.ENVIRONMENT.rollout_timeout": "from the first news until the clocks start without word",
    "services.NAME.ENVIRONMENT.move_timeout": "of a rollback; then it is stuck",
    "services.NAME.ENVIRONMENT.countdown": "time to hold a rollback before it starts; at most 1h",
    "services.NAME.ENVIRONMENT.asking": "how long a question stands, and what happens then",
    "services.NAME.ENVIRONMENT.speak": "problems (silent until somebody is needed) | all",
    "services.NAME.ENVIRONMENT.known_good": "what may be gone back to",
    "services.NAME.ENVIRONMENT.team": "who is told, and who may order",
    "services.NAME.ENVIRONMENT.reads_live": "how often what is live is read; at most 10m",
    "services.NAME.ENVIRONMENT.bake.at_least": "never shorter",
    "services.NAME.ENVIRONMENT.bake.at_most": "until enough was seen, and never longer",
    "services.NAME.ENVIRONMENT.bake.runs": "for jobs: this many runs instead of a time",
    "services.NAME.ENVIRONMENT.asking.for": "how long",
    "services.NAME.ENVIRONMENT.asking.then": "keep | roll_back",
    "services.NAME.ENVIRONMENT.known_good.served_after": "a release that is unproven counts as known-good after serving this long",
    "services.NAME.ENVIRONMENT.known_good.may_cross": "releases that a rollback leaves out by itself; more, or a floor, asks",
    "services.NAME.ENVIRONMENT.rules[].file": "a rule file, relative to the configuration",
    "services.NAME.ENVIRONMENT.rules[].pack": "a rule pack of the catalog: see [rule files](rules.md#packs)",
    "services.NAME.ENVIRONMENT.rules[].with": "its parameters",
}


def settings() -> Iterator[tuple[str, object]]:
    """Every key of the configuration, with its default; those of kinds are in `tests.reference.kinds`."""
    for prefix, model in SECTIONS:
        for name, field in model.model_fields.items():
            yield f"{prefix}{field.alias or name}", field.get_default(call_default_factory=True)
