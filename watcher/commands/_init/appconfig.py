"""The files that ``rollbackd init appconfig`` writes."""

from collections.abc import Mapping

from watcher.commands._init.names import ACCOUNT, Profiles
from watcher.commands._init.policies import profiles_act_policy, profiles_read_policy
from watcher.commands._init.stack import CONFIGURATION, documents, rendered
from watcher.commands._init.weights import where

WHERE = where("docs/flags.md")


def files(profiles: Profiles) -> Mapping[str, str]:
    """What is written, by file name."""
    text = rendered("appconfig.yaml.j2", profiles=profiles, names=profiles.names)
    policies = profiles_read_policy(profiles), profiles_act_policy(profiles)
    return {CONFIGURATION: text} | documents(profiles.names, *policies)


def placeholders(profiles: Profiles) -> list[str]:
    """Which of the names stand for something that nobody said, with the option that says it."""
    usual = Profiles(profiles.names)
    open_ones = {
        "--application": profiles.application == usual.application,
        "--environment-id": profiles.environment == usual.environment,
        "--profile": profiles.profiles == usual.profiles,
        "--account-id": profiles.names.account == ACCOUNT,
    }
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []
