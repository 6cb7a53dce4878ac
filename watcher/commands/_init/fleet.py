"""The files that ``rollbackd init codedeploy`` writes."""

from collections.abc import Mapping

from watcher.commands._init.names import ACCOUNT, Fleet
from watcher.commands._init.policies import fleet_act_policy, fleet_read_policy
from watcher.commands._init.stack import CONFIGURATION, documents, rendered

WHERE = (
    "Create the queue, the rule that fills it (docs/codedeploy.md has its pattern), and the three roles: each has its policy",
    "and its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)


def files(fleet: Fleet) -> Mapping[str, str]:
    """What is written, by file name."""
    return {CONFIGURATION: rendered("codedeploy.yaml.j2", fleet=fleet, names=fleet.names)} | documents(
        fleet.names, fleet_read_policy(fleet), fleet_act_policy(fleet)
    )


def placeholders(fleet: Fleet) -> list[str]:
    """Which of the names stand for something that nobody said, with the option that says it."""
    usual = Fleet(fleet.names)
    open_ones = {
        "--application": fleet.application == usual.application,
        "--url": fleet.behind is None and fleet.urls == usual.urls,
        "--account-id": fleet.names.account == ACCOUNT,
    }
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []
