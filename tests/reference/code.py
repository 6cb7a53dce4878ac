"""What is found in the code by its syntax: log events, problems of HTTP, errors, exit statuses. Nothing is run for it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXITS = frozenset({"status", "status_of", "run", "_refused", "_logged", "main"})  # functions that give one
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "error",
}
ROOTS = frozenset({"WatcherError", "RulesError", "DeployError", "DemoError", "Failed"})


@dataclass
class Said:
    """A log event, wherever it is said."""

    levels: set[str] = field(default_factory=set)
    keys: dict[str, None] = field(default_factory=dict)


@cache
def trees() -> dict[Path, ast.Module]:
    """Every module of ours."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for package in ("rules", "deploy", "watcher")
        for path in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def nodes() -> dict[Path, tuple[ast.AST, ...]]:
    """Whatever could be of concern in each of them: walked through once."""
    concern = (ast.Call, ast.ClassDef, ast.FunctionDef, ast.match_case, ast.AnnAssign)
    return {
        path: tuple(node for node in ast.walk(tree) if isinstance(node, concern))
        for path, tree in trees().items()
    }


def calls(under: str = "") -> Iterator[tuple[Path, ast.Call]]:
    """Every call below a folder."""
    for path, found in nodes().items():
        if path.is_relative_to(ROOT / under):
            yield from ((path, node) for node in found if isinstance(node, ast.Call))


# --------------------------------------------------------------------------------------------------------------- events


@cache
def events() -> dict[str, Said]:
    """Every log event, by name.

    Raises:
        ValueError: One has a name that is computed, so that nobody can look for it.
    """
    found: dict[str, Said] = {}
    for path, call in calls():
        level = _level(call)
        if level is None:
            continue
        for name in _literals(call.args[0], path):
            said = found.setdefault(name, Said())
            said.levels.add(level)
            said.keys |= dict.fromkeys(each.arg or "…" for each in call.keywords if each.arg != "exc_info")
    return found


def nameless_loggers() -> list[Path]:
    """Modules that call a logger otherwise than ``log``, so that what they say would not be found."""
    return [
        path
        for path, tree in trees().items()
        if len([call for call in ast.walk(tree) if _is_a_logger(call)])
        > len([each for each in tree.body if _is_log(each)])
    ]


def _is_a_logger(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_logger")


def _is_log(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id="log")], value=value):
            return _is_a_logger(value)
        case _:
            return False


def _level(call: ast.Call) -> str | None:
    match call.func:
        case ast.Attribute(value=ast.Name(id="log" | "logger"), attr=level) if level in LEVELS:
            return LEVELS[level]
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="logger"), *_]):
            return "any"
        case _:
            return None


def _literals(name: ast.expr, path: Path) -> Iterator[str]:
    match name:
        case ast.Constant(value=str(event)):
            yield event
        case ast.IfExp(body=one, orelse=other):
            yield from _literals(one, path)
            yield from _literals(other, path)
        case _:
            raise ValueError(f"{path}:{name.lineno}: {ast.unparse(name)} is no literal")


# ------------------------------------------------------------------------------------------------------------- problems


@cache
def problems() -> dict[str, set[str]]:
    """Every problem that HTTP answers with, and its statuses.

    ``Declined(status, kind, …)`` makes one, or a function that hands on its own parameter ``kind``.
    """
    makers, of_cases = dict(_makers()), dict(_cases())
    found: dict[str, set[str]] = {}
    for _path, call in calls("watcher/api"):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in makers:
            place, status = makers[name]
            match call.args[place]:
                case ast.Constant(value=str(kind)):
                    found.setdefault(kind, set()).add(status or of_cases.get(call) or _status(call.args[0]))
                case ast.Name(id="kind"):
                    pass  # the call inside a maker
                case other:
                    raise ValueError(f"{ast.unparse(other)} is no literal")
    return found


def _makers() -> Iterator[tuple[str, tuple[int, str]]]:
    """What makes a problem: its name, where among its arguments the kind stands, and the status if it is always one."""
    yield "Declined", (1, "")
    for path, found in nodes().items():
        for node in found if path.is_relative_to(ROOT / "watcher/api") else ():
            match node:
                case ast.FunctionDef(name=name, args=ast.arguments(args=[ast.arg(arg="kind"), *_])):
                    made = next(call for call in ast.walk(node) if _declines(call))
                    assert isinstance(made, ast.Call)
                    yield name, (0, _status(made.args[0]))
                case _:
                    pass


