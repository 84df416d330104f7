"""Reads ``uv.lock``: the versions this project is tested with, for those who install without uv.

uv installs from the lock by itself. Plain pip does not read it, so ``make`` gives pip the same versions as constraints
(``python scripts/locked.py``), and the offline package is made of exactly the wheels the lock names, hashes included.

The markers of a dependency ("colorama, but only on Windows") are worked out for the machine the package is *meant
for*. ``pip download --platform`` works them out for the machine it runs on, and so leaves out what only Windows needs
when a package for Windows is packed on Linux.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "uv.lock"
PROJECT = "samechild"

PLATFORMS = {
    "win_amd64": {
        "os_name": "nt",
        "sys_platform": "win32",
        "platform_system": "Windows",
        "platform_machine": "AMD64",
    },
    "linux_x86_64": {
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    },
}
"""The machines packages are made for, in the words of PEP 508's markers."""

WHEEL_PLATFORMS = {
    "win_amd64": ["win_amd64"],
    "linux_x86_64": [
        *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)),
        "manylinux2014_x86_64",
        "manylinux2010_x86_64",
        "manylinux1_x86_64",
        "linux_x86_64",
    ],
}
"""The platform tags a wheel may carry for each, best first (glibc 2.28 is Debian 10 and Red Hat 8)."""


@dataclass(frozen=True)
class Wheel:
    """One built file of one version of a package."""

    filename: str
    sha256: str


@dataclass(frozen=True)
class Needs:
    """One package's need of another: by name, sometimes one version of it, sometimes only on some machines."""

    name: str
    version: str | None
    extras: tuple[str, ...]
    marker: str | None


@dataclass(frozen=True)
class Package:
    """One package at one version, as the lock has it."""

    name: str
    version: str
    markers: tuple[str, ...]  # when two versions stand in the lock: where this one is meant
    wheels: tuple[Wheel, ...]
    needs: tuple[Needs, ...]
    extras: dict[str, tuple[Needs, ...]]


def read_lock(path: Path = LOCK) -> list[Package]:
    """Every package of the lock, the project itself among them."""
    return [_package(entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["package"]]


def constraints(packages: list[Package]) -> list[str]:
    """The lock's versions as lines for ``pip install --constraint``."""
    lines = []
    for package in packages:
        if package.name != PROJECT:
            where = " or ".join(f"({marker})" for marker in package.markers)
            lines.append(f"{package.name}=={package.version}" + (f" ; {where}" if where else ""))
    return sorted(lines)


def runtime(packages: list[Package], platform: str, python: str, extras: tuple[str, ...] = ()) -> list[Package]:
    """Every package that running samechild needs on one platform (a key of PLATFORMS) with one Python ("3.11")."""
    from packaging.markers import Marker  # not needed, and not always there, when only constraints are written

    environment = {
        **PLATFORMS[platform],
        "python_version": python,
        "python_full_version": f"{python}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }

    def holds(marker: str | None) -> bool:
        return marker is None or Marker(marker).evaluate({**environment})

    def find(need: Needs) -> Package:
        for package in packages:
            right_version = need.version in (None, package.version)
            if package.name == need.name and right_version:
                return package
        raise LookupError(f"uv.lock names {need.name} but does not hold it: run make lock")

    found: dict[str, Package] = {}
    waiting = [Needs(PROJECT, None, extras, None)]
    walked: set[Needs] = set()
    while waiting:
        need = waiting.pop()
        if need in walked or not holds(need.marker):
            continue
        walked.add(need)
        package = find(need)
        found[package.name] = package
        waiting += package.needs
        for extra in need.extras:
            waiting += package.extras[extra]
    del found[PROJECT]
    return sorted(found.values(), key=lambda package: package.name)


def best_wheel(package: Package, platform: str, python: str) -> Wheel | None:
    """The wheel pip would choose there, or None when it would have to build from source."""
    from packaging.tags import compatible_tags, cpython_tags
    from packaging.utils import parse_wheel_filename

    version = tuple(int(part) for part in python.split("."))
    platforms = WHEEL_PLATFORMS[platform]
    interpreter = "cp" + python.replace(".", "")
    tags = [
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, interpreter=interpreter, platforms=platforms),
    ]
    order = {tag: place for place, tag in enumerate(tags)}
    places = [
        (min((order[tag] for tag in parse_wheel_filename(wheel.filename)[3] if tag in order), default=-1), wheel)
        for wheel in package.wheels
    ]
    usable = [(place, wheel) for place, wheel in places if place >= 0]
    return min(usable, key=lambda pair: (pair[0], pair[1].filename))[1] if usable else None


def _package(entry: dict[str, Any]) -> Package:
    wheels = tuple(
        Wheel(wheel["url"].rsplit("/", 1)[-1], wheel["hash"].removeprefix("sha256:"))
        for wheel in entry.get("wheels", [])
    )
    extras = {name: _needs(needs) for name, needs in entry.get("optional-dependencies", {}).items()}
    return Package(
        entry["name"],
        entry.get("version", "0"),
        tuple(entry.get("resolution-markers", [])),
        wheels,
        _needs(entry.get("dependencies", [])),
        extras,
    )


def _needs(entries: list[dict[str, Any]]) -> tuple[Needs, ...]:
    return tuple(
        Needs(entry["name"], entry.get("version"), tuple(entry.get("extra", [])), entry.get("marker"))
        for entry in entries
    )


if __name__ == "__main__":
    print("\n".join(constraints(read_lock())))
