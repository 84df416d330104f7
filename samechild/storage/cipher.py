"""The key of encrypted SQLite files (SQLCipher): drawn once, kept beside the databases, wrapped under the root key.

It cannot lie in the key register, which is inside the file it opens. Changing the root key wraps it anew; the
databases themselves stay as they are. While the root key changes, the file holds it wrapped under both.
"""

from __future__ import annotations

from pathlib import Path

from samechild.errors import Invalid, Missing, Unavailable
from samechild.keys.seal import KEY_BYTES, Key, Random, derive, place, seal, unseal
from samechild.storage.whole import write_whole

FILE = "databases.key"


def database_key(home: Path, root: bytes, random: Random | None = None) -> bytes:
    """Fetch the 32 bytes that open this installation's SQLCipher files; with ``random``, draw them at first use.

    Raises:
        Missing: when the file is not there and ``random`` was not given.
        Unavailable: when the root key is not the one it was wrapped under, or the file cannot be read.
    """
    path = home / FILE
    if random is not None and not path.exists():
        secret = random(KEY_BYTES)
        _keep(path, [_wrapped(root, secret, random)])
        return secret
    for line in _lines(path):
        try:
            return unseal(_wrapping(root), line, place(FILE))
        except Invalid:
            continue
    raise Unavailable(f"This root key does not open {path}: put the right key where the setting root_key points.")


def wrap_for(home: Path, old: bytes, new: bytes, random: Random) -> None:
    """Before the root key changes: let both the old and the new one open the databases. Nothing without SQLCipher."""
    if (home / FILE).exists():
        secret = database_key(home, old)
        _keep(home / FILE, [_wrapped(old, secret, random), _wrapped(new, secret, random)])


def wrap_only_for(home: Path, root: bytes, random: Random) -> None:
    """After the root key changed: let no other open the databases. Nothing without SQLCipher."""
    if (home / FILE).exists():
        _keep(home / FILE, [_wrapped(root, database_key(home, root), random)])


def _wrapping(root: bytes) -> Key:
    return Key("root", 1, derive(root, "wrapping of the databases' key"))


def _wrapped(root: bytes, secret: bytes, random: Random) -> bytes:
    return seal(_wrapping(root), secret, place(FILE), random)


def _lines(path: Path) -> list[bytes]:
    try:
        return [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split()]
    except FileNotFoundError:
        raise Missing(f"{path} is gone: without it the encrypted databases cannot be read. Restore a backup.") from None
    except (OSError, ValueError):
        raise Unavailable(f"{path} cannot be read: it is damaged, or belongs to another account.") from None


def _keep(path: Path, lines: list[bytes]) -> None:
    write_whole(path, "".join(f"{line.hex()}\n" for line in lines).encode())
