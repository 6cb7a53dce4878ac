"""HTTP checks that the daemon makes itself: kind `probe`, provider `http`. What is counted are probes, bad and all.

Whose probe it is: where the check asks for a version, the answer says so. One from the release under watch is the
canary's, one from the release beside it the baseline's, one from any other is nobody's: a good answer of the old release
never makes the new one healthy. A failure without a version (refused, timed out, an error page of the load balancer)
counts for every arm that lives at that address. Where the check asks for no version, an arm is told by its address.

What is bad, and what is blindness: refused, timed out, wrong are answers of a kind, and bad. A name that cannot be
resolved, an address that is not allowed, no network here, an event loop of ours that stood still meanwhile are our
troubles, and no data. No connection *in time* is bad, unless checks of other hosts run too and none of them got through:
then it is more likely us.

What starts is neither: where the query says how an address tells that a release is just being put there (`starting`), nothing is
counted of it from such an answer on until it answers well, for at most `grace`. Without such an answer a failure is a failure.

Source:
    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    https://learn.microsoft.com/aspnet/core/host-and-deploy/health-checks (Degraded is HTTP 200)
    https://learn.microsoft.com/aspnet/core/host-and-deploy/app-offline
"""

from watcher.signals.probe.provider import KIND, Probe

__all__ = ["KIND", "Probe"]
