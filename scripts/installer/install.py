"""Installs samechild from the folder this file lies in: no internet, no administrator's rights.

Written for any Python 3, so that an old one gets a sentence and not a traceback.
"""

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"


def main():
    """Check the package and this machine, make a virtual environment, fill it, try it."""
    about = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description="Installs samechild {}".format(about["version"]))
    parser.add_argument("--to", type=Path, default=usual_place(), help="folder to install into (default: %(default)s)")
    target = parser.parse_args().to.expanduser().absolute()

    stop_if(wrong_machine(about))
    stop_if(damaged())
    stop_if(taken(target))

    print("Installing samechild {} into {}".format(about["version"], target))
    python = target / ("Scripts/python.exe" if WINDOWS else "bin/python")
    run([sys.executable, "-m", "venv", str(target)], "making the virtual environment")
    requirements = HERE / "requirements-{}.{}.txt".format(*sys.version_info[:2])
    quiet = ["--isolated", "--disable-pip-version-check", "--quiet"]
    from_here = ["--no-index", "--find-links", str(HERE / "wheels"), "--require-hashes", "-r", str(requirements)]
    run([str(python), "-m", "pip", "install", *quiet, *from_here], "installing")
    command = target / ("Scripts/samechild.exe" if WINDOWS else "bin/samechild")
    run([str(command), "--help"], "trying it", stdout=subprocess.DEVNULL)
    print("\nDone. Try it with:\n\n    {}\n".format(quoted(command) + " demo"))


def usual_place():
    """Where programs for one user go on this system."""
    if WINDOWS:
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "samechild"
    return Path(os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share"))) / "samechild"


def wrong_machine(about):
    """Say why this package is not for this machine, or None."""
    here = "{}.{}".format(*sys.version_info[:2])
    if here not in about["pythons"]:
        return "This is Python {}; the package is for Python {}. Start install.py with one of those.".format(
            here, ", ".join(about["pythons"])
        )
    if struct.calcsize("P") != 8:
        return "This is a 32-bit Python; the package needs a 64-bit one."
    if about["platform"].startswith("win") != WINDOWS:
        return "This package is for {}; take the other zip.".format("Windows" if not WINDOWS else "Linux")
    return None


def damaged():
    """Say which file is missing or not as it was packed, or None."""
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ", 1)
        path = HERE / name
        if not path.is_file():
            return "{} is missing. Extract the whole zip first, then start the installer there.".format(name)
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            return "{} is damaged: copy or download the zip again.".format(name)
    return None


def taken(target):
    """Say why the target folder cannot be used, or None; an earlier installation is brought up to date."""
    if target.exists() and not (target / "pyvenv.cfg").is_file() and (target.is_file() or any(target.iterdir())):
        return "{} exists and is not an earlier installation: choose another folder with --to.".format(target)
    return None


def stop_if(problem):
    """End with the sentence, if there is one."""
    if problem:
        sys.exit(problem)


def run(command, doing, **options):
    """Run a step; when it fails, say which it was."""
    if subprocess.run(command, **options).returncode:
        sys.exit("It stopped while {}. What went wrong stands above; nothing else was changed.".format(doing))


def quoted(path):
    """The path as it is typed: in quotes when it holds a space."""
    return '"{}"'.format(path) if " " in str(path) else str(path)


if __name__ == "__main__":
    main()
