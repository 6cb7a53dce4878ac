"""What AWS's own list of permissions says (as cfn-lint carries it), and what a policy means by it.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deploy.ports import Need

READING = ("Describe", "List", "Get", "BatchGet")  # AWS's words for what changes nothing
Policy = Mapping[str, Any]


def _list() -> Any:
    spec = find_spec("cfnlint")
    assert spec is not None
    assert spec.origin is not None
    return json.loads((Path(spec.origin).parent / "data/AdditionalSpecs/Policies.json").read_text())


LIST = _list()


def statements(policy: Policy) -> Iterator[tuple[str, list[str], Mapping[str, Any]]]:
    """Each action, the resources that it is allowed on, and its statement."""
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            yield action, statement["Resource"], statement


def actions(*policies: Policy) -> set[str]:
    """All actions."""
    return {action for policy in policies for action, _, _ in statements(policy)}


def allows(policy: Policy, need: Need) -> bool:
    """*policy* allows what *need* is asked for, under the conditions that it would be asked under."""
    return any(
        action == need.action
        and any(fnmatchcase(need.resource, resource) for resource in resources)
        and all(
            any(fnmatchcase(need.context.get(key, ""), pattern) for pattern in patterns)
            for operator in statement.get("Condition", {}).values()
            for key, patterns in operator.items()
        )
        for action, resources, statement in statements(policy)
    )


def changes(action: str) -> bool:
    """It may change something: whatever is not plainly for reading."""
    return not action.partition(":")[2].startswith(READING)


def is_known(action: str) -> bool:
    """AWS has such a permission."""
    service, _, name = action.partition(":")
    return name.lower() in LIST[service]["Actions"]


def kinds(action: str) -> set[str]:
    """The kinds of resources that AWS lets it be narrowed to (``service``, ``task-definition``); none: only ``*``."""
    service, _, name = action.partition(":")
    return set(LIST[service]["Actions"][name.lower()].get("Resources", ()))


def kind_of(arn: str) -> str:
    """The kind of resource that *arn* names."""
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    return "queue" if service == "sqs" else resource.replace(":", "/").partition("/")[0]
