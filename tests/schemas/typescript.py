"""From types in TypeScript, JSON Schema: by ts-json-schema-generator, which closes every object whose members are listed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.schemas.openapi import Schema, pared, plain
from tests.schemas.packages import Package, run

GENERATOR = "ts-json-schema-generator@2.4.0"
_OURS = "Wanted"  # no name may be defined twice
_OPTIONS = {
    "compilerOptions": {
        "module": "esnext",
        "moduleResolution": "bundler",
        "target": "es2022",
        "strict": True,
        "skipLibCheck": True,
        "types": [],
    },
    "files": ["wanted.ts"],
}


def types(package: Package, module: str, wanted: Sequence[str], folder: Path) -> Mapping[str, Schema]:
    """By name the schemas of the types *wanted* of *module* (a file of *package*), and of those that they refer to."""
    place = folder / f"types-{package.name.replace('/', '-')}"
    if not place.exists():
        place.mkdir()
        run(
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            GENERATOR,
            f"{package.name}@{package.version}",
            place=place,
        )
    names = "\n".join(f"export type {_OURS}{name} = From.{name};" for name in wanted)
    text = f"import type * as From from './node_modules/{package.name}/{module}';\n{names}\n"
    (place / "wanted.ts").write_text(text, encoding="utf-8")
    (place / "tsconfig.json").write_text(json.dumps(_OPTIONS), encoding="utf-8")
    told = json.loads(
        run(
            "npx",
            *("ts-json-schema-generator", "--tsconfig", "tsconfig.json", "--path", "wanted.ts"),
            *("--type", "*", "--no-type-check"),
            place=place,
        )
    )
    found = {plain(name): pared(each) for name, each in told["definitions"].items()}
    return {name.removeprefix(_OURS): each for name, each in found.items() if name.startswith(_OURS)} | found
