"""The files that ``rollbackd init site`` writes."""

from collections.abc import Mapping

from watcher.commands._init.names import ACCOUNT, Names, Site
from watcher.commands._init.policies import site_act_policy, site_read_policy
from watcher.commands._init.stack import CONFIGURATION, documents, rendered

WHERE = (
    "Create the queue, the rule that fills it (docs/s3-cloudfront.md has its pattern), and the three roles: each has its policy",
    "and its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)


def files(site: Site) -> Mapping[str, str]:
    """What is written, by file name."""
    return {CONFIGURATION: rendered("site.yaml.j2", site=site, names=site.names)} | documents(
        site.names, site_read_policy(site), site_act_policy(site)
    )


def placeholders(site: Site) -> list[str]:
    """Which of the names stand for something that nobody said, with the option that says it."""
    usual = Site(Names())
    open_ones = {
        "--bucket": site.bucket == usual.bucket,
        "--distribution": site.distribution == usual.distribution,
        "--site": site.url == usual.url,
        "--account-id": site.names.account == ACCOUNT,
    }
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []
