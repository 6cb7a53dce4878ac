"""GitHub's REST API for whoever acts there: the right to ask is renewed, and never shown."""

from datetime import UTC, datetime

import pytest
from aiohttp import web
from pydantic import SecretStr

from deploy.errors import Unanswered
from deploy.github import Access, App
from tests.fakes.github import REPOSITORY, TOKEN, GitHubWorld, app
from tests.fakes.github.key import an_app, drawn
from tests.fakes.serve import http_to_loopback, serving_app
from watcher.notify.github.connection import rest

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLACE = f"/repos/{REPOSITORY}"
GIVEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"


async def asked(application: web.Application, access: App | str, path: str = PLACE, times: int = 1):
    """What is answered the last of several times."""
    right = {"app": access} if isinstance(access, App) else {"token": SecretStr(access)}
    async with serving_app(application) as port, http_to_loopback(lambda: NOON) as http:
        ask = rest(http, lambda: NOON, Access(**right, url=f"http://127.0.0.1:{port}"))
        return [await ask("GET", path) for _ in range(times)][-1]


def tokens(answer: str, status: int = 201, kind: str = "application/json") -> web.Application:
    """A GitHub that answers so where a token is asked for."""

    async def install(_request: web.Request) -> web.Response:
        return web.Response(text=answer, status=status, content_type=kind)

    application = web.Application()
    application.router.add_post("/app/installations/{id}/access_tokens", install)
    return application


async def test_a_token_of_the_app_that_was_taken_back_before_its_end_is_renewed_in_the_same_request():
    world = GitHubWorld(lambda: NOON)
    application = app(world, drawn()[1])

    @web.middleware
    async def takes_back(request, handler):
        """The first token is good once."""
        response = await handler(request)
        if request.path == PLACE and len(world.installed) == 1:
            world.installed[0] = NOON - world.lasting
        return response

    application.middlewares.append(takes_back)

    got = await asked(application, an_app(), times=2)

    assert got.status == 200
    assert len(world.installed) == 2


async def test_a_token_that_is_not_accepted_is_not_tried_twice():
    world = GitHubWorld(lambda: NOON)

    got = await asked(app(world), "github_pat_of_nobody")

    assert got.status == 401
    assert world.requests == [f"GET {PLACE}"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (f'{{"token": "{GIVEN}"}}', "application/json"),
        (f'{{"token": "{GIVEN}", "expires_at": "soon"}}', "application/json"),
        (f'{{"token": "{GIVEN}"', "application/json"),
        (GIVEN, "text/html"),
    ],
)
async def test_what_should_have_been_a_token_is_no_bug_and_is_not_repeated(answer, kind):
    with pytest.raises(Unanswered) as error:
        await asked(tokens(answer, kind=kind), an_app())

    assert not error.value.may_have_happened
    assert "gives the app no token: not an answer of GitHub's" in str(error.value)
    assert "ghs_" not in f"{error.value}{error.value.__cause__}"


async def test_why_the_app_is_given_no_token_is_said_in_githubs_words():
    refusal = '{"message": "A JSON web token could not be decoded"}'
    with pytest.raises(Unanswered, match=r"HTTP 401 \(A JSON web token could not be decoded\)"):
        await asked(tokens(refusal, 401), an_app())


async def test_a_private_key_that_is_none_says_so_and_does_not_show_it():
    bad = App(id=1, installation=5, private_key=SecretStr("-----BEGIN NONSENSE-----"))
    with pytest.raises(Unanswered, match="the app's private key is none") as error:
        await asked(tokens("{}"), bad)

    assert "NONSENSE" not in str(error.value)


async def test_a_token_is_sent_along():
    assert (await asked(app(GitHubWorld(lambda: NOON)), TOKEN)).status == 200
