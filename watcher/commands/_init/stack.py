"""The files that ``rollbackd init`` writes, and what to do with them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.model import SERVICE
from watcher.commands._init.names import Names
from watcher.commands._init.policies import (
    Document,
    act_policy,
    daemon_policy,
    daemon_trust,
    read_policy,
    trust,
)

CONFIGURATION = "rollbackd.yaml"
NOT_TEXT = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)  # to one reader of YAML or another
LONGEST = 63  # of our names: deploy.model.SERVICE


def files(names: Names) -> Mapping[str, str]:
    """What is written, by file name."""
    return {CONFIGURATION: configuration(names)} | documents(names, read_policy(names), act_policy(names))


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


def configuration(names: Names) -> str:
    """The commented configuration."""
    return rendered("ecs.yaml.j2", names=names)


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


WHERE = (
    "Create the queue, the rule that fills it, and the three roles: examples/aws has CloudFormation and Terraform for",
    "all of it. By hand, a role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)


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
