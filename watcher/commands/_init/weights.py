"""The files that ``rollbackd init lambda`` and ``rollbackd init load-balancer`` write."""

from collections.abc import Mapping

from watcher.commands._init.names import ACCOUNT, Aliases, Weights
from watcher.commands._init.policies import (
    aliases_act_policy,
    aliases_read_policy,
    weights_act_policy,
    weights_read_policy,
)
from watcher.commands._init.stack import CONFIGURATION, documents, rendered


def where(page: str) -> tuple[str, str]:
    """What there is to be taken, and where."""
    return (
        f"Create the queue, the rule that fills it ({page} has its pattern), and the three roles: each has its policy and",
        "its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
    )


def of_aliases(aliases: Aliases) -> Mapping[str, str]:
    """What is written for aliases of Lambda, by file name."""
    text = rendered("lambda.yaml.j2", aliases=aliases, names=aliases.names)
    policies = aliases_read_policy(aliases), aliases_act_policy(aliases)
    return {CONFIGURATION: text} | documents(aliases.names, *policies)


def of_weights(weights: Weights) -> Mapping[str, str]:
    """What is written for weights of target groups, by file name."""
    text = rendered("load_balancer.yaml.j2", weights=weights, names=weights.names)
    policies = weights_read_policy(weights), weights_act_policy(weights)
    return {CONFIGURATION: text} | documents(weights.names, *policies)


def placeholders(of: Aliases | Weights) -> list[str]:
    """Which of the names stand for something that nobody said, with the option that says it."""
    if isinstance(of, Aliases):
        open_ones = {
            "--function": of.functions == Aliases(of.names).functions,
            "--account-id": of.names.account == ACCOUNT,
        }
    else:
        open_ones = {"--rule": of.names.account == ACCOUNT, "--target-group": not of.groups}
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []
