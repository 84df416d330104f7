"""The root key: the one secret that opens all others, kept where the databases and their backups are not.

It comes from a file only its owner may read, from the environment, or from a command that asks a key store. Without it
nothing of an installation can be read, so it is written down and kept apart like the key of a safe.
"""

from __future__ import annotations

import base64
import binascii
import os
import shlex
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from samechild.errors import Conflict, Invalid, Missing, Unavailable
from samechild.keys.seal import KEY_BYTES, Random, derive

FILE = "root.key"
PATIENCE = 20.0
"""Seconds a command may take to give the root key."""

_FORM = f"{KEY_BYTES} random bytes written as {KEY_BYTES * 2} hexadecimal characters or as base64"


def root_key(where: str, home: Path, random: Random | None = None) -> bytes:
    """Fetch the root key from where the settings say it is.

    Args:
        where: ``file:PATH``, ``env:NAME``, ``command:WORDS`` (run without a shell), or empty for ``root.key`` in home.
        home: the installation's folder.
        random: for the first use only: makes ``root.key`` in home when ``where`` is empty and the file is not there.
            Leave it out once anything was sealed, so that a lost key is noticed and never quietly replaced.

    Returns:
        32 bytes.

    Raises:
        Missing: when there is nothing at that place.
        Invalid: when ``where`` or what lies there has the wrong form, or others may read the file.
        Unavailable: when the place cannot be reached now.
    """
    kind, _, rest = where.partition(":")
    if not where:
        path = home / FILE
        if random is not None and not path.exists():
            with suppress(Conflict):  # somebody else was quicker: theirs is the key
                return make_root_key(path, random)
        return _from_file(path)
    if kind == "file" and rest:
        return _from_file(Path(rest).expanduser())
    if kind == "env" and rest:
        return _from_environment(rest)
    if kind == "command" and rest.strip():
        return _from_command(rest)
    raise Invalid("The place of the root key is written file:PATH, env:NAME or command:WORDS: mend the setting.")


def make_root_key(path: Path, random: Random) -> bytes:
    """Make a new root key in a file only its owner may read; an existing file is never overwritten.

    The file appears whole or not at all, so that whoever opens the installation at the same moment never reads half.

    Raises:
        Conflict: when the file exists.
        Unavailable: when it cannot be written.
    """
    secret = random(KEY_BYTES)
    beside: Path | None = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # its owner's alone
        beside = Path(name)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        _name_once(beside, path)
        keep_folder(path.parent)
    except OSError as error:
        if path.exists():
            raise Conflict(f"{path} exists already, and a root key is never overwritten: name another file.") from None
        raise Unavailable(
            f"{path} cannot be written ({error.strerror}): make room or choose another place, then try again."
        ) from None
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)
    return secret


def _name_once(written: Path, path: Path) -> None:
    """Give a written file its name, unless that name is taken: in one step on every system."""
    if os.name == "posix":
        os.link(written, path)
    else:
        written.rename(path)  # Windows refuses a name that is taken


def keep_folder(folder: Path) -> None:
    """Make sure that a file just made in a folder is still there after a power cut (no such step on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def fingerprint(root: bytes) -> str:
    """Sixteen characters that tell two root keys apart and say nothing about either."""
    return derive(root, "root key fingerprint").hex()[:16]


def _from_file(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise Invalid(
                f"{path} can be read by others than its owner: run `chmod 600` on it, and think of a new key."
            )
        written = path.read_bytes()
    except FileNotFoundError:
        raise Missing(
            f"The root key is not at {path}: put it back from where a copy is kept. Without it nothing can be read, "
            "and a new one would open nothing."
        ) from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror}): let this account read it.") from None
    return _read(written, str(path))


def _from_environment(name: str) -> bytes:
    written = os.environ.get(name)
    if not written:
        raise Missing(f"The environment variable {name} that should hold the root key is not set.")
    return _read(written.encode(), f"The environment variable {name}")


def _from_command(words: str) -> bytes:
    try:
        command = shlex.split(words)
    except ValueError:
        raise Invalid("The command that gives the root key has a quotation mark without its pair.") from None
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        raise Missing(f"The command that gives the root key, {command[0]}, is not installed.") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"The command that gives the root key did not answer in {PATIENCE:.0f} seconds.") from None
    except OSError as error:
        raise Unavailable(f"The command that gives the root key cannot be run ({error.strerror}).") from None
    if ran.returncode != 0:
        raise Unavailable(f"The command that gives the root key ended with {ran.returncode}: try it by hand.")
    return _read(ran.stdout, "The command that gives the root key")


def _read(written: bytes, place: str) -> bytes:
    """Read 32 bytes written as hexadecimal or base64; a key nobody drew at random is refused."""
    text = written.strip()
    try:
        secret = bytes.fromhex(text.decode("ascii")) if len(text) == KEY_BYTES * 2 else _four_to_three(text)
    except (ValueError, binascii.Error):
        raise Invalid(f"{place} does not hold a root key: it must be {_FORM}.") from None
    if len(secret) != KEY_BYTES:
        raise Invalid(f"{place} does not hold a root key: it must be {_FORM}.")
    if len(set(secret)) < 8:
        raise Invalid(f"{place} holds a root key that was not drawn at random: it must be {_FORM}.")
    return secret


def _four_to_three(text: bytes) -> bytes:
    """Read base64, of either alphabet, with its padding or without."""
    return base64.b64decode(text.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(text) % 4), validate=True)
