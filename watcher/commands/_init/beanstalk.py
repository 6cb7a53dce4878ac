"""The files that ``rollbackd init beanstalk`` writes."""

from collections.abc import Mapping

from watcher.commands._init.names import ACCOUNT, Environments
from watcher.commands._init.policies import environments_act_policy, environments_read_policy
from watcher.commands._init.stack import CONFIGURATION, documents, rendered

WHERE = (
    "Create the queue, the rule that fills it (docs/beanstalk.md has its pattern), and the three roles: each has its policy and",
    "its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)


def files(environments: Environments) -> Mapping[str, str]:
    """What is written, by file name."""
    names = environments.names
    text = rendered("beanstalk.yaml.j2", environments=environments, names=names)
    policies = environments_read_policy(environments), environments_act_policy(environments)
    return {CONFIGURATION: text} | documents(names, *policies)


def placeholders(environments: Environments) -> list[str]:
    """Which of the names stand for something that nobody said, with the option that says it."""
    usual = Environments(environments.names)
    open_ones = {
        "--application": environments.application == usual.application,
        "--environment-name": environments.environments == usual.environments,
        "--load-balancer": not environments.load_balancers,
        "--account-id": environments.names.account == ACCOUNT,
    }
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []
