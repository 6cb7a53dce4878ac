"""Sums what sidecars tell of their own instances: each reads its task, this one judges.

A rule file says once what is measured, ``{relay: {scrape: {…}}}``, and is given to both sides: the sidecars read what stands
inside, the central daemon sums what they tell. What that means where some are silent:

* A bucket is looked at once every sidecar that was heard lately has told it, or cannot, or 15 s after it settled.
* Who did not tell contributes nothing, which is not zero: the others are judged. Requests (``traffic_drop``) need all: with
  one missing the bucket is marked incomplete, until that one has been silent for five minutes.
* What is told later is kept, and never counted twice; a watch that has gone past that bucket does not go back.
* If none of a release was heard there is no data; if none was heard at all lately, nobody can be asked.
"""

from watcher.signals.relay.provider import KIND, Summing

__all__ = ["KIND", "Summing"]
