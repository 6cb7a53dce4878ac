"""An environment of Elastic Beanstalk, which runs one application version, and is deployed by Beanstalk itself; or two that swap a name.

The label that an environment shows is what it is *told* to run, and may change when an update only begins. What really
serves is said by its instances, where health reporting is enhanced: so that is what is gone by.

    settings     what is configured, and by which addresses events are recognised
    needs        the permissions to act
    environment  an environment and its instances as Beanstalk tells them
    version      an application version's content: the fingerprint
    policy       how the environment takes a new version        sharing  who has how much of the traffic
    reading      all calls that read                     trace     our last move, on the version that it brought
    looking      which releases an environment runs, and what forbids that the machine moves it
    resolving, moving, progressing, foretelling, keeping, examining
                 one operation of a target each          swap      the same, of two environments that swap a name
    way          which of these it is                    target    all of them together

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
"""

from deploy.target import Kind
from deploy.targets.beanstalk.needs import needs
from deploy.targets.beanstalk.settings import Settings, addresses, misplaced, not_undone
from deploy.targets.beanstalk.target import BeanstalkTarget

KIND = Kind(
    settings=Settings,
    open=BeanstalkTarget,
    on_aws=True,
    addresses=addresses,
    misplaced=misplaced,
    needs=needs,
    not_undone=not_undone,
)

__all__ = ["KIND", "BeanstalkTarget", "Settings", "addresses", "misplaced"]
