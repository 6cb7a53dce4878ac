"""A document of flags that flagd reads from S3, or one flag of it: a part whose releases are contents.

flagd itself has nothing by which a flag could be set: it gives what its source says. So the source is moved: the version of the
document that was well is put over the one that is there, on the condition that it is still that one (``If-Match``).

    settings   what is configured                           document   what flagd takes, and what a release of it is
    reading    the document and its versions                serving    what flagd gives, asked by OFREP
    moving     what is put                                  needs      the permissions to act
    target     all of it together

Deliberately absent: files of a repository (a workflow deploys those: `github_actions`, or `command`), sources by HTTP and gRPC
(whoever serves them is their own), several flags put back on their own by one target; and marks: with versions the bucket has a past.

Source:
    https://flagd.dev/concepts/syncs/
"""

from deploy.target import Kind
from deploy.targets.flagd.needs import needs
from deploy.targets.flagd.settings import Settings, unstaged
from deploy.targets.flagd.target import FlagdTarget
from deploy.targets.leaving import of_a_flag

KIND = Kind(
    settings=Settings, open=FlagdTarget, on_aws=True, needs=needs, unstaged=unstaged, not_undone=of_a_flag
)

__all__ = ["KIND", "FlagdTarget", "Settings"]
