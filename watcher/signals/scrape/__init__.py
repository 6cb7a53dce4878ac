"""Reads the ``/metrics`` pages of a service's own instances, without a Prometheus in between.

Several pages make one indicator: increments are taken series by series and page by page, and summed then. What a set of
pages means of which some do not answer:

* A page that does not answer contributes nothing, which is not zero; the others are judged. Its counts come with its
  next answer, in the bucket of that answer: late, and never twice.
* A bucket to which no page contributed is a hole. The counts of the next one reach back to the last answer.
* Requests (``traffic_drop``) and sums of gauges need all pages: with one missing the bucket is marked incomplete.
* If none answers the indicator is unavailable, and the words say why for each.

Source:
    https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from watcher.signals.scrape.provider import KIND, Scrape

__all__ = ["KIND", "Scrape"]
