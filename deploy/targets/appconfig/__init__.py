"""A configuration profile of AWS AppConfig in one environment: free-form configuration, or feature flags.

A release is a version of the configuration; its tag is the version's number, its fingerprint a hash of what stands in it. What was
deployed last serves. A deployment that is under way is stopped, and one that completed within 72 hours is reverted: both by the
number of that very deployment, so nobody else's is ever undone, and AppConfig's alarms do not count. Later, and to any other
version, the old one is deployed anew, with the number of the environment's last deployment as compare-and-set.

AppConfig gives a new version to more and more of its clients by itself, as its strategy says; nobody can set that percentage by
hand. The percentage in the rule of a flag's variant can be written: so one flag can be put back alone, and shared out in stages (`flag`).

    settings    what is configured, and by which addresses events are recognised
    needs       the permissions to act
    deployment  a deployment as ListDeployments tells it     content  what a version is: the fingerprint
    reading     all calls that read
    looking     what serves, what comes, what was taken back
    trace       our last move, on its deployment
    moving, progressing, resolving, foretelling, examining, keeping
                one operation of a target each         target       all of them together
    acting      what both kinds of targets do alike        flag         one flag of a profile of feature flags

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-deploying-reverting.html
"""

from deploy.ports import World
from deploy.target import Kind, Place
from deploy.targets.appconfig.flag.sharing import SharedFlag
from deploy.targets.appconfig.flag.target import FlagTarget
from deploy.targets.appconfig.needs import needs
from deploy.targets.appconfig.settings import Settings, addresses, unstaged
from deploy.targets.appconfig.target import AppConfigTarget
from deploy.targets.leaving import of_a_flag


def opened(settings: Settings, place: Place, world: World) -> AppConfigTarget | FlagTarget:
    """The target: of the whole configuration, of one flag, or of one whose variant can be shared out."""
    if settings.flag is None:
        return AppConfigTarget(settings, place, world)
    kind = FlagTarget if settings.variant is None else SharedFlag
    return kind(settings, place, world)


KIND = Kind(
    settings=Settings,
    open=opened,
    on_aws=True,
    addresses=addresses,
    needs=needs,
    unstaged=unstaged,
    not_undone=of_a_flag,
    stands_by=True,
    least_share=0.01,  # AppConfig's documentation knows whole percents, and says nothing of others
)

__all__ = ["KIND", "AppConfigTarget", "FlagTarget", "Settings", "SharedFlag", "addresses", "opened"]
