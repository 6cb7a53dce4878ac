"""What may stand under ``sources: {name: {github: …}}``, and after the name in ``heard_from``."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from deploy.github import API, ENVIRONMENT, ENVIRONMENT_WORDS, Access, App, Repository, Url, written
from deploy.model import SERVICE, SERVICE_WORDS

SHORTEST = 32  # characters of a secret: half of what `openssl rand -hex 32` prints
_SECRET = "a secret that is too short: use at least 32 characters (`openssl rand -hex 32`)"  # noqa: S105 - words

Named = Literal["payload", "ref", "sha"]


class _Strictly(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


class Reads(_Strictly):
    """``reads: {token: {env: NAME}}``: what no webhook has delivered is read.

    Attributes:
        token: It needs *Metadata* and *Deployments: read* on the repositories.
        url: Of the REST API; of GitHub Enterprise Server ``https://github.acme.example/api/v3``.
    """

    token: SecretStr
    url: Url = API


class Gate(_Strictly):
    """``gate: {app: {id, installation, private_key: {file: PATH}}}``: deployments that wait at our protection rule are answered.

    Attributes:
        app: The GitHub App whose rule it is: GitHub lets nobody else answer it. It needs Actions: read and Deployments: write.
        url: Of the REST API; of GitHub Enterprise Server ``https://github.acme.example/api/v3``.
        dispatched: What a run deploys that somebody dispatched, with inputs that GitHub tells nobody: its own ``commit``, or the
            tag that its ``title`` shows (``run-name: deploy tag=${{ inputs.tag }}``). Left out: its own commit where releases are
            named by ref or sha (``tag``), else nobody knows, and it is rejected.
    """

    app: App
    url: Url = API
    dispatched: Literal["commit", "title"] | None = None

    @property
    def access(self) -> Access:
        """By what right GitHub is asked."""
        return Access(app=self.app, url=self.url)


class Settings(_Strictly):
    """``sources: {github: {github: {secret: {env: NAME}, repositories: [acme/shop]}}}``.

    Attributes:
        secret: The webhook's.
        previous_secret: While the secret is replaced, the one before.
        repositories: Whose events are believed. Those of all others, forks among them, are ignored.
        creator_app: The slug of the app that makes the deployments (``github-actions``); those of others are ignored.
        tag: Where the tag of a release stands, if its platform knows it by that: in the ``payload`` of a deployment (as
            ``tag``), or in its ``ref`` or ``sha``. Without it what runs is read.
        reads: By which token deployments are read that no webhook has told of; without it they are not.
        gate: As which app the gate of protected environments is kept; without it nothing is answered there.
        version: The same for what a release is called elsewhere (the tag of an image), in the payload as ``version``.
    """

    secret: SecretStr
    previous_secret: SecretStr | None = None
    repositories: Annotated[list[Repository], Field(min_length=1, max_length=1000)]
    creator_app: (
        Annotated[str, written(r"[a-z0-9-]{1,64}", "the slug of an app, such as github-actions")] | None
    ) = None
    tag: Named | None = None
    version: Named | None = None
    reads: Reads | None = None
    gate: Gate | None = None

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if any(len(secret) < SHORTEST for secret in self.secrets):
            raise ValueError(_SECRET)
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those that are good now."""
        both = (self.secret, self.previous_secret)
        return tuple(secret.get_secret_value() for secret in both if secret is not None)


class Narrowing(_Strictly):
    """``heard_from: [{github: {repository: acme/shop, environment: production}}]``.

    Attributes:
        repository: ``owner/name``, as GitHub spells it; capital letters do not matter.
        environment: As the deployments of the repository name it.
        workflow: The file of a workflow (``deploy.yml``) whose runs deploy, where no deployments are made.
        branch: Of that workflow's runs; those of other branches deploy nothing.
        part: Which part of the service is deployed from there.
    """

    repository: Repository
    environment: Annotated[str, written(ENVIRONMENT, ENVIRONMENT_WORDS)] | None = None
    workflow: (
        Annotated[str, written(r"[A-Za-z0-9_.-]{1,128}\.ya?ml", "the file of a workflow, such as deploy.yml")]
        | None
    ) = None
    branch: Annotated[str, written(ENVIRONMENT, "the name of a branch, at most 255 characters")] = "main"
    part: Annotated[str, written(SERVICE, f"the name of a part: {SERVICE_WORDS}")] | None = None

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.environment is None and self.workflow is None:
            raise ValueError("neither an environment nor a workflow: add `environment: production`")
        return self


def of_environment(repository: str, environment: str) -> str:
    """The address of an environment of a repository, for the directory."""
    return f"github:{repository.lower()}:environment:{environment.lower()}"


def of_workflow(repository: str, workflow: str, branch: str) -> str:
    """The address of a workflow on a branch, for the directory."""
    return f"github:{repository.lower()}:workflow:{workflow}:{branch}"


def addresses(narrowing: Narrowing) -> Sequence[tuple[str, str | None]]:
    """Where the deployments of a service are made, and of which part."""
    found: list[str] = []
    if narrowing.environment is not None:
        found.append(of_environment(narrowing.repository, narrowing.environment))
    if narrowing.workflow is not None:
        found.append(of_workflow(narrowing.repository, narrowing.workflow, narrowing.branch))
    return [(address, narrowing.part) for address in found]


def unfit(settings: Settings, narrowing: Narrowing | None) -> tuple[str, str] | None:
    """Why a service cannot be heard so from the source, and the remedy."""
    if narrowing is None:
        one = settings.repositories[0]
        return (
            "which deployments are this service's is not said",
            f"write {{SOURCE: {{repository: {one}, environment: production}}}}",
        )
    known = {each.lower(): each for each in settings.repositories}
    if narrowing.repository.lower() in known:
        return None
    near = get_close_matches(narrowing.repository.lower(), known, 1)
    listed = ", ".join(settings.repositories[:5])
    remedy = f'did you mean "{known[near[0]]}"?' if near else f"its `repositories` are {listed}: add it there"
    return f'the source does not hear of the repository "{narrowing.repository}"', remedy


def is_believed(settings: Settings, repository: str) -> bool:
    """The repository is one of those that are configured."""
    return repository.lower() in {each.lower() for each in settings.repositories}
