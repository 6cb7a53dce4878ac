"""Who may what: the matrix of every route and every kind of token, made from the table."""

import pytest

from tests.watcher.api.daemon import ADA, ALL_SCOPES, NOON, Answer, Api, AToken, a_service, a_watch, an_api
from watcher.api.auth import Scope
from watcher.api.limits import Limits
from watcher.api.route import AnyRoute
from watcher.api.routes import ROUTES
from watcher.core.service import Team

GUARDED = [route for route in ROUTES if route.scope not in {Scope.PUBLIC, Scope.SIGNED}]
PATIENT = Limits(bad_tokens=10_000)
STRANGER = AToken("stranger")

ASKED = {
    "announce": ("/v1/deployments", {"service": "checkout", "environment": "production", "tag": "v44"}),
    "announcement": ("/v1/announcements/a_1", None),
    "watches": ("/v1/watches?service=checkout&environment=production", None),
    "watch": ("/v1/watches/w_1", None),
    "verdict": ("/v1/watches/w_1/verdict", None),
    "record": ("/v1/watches/w_1/record", None),
    "note": ("/v1/watches/w_1/notes", {"call": "right"}),
    "to_watch": ("/v1/watches/w_1/orders", {"order": "hold"}),
    "to_service": ("/v1/services/checkout/production/orders", {"order": "disarm", "reason": "an incident"}),
    "to_release": ("/v1/releases/sha256:v42/orders", {"order": "distrust", "reason": "an incident"}),
    "release": ("/v1/releases/sha256:v42", None),
    "ask": ("/v1/services/checkout/production/gate", {"tag": "v44"}),
    "start": ("/v1/services/checkout/production/rollout", {"tag": "v44"}),
    "look": ("/v1/services/checkout/production/gate?tag=v44", None),
    "passages": ("/v1/gates?service=checkout", None),
    "passage": ("/v1/gates/g_1", None),
    "to_passage": ("/v1/gates/g_1/orders", {"order": "approve"}),
    "freeze": (
        "/v1/freezes",
        {"service": "checkout", "environment": "production", "for": "1h", "reason": "the sale"},
    ),
    "freezes": ("/v1/freezes", None),
    "thaw": ("/v1/freezes/f_1/orders", {"order": "thaw"}),
    "services": ("/v1/services", None),
    "tags": ("/v1/tags/checkout/production", None),
    "plan": ("/v1/plan/checkout/production", None),
    "audit": ("/v1/audit", None),
    "senders": ("/v1/alerts", None),
    "sender": ("/v1/alerts/am", None),
    "changes": ("/v1/changes?service=checkout&environment=production", None),
    "tell_of_change": (
        "/v1/changes",
        {"what": "a flag", "service": "checkout", "environment": "production"},
    ),
    "metrics": ("/metrics", None),
    "samples": (
        "/v1/samples",
        {
            "service": "checkout",
            "environment": "production",
            "instance": "task-1",
            "run": "r_1",
            "sent_at": NOON.isoformat(),
        },
    ),
}


async def ask(api: Api, route: AnyRoute, token: AToken | None, **headers: str) -> Answer:
    path, body = ASKED[route.name]
    if route.method == "GET":
        return await api.get(path, token, **headers)
    return await api.post(path, body, token, **headers)


def name(route: AnyRoute) -> str:
    return f"{route.method} {route.path}"


def test_every_guarded_route_is_in_the_matrix():
    assert {route.name for route in GUARDED} == set(ASKED)


def test_only_health_and_the_document_are_public():
    public = {route.path for route in ROUTES if route.scope is Scope.PUBLIC}

    assert public == {"/livez", "/readyz", "/openapi.json"}


