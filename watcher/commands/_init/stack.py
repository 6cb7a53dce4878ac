"""What all stacks of ``rollbackd init`` are alike in: their files, and what to do with them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.model import SERVICE
from watcher.commands._init.besides import NOTHING, OPTIONS, Besides
from watcher.commands._init.names import Names
from watcher.commands._init.options import DIRECTORY
from watcher.commands._init.policies import Document, daemon_policy, daemon_trust, trust

CONFIGURATION = "rollbackd.yaml"
NOT_TEXT = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)  # to one reader of YAML or another
LONGEST = 63  # of our names: deploy.model.SERVICE
WHERE = (
    "Create the queue, the rule that fills it, and the three roles: examples/aws has CloudFormation and Terraform for",
    "all of it. By hand, a role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)

ROLES_ALONE = (
    "Create the three roles; there is no queue, for AWS tells nobody of this. Each has its policy and its trust beside the",
    "configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be written, by file name, and what to do with it, as words and commands for people."""

    contents: Mapping[str, str]
    told: Sequence[str]


@dataclass(frozen=True, slots=True)
class Stack:
    """One that `rollbackd init` knows, for the table.

    Attributes:
        help: What it is for, as ``--help`` says it.
        options: What it may be told.
        written: What is written of what it was told. Raises `click.UsageError` for what cannot be meant.
    """

    help: str
    options: Sequence[click.Option]
    written: Callable[..., Written]


@dataclass(frozen=True, slots=True)
class OnAws:
    """What a stack on AWS has of its own.

    Attributes:
        template: Of its configuration, beside this module.
        values: What that is given, besides *names*.
        read: The policy of the role to read.
        act: And of the role to act.
        services: What rollbackd calls them, each with its environment.
        open_ones: Which options say what was left a placeholder.
        where: What there is to be taken for the queue, the rule and the roles.
        tagged: ARN of what each of them is, with ``${service}`` or ``${environment}`` in it, where that can have a tag.
        resources: The ARNs of what they are.
    """

    names: Names
    template: str
    values: Mapping[str, Any]
    read: Document
    act: Document
    services: Sequence[tuple[str, str]]
    open_ones: Mapping[str, bool]
    where: tuple[str, str] = WHERE
    tagged: str = ""
    resources: Sequence[str] = ()

    def files(self, besides: Besides = NOTHING) -> Mapping[str, str]:
        """What is written, by file name. Raises `click.UsageError` where tags would be of something else."""
        besides = replace(besides, tagged=self.tagged)
        if "tags" in besides.mirrors and besides.resources(self.services) != list(self.resources):
            raise click.UsageError(
                "rollbackd calls these services otherwise than AWS does, so one line cannot name what is to be tagged:"
                " write a mirror for each by hand (docs/ways-back.md)"
            )
        of = (self.names, self.services)
        read = _with(self.read, besides.read(*of))
        act = _with(self.act, besides.act(*of))
        return {CONFIGURATION: self.configuration(besides)} | documents(self.names, read, act)

    def configuration(self, besides: Besides = NOTHING) -> str:
        """The commented configuration."""
        return rendered(self.template, names=self.names, besides=besides, **self.values)


def on_aws(
    words: str,
    found: Callable[..., OnAws],
    options: Sequence[click.Option],
    besides: Sequence[click.Option] = OPTIONS,
) -> Stack:
    """A stack on AWS, for the table: *found* says what it has of its own, of what its *options* were told."""
    said = {each.name for each in besides}

    def written(*, directory: Path, **told: Any) -> Written:
        stack = found(**{name: each for name, each in told.items() if name not in said})
        more = Besides(**{name: each for name, each in told.items() if name in said})
        steps = next_steps(stack.names, directory, stack.where)
        return Written(stack.files(more), [*placeholders(stack.open_ones), *steps])

    return Stack(words, (*options, *besides, DIRECTORY), written)


def documents(names: Names, read: Document, act: Document) -> dict[str, str]:
    """The policies of the three roles, and who may assume them, by file name."""
    found: dict[str, Document] = {
        "read-policy.json": read,
        "read-trust.json": trust(names, "read"),
        "act-policy.json": act,
        "act-trust.json": trust(names, "act"),
        "daemon-policy.json": daemon_policy(names),
        "daemon-trust.json": daemon_trust(names),
    }
    return {name: f"{json.dumps(document, indent=2)}\n" for name, document in found.items()}


def _with(policy: Document, statements: Sequence[Document]) -> Document:
    return policy | {"Statement": [*policy["Statement"], *statements]}


def rendered(template: str, **given: Any) -> str:
    """One of the templates beside this module."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is YAML, and the names that go into it have a grammar
    )
    return environment.get_template(template).render(called=called, yaml=scalar, **given)


def called(service: str) -> str:
    """What rollbackd calls a service of ECS: the same name, as far as our grammar goes."""
    name = re.sub(r"^[^a-z]+", "", service.lower())[:LONGEST]
    return name if re.fullmatch(SERVICE, name) else "service"


def scalar(text: str) -> str:
    """*text* in YAML: as it is, unless YAML would take it for something else than text."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) and text.lower() not in NOT_TEXT
    return text if plain else json.dumps(text)


def refuse_alike(services: Sequence[str]) -> None:
    """Two services that we would call the same."""
    names: dict[str, str] = {}
    for service in services:
        if called(service) in names:
            first = names[called(service)]
            raise click.UsageError(
                f"{first} and {service} would both be called {called(service)!r}: write one now, and add the other by hand"
            )
        names[called(service)] = service


def where(page: str) -> tuple[str, str]:
    """What there is to be taken, and on which page."""
    return (
        f"Create the queue, the rule that fills it ({page} has its pattern), and the three roles: each has its policy and",
        "its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
    )


def placeholders(open_ones: Mapping[str, bool]) -> list[str]:
    """Which options say what stands for something that nobody said; no line, if none does."""
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []


def next_steps(names: Names, directory: Path, where: tuple[str, str] = WHERE) -> list[str]:
    """What to do now, as words and commands for people. *where*: what there is to be taken."""
    at = directory / CONFIGURATION
    return [
        "",
        "Next:",
        f"  1. {where[0]}",
        f"     {where[1]}",
        f"       aws iam create-role --role-name {names.read} --assume-role-policy-document file://{directory / 'read-trust.json'}",
        f"       aws iam put-role-policy --role-name {names.read} --policy-name read --policy-document file://{directory / 'read-policy.json'}",
        f"  2. rollbackd check --config {at}       # offline: every mistake at once",
        f"  3. rollbackd doctor --config {at}      # asks AWS, and changes nothing",
        f"  4. rollbackd run --config {at}         # in shadow: it tells what it would have done, and does nothing",
    ]
