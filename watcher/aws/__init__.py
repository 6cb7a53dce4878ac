"""AWS, for everyone: to read, to act, to poll. Implements `deploy.ports.Aws`; no other module imports boto3.

Each capability has clients, threads and time-outs of its own, so that a long poll or a hanging read never delays a
rollback. Roles are assumed with the daemon's own credentials; the one to act only when something is done.

Deliberately absent: paging (who asks knows how much it wants).
"""

from watcher.aws.opening import AwsRoles, Dated, open_aws
from watcher.aws.signing import Signs

__all__ = ["AwsRoles", "Dated", "Signs", "open_aws"]