@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_nobody_without_a_known_token_gets_past_the_door(route):
    wrong = (
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRhOmFkYQ==",
        f"Bearer{ADA.secret}",
        f"Bearer {ADA.secret}x",
        ADA.secret,
    )
    async with an_api(limits=PATIENT) as api:
        answers = [await ask(api, route, None)]
        answers += [await ask(api, route, STRANGER)]
        answers += [await ask(api, route, None, Authorization=given) for given in wrong]

    assert {answer.status for answer in answers} == {401}
    assert len({answer.raw for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_a_token_needs_the_scope_of_the_route(route):
    tokens = [AToken(scope, frozenset({scope})) for scope in sorted(ALL_SCOPES)]
    without = AToken("without", ALL_SCOPES - {route.scope})
    async with an_api(tokens=[*tokens, without]) as api:
        await api.daemon.has(a_watch())
        statuses = {token.name: (await ask(api, route, token)).status for token in (*tokens, without)}

    assert {scope for scope, status in statuses.items() if status != 403} == {route.scope.value}
    assert statuses[route.scope] != 401


@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_a_token_of_another_service_sees_and_moves_nothing(route):
    other = AToken("other", ALL_SCOPES, ("catalog", "check*/staging"))
    async with an_api(tokens=[other]) as api:
        await api.daemon.has(a_watch())
        answer = await ask(api, route, other)
        watch = await api.daemon.store.get("w_1")
        released = await api.daemon.store.ledger("checkout", "production", "service")
        switches = await api.daemon.store.disarmed(api.daemon.now)
        freezes = await api.daemon.store.freezes(api.daemon.now)
        passages = await api.daemon.store.passages()

    if route.name in {"services", "metrics", "passages", "freezes"}:
        assert answer.status == 200
        assert b"checkout" not in answer.raw
    else:
        assert answer.status in {403, 404}
        assert b"v43" not in answer.raw
    assert watch == a_watch()
    assert not switches
    assert not freezes
    assert not passages
    assert not any(entry.distrusted for entry in released.entries)


@pytest.mark.parametrize(
    ("services", "reaches"),
    [
        (("*",), True),
        (("checkout",), True),
        (("check*",), True),
        (("checkout/production",), True),
        (("*/production",), True),
        (("catalog", "checkout/prod*"), True),
        (("*/staging",), False),
        (("check",), False),
        (("checkout/",), False),
        ((), False),
    ],
)
async def test_a_token_reaches_what_its_globs_name(services, reaches):
    token = AToken("limited", ALL_SCOPES, services)
    async with an_api(tokens=[token]) as api:
        await api.daemon.has(a_watch())
        answer = await api.get("/v1/watches/w_1", token)

    assert answer.status == (200 if reaches else 404)


async def test_what_is_out_of_reach_looks_like_what_is_not_there():
    other = AToken("other", services=("catalog",))
    async with an_api(tokens=[other]) as api:
        await api.daemon.has(a_watch())
        hidden = await api.get("/v1/watches/w_1", other)
        absent = await api.get("/v1/watches/w_2", other)

    assert hidden.json == absent.json | {"detail": absent.json["detail"].replace("w_2", "w_1")}


ORDERS = [route for route in GUARDED if route.name in {"to_watch", "to_service", "to_release"}]


@pytest.mark.parametrize("route", ORDERS, ids=name)
async def test_a_team_says_who_may_order(route):
    theirs = a_service(team=Team("shop", may_order=("token:on-call",)))
    on_call = AToken("on-call")
    async with an_api(tokens=[ADA, on_call], services=[theirs]) as api:
        await api.daemon.has(a_watch())
        refused = await ask(api, route, ADA)
        obeyed = await ask(api, route, on_call)

    assert refused.status == 403
    assert "token:on-call" in refused.json["remedy"]
    assert obeyed.status == 202


async def test_all_services_are_disarmed_only_by_who_may_order_each_of_them():
    others = a_service("catalog", team=Team("web", may_order=("token:web",)))
    limited, web = AToken("limited", services=("check*",)), AToken("web")
    async with an_api(tokens=[ADA, limited, web], services=[a_service(), others]) as api:
        order = {"order": "disarm", "reason": "an incident"}
        statuses = [
            (await api.post("/v1/services/*/*/orders", order, token)).status for token in (limited, ADA, web)
        ]

    assert statuses == [403, 403, 202]


async def test_too_many_wrong_tokens_are_told_to_wait_and_a_right_one_is_heard_all_the_same():
    async with an_api(limits=Limits(bad_tokens=3)) as api:
        statuses = [(await api.get("/v1/watches", STRANGER)).status for _ in range(4)]
        last = await api.get("/v1/watches", STRANGER)
        right = await api.get("/v1/watches")

    assert statuses == [401, 401, 401, 429]
    assert 0 < int(last.headers["Retry-After"]) <= 7
    assert right.status == 200


async def test_without_tokens_the_machine_itself_is_heard():
    async with an_api(tokens=[]) as api:
        answer = await api.get("/v1/watches", None)

    assert answer.status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "localhost.evil.example", "[bad", ""])
async def test_without_tokens_a_page_in_a_browser_is_not_heard_under_a_name_of_its_own(host):
    async with an_api(tokens=[]) as api:
        answer = await api.get("/v1/watches", None, Host=host)

    assert answer.status == 401


async def test_a_secret_never_stands_in_an_answer():
    async with an_api() as api:
        path = f"/v1/watches?service={ADA.secret}"
        answers = [
            await api.get(path),
            await api.get(f"/v1/{ADA.secret}", None),
            await api.post("/v1/watches/w_1/orders", {"order": ADA.secret, "reason": ADA.secret}),
            await api.get("/v1/audit"),
        ]

    assert not any(ADA.secret.encode() in answer.raw for answer in answers)