def _cases() -> Iterator[tuple[ast.Call, str]]:
    """Calls below ``case HTTPStatus.X:``, and that status."""
    for found in nodes().values():
        for node in found:
            match node:
                case ast.match_case(pattern=ast.MatchValue(value=status)) if _status(status) != "any":
                    for each in ast.walk(node):
                        if isinstance(each, ast.Call):
                            yield each, _status(status)
                case _:
                    pass


def _declines(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Declined"


def _status(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id="HTTPStatus"), attr=name):
            return str(HTTPStatus[name].value)
        case _:
            return "any"


# -------------------------------------------------------------------------------------------------------------- metrics


def counting() -> Iterator[tuple[str, str]]:
    """Every class that makes metrics in a registry which it is given: its module and its name.

    Raises:
        ValueError: A module makes metrics otherwise, so that nobody can list them.
    """
    for path, tree in trees().items():
        makes = any(
            isinstance(node, ast.ImportFrom) and node.module == "prometheus_client" for node in tree.body
        )
        if (
            not makes
            or path.is_relative_to(ROOT / "watcher/demo")
            or path == ROOT / "watcher/telemetry/metrics.py"
        ):
            continue  # a service of the demo has its own; those of `Metrics` are asked of it
        given = [
            each.name for each in tree.body if isinstance(each, ast.ClassDef) and _is_given_a_registry(each)
        ]
        if not given:
            raise ValueError(f"{path}: metrics are made in a class that is given a registry")
        for name in given:
            yield _module(path), name


def _is_given_a_registry(made: ast.ClassDef) -> bool:
    return any(
        isinstance(each, ast.FunctionDef)
        and each.name == "__init__"
        and "CollectorRegistry" in ast.unparse(each.args)
        for each in made.body
    )


def _module(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


# --------------------------------------------------------------------------------------------------------------- errors


@cache
def errors() -> dict[str, tuple[str, str]]:
    """Every error of ours that carries a remedy: the module that it is in, and the first line of its docstring."""
    classes = [
        (path, node)
        for path, found_in in nodes().items()
        for node in found_in
        if isinstance(node, ast.ClassDef)
    ]
    known, found = set(ROOTS), dict[str, tuple[str, str]]()
    for _ in range(3):  # an error of an error of an error: deeper ones there are not
        for path, node in classes:
            if known & {ast.unparse(base).rpartition(".")[2] for base in node.bases}:
                known.add(node.name)
                words = (ast.get_docstring(node) or "").partition("\n")[0]
                found[node.name] = (_module(path), words)
    return dict(sorted(found.items()))


# ------------------------------------------------------------------------------------------------------- exit statuses


@cache
def statuses() -> set[int]:
    """Every exit status that is written down somewhere: of commands, of ``run``, of the watchdog."""
    found = {0}
    for path, concern in nodes().items():
        if not path.is_relative_to(
            ROOT / "watcher/demo/world"
        ):  # a service of the demo, and no program of ours
            names = _constants(trees()[path])
            found.update(
                number for node in concern for value in _exits(node) for number in _numbers(value, names)
            )
    return found


def _exits(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions in *node* that a process ends with."""
    match node:
        case ast.AnnAssign(target=ast.Name(id="exit_code"), value=ast.expr() as value):
            yield value
        case ast.Call(func=ast.Name(id="SystemExit"), args=[value]):
            assert isinstance(value, ast.Constant | ast.Name | ast.IfExp | ast.Call), ast.unparse(value)
            yield value
        case ast.Call(func=ast.Attribute(attr="end"), args=[ast.Name(id="STATUS") as value]):
            yield value
        case ast.FunctionDef(name=name, returns=ast.Name(id="int")) if name in EXITS:
            yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)
        case _:
            pass


def _constants(tree: ast.Module) -> dict[str, set[int]]:
    """What stands behind the names of a module: a number, or the numbers of a table."""
    found: dict[str, set[int]] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = list(zip(names, values, strict=True))
            case ast.Assign(targets=[target], value=value):
                pairs = [(target, value)]
            case _:
                pairs = []
        found |= {name.id: _numbers(value, found) for name, value in pairs if isinstance(name, ast.Name)}
    return found


def _numbers(value: ast.expr, names: dict[str, set[int]]) -> set[int]:
    """The numbers that an expression can be. What a function of ours gives is found where it returns."""
    match value:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return {number}
        case ast.Name(id=word):
            return names.get(word, set())
        case ast.IfExp(body=one, orelse=other):
            return _numbers(one, names) | _numbers(other, names)
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, default]):
            return _numbers(table, names) | _numbers(default, names)
        case ast.Dict(values=values):
            return {number for each in values for number in _numbers(each, names)}
        case _:
            return set()
