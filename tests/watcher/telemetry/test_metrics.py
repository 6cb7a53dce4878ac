"""The daemon's own metrics, and the conventions that their names keep."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from watcher.telemetry.metrics import CONTENT_TYPE, Metrics

OURS = [family for family in Metrics("1.2.3").registry.collect() if family.name.startswith("rollbackd")]
UNITS = ("seconds", "timestamp_seconds", "bytes", "ratio", "info", "success")
NO_UNIT = (
    *(
        "watches",
        "pending",
        "depth",
        "held",
        "disarmed",
        "series",
        "obstructed",
        "overdue",
        "connected",
        "unsubscribed",
        "unready",
        "freezes",
        "open",
    ),
    "requests",
)
RESERVED = {"le", "quantile", "job", "instance", "service", "environment", "watch", "url", "version"}


def test_everything_has_the_prefix_and_words_that_help():
    names = [family.name for family in Metrics().registry.collect()]

    assert all(name.startswith(("rollbackd_", "process_", "python_")) for name in names)
    assert all(family.documentation and not family.documentation.endswith(".") for family in OURS)


@pytest.mark.parametrize("family", OURS, ids=lambda family: family.name)
def test_a_name_says_its_unit_and_kind(family):
    name = family.name

    assert name == name.lower()
    assert not name.endswith(("_total", "_count", "_sum", "_bucket"))  # the exposition adds these itself
    if family.type == "histogram":
        assert name.endswith("_seconds")
    if family.type == "gauge":
        assert name.endswith(UNITS + NO_UNIT)


def test_no_label_grows_with_what_is_watched():
    ours = [
        metric for metric in metrics_of(Metrics()) if "_aws_" not in metric._name
    ]  # their service is AWS's
    labels = {
        name for metric in ours for name in metric._labelnames if not metric._name.endswith("build_info")
    }

    assert not labels & RESERVED


def test_a_series_of_every_metric_can_be_made_and_the_page_can_be_read():
    metrics = Metrics("1.2.3")
    for metric in metrics_of(metrics):
        if metric._labelnames:
            metric.labels(*["x"] * len(metric._labelnames))

    page = metrics.render().decode()
    names = {family.name for family in text_string_to_metric_families(page)}

    assert {family.name for family in OURS} <= names
    assert 'rollbackd_build_info{python="' in page
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")


def test_two_daemons_in_one_process_do_not_meet():
    one, other = Metrics(), Metrics()
    one.leases_lost.inc()

    assert "rollbackd_leases_lost_total 1.0" in one.render().decode()
    assert "rollbackd_leases_lost_total 0.0" in other.render().decode()


def test_promtool_has_nothing_to_say_if_it_is_here():
    promtool = shutil.which("promtool")
    if promtool is None:
        return  # the tests above are what can be checked without it

    ours = b"".join(line for line in Metrics().render().splitlines(keepends=True) if b"rollbackd_" in line)
    ran = subprocess.run([promtool, "check", "metrics"], input=ours, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")


def metrics_of(metrics):
    return [value for value in vars(metrics).values() if hasattr(value, "_labelnames")]
