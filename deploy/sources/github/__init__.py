"""Webhooks of GitHub: a deployment was made, has a status, or a workflow ran; and ``missed``, which reads what none delivered.

``signature`` says whether GitHub has sent it, ``payload`` what stands in it, ``parser`` what that means, ``settings`` what is
configured, ``barrier`` answers deployments that wait at our protection rule, ``identity`` what a deployment is called, ``examining`` what the doctor looks at. A payload is a hint: whose it is comes from the configuration, and what
runs is read. Deliberately absent: SHA-1, and anything that is taken from a payload to ask a platform about, but the name
that the settings choose (`tag`, `version`).
"""

from deploy.source import Kind
from deploy.sources.github.barrier import barrier
from deploy.sources.github.missed import missed
from deploy.sources.github.parser import GitHubSource
from deploy.sources.github.settings import Narrowing, Settings, addresses, unfit

KIND = Kind(
    settings=Settings,
    open=GitHubSource,
    reads=missed,
    barrier=barrier,
    narrowing=Narrowing,
    heard_at=addresses,
    unfit=unfit,
)

__all__ = ["KIND", "GitHubSource", "Narrowing", "Settings"]
