"""What may stand under ``connections: {name: {github: …}}``."""

from datetime import timedelta
from typing import Annotated

from pydantic import Strict

from deploy.github import API, Access, App
from rules.duration import Duration

__all__ = ["API", "App", "Settings"]


class Settings(Access):
    """``{github: {token: {env: NAME}}}``, or ``{github: {app: {id, installation, private_key: {file: PATH}}}}``.

    Attributes:
        commits: Set a status at the commit too, beside that of its deployment: needs Commit statuses: write.
        timeout: Of one request.
    """

    commits: Annotated[bool, Strict()] = False
    timeout: Duration = timedelta(seconds=5)
