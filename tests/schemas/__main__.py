"""``python -m tests.schemas [NAME]``: derives the files anew, all or one; pip and npm fetch the packages, which takes some minutes."""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.schemas.vendors import DOCUMENTS, Document

FOLDER = Path(__file__).with_name("published")


def _write(document: Document, folder: Path) -> None:
    found, package = document.derived(folder), document.package
    if isinstance(found, str):
        head = f"# {package.name} {package.version} ({package.registry}), {package.licence}: see ../README.md\n\n"
        (FOLDER / f"{document.name}.graphql").write_text(head + found, encoding="utf-8")
        return
    of = {name: getattr(package, name) for name in ("registry", "name", "version", "licence")}
    parts = ",\n".join(f'"{name}": {_lines(each)}' for name, each in {"package": of, **found}.items())
    (FOLDER / f"{document.name}.json").write_text(f"{{{parts}}}\n", encoding="utf-8")


def _lines(part: Mapping[str, Any]) -> str:
    """One member a line: small, and still to be compared."""
    told = (f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}" for name, each in sorted(part.items()))
    return "{\n" + ",\n".join(told) + "}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        for each in DOCUMENTS:
            if sys.argv[1:] in ([], [each.name]):
                _write(each, Path(name))
