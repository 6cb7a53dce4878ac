"""A small Grafana: annotations are a log, and whatever it lists comes from that log.

grafana = Grafana(now)
async with serving_app(app(grafana)) as port:      # the HTTP API, at http://127.0.0.1:PORT
    ...
"""

from tests.fakes.grafana.server import TOKEN, VIEWER, Grafana, Made, app

__all__ = ["TOKEN", "VIEWER", "Grafana", "Made", "app"]
