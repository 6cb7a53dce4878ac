"""Plain words for what pydantic finds wrong, each with a remedy. Knows no positions.

A message never repeats a value, but where the value is one of a known few (a literal, a kind, a key): what stands in a
file may be a secret in the wrong place.
"""

import difflib
import json
import re
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Words = tuple[str, str]  # what is wrong, the remedy

_LONGEST = 60  # of a word that is quoted in a message, in characters
_EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_EXAMPLES: Mapping[str, str] = {
    "text": "write text",
    "a whole number": "write a whole number, without quotes",
    "a number": "write a number, without quotes",
    "true or false": "write true or false",
    "a list": "write a list: [first, second]",
    "a mapping": "write a mapping: {key: value}, or {} for none",
}
_LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def quoted(word: str) -> str:
    """*word* in quotes, on one line, cut to what fits on a screen."""
    return json.dumps(word if len(word) <= _LONGEST else word[:_LONGEST] + "…", ensure_ascii=False)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The member of *known* that *word* is probably meant to be."""
    found = difflib.get_close_matches(word[:_LONGEST], sorted(known), n=1)
    return found[0] if found else None


def unknown(what: str, word: str, known: Collection[str]) -> Words:
    """Words for a *word* that is not among the *known*, with the nearest, or with all of them."""
    near = nearest(word, known)
    if near is not None:
        return f"unknown {what} {quoted(word)}", f'did you mean "{near}"?'
    return f"unknown {what} {quoted(word)}", f"known: {', '.join(sorted(known))}" if known else "remove it"


def found(value: object) -> str:
    """What kind of thing stands there, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "a mapping"


def words_for(error: ErrorDetails, model: type[BaseModel], text: str | None) -> Words:
    """What is wrong, and the remedy.

    Args:
        error: One of pydantic's.
        model: What was read; its fields are what an unknown key is compared with.
        text: The scalar as it is written in the file, if it is one.
    """
    kind = error["type"]
    if kind in _EXPECTED:
        return _expected(_EXPECTED[kind], error, text)
    if kind in _LIMITS:
        return _limit(kind, error)
    if kind in _SPECIAL:
        return _SPECIAL[kind](error, model)
    return error["msg"][:1].lower() + error["msg"][1:], "correct the value"


def _expected(what: str, error: ErrorDetails, text: str | None) -> Words:
    there = found(error["input"])
    if what == "text" and text is not None and there in {"a number", "true or false"}:
        return f"expected text, found {there}", f'quote it: "{text}"'
    return f"expected {what}, found {there}", _EXAMPLES[what]


def _limit(kind: str, error: ErrorDetails) -> Words:
    name, words = _LIMITS[kind]
    limit = error["ctx"][name]
    return f"must be {words} {limit}", f"write a number that is {words} {limit}"


def _missing(error: ErrorDetails, _: type[BaseModel]) -> Words:
    key = error["loc"][-1]
    return f'"{key}" is missing', f"add `{key}: …`"


def _extra(error: ErrorDetails, model: type[BaseModel]) -> Words:
    *above, key = error["loc"]
    return unknown("key", str(key), _keys_at(model, above))


def _choice(error: ErrorDetails, _: type[BaseModel]) -> Words:
    choices = re.findall(r"'([^']*)'", error["ctx"]["expected"]) or [error["ctx"]["expected"]]
    there = error["input"]
    if not isinstance(there, str):
        return f"expected one of {', '.join(choices)}, found {found(there)}", f"write {choices[0]}"
    near = nearest(there, choices)
    return (
        f"{quoted(there)} is not one of {', '.join(choices)}",
        f'did you mean "{near}"?' if near else f"write one of {', '.join(choices)}",
    )


def _ours(error: ErrorDetails, _: type[BaseModel]) -> Words:
    cause = error["ctx"]["error"]
    return str(cause), getattr(cause, "remedy", "") or "correct the value"


def _pattern(error: ErrorDetails, _: type[BaseModel]) -> Words:
    pattern = error["ctx"]["pattern"].removeprefix("^").removesuffix("$").removesuffix("\\Z")
    return f"must be of the form {pattern}", "write it with these characters alone"


def _short(error: ErrorDetails, _: type[BaseModel]) -> Words:
    least = error["ctx"]["min_length"]
    return f"expected at least {least}, found {error['ctx']['actual_length']}", "add one, or remove the key"


_SPECIAL: Mapping[str, Callable[[ErrorDetails, type[BaseModel]], Words]] = {
    "missing": _missing,
    "extra_forbidden": _extra,
    "literal_error": _choice,
    "enum": _choice,
    "too_short": _short,
    "value_error": _ours,
    "string_pattern_mismatch": _pattern,
}


def _keys_at(model: type[BaseModel], steps: Iterable[int | str]) -> frozenset[str]:
    """The keys that may stand where *steps* lead to."""
    models = [model]
    for step in steps:
        models = [inner for outer in models for inner in _below(outer, step)] or models
    return frozenset(name for found in models for name in _fields(found))


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _below(model: type[BaseModel], step: int | str) -> list[type[BaseModel]]:
    return list(_models_in(_fields(model).get(str(step))))


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    """The models that *annotation* is made of: itself, members of a union, what a list or mapping holds."""
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
