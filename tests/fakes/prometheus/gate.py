"""What stands before a real Prometheus and misbehaves: a gateway that refuses, a store that is down, a proxy's login page.

The numbers are always the real server's; only whether and how they come through is made up here.
"""

import contextlib
import hashlib
import json
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.serve import serving_app

Refuse = Callable[[Mapping[str, str]], web.Response | None]


@dataclass
class Gate:
    """How it behaves now, and what came.

    Attributes:
        refuse: Looks at a form, and answers itself; ``None``: it lets it through.
        warnings: That stand beside the numbers, and `infos`.
        tenant: Without whose name nothing comes through.
        bearer: The token that is wanted, or `basic`: the header.
        keys: Of AWS, by which requests must be signed, for `region`.
        asked: The forms that came, and `headers` of the same.
    """

    refuse: Refuse = lambda _form: None
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    tenant: str | None = None
    authorization: str | None = None
    keys: Credentials | None = None
    region: str = "eu-central-1"
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    base: str = ""

    async def answer(self, request: web.Request, real: str | None) -> web.Response:
        body = await request.read()
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append(form)
        self.headers.append(dict(request.headers))
        refused = self._unknown(request, body) or self.refuse(form)
        if refused is not None:
            return refused
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._passed_on(request, body, real or "")
        finally:
            self.at_once -= 1

    def _unknown(self, request: web.Request, body: bytes) -> web.Response | None:
        if self.tenant is not None and request.headers.get("X-Scope-OrgID") != self.tenant:
            return web.Response(status=401, text="no org id\n")
        if self.authorization is not None and request.headers.get("Authorization") != self.authorization:
            return web.Response(status=401, text=f"not {request.headers.get('Authorization')}")
        if self.keys is not None and not self._is_signed(request, body, self.keys):
            return web.json_response({"message": "the signature does not match"}, status=403)
        return None

    def _is_signed(self, request: web.Request, body: bytes, keys: Credentials) -> bool:
        """The signature is the one that botocore makes of what really arrived."""
        sent = request.headers.get("Authorization", "")
        names = sent.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        kept = {name: request.headers[name] for name in names if name in request.headers and name != "host"}
        again = AWSRequest(request.method, f"http://{request.host}{request.raw_path}", kept, body)
        again.context["timestamp"] = request.headers.get("X-Amz-Date", "")
        signer = SigV4Auth(keys, "aps", self.region)
        canonical = signer.canonical_request(again)
        expected = signer.signature(signer.string_to_sign(again, canonical), again)
        return f"/{self.region}/aps/" in sent and sent.endswith(f"Signature={expected}")

    async def _passed_on(self, request: web.Request, body: bytes, real: str) -> web.Response:
        path = request.raw_path.removeprefix(self.base)
        headers = {name: request.headers[name] for name in ("Content-Type",) if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, f"{real}{path}", data=body, headers=headers) as answer,
        ):
            content = await answer.json()
            return web.json_response(self._spoilt(content, body), status=answer.status)

    def _spoilt(self, content: dict[str, Any], body: bytes) -> dict[str, Any]:
        """In an order that is another one each time, and with what is to be said beside it."""
        data = content.get("data")
        if isinstance(data, dict) and isinstance(data.get("result"), list):
            random.Random(hashlib.sha256(body).digest()).shuffle(data["result"])
        more = {"warnings": self.warnings, "infos": self.infos}
        return {**content, **{name: texts for name, texts in more.items() if texts}}


def says(status: int, text: str, kind: str = "text/plain", **headers: str) -> Refuse:
    """Answers all with this."""
    return lambda _form: web.Response(
        status=status,
        text=text,
        content_type=kind,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def error(status: int, kind: str, words: str) -> web.Response:
    """As Prometheus tells what is wrong."""
    return web.Response(
        status=status,
        text=json.dumps({"status": "error", "errorType": kind, "error": words}),
        content_type="application/json",
    )


@contextlib.asynccontextmanager
async def before(gate: Gate, real: str | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of *gate*, which stands before the server at *real*, and ends *tls* there."""

    async def handle(request: web.Request) -> web.Response:
        return await gate.answer(request, real)

    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", handle)
    async with serving_app(app, tls) as port:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}{gate.base}"
