"""What may stand under ``sources: {name: {launchdarkly: …}}`` and ``{unleash: …}``, and what follows for whose a flip is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from deploy.model import SERVICE
from deploy.source import Aside, Event, Ignored, Rejected
from deploy.sources.proof import Secrets
from deploy.sources.sqs.envelope import SHOWN, shown

MOST = 100  # environments, and projects
AHEAD = timedelta(minutes=5)  # of our clock; what is told to be later happened as it arrived

_Theirs = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}\Z")]
_Ours = Annotated[str, StringConstraints(pattern=rf"^(?:{SERVICE})\Z")]


class Settings(Secrets):
    """Who may tell, and of what.

    Attributes:
        environments: What its environments are called here, ``{theirs: ours}``; flips in others are passed over. Left out: all,
            called as they are there.
        projects: Whose flips count; left out: those of all.
    """

    environments: Annotated[dict[_Theirs, _Ours], Field(max_length=MOST)] = Field(default_factory=dict)
    projects: Annotated[list[_Theirs], Field(max_length=MOST)] = Field(default_factory=list)

    def whose(self, project: str, environment: str | None) -> str | Ignored | None:
        """The environment here; ``None``: it is of all of them. Or why it does not count."""
        if self.projects and project not in self.projects:
            return Ignored(f"a flag of the project {shown(project)}, which is none of `projects`")
        if environment is None or not self.environments:
            return environment
        ours = self.environments.get(environment)
        return ours or Ignored(f"a flag in {shown(environment)}, which is none of `environments`")


class Written(BaseModel):
    """What a system sent. What it adds to it some day is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")


W = TypeVar("W", bound=Written)


def opened(body: bytes, model: type[W], of: str) -> tuple[W, Mapping[str, Any]] | Rejected:
    """*body* as *model*, and whole; or what is wrong with it. It repeats nothing that stands in it but names of keys."""
    remedy = f"send what {of} sends, unchanged"
    try:
        said = from_json(body, allow_inf_nan=False)
        if not isinstance(said, dict):
            return Rejected("not a JSON object", remedy)
        return model.model_validate(said), said
    except ValidationError as error:  # which is a ValueError too
        mistake = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step)[:SHOWN] for step in mistake["loc"])
        return Rejected(f"not an event of {of}: {where}: {mistake['msg'][:SHOWN]}", remedy, where)
    except ValueError:
        return Rejected("not JSON", remedy)


def flipped(event: Event) -> Aside:
    """*event*, for whoever wants to know of it."""
    return Aside(event, f"{event.source}: nothing that changes what is served")


def believed(at: datetime | None, arrived: datetime) -> datetime:
    """*at*, if it can be; else as it arrived."""
    return at if at is not None and at <= arrived + AHEAD else arrived


def unfit(_settings: Settings, _narrowing: object) -> tuple[str, str]:
    """No service can be heard from it."""
    return (
        "it tells of flags, and of no deployment",
        "write `changes: {told_by: [SOURCE]}`: a flip is shown beside what happened",
    )
