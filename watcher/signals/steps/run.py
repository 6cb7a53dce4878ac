"""One run of a suite: its steps in a row, up to the first that is not well."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from pydantic import SecretStr

from rules.sample import Invalid, Who
from watcher.http import Answer, Cookies, Http, HttpRefused, Late, Request
from watcher.signals.probe.check import (
    MOST,
    Noting,
    Probed,
    Reason,
    Seen,
    context_of,
    too_slow,
    weighed,
)
from watcher.signals.probe.following import (
    Astray,
    Deadline,
    Following,
    Landed,
    TooLate,
    origin_of,
    same_site,
    unfinished,
)
from watcher.signals.probe.query import Expect, Scalar
from watcher.signals.steps.carry import (
    SHORT,
    TEMPLATE,
    CannotStand,
    NothingToCarry,
    as_text,
    escaped,
    filled,
    filled_data,
    filled_value,
    fits_a_header,
    for_a_header,
    from_header,
    from_json,
    from_pattern,
    hushed,
    hushed_body,
    names_in,
)
from watcher.signals.steps.query import Capture, Query, Settings, Step

Values = dict[tuple[str, str], Scalar]

# What is said where the words would hold something that was carried.
_PLAINLY = {
    Reason.STATUS: "its status is not what it should be",
    Reason.HEADER: "a header is not what it should be",
    Reason.BODY: "its body is not what it should be",
    Reason.JSON: "a value in its JSON is not what it should be",
}


class Suite:
    """A suite at one address, which runs again and again."""

    def __init__(
        self,
        url: str,
        query: Query,
        settings: Settings | None,
        http: Http,
        count: Callable[[Reason], None],
    ) -> None:
        self.host = urlsplit(url).hostname or ""
        self._url = url
        self._query = query
        self._settings = settings
        self._http = http
        self._noted = Noting(self.host, count)

    async def look(self, _at: datetime) -> Seen:
        """Run once, as a new visitor."""
        with self._http.lateness.measured() as late:
            try:
                run = _Run.begun(self._url, self._query, self._settings, self._http, late)
            except OSError as error:
                why = error.strerror or type(error).__name__
                return Invalid(Who.OPERATOR, f"the authorities in `ca` cannot be read: {why}")
            return self._noted(await run.run())

    def begin_anew(self) -> None:
        """Nothing is remembered between two runs."""

    def weight(self, _seen: object) -> int:
        """One."""
        return 1


@dataclass
class _Run:
    """What is known while a suite runs."""

    url: str
    query: Query
    settings: Settings | None
    following: Following
    request: Request
    values: Values = field(default_factory=dict)
    versions: dict[str, None] = field(default_factory=dict)
    was_at: str = ""
    answered: bool = False

    @classmethod
    def begun(cls, url: str, query: Query, settings: Settings | None, http: Http, late: Late) -> "_Run":
        """A run that begins now.

        Raises:
            OSError: The authorities that are trusted cannot be read.
        """
        form = Request("steps", url, most=MOST, far=Who.SERVICE, fresh=True, tls=context_of(query.tls))
        following = Following(http, same_site, Deadline(query.patience, late), Cookies())
        run = cls(url, query, settings, following, form)
        secrets = settings.secrets if settings else {}
        run.values = {("secret", name): value.get_secret_value() for name, value in secrets.items()}
        run.was_at = url
        return run

    async def run(self) -> Seen:
        """All steps; what the first came to that is not well, or a good end."""
        for number, step in enumerate(self.query.steps, 1):
            seen = await self._step(step)
            if not isinstance(seen, Probed):
                return replace(seen, words=self._told(number, step, seen.words))
            if seen.version is not None:
                self.versions[seen.version] = None
            if seen.reason is not None:
                version = seen.version or (next(iter(self.versions)) if len(self.versions) == 1 else None)
                words = self._told(number, step, seen.words)
                return Probed(seen.reason, words, version, answered=self.answered)
            self.answered = True
        return Probed(None, version=" and ".join(self.versions) or None, answered=True)

    async def _step(self, step: Step) -> Seen:
        try:
            landed = await self._landed(step, self._request(step))
        except CannotStand as cannot:
            return Probed(Reason.CAPTURE, str(cannot))
        except _Forbidden as forbidden:
            return Invalid(forbidden.who, str(forbidden))
        except (TooLate, Astray, HttpRefused) as failure:
            return unfinished(failure, self.following.deadline)
        self.was_at = landed.url
        return self._weighed(step, landed.answer)

    async def _landed(self, step: Step, request: Request) -> Landed:
        if step.follow:
            return await self.following.go(request, step.timeout)
        return Landed(request.url, await self.following.ask(request, step.timeout))

    def _weighed(self, step: Step, answer: Answer) -> Seen:
        """Whether *answer* is good; what is carried on is taken out of it then."""
        seen = weighed(_expected(step.expect, self.values), answer)
        version = seen.version and hushed(seen.version, self._secrets())
        if seen.reason is not None:
            return Probed(seen.reason, self._why(step, answer, seen.reason), version)
        slow = too_slow(step.slower_than, answer, version)
        if slow is not None:
            return slow
        for name, capture in step.capture.items():
            try:
                self.values["step", name] = _taken(answer, capture)
            except NothingToCarry as nothing:
                return Probed(Reason.CAPTURE, f"no `{name}` to carry on: {nothing}", version)
        return Probed(None, version=version)

    def _why(self, step: Step, answer: Answer, reason: Reason) -> str:
        """Why the answer is bad, said of an answer out of which all that was carried or secret has been taken."""
        hush = [*self._secrets(), *self._carried()]
        body = hushed_body(answer.body, hush)
        headers = {name: hushed(value, hush) for name, value in answer.headers.items()}
        shown = weighed(step.expect, replace(answer, body=body, headers=headers))
        return shown.words if shown.reason is reason else _PLAINLY[reason]

    def _told(self, number: int, step: Step, words: str) -> str:
        """Which step it was, and *words* without what was carried or secret."""
        name = f" ({step.name})" if step.name else ""
        said = hushed(words, [*self._secrets(), *self._carried()])
        return f"step {number} of {len(self.query.steps)}{name}: {said}"

    def _secrets(self) -> Iterator[str]:
        return (as_text(value) for (kind, _), value in self.values.items() if kind == "secret")

    def _carried(self) -> Iterator[str]:
        """What was captured, and cookies: a session may be worth a password."""
        captured = (as_text(value) for (kind, _), value in self.values.items() if kind == "step")
        kept = self.following.cookies.values() if self.following.cookies else ()
        return (value for value in (*captured, *kept) if len(value) >= SHORT)

    def _request(self, step: Step) -> Request:
        """What *step* sends.

        Raises:
            CannotStand: Something that was carried cannot be sent there.
            _Forbidden: A secret is not there, or may not be sent there.
        """
        url = self._address(step)
        self._refuse_secrets(step, url)
        headers, secrets = {}, {}
        body, kind = self._body(step)
        if kind and "content-type" not in {name.lower() for name in step.headers}:
            headers["Content-Type"] = kind
        for name, text in step.headers.items():
            value = for_a_header(name, filled(text, self.values))
            if TEMPLATE.search(text):
                secrets[name] = SecretStr(value)
            else:
                headers[name] = value
        method = step.method or ("POST" if step.sends else "GET")
        return replace(self.request, url=url, method=method, headers=headers, secrets=secrets, body=body)

    def _address(self, step: Step) -> str:
        whole = TEMPLATE.fullmatch(step.url)
        if whole is None:
            return urljoin(self.url, filled(step.url, self.values, escaped))
        url = urljoin(self.was_at, as_text(self.values["step", whole[2]])).partition("#")[0]
        origin = origin_of(url)
        if origin is None or origin not in self.query.origins | {origin_of(self.url)}:
            raise CannotStand(f"what was carried as `{whole[2]}` leads to another origin than the suite's")
        return url

    def _refuse_secrets(self, step: Step, url: str) -> None:
        for name in sorted(names_in(step.said, "secret")):
            if self.settings is None or name not in self.settings.secrets:
                raise _Forbidden(
                    f"there is no secret `{name}`: add it to `connections: {{NAME: {{steps: {{secrets: …}}}}}}`"
                )
            if not self.settings.may_go_to(url):
                raise _Forbidden(
                    f"the secret `{name}` may not be sent to {replace(self.request, url=url).origin}:"
                    " add it to `to:` of the connection, if it is yours"
                )
        for name in sorted(names_in(dict(step.headers), "secret")):
            if not fits_a_header(as_text(self.values["secret", name])):
                raise _Forbidden(f"the secret `{name}` has signs that no header can carry", Who.OPERATOR)

    def _body(self, step: Step) -> tuple[bytes | None, str]:
        if step.json_ is not None:
            return json.dumps(filled_data(step.json_, self.values)).encode(), "application/json"
        if step.form is not None:
            fields = {name: filled(text, self.values) for name, text in step.form.items()}
            return urlencode(fields).encode(), "application/x-www-form-urlencoded"
        if step.body is not None:
            return filled(step.body, self.values).encode(), "text/plain; charset=utf-8"
        return None, ""


class _Forbidden(Exception):
    """A secret is not there, or may not or cannot be sent where the step goes: nothing that the service could help."""

    def __init__(self, words: str, who: Who = Who.AUTHOR) -> None:
        super().__init__(words)
        self.who = who


def _expected(expect: Expect, values: Values) -> Expect:
    """What is expected, with what was carried in it."""
    return expect.model_copy(
        update={
            "text": None if expect.text is None else filled(expect.text, values),
            "not_text": [filled(text, values) for text in expect.not_text],
            "header": {name: filled(text, values) for name, text in expect.header.items()},
            "json_": [
                each.model_copy(update={"equals": _filled_scalar(each.equals, values)})
                for each in expect.json_
            ],
        }
    )


def _filled_scalar(value: Any, values: Values) -> Any:
    return filled_value(value, values) if isinstance(value, str) else value


def _taken(answer: Answer, capture: Capture) -> Scalar:
    if capture.json_ is not None:
        return from_json(answer, capture.json_)
    if capture.header is not None:
        return from_header(answer, capture.header)
    return from_pattern(answer, capture.regex or "")
