"""Packs samechild for machines without internet: one zip that installs without administrator's rights.

Many councils' analysts work on a Windows machine that may not reach a package index and may not run an installer as an
administrator. The zip holds samechild, every package it needs as a ready-built wheel (exactly the versions and hashes
of ``uv.lock``), and an installer that makes a virtual environment in the user's own folder.

    python scripts/offline.py pack                          # dist/offline/samechild-VERSION-PLATFORM.zip, each platform
    python scripts/offline.py check --platform win_amd64    # only: is there a wheel for everything?
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from locked import PLATFORMS, PROJECT, WHEEL_PLATFORMS, Package, Wheel, best_wheel, read_lock, runtime

ROOT = Path(__file__).resolve().parent.parent
INSTALLER = Path(__file__).resolve().parent / "installer"
PYTHONS = ("3.11", "3.12", "3.13")
"""The Pythons a package serves unless told otherwise: what councils' software centres hold."""

DRIVERS = ("mssql", "oracle")
"""Extras that are packed too: whoever may not reach a package index could not add the driver of their database."""

Chosen = list[tuple[Package, Wheel]]


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two tasks; the exit code is 0 when all went well and 1 when a wheel is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("task", choices=["pack", "check"])
    parser.add_argument("--platform", action="append", choices=sorted(PLATFORMS), help="default: each of them")
    parser.add_argument("--python", action="append", help=f"Python version, may be repeated; default {PYTHONS}")
    parser.add_argument("--lock-only", action="store_true", help="check: do not ask the package index")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "offline")
    options = parser.parse_args(arguments)

    pythons = tuple(options.python or PYTHONS)
    for platform in options.platform or sorted(PLATFORMS):
        chosen = {python: choose(platform, python) for python in pythons}
        missing = {f"{package.name} (Python {python})" for python in pythons for package in chosen[python][1]}
        if missing:
            print(f"{platform}: no wheel for {', '.join(sorted(missing))}", file=sys.stderr)
            return 1
        if options.task == "check":
            check(platform, chosen, ask_index=not options.lock_only)
        else:
            print(f"packed {pack(platform, {p: chosen[p][0] for p in pythons}, options.out)}")
    return 0


def choose(platform: str, python: str) -> tuple[Chosen, list[Package]]:
    """The wheel of each package samechild needs at run time, drivers included, and those without one there."""
    packages = runtime(read_lock(), platform, python, DRIVERS)
    wheels = [(package, best_wheel(package, platform, python)) for package in packages]
    return [(p, w) for p, w in wheels if w is not None], [p for p, w in wheels if w is None]


def check(platform: str, chosen: dict[str, tuple[Chosen, list[Package]]], *, ask_index: bool) -> None:
    """Say what was found in the lock; with ``ask_index``, let pip resolve the same for that platform."""
    for python, (wheels, _) in chosen.items():
        if ask_index:
            with tempfile.TemporaryDirectory() as folder:
                requirements = Path(folder) / "requirements.txt"
                requirements.write_text("\n".join(f"{p.name}=={p.version}" for p, _ in wheels), encoding="utf-8")
                _pip("install", "--dry-run", "--ignore-installed", "--target", folder, "-r", str(requirements),
                     *_aimed_at(platform, python))  # fmt: skip
        asked = "in the lock and at the package index" if ask_index else "in the lock"
        print(f"{platform}, Python {python}: {len(wheels)} packages, a wheel for each ({asked})")


def pack(platform: str, chosen: dict[str, Chosen], out: Path) -> Path:
    """Write the zip for one platform and return where it is."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    name = f"{PROJECT}-{version}-{platform}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        wheels = folder / "wheels"
        wheels.mkdir(parents=True)
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
        own = next(wheels.glob(f"{PROJECT}-*.whl"))
        own_line = f"{PROJECT}=={version} --hash=sha256:{_sha256(own)}"
        for python, packages in chosen.items():
            lines = [f"{package.name}=={package.version} --hash=sha256:{wheel.sha256}" for package, wheel in packages]
            requirements = folder / f"requirements-{python}.txt"
            requirements.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
            _pip("download", "--require-hashes", "--dest", str(wheels), "-r", str(requirements),
                 *_aimed_at(platform, python))  # fmt: skip
            requirements.write_text("\n".join([*lines, own_line]) + "\n", encoding="utf-8", newline="\n")
        add_installer(folder, version, platform, tuple(chosen))
        return write_zip(folder, out / f"{name}.zip")


def add_installer(folder: Path, version: str, platform: str, pythons: tuple[str, ...]) -> None:
    """Put beside the wheels what installs them: the installer, its starters, a readme, the sums of every file."""
    about = {"version": version, "platform": platform, "pythons": pythons}
    (folder / "package.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE.txt")
    shutil.copy(INSTALLER / "install.py", folder / "install.py")
    names = ["README.txt", *(["install.cmd", "install.ps1"] if platform.startswith("win") else ["install.sh"])]
    for name in names:
        text = (INSTALLER / name).read_text(encoding="utf-8")
        text = text.replace("@VERSION@", version).replace("@PYTHONS@", " ".join(reversed(pythons)))
        ending = "\n" if name.endswith(".sh") else "\r\n"
        (folder / name).write_text(text, encoding="utf-8", newline=ending)
    listed = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}" for path in listed]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8", newline="\n")


def write_zip(folder: Path, target: Path) -> Path:
    """Zip the folder, names sorted and times fixed, so that the same contents make the same file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo((folder.name / path.relative_to(folder)).as_posix(), (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if path.suffix == ".sh" else 0o644) << 16
            packed = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), compress_type=packed)
    unfinished.replace(target)
    return target


def _aimed_at(platform: str, python: str) -> list[str]:
    tags = [part for tag in WHEEL_PLATFORMS[platform] for part in ("--platform", tag)]
    return ["--no-deps", "--only-binary=:all:", "--python-version", python, "--implementation", "cp", *tags]


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        sys.exit(f"pip could not finish (exit code {failed.returncode}); what it said stands above")
