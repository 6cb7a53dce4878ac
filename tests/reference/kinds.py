"""Settings of kinds: stores, sources, targets, signal providers, notifiers; and the queries of providers.

What each means is said by the docstring of its class, or here.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from deploy.sources.registry import SOURCES
from deploy.targets.registry import TARGETS
from watcher.notify.registry import NOTIFIERS
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.registry import PROVIDERS
from watcher.store.registry import STORES

KINDS = {
    "daemon.store.sqlite.path": "a file on a local disk; its folder has to be there",
    "runs_on[].command.live": "the program that prints what runs, as JSON: [two programs](../programs.md)",
    "runs_on[].command.move": "the program that starts the move, and returns",
    "runs_on[].command.plan": "the program that says what a move would do, for `rollbackd plan` and shadow",
    "runs_on[].command.timeout": "of one call of a program",
    "runs_on[].command.environment": "variables that the programs get, besides PATH; values may be references to secrets",
    "connections.NAME.prometheus.basic": "`{user, password}`; one of basic, bearer and sigv4",
    "connections.NAME.prometheus.basic.user": "whom the server knows us as",
    "connections.NAME.prometheus.basic.password": "a secret, so a reference",
    "connections.NAME.prometheus.sigv4.account": "its name in the configuration",
    "connections.NAME.prometheus.tls.authority": "that has signed the server's certificate, instead of the system's",
    "connections.NAME.prometheus.tls.certificate": "ours, with `key`, where the server asks for one",
    "connections.NAME.prometheus.tls.key": "of the certificate",
    "connections.NAME.loki.basic.user": "whom the server knows us as",
    "connections.NAME.loki.basic.password": "a secret, so a reference",
    "connections.NAME.loki.bearer": "a token",
    "connections.NAME.loki.tls.authority": "that has signed the server's certificate, instead of the system's",
    "connections.NAME.loki.tls.certificate": "ours, with `key`, where the server asks for one",
    "connections.NAME.loki.tls.key": "of the certificate",
    "connections.NAME.github.app.id": "of the app, a number",
    "runs_on[].github_actions.app.id": "of the app, a number",
    "runs_on[].github_actions.app.installation": "of the app in the organisation, a number",
    "sources.NAME.github.gate.app": "`{id, installation, private_key}` of the GitHub App whose protection rule it is",
    "sources.NAME.github.gate.app.id": "of the app, a number",
    "sources.NAME.github.gate.app.installation": "of the app in the organisation, a number",
    "connections.NAME.github.app.installation": "of the app in the organisation, a number",
    "connections.NAME.prometheus.bearer": "a token",
    "connections.NAME.prometheus.sigv4": "`{account}`: requests are signed as its role to read; for Amazon Managed Prometheus",
    "connections.NAME.prometheus.tls": "`{authority, certificate, key}`: PEM files, read at the start",
    "connections.NAME.github.token": "one that may write deployments, or `app`",
    "connections.NAME.github.app": "`{id, installation, private_key}` of a GitHub App",
    "connections.NAME.webhook.url": "what is told, by POST",
    "connections.NAME.webhook.secret": "of the signature (HMAC-SHA256), at least 16 characters",
    "connections.NAME.webhook.timeout": "of one request",
    "connections.NAME.slack.timeout": "of one request",
    "cloudwatch.namespace": "of the metric, such as AWS/ApplicationELB",
    "cloudwatch.bad.sum": "metrics whose sums are added up",
    "cloudwatch.bad.sample_count": "metrics whose samples are counted",
    "cloudwatch.total.sum": "metrics whose sums are added up",
    "cloudwatch.total.sample_count": "metrics whose samples are counted",
    "cloudwatch_logs.total.fields.NAME.not": "the field's value must not be like this",
    "cloudwatch_logs.bad.fields.NAME.not": "the field's value must not be like this",
    "datadog.value": "a query that gives one number a bucket; percentiles are read so alone",
    "ecs_tasks.cluster": "its name, not its ARN",
    "ecs_tasks.service": "its name, not its ARN",
    "http.urls": "one address for each instance",
    "http.discover": "`{ecs_tasks: …}`: the tasks that run are found, and each is asked",
    "http.discover.ecs_tasks": "where each task of a service answers",
    "http.discover.ecs_tasks.cluster": "its name, not its ARN",
    "http.discover.ecs_tasks.service": "its name, not its ARN",
    "http.expect.json[].path": "into the body, such as entries.db[0].status",
    "http.expect.json[].equals": "what has to stand there",
    "http.expect.version": "where the answer says which release it is of",
    "http.expect.version.header": "in this header, or",
    "http.expect.version.json": "at this path in the body",
    "http.expect.version.equals": "what it has to be: `${arm.version}`",
    "http.method": "GET or HEAD",
    "http.expect": "`{status, text, not_text, header, json, health, version}`: what a good answer is; by default status 200-299",
    "http.tls": "`{ca, min_days, verify}`: how the certificate is checked",
    "page.urls": "one address for each instance",
    "page.discover": "`{ecs_tasks: …}`: the tasks that run are found, and each is asked",
    "page.discover.ecs_tasks": "where each task of a service answers",
    "page.discover.ecs_tasks.cluster": "its name, not its ARN",
    "page.discover.ecs_tasks.service": "its name, not its ARN",
    "page.expect": "`{status, assets, release}`: what a good page is",
    "page.expect.release.json.url": "its address, such as /version.json",
    "page.expect.release.json.path": "into it, such as build.version",
    "steps.urls": "one address for each instance",
    "steps.discover": "`{ecs_tasks: …}`: the tasks that run are found, and each is asked",
    "steps.discover.ecs_tasks": "where each task of a service answers",
    "steps.discover.ecs_tasks.cluster": "its name, not its ARN",
    "steps.discover.ecs_tasks.service": "its name, not its ARN",
    "steps.steps[].expect.json[].path": "into the body, such as entries.db[0].status",
    "steps.steps[].expect.json[].equals": "what has to stand there",
    "steps.steps[].expect.version": "where the answer says which release it is of",
    "steps.steps[].expect.version.header": "in this header, or",
    "steps.steps[].expect.version.json": "at this path in the body",
    "steps.steps[].expect.version.equals": "what it has to be: `${arm.version}`, the same in all steps that say it",
    "newrelic.from": "the type of events: Transaction, Span, PageView, …",
    "loki.total.labels.NAME.not": "the label's value must not be like this",
    "loki.bad.labels.NAME.not": "the label's value must not be like this",
    "loki.stream.NAME.not": "the label's value must not be like this",
    "prometheus.where.NAME.not": "the label's value must not be like this",
    "prometheus.bad.NAME.not": "the label's value must not be like this",
    "prometheus.histogram": "the metric of a latency, without `_bucket`",
    "prometheus.gauge": "the metric of a value",
    "prometheus.total_expr": "an expression whose one row is how many there are in a bucket",
    "relay.http": "the same, for a health check: a query of `http`",
    "scrape.discover": "`{ecs_tasks: …}`: the tasks that run are found, and each page is read",
    "scrape.discover.ecs_tasks": "where each task of a service shows its page",
    "scrape.discover.ecs_tasks.cluster": "its name, not its ARN",
    "scrape.discover.ecs_tasks.service": "its name, not its ARN",
    "scrape.where.NAME.not": "the label's value must not be like this",
    "scrape.bad.NAME.not": "the label's value must not be like this",
    "scrape.histogram": "the metric of a latency, without `_bucket`",
    "scrape.gauge": "the metric of a value",
}
_OF_ALERTS = "Senders of alerts"
_SECTION = re.compile(r"\n\s*Attributes:\n(.*?)(?:\n\s*\n|\Z)", re.DOTALL)
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def kinds() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """The section that it is in, the prefix of its keys, and the model."""
    for name, store in STORES.items():
        yield "Stores", f"daemon.store.{name}.", store.settings
    for name, source in SOURCES.items():
        yield "Sources", f"sources.NAME.{name}.", source.settings
        if source.narrowing is not None:
            yield "Sources", f"heard_from[].{name}.", source.narrowing
    yield from ((_OF_ALERTS, f"alerts.NAME.{name}.", sender.settings) for name, sender in SENDERS.items())
    for name, target in TARGETS.items():
        yield "Targets", f"runs_on[].{name}.", target.settings
    for name, provider in PROVIDERS.items():
        if provider.settings is not None:
            yield "Connections", f"connections.NAME.{name}.", provider.settings
    for name, notifier in NOTIFIERS.items():
        if notifier.settings is not None:  # what is read, too, is among the providers
            yield "Connections", f"connections.NAME.{name}.", notifier.settings
    for name, provider in PROVIDERS.items():
        yield "Queries", f"{name}.", provider.query


def entries(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, object, str]]:
    """Each key of *model*, and of what is in it, with its default and what it means; no word is a mistake that the test finds."""
    said, queries = _said(model), {provider.query for provider in PROVIDERS.values()}
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, field.get_default(call_default_factory=True), KINDS.get(key) or said.get(name, "")
        for inside, inner in _models(field.annotation):
            if inner not in queries:  # what another provider's query says stands there
                yield from entries(f"{key}{inside}.", inner)


def _models(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models that a value may be, or that a list or a mapping of them holds: what stands after the key then, and each."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "", annotation
    origin = get_origin(annotation)
    held = "[]" if origin in {list, tuple} else ".NAME" if origin in {dict, Mapping} else ""
    for each in get_args(annotation):
        yield from ((held + inside, inner) for inside, inner in _models(each))


def _said(model: type[BaseModel]) -> Mapping[str, str]:
    """What the docstrings of *model*, and of what it inherits from, say of its attributes."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        section: Any = _SECTION.search(inspect.cleandoc(each.__doc__ or ""))
        for name, words in _ENTRY.findall(section[1]) if section else ():
            found[name] = _as_words(words)
    return found


def _as_words(text: str) -> str:
    """In Markdown, on one line, in the manner of the other tables: without capital and full stop."""
    line = " ".join(text.split()).replace("``", "`").rstrip(".")
    return line if line[1:2].isupper() else line[:1].lower() + line[1:]
