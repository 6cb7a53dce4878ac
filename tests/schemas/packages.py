"""Packages in which vendors publish what their interfaces take and answer: fetched with the registry's own client, at one version."""

import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One package.

    Attributes:
        registry: ``pypi`` (its source distribution) or ``npm``.
        licence: As SPDX writes it.
    """

    registry: str
    name: str
    version: str
    licence: str

    def fetched(self, folder: Path) -> Path:
        """Where it lies unpacked, below *folder*."""
        place = folder / f"{self.registry}-{self.name.replace('/', '-')}"
        if not place.exists():
            place.mkdir(parents=True)
            _fetch(self, place)
            archive = next(place.glob("*.t*gz"))
            with tarfile.open(archive) as packed:
                packed.extractall(place, filter="data")
        return next(each for each in place.iterdir() if each.is_dir())


def _fetch(package: Package, place: Path) -> None:
    if package.registry == "npm":
        run("npm", "pack", "--silent", f"{package.name}@{package.version}", place=place)
    else:
        wanted = f"{package.name}=={package.version}"
        run("pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", wanted, place=place)


def run(program: str, *arguments: str, place: Path) -> str:
    """What it prints. Raises where it is not there, or fails."""
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed: the schemas are derived with it")
    done = subprocess.run(
        [found, *arguments], cwd=place, check=False, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)[:80]}: {done.stderr[-2000:]}")
    return done.stdout
