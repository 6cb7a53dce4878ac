"""From files to Nodes: `rollbackd.yaml`, and services.d beside it. The only module here that touches the disk, but for secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rules.document import (
    MAX_BYTES,
    Entry,
    Mistakes,
    Node,
    Place,
    nearest,
    quoted,
    read_document,
    read_documents,
)
from rules.errors import InvalidRules
from watcher.config.errors import InvalidConfiguration
from watcher.config.models import NAME, NAME_REMEDY, RootModel, ServicesModel

FOLDER = "services.d"
CONFIGURES = frozenset(RootModel.model_fields) - {"version"}
PROMISES = frozenset(
    {"parameters", "indicators", "rules", "apiVersion"}
)  # in a rule file, ours or of OpenSLO
Services = Mapping[tuple[str, str], Entry]


class Unreadable(Exception):
    """A file is missing, is no text, or may not be read.

    Attributes:
        mend: What to do with the file itself; empty, where it is not there.
    """

    def __init__(self, words: str, mend: str = "") -> None:
        super().__init__(words)
        self.mend = mend

    def remedy(self, path: Path, usual: str, *, whole: bool = True) -> str:
        """What to do: with the file; else the name that may have been meant (*whole*: with its folder), else *usual*."""
        near = None if self.mend else neighbour(path)
        if near is None:
            return self.mend or usual
        return f"did you mean {path.parent / near if whole else near}?"


@dataclass(frozen=True, slots=True)
class Files:
    """What the files hold: the main one, and each service and environment with where it stands."""

    root: Node
    services: Services


def read_files(path: Path, mistakes: Mistakes) -> Files:
    """The main file at *path*, and what stands in services.d beside it.

    Raises:
        InvalidConfiguration: The main file cannot be read at all; other mistakes go to *mistakes*.
    """
    root = _read_main(path)
    mistakes.read(root, RootModel)
    services: dict[tuple[str, str], Entry] = {}
    _collect(root.get("services"), services, mistakes)
    for file in sorted((path.parent / FOLDER).glob("*.yaml")):
        node = _read_more(file, mistakes)
        if node is not None:
            mistakes.read(node, ServicesModel)
            _collect(node.get("services"), services, mistakes)
    return Files(root, services)


def read_text(path: Path) -> str:
    """The text of a file; raises `Unreadable`, with the reason in a few words."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8, at byte {error.start}", "save it as text in UTF-8") from None
    except PermissionError as error:
        mend = "let the user that rollbackd runs as read it"
        raise Unreadable(f"cannot be read: {error.strerror}", mend) from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def neighbour(path: Path) -> str | None:
    """The file beside *path* whose name is nearest to it."""
    try:
        names = [file.name for file in path.parent.glob("*.yaml")]
    except OSError:  # the folder's own name may be impossible
        return None
    return nearest(path.name, names)


def refuse_configuration(text: str, path: Path) -> None:
    """Raises `InvalidConfiguration` where *text*, which was given as a rule file, says what a configuration does: once, and not key by key.

    Raises:
        InvalidRules: It is no YAML.
    """
    root = read_documents(text, str(path))[0]
    if _says(root, CONFIGURES) and not _says(root, PROMISES):
        main = path.parent.parent / "rollbackd.yaml" if path.parent.name == FOLDER else path
        remedy = f"look at it by `rollbackd check --config {main}`"
        raise InvalidConfiguration([root.problem("this is a configuration, and no rule file", remedy)])


def _refuse_rules(root: Node, path: Path) -> None:
    if _says(root, PROMISES) and not _says(root, CONFIGURES):
        remedy = f"look at it by `rollbackd check {path}`; a configuration names it: `rules: [{{file: {path.name}}}]`"
        raise InvalidConfiguration([root.problem("this is a rule file, and no configuration", remedy)])


def _says(root: Node, keys: frozenset[str]) -> bool:
    return any(name in keys for name, _ in root.entries())


def _read_main(path: Path) -> Node:
    try:
        root = read_document(read_text(path), str(path))
    except Unreadable as unreadable:
        remedy = unreadable.remedy(path, "name it: --config FILE")
        raise InvalidConfiguration([top_of(path).problem(f"the file {unreadable}", remedy)]) from None
    except InvalidRules as invalid:
        raise InvalidConfiguration(invalid.problems) from None
    _refuse_rules(root, path)
    return root


def _read_more(path: Path, mistakes: Mistakes) -> Node | None:
    try:
        return read_document(read_text(path), str(path))
    except Unreadable as unreadable:
        mistakes.add(top_of(path), f"the file {unreadable}", "correct it, or take it out of the folder")
    except InvalidRules as invalid:
        mistakes.extend(invalid.problems)
    return None


def top_of(path: Path) -> Node:
    """Where the file at *path* would begin."""
    return Node(Place(str(path), 1, 1), {})


def _collect(section: Node | None, services: dict[tuple[str, str], Entry], mistakes: Mistakes) -> None:
    for service, entry in section.entries() if section else ():
        _check_name(service, entry, "a service", mistakes)
        for environment, inner in entry.node.entries():
            _check_name(environment, inner, "an environment", mistakes)
            first = services.setdefault((service, environment), inner)
            if first is not inner:
                mistakes.add(
                    inner.key,
                    f"{service} stands in {quoted(environment)} twice; first at {first.key.file}:{first.key.line}",
                    "keep one of them",
                )


def _check_name(name: str, entry: Entry, what: str, mistakes: Mistakes) -> None:
    if not NAME.fullmatch(name):
        mistakes.add(entry.key, f"{quoted(name)} cannot name {what}", NAME_REMEDY)
