"""What is published as JSON Schema, compiled once; and what of an exchange does not fit it.

A question is looked at where it was taken: what was refused has been found wrong already. Of answers all are, but troubles on the way.
"""

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from tests.schemas.amended import AMENDMENTS
from tests.schemas.exchange import Exchange, note
from tests.schemas.openapi import Schema

FOLDER = Path(__file__).with_name("published")
UNCHANGED = 304  # to whoever asked for what is new: HTTP says so for all (RFC 9110, 15.4.5), and few vendors say it again
_LONGEST = 300  # characters of one complaint


class Book:
    """One file."""

    def __init__(self, name: str) -> None:
        self.name = name
        content = amended(name)
        self._defs = content["$defs"]
        self._operations: Mapping[str, Mapping[str, Any]] = content["operations"]
        self._patterns = [(re.compile(_pattern(each)), each) for each in sorted(self._operations)]
        self._compiled: dict[tuple[str, ...], Draft202012Validator] = {}

    def hear(self, exchange: Exchange) -> None:
        """Keep what is wrong with it."""
        note(self.name, exchange, self.wrongs(exchange))

    def wrongs(self, exchange: Exchange) -> Iterator[str]:
        """All that does not fit."""
        name = next((name for pattern, name in self._patterns if pattern.fullmatch(exchange.operation)), None)
        if name is None:
            if exchange.status < 400:
                yield "no such operation is published"
            return
        told = self._operations[name]
        if exchange.status < 400:
            yield from self._of_query(name, told["query"], exchange.query)
            if exchange.body or told["needs_body"]:
                yield from self.misfits((name, "body"), told["body"], exchange.asked, "what was asked")
        yield from self._of_answer(name, told["answers"], exchange)

    def sent(self, name: str, content: Any) -> None:
        """A webhook: keep what is wrong with its *content*."""
        schema = self._operations[name]["body"]
        note(self.name, Exchange(name), self.misfits((name, "body"), schema, content, "what was sent"))

    def typed(self, name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """*given* in a form, where all is text, as what the body of operation *name* is meant to hold."""
        schema = self._operations[name]["body"]
        return {
            each: _read(_member(schema, each), [value]) if isinstance(value, str) else value
            for each, value in given.items()
        }

    def _of_query(self, name: str, schema: Schema | None, query: Sequence[tuple[str, str]]) -> Iterator[str]:
        if schema is None:
            yield from (f"no parameter {each} is published" for each, _ in query)
            return
        given = {each: [value for key, value in query if key == each] for each, _ in query}
        read = {each: _read(schema["properties"].get(each, {}), values) for each, values in given.items()}
        yield from self.misfits((name, "query"), schema, read, "the query")

    def _of_answer(self, name: str, answers: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        status = str(exchange.status)
        if exchange.status == UNCHANGED:
            return
        if exchange.status < 400 and status not in answers:
            yield f"no answer {status} is published"
        schema = answers.get(status)
        if schema is None or exchange.is_trouble:
            return
        try:
            content = json.loads(exchange.answer)
        except ValueError:
            yield f"the answer {status} is not JSON"
        else:
            yield from self.misfits((name, status), schema, content, f"the answer {status}")

    def misfits(self, key: tuple[str, ...], schema: Schema | None, content: Any, what: str) -> Iterator[str]:
        """What of *content* does not fit *schema*, which is compiled once for *key*; *what* it is called."""
        if schema is None:
            return
        if key not in self._compiled:
            whole = {**schema, "$defs": self._defs}
            self._compiled[key] = Draft202012Validator(whole, validate_formats=True)
        validator = self._compiled[key]
        if not validator.is_valid(content):
            for each in validator.iter_errors(content):
                yield f"{what}, at /{'/'.join(map(str, each.instance_path))}: {each.message[:_LONGEST]}"


def _pattern(operation: str) -> str:
    return "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", operation)
    )


def _member(schema: Schema, name: str) -> Schema:
    found = (_member(each, name) for each in schema.get("anyOf", []))
    member: Schema = schema.get("properties", {}).get(name) or next(filter(None, found), {})
    return member


def _read(schema: Schema, values: Sequence[str]) -> Any:
    """What stands in a query as text, as what it is meant to be."""
    if schema.get("type") in {"array", "object"} and len(values) == 1 and values[0][:1] in {"[", "{"}:
        return json.loads(values[0])
    if schema.get("type") == "array":
        return [_read(schema["items"], [each]) for each in values]
    text = values[0] if len(values) == 1 else list(values)
    if schema.get("type") == "boolean" and text in {"0", "1"}:
        return text == "1"
    kinds = schema.get("type", "string")
    if {kinds} & {"integer", "number", "boolean"} and re.fullmatch(r"-?\d+(\.\d+)?|true|false", str(text)):
        return json.loads(str(text))
    return text


def published(name: str) -> Schema:
    """The file, as it was derived.

    Raises:
        FileNotFoundError: It is not there; a source distribution has not all of them.
    """
    file = FOLDER / f"{name}.json"
    if not file.exists():
        raise FileNotFoundError(f"{file} is not here: derive it with `python -m tests.schemas {name}`")
    found: Schema = json.loads(file.read_text(encoding="utf-8"))
    return found


def amended(name: str) -> Schema:
    """The same, with what is known besides."""
    content = copy.deepcopy(published(name))
    for each in AMENDMENTS:
        if each.document == name:
            each.make(content)
    return content


@functools.cache
def book(name: str) -> Book:
    """That of *name*, opened once."""
    return Book(name)
