"""What may stand under ``runs_on: [{github_actions: …}]``.

Source:
    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_dispatch
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from deploy.errors import BadTemplate
from deploy.github import ENVIRONMENT, ENVIRONMENT_WORDS, Access, Repository, written
from deploy.targets import template

MARK = "rollbackd"  # the input that gets our mark: see `deploy.github.Trace`
MOST_INPUTS = 24  # besides ours: GitHub takes 25
_WORKFLOW = r"[A-Za-z0-9_.-]{1,128}\.ya?ml"
_BRANCH = r"(?!refs/)[A-Za-z0-9_][A-Za-z0-9_./+-]{0,254}"
_INPUT = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}\Z"
_PATH = r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}"


def _filled(inputs: Mapping[str, str]) -> Mapping[str, str]:
    if MARK in inputs:
        raise ValueError(f"the input `{MARK}` is ours, and is always sent: leave it out")
    for value in inputs.values():
        try:
            template.check(value, (*template.WHERE, *template.WHAT))
        except BadTemplate as error:
            raise ValueError(f"{error} ({error.remedy})") from error
    return inputs


class Told(BaseModel):
    """Where the service itself says which tag serves.

    Attributes:
        url: Of a page that answers with JSON, to anybody.
        json_path: The way to the tag in it: version, or build.tag.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+[^\s#@]*$", max_length=2048)]
    json_path: Annotated[
        str, written(_PATH, "names with dots between them, such as build.tag"), Field(alias="json")
    ]


class Settings(Access):
    """A workflow of GitHub Actions that deploys a tag.

    Attributes:
        token: That may read and write actions and read deployments (and contents); or app instead.
        app: The GitHub App, and its installation, that it is asked as: `{id, installation, private_key}`.
        url: Of the REST API; of GitHub Enterprise Server `https://github.acme.example/api/v3`.
        repository: Where the workflow is, as OWNER/NAME.
        environment: As GitHub calls it; its deployments tell what serves.
        workflow: The file of the workflow that is dispatched, such as deploy.yml.
        ref: The branch whose workflow is run, with the tag as an input. Without it, it is run at the tag itself, a tag of git.
        tag: Where a deployment of GitHub's tells its tag: in its ref (a tag of git), or in its payload as `tag`.
        live: A page of the service that tells which tag serves, instead of the deployments: `{url, json}`.
        inputs: Of the workflow, beside `rollbackd`: `${tag}`, `${key}` and the like are filled in. With a ref it is
            `{tag: "${tag}"}` where nothing else is said.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    repository: Repository
    environment: Annotated[str, written(ENVIRONMENT, ENVIRONMENT_WORDS)]
    workflow: Annotated[str, written(_WORKFLOW, "the file of a workflow, such as deploy.yml")]
    ref: Annotated[str, written(_BRANCH, "the name of a branch, such as main")] | None = None
    tag: Literal["ref", "payload"] = "ref"
    live: Told | None = None
    inputs: (
        Annotated[
            Mapping[
                Annotated[str, StringConstraints(pattern=_INPUT)], Annotated[str, Field(max_length=1024)]
            ],
            Field(max_length=MOST_INPUTS),
            AfterValidator(_filled),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _tells_what_serves(self) -> Self:
        if self.ref is not None and self.tag == "ref" and self.live is None:
            raise ValueError(
                f"a run of {self.ref} makes a deployment of {self.ref}, whatever tag it is given, so nobody could tell what serves:"
                " leave `ref` out and deploy tags of git, or say `live: {url, json}`, or `tag: payload` where the workflow makes"
                " deployments of its own"
            )
        return self

    @property
    def given(self) -> Mapping[str, str]:
        """The inputs, still to be filled in."""
        if self.inputs is not None:
            return self.inputs
        return {} if self.ref is None else {"tag": "${tag}"}

    @property
    def access(self) -> Access:
        """By what right GitHub is asked."""
        return Access(token=self.token, app=self.app, url=self.url)

    @property
    def called(self) -> str:
        """For people."""
        return f"{self.workflow} of {self.repository}"
